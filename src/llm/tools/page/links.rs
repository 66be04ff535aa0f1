//! Links and pictures: absolute, so that they mean the same outside of their page.

use htmd::Element;
use htmd::element_handler::{HandlerResult, Handlers};
use url::Url;

/// Longer ones carry data, not places.
const MAX_LINK: usize = 2000;

/// Links to elsewhere keep their address; others are only their text.
pub(super) fn link(
    base: Url,
) -> impl Fn(&dyn Handlers, Element<'_>) -> Option<HandlerResult> + Send + Sync {
    move |handlers, element| {
        let content = handlers.walk_children(element.node).content;
        let text = content.trim();
        match attribute(&element, "href").and_then(|href| absolute(&base, &href)) {
            Some(address) if !text.is_empty() => {
                // The address may not be torn apart; the text is one line, as links are.
                let text = text
                    .split('\n')
                    .map(str::trim)
                    .collect::<Vec<_>>()
                    .join(" ");
                Some(format!("[{text}]({address})").into())
            }
            _ => Some(content.into()),
        }
    }
}

/// Pictures are what is said of them, and where they are.
pub(super) fn picture(
    base: Url,
) -> impl Fn(&dyn Handlers, Element<'_>) -> Option<HandlerResult> + Send + Sync {
    move |_, element| {
        let alt = attribute(&element, "alt")?;
        let alt = alt.split_whitespace().collect::<Vec<_>>().join(" ");
        if alt.is_empty() {
            return None;
        }
        let source = attribute(&element, "src").and_then(|source| absolute(&base, &source));
        Some(match source {
            Some(address) => format!("![{alt}]({address})").into(),
            None => alt.into(),
        })
    }
}

fn attribute(element: &Element<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attrs.iter();
    attributes
        .find(|attribute| &*attribute.name.local == name)
        .map(|attribute| attribute.value.to_string())
}

/// As it stands in Markdown: in angle brackets where brackets would end it.
fn absolute(base: &Url, written: &str) -> Option<String> {
    // A link within the page leads nowhere that is not read already.
    let written = written.trim();
    if written.starts_with('#') {
        return None;
    }
    let url = base.join(written).ok()?;
    let text = url.as_str();
    if !matches!(url.scheme(), "http" | "https" | "mailto") || text.len() > MAX_LINK {
        return None;
    }
    Some(if text.contains(['(', ')']) {
        format!("<{text}>")
    } else {
        text.to_owned()
    })
}
