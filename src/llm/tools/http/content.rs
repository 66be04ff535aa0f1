//! What an answer is, by what its header says and by what it turns out to be.

use serde::de::IgnoredAny;

use super::charset;

/// Binary data shows itself early.
const SNIFFED_BYTES: usize = 8 * 1024;

/// An answer, as what it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Html(String),
    /// As the server wrote it.
    Json(String),
    Text(String),
    /// Not for reading; its kind.
    Binary(String),
}

/// Looks at an answer. The header is only a claim: what cannot be text is not taken for text, and what
/// is text is read.
pub(super) fn recognize(bytes: &[u8], content_type: &str) -> Content {
    let claimed = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if let Some(kind) = binary_kind(bytes, content_type, &claimed) {
        return Content::Binary(kind);
    }
    let text = charset::decode(bytes, content_type);
    let start = text.trim_start();
    let looks_like_json = start.starts_with(['{', '[']);
    let claims_json = claimed.ends_with("/json") || claimed.ends_with("+json");
    if (claims_json || (looks_like_json && claimed != "text/plain"))
        && serde_json::from_str::<IgnoredAny>(&text).is_ok()
    {
        return Content::Json(text);
    }
    let claims_html = matches!(claimed.as_str(), "text/html" | "application/xhtml+xml");
    let claims_nothing = matches!(
        claimed.as_str(),
        "" | "application/octet-stream" | "unknown/unknown"
    );
    if claims_html || (claims_nothing && looks_like_html(start)) {
        return Content::Html(text);
    }
    Content::Text(text)
}

fn binary_kind(bytes: &[u8], content_type: &str, claimed: &str) -> Option<String> {
    let start = &bytes[..bytes.len().min(SNIFFED_BYTES)];
    let known = infer::get(start).filter(|kind| kind.matcher_type() != infer::MatcherType::Text);
    if let Some(kind) = known {
        return Some(kind.mime_type().to_owned());
    }
    let is_wide = charset::is_marked_utf16(start) || charset::says_utf16(content_type);
    if start.contains(&0) && !is_wide {
        return Some(binary_name(claimed));
    }
    // Without a claim of text, bytes that are no UTF-8 are nobody's words.
    let claims_text = claimed.starts_with("text/")
        || [
            "json",
            "xml",
            "javascript",
            "ecmascript",
            "x-www-form-urlencoded",
            "yaml",
        ]
        .iter()
        .any(|word| claimed.ends_with(word));
    if !claims_text && !charset::begins_as_utf8(start) {
        return Some(binary_name(claimed));
    }
    None
}

/// A claim of text was wrong, so it is no name for what it is.
fn binary_name(claimed: &str) -> String {
    let is_name = claimed.len() <= 100
        && claimed.split('/').count() == 2
        && claimed.bytes().all(|byte| byte.is_ascii_graphic());
    if is_name && !claimed.starts_with("text/") {
        claimed.to_owned()
    } else {
        "application/octet-stream".to_owned()
    }
}

fn looks_like_html(start: &str) -> bool {
    let start: String = start.chars().take(20).collect();
    let start = start.to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(|tag| start.starts_with(tag))
}

#[cfg(test)]
mod tests {
    use super::{Content, recognize};

    #[test]
    fn an_answer_is_what_it_turns_out_to_be() {
        const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3";
        let table: &[(&str, &[u8], &str)] = &[
            ("text/html", b"<p>x", "html"),
            ("application/xhtml+xml", b"<html/>", "html"),
            ("", b"<!DOCTYPE html><p>", "html"),
            ("application/octet-stream", b" <HTML>", "html"),
            ("text/plain", b"<html>", "text"),
            ("application/json", b"{\"a\": 1 }", "json"),
            ("application/ld+json; charset=utf-8", b"[1]", "json"),
            ("application/json", b"\"text\"", "json"),
            ("application/json", b"{broken", "text"),
            ("application/json", b"<html>", "text"),
            ("text/html", b" {\"error\":1}", "json"),
            ("text/html", b"[not json]", "html"),
            ("", b"{\"a\":1}", "json"),
            ("text/plain", b"{\"a\":1}", "text"),
            ("text/csv", b"a,b", "text"),
            ("application/xml", b"<?xml version='1.0'?><a/>", "text"),
            ("image/svg+xml", b"<svg/>", "text"),
            ("application/javascript", b"let a", "text"),
            ("", b"words", "text"),
            ("image/png", PNG, "image/png"),
            ("text/html", PNG, "image/png"),
            ("application/json", PDF, "application/pdf"),
            ("", b"\0\x01\x02", "application/octet-stream"),
            ("text/plain", b"a\0b", "application/octet-stream"),
            ("application/x-own", b"a\0b", "application/x-own"),
            ("application/x-own", b"\xff\xf0", "application/x-own"),
            ("image/png", b"not a picture", "text"),
            ("text/plain", b"\xff\xfeh\0i\0", "text"),
            ("text/html; charset=utf-16le", b"h\0i\0", "html"),
            ("a/b/c\r\n", b"\0", "application/octet-stream"),
        ];
        for (content_type, bytes, expected) in table {
            let found = match recognize(bytes, content_type) {
                Content::Html(_) => "html".to_owned(),
                Content::Json(_) => "json".to_owned(),
                Content::Text(_) => "text".to_owned(),
                Content::Binary(kind) => kind,
            };
            assert_eq!(found, *expected, "{content_type} {bytes:?}");
        }
    }
}
