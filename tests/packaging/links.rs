//! Every relative link in a Markdown file leads to a file, and to a heading where it names one.

use std::path::Path;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::{documents, root};

/// What one Markdown text links to, and the anchors of its headings.
#[derive(Default)]
struct Document {
    links: Vec<String>,
    anchors: Vec<String>,
}

impl Document {
    fn parse(text: &str) -> Self {
        let mut document = Self::default();
        let mut heading: Option<String> = None;
        for event in Parser::new(text) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    document
                        .anchors
                        .extend(heading.take().map(|title| anchor(&title)));
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(title) = &mut heading {
                        title.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        document
    }
}

/// The anchor that forges give a heading: lower case, no punctuation, hyphens for spaces.
fn anchor(title: &str) -> String {
    title
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// The links of a Markdown text that lead to files beside it.
pub fn links(text: &str) -> Vec<String> {
    let mut links = Document::parse(text).links;
    links.retain(|link| url::Url::parse(link).is_err());
    links
}

/// Why a link from `file` with the content `text` leads nowhere, for each that does.
fn broken_links(file: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for link in links(text) {
        let (path, wanted) = link.split_once('#').unwrap_or((&link, ""));
        let target = match path {
            "" => file.to_owned(),
            path => file.parent().unwrap().join(path),
        };
        if !path.is_empty() && !target.exists() {
            found.push(format!("{}: no file {path}", file.display()));
        } else if !wanted.is_empty() {
            let text = match path {
                "" => text.to_owned(),
                _ => std::fs::read_to_string(&target).unwrap(),
            };
            if !Document::parse(&text)
                .anchors
                .iter()
                .any(|anchor| anchor == wanted)
            {
                found.push(format!("{}: no heading {link}", file.display()));
            }
        }
    }
    found
}

#[test]
fn no_link_in_a_document_is_broken() {
    for file in documents() {
        let text = std::fs::read_to_string(&file).unwrap();
        let broken = broken_links(&file, &text);
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }
}

#[test]
fn a_broken_link_is_found() {
    let file = root().join("EXAMPLE.md");
    let text = "# Über *this* `x`\n[a](Cargo.toml) [b](none.md) [c](#über-this-x) [d](#no)\n\
                [e](https://example.org/x) `[f](none)` ![g](none.png)\n";
    let broken = broken_links(&file, text);
    let reasons: Vec<&str> = broken
        .iter()
        .map(|line| line.split_once(": ").unwrap().1)
        .collect();
    assert_eq!(
        reasons,
        ["no file none.md", "no heading #no", "no file none.png"]
    );
}
