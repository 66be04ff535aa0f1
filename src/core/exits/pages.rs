//! Files that are not shown as they are written: who opens one may load the addresses that stand in it.

/// Names of kinds that are rendered. Others can be, such as office documents, in which nobody sees what stands.
const RENDERED: [&str; 13] = [
    "htm", "html", "markdown", "md", "mht", "mhtml", "shtml", "svg", "xht", "xhtml", "xml", "xsl",
    "xslt",
];

/// Whether a file of this name is rendered where it is opened.
pub fn is_rendered(name: &str) -> bool {
    RENDERED.contains(&extension(name).as_str())
}

/// Whether nothing in a file that is rendered leads anywhere: no link, no picture, nothing of HTML.
pub fn leads_nowhere(name: &str, content: &[u8]) -> bool {
    const LEADING: [&str; 6] = ["<", "&", "](", "]:", "//", "www."];
    let is_markdown = ["md", "markdown"].contains(&extension(name).as_str());
    let content = std::str::from_utf8(content);
    is_markdown && content.is_ok_and(|text| !LEADING.iter().any(|sign| text.contains(sign)))
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
