//! Files that are not shown as they are written: who opens one may load the addresses that stand in it.

/// Names of kinds that are rendered. Others can be, such as office documents, in which nobody sees what stands.
const RENDERED: [&str; 27] = [
    "atom", "eml", "fodp", "fods", "fodt", "hta", "htm", "html", "m3u", "m3u8", "markdown", "md",
    "mht", "mhtml", "rss", "rtf", "shtml", "svg", "url", "webloc", "xht", "xhtm", "xhtml", "xml",
    "xsl", "xslt", "xspf",
];

/// Of these, those that are mere text as long as nothing in them leads anywhere.
const TEXTS: [&str; 2] = ["markdown", "md"];

/// Whether a file of this name is rendered where it is opened.
pub fn is_rendered(name: &str) -> bool {
    RENDERED.contains(&extension(name).as_str())
}

/// Whether it depends on its content what becomes of a file of this name: where it has no kind, that is guessed.
pub fn may_be_rendered(name: &str) -> bool {
    is_rendered(name) || extension(name).is_empty()
}

/// Whether nothing in a file that may be rendered leads anywhere: no link, no picture, nothing of HTML.
pub fn leads_nowhere(name: &str, content: &[u8]) -> bool {
    const LEADING: [&str; 6] = ["<", "&", "](", "]:", "//", "www."];
    let Ok(text) = std::str::from_utf8(content) else {
        return false;
    };
    match extension(name).as_str() {
        "" => !text.contains('<'),
        kind => TEXTS.contains(&kind) && !LEADING.iter().any(|sign| text.contains(sign)),
    }
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
        for (name, content, nowhere) in [
            ("a.html", "words", false),
            ("a", "words & https://a.example", true),
            ("a", " <p>", false),
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
