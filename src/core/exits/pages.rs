//! Files that are not shown as they are written: who opens one may load the addresses that stand in it.

/// Names of kinds that are rendered. Others can be, such as office documents, in which nobody sees what stands.
const RENDERED: [&str; 30] = [
    "asx", "atom", "eml", "fodp", "fods", "fodt", "hta", "htm", "html", "m3u", "m3u8", "markdown",
    "md", "mht", "mhtml", "pls", "rss", "rtf", "shtml", "svg", "url", "webloc", "wpl", "xht",
    "xhtm", "xhtml", "xml", "xsl", "xslt", "xspf",
];

/// Names of kinds that are shown as they are written, or by programs of their own: nobody guesses them.
const PLAIN: [&str; 78] = [
    "7z", "aac", "avi", "avif", "bash", "bib", "bmp", "bz2", "c", "cfg", "conf", "cpp", "css",
    "csv", "db", "diff", "docx", "epub", "flac", "gif", "go", "gz", "h", "heic", "ico", "ics",
    "ini", "java", "jpeg", "jpg", "js", "json", "jsonl", "kt", "log", "m4a", "mkv", "mov", "mp3",
    "mp4", "npy", "odp", "ods", "odt", "oga", "ogg", "opus", "parquet", "patch", "pdf", "png",
    "pptx", "py", "rb", "rs", "sh", "sql", "sqlite", "srt", "swift", "tar", "tex", "tgz", "tif",
    "tiff", "toml", "ts", "tsv", "txt", "wav", "webm", "webp", "xlsx", "xz", "yaml", "yml", "zip",
    "zst",
];

/// Of the rendered ones, those that are mere text as long as nothing in them leads anywhere.
const TEXTS: [&str; 2] = ["markdown", "md"];

/// Whether a file of this name is rendered where it is opened.
pub fn is_rendered(name: &str) -> bool {
    RENDERED.contains(&extension(name).as_str())
}

/// Whether it depends on its content what becomes of a file of this name: where its kind is not known, that is guessed.
pub fn may_be_rendered(name: &str) -> bool {
    !PLAIN.contains(&extension(name).as_str())
}

/// Whether nothing in a file that may be rendered leads anywhere: no link, no picture, nothing of HTML.
pub fn leads_nowhere(name: &str, content: &[u8]) -> bool {
    const LEADING: [&str; 6] = ["<", "&", "](", "]:", "//", "www."];
    let Ok(text) = std::str::from_utf8(content) else {
        return false;
    };
    if !is_rendered(name) {
        return !text.contains('<');
    }
    TEXTS.contains(&extension(name).as_str()) && !LEADING.iter().any(|sign| text.contains(sign))
}

fn extension(name: &str) -> String {
    // Windows leaves out what ends a name so.
    let name = name.trim_end_matches(['.', ' ']);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    extension.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rendered_leads_somewhere_unless_it_is_mere_text() {
        for (name, rendered) in [
            ("a.txt", false),
            ("a", false),
            ("html", false),
            ("a.HTML", true),
            ("a.html. .", true),
        ] {
            assert_eq!(is_rendered(name), rendered, "{name}");
        }
        for (name, depends) in [
            ("a", true),
            ("a.v2", true),
            (".page", true),
            ("a.md", true),
            ("a.txt", false),
            ("a.PDF", false),
        ] {
            assert_eq!(may_be_rendered(name), depends, "{name}");
        }
        let mut known = [RENDERED.as_slice(), PLAIN.as_slice()].concat();
        known.sort_unstable();
        assert!(known.windows(2).all(|two| two[0] != two[1]), "{known:?}");
        for (name, content, nowhere) in [
            ("a.html", "words", false),
            ("a", "words & https://a.example", true),
            ("a", " <p>", false),
            ("a.v2", "words", true),
            ("a.v2", "<p>", false),
            ("a.url", "words", false),
            ("a.txt.SVG", "words", false),
            ("a.md", "# words\n- [ ] a_b, `c`", true),
            ("a.md", "![](a.png)", false),
            ("a.md", "[a]: b", false),
            ("a.md", "<b>", false),
            ("a.md", "see https://a.example", false),
            ("a.md", "&#60;", false),
        ] {
            assert_eq!(
                leads_nowhere(name, content.as_bytes()),
                nowhere,
                "{name} {content}"
            );
        }
        assert!(!leads_nowhere("a.md", b"\xff"));
    }
}
