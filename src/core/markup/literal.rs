//! When marks that CommonMark reads as emphasis, or a destination it reads as a link, must stay as
//! they were written.

use std::ops::Range;

use pulldown_cmark::Tag;

/// The longest link that is made clickable, in bytes.
const LINK_BYTES: usize = 2048;

/// The ranges of a Markdown source that are bare URLs, in order.
#[derive(Debug)]
pub(super) struct BareUrls(Vec<Range<usize>>);

impl BareUrls {
    /// Finds `scheme://…` up to whitespace, a quote or a bracket; trailing punctuation does not
    /// belong to it.
    pub(super) fn find(source: &str) -> Self {
        let mut found: Vec<Range<usize>> = Vec::new();
        let mut from = 0;
        while let Some(colon) = source[from..].find("://").map(|at| from + at) {
            let letters = source[from..colon]
                .bytes()
                .rev()
                .take_while(u8::is_ascii_alphabetic)
                .count();
            let rest = &source[colon + 3..];
            let length = rest.find(ends_url).unwrap_or(rest.len());
            let kept = rest[..length].trim_end_matches(trails_url).len();
            if letters > 0 && kept > 0 {
                found.push(colon - letters..colon + 3 + kept);
            }
            from = colon + 3 + length;
        }
        Self(found)
    }

    fn contains(&self, offset: usize) -> bool {
        let index = self.0.partition_point(|url| url.end <= offset);
        self.0.get(index).is_some_and(|url| url.start <= offset)
    }
}

fn ends_url(character: char) -> bool {
    character.is_whitespace() || matches!(character, '<' | '>' | '"' | '`' | '[' | ']' | '|')
}

fn trails_url(character: char) -> bool {
    matches!(
        character,
        '.' | ',' | ';' | ':' | '!' | '?' | '\'' | ')' | '*' | '_' | '~'
    )
}

/// The marks of an emphasis at `range` that are to be shown instead of applied, or `None` when they
/// are real emphasis.
pub(super) fn literal_marks<'a>(
    source: &'a str,
    tag: &Tag<'_>,
    range: &Range<usize>,
    urls: &BareUrls,
) -> Option<&'a str> {
    let length = match tag {
        Tag::Emphasis => 1,
        Tag::Strong => 2,
        Tag::Strikethrough if source[range.clone()].starts_with("~~") => 2,
        Tag::Strikethrough => return source.get(range.start..range.start + 1),
        _ => return None,
    };
    let marks = source.get(range.start..range.start + length)?;
    let content = source.get(range.start + length..range.end.checked_sub(length)?)?;
    let before = source[..range.start].chars().next_back();
    let after = &source[range.end..];
    let in_url = urls.contains(range.start) || urls.contains(range.end - length);
    let literal = in_url
        || match marks.as_bytes().first() {
            Some(b'_') => is_name(content, length, before, after),
            Some(b'*') => is_word(before) && is_word(after.chars().next()),
            _ => false,
        };
    literal.then_some(marks)
}

/// Whether underscores around `content` are part of a name of a program (`__init__`, `_a_b_`,
/// `_x_()`).
fn is_name(content: &str, marks: usize, before: Option<char>, after: &str) -> bool {
    if content.is_empty()
        || !content
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return false;
    }
    let mut next = after.chars();
    let touches_code = match next.next() {
        Some('.') => is_word(next.next()),
        Some('(' | '[' | '/' | '\\') => true,
        _ => false,
    };
    let capitals = content.bytes().any(|byte| byte.is_ascii_uppercase());
    let smalls = content.bytes().any(|byte| byte.is_ascii_lowercase());
    touches_code
        || matches!(before, Some('.' | '/' | '\\'))
        || content.contains('_')
        || (marks == 2 && !(capitals && smalls))
}

fn is_word(character: Option<char>) -> bool {
    character.is_some_and(|character| character.is_ascii_alphanumeric())
}

/// Whether a link may lead there: an absolute http, https, tg or mailto URL without whitespace or
/// control characters.
pub(super) fn is_allowed_url(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else {
        return false;
    };
    let rest = match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" | "tg" => rest.strip_prefix("//").unwrap_or_default(),
        "mailto" => rest,
        _ => return false,
    };
    url.len() <= LINK_BYTES
        && rest.starts_with(|first: char| first.is_alphanumeric() || first == '[')
        && !url.contains(|character: char| character.is_whitespace() || character.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_four_schemes_are_links() {
        let table = [
            ("https://example.org/a_(b)", true),
            ("HTTP://example.org", true),
            ("tg://user?id=1", true),
            ("mailto:a@b.example", true),
            ("javascript:alert(1)", false),
            ("file:///etc/passwd", false),
            ("https:example.org", false),
            ("https://", false),
            ("http:///x", false),
            ("README.md", false),
            ("#anchor", false),
            ("https://a b", false),
            ("", false),
        ];
        for (url, allowed) in table {
            assert_eq!(is_allowed_url(url), allowed, "{url}");
        }
    }

    #[test]
    fn bare_urls_end_before_punctuation() {
        let source = "see https://a.example/_x_, (http://b.example/c) :// tg://y";
        let found: Vec<&str> = BareUrls::find(source)
            .0
            .into_iter()
            .map(|url| &source[url])
            .collect();
        assert_eq!(
            found,
            ["https://a.example/_x", "http://b.example/c", "tg://y"]
        );
    }
}
