//! HTML as Markdown: what is left of a page for a model.

use std::thread;
use std::time::Duration;

use htmd::HtmlToMarkdown;
use htmd::options::{BulletListMarker, Options};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// More HTML than this is cut: what a model reads of it is a small part.
const MOST_BYTES: usize = 1_000_000;

/// The parser goes down one call for each level of nesting, and pages nest as deep as they like.
const STACK: usize = 256 * 1024 * 1024;

/// An honest page takes milliseconds.
const LONGEST: Duration = Duration::from_secs(10);

/// Elements that are no text.
const SKIPPED: &[&str] = &[
    "script", "style", "noscript", "template", "head", "svg", "iframe", "object", "canvas",
];

/// Turns HTML into Markdown; the error is for the model. The time grows with the square of the nesting: what the
/// browser gives is flat enough, and HTML of others is cut before.
pub(super) async fn to_markdown(mut html: String) -> Result<String, &'static str> {
    const FAILED: &str = "the page cannot be turned into text; read it as raw_html";
    let mut end = html.len().min(MOST_BYTES);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    html.truncate(end);
    let (tell, told) = oneshot::channel();
    let spawned = thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || tell.send(convert(&html)));
    spawned.map_err(|_| FAILED)?;
    let converted = timeout(LONGEST, told).await;
    converted.ok().and_then(Result::ok).flatten().ok_or(FAILED)
}

fn convert(html: &str) -> Option<String> {
    let options = Options {
        bullet_list_marker: BulletListMarker::Dash,
        ul_bullet_spacing: 1,
        ol_number_spacing: 1,
        ..Options::default()
    };
    let converter = HtmlToMarkdown::builder()
        .options(options)
        .skip_tags(SKIPPED.to_vec())
        .build();
    converter.convert(html).ok().map(|text| tidy(&text))
}

/// Without spaces at the ends of lines, and with one empty line where there are many.
fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut empty_lines = 1;
    for line in text.lines().map(str::trim_end) {
        empty_lines = if line.is_empty() { empty_lines + 1 } else { 0 };
        if empty_lines <= 1 {
            tidied.push_str(line);
            tidied.push('\n');
        }
    }
    tidied.truncate(tidied.trim_end().len());
    tidied
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{MOST_BYTES, to_markdown};

    #[tokio::test]
    async fn what_is_read_keeps_its_shape() {
        for (html, markdown) in [
            ("<h1>The   heading</h1><p>one</p>", "# The heading\n\none"),
            (
                "<p>a <a href=\"https://example.org/x?a=1&amp;b=2\">link</a></p>",
                "a [link](https://example.org/x?a=1&b=2)",
            ),
            ("<ul><li>one<li>two</ul>", "- one\n- two"),
            ("<pre><code>code  here</code></pre>", "```\ncode  here\n```"),
            ("<p>a<script>b</script><style>c</style></p>", "a"),
            ("<div><div><div>a</div></div></div><div>b</div>", "a\n\nb"),
            ("", ""),
        ] {
            assert_eq!(
                to_markdown(html.to_owned()).await.unwrap(),
                markdown,
                "{html}"
            );
        }
    }

    #[tokio::test]
    async fn deep_nesting_and_long_text_end() {
        for tag in [
            "div",
            "b",
            "blockquote",
            "ul><li",
            "table><tr><td",
            "font",
            "span",
        ] {
            let html = format!("<{tag}>").repeat(500) + "words";
            let _ = to_markdown(html).await;
        }
        let long = "é".repeat(3_000_000);
        assert!(to_markdown(long).await.unwrap().len() <= MOST_BYTES);
    }
}
