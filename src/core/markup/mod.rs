//! Markdown to formatted text, and formatted text to messages; pure, and it knows no channel's API.
//!
//! The rules follow CommonMark 0.31 and, for what a message may carry, the "Formatting options"
//! section of the Bot API, which is the strictest of the channels. What differs from CommonMark, so
//! that no reader loses a character:
//!
//! - `__name__` around one identifier without capitals, or without small letters, is a name and not
//!   bold; so is any `__Name__` or `_name_` that touches `.x`, `(`, `[`, `/` or stands behind `.`
//!   or `/`, and `_a_b_` with an underscore inside.
//! - `*` and `**` between ASCII letters or digits on both outer sides (`2*3*4`) are operators; one
//!   `~` is a tilde.
//! - Emphasis marks inside a bare URL belong to the URL.
//! - Link definitions that no link uses, links to other than http, https, tg and mailto, HTML and
//!   footnotes are literal; so are words behind a fence's language (they become the first line of
//!   the code) and cells beyond a table's head.
//! - C0 control characters become their pictures (`␀`), a tab four spaces, a vertical tab, form
//!   feed or line separator a space; carriage returns and the bidirectional embeddings and
//!   overrides U+202A to U+202E are removed.

mod chars;
mod code_files;
mod definitions;
mod layout;
mod legal;
mod links;
mod literal;
mod render;
mod split;
mod table;
mod unfinished;

use serde::{Deserialize, Serialize};

pub use code_files::{CodeFile, LongCode};
pub use links::{without_unknown_addresses, without_unknown_links};
pub use render::{literal, render, render_apart};
pub(in crate::core) use split::limit;
pub use split::{fitted, split, whole};
pub use unfinished::{render_unfinished, render_unfinished_apart};

/// Text with styles on ranges of it: what a channel sends.
///
/// What [`render`] and [`split`] return is legal for Telegram: spans are disjoint or nested, `Code`
/// and `Pre` share no character with another span, quotes and links are not nested, no span is
/// blank or ends in whitespace, and the text neither starts nor ends with whitespace (but a `Pre`
/// at the start keeps the indentation of its first line).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FormattedText {
    /// What the reader sees.
    pub text: String,
    /// Sorted by start, then longest first.
    pub spans: Vec<Span>,
}

/// One style on the bytes `start..end` of a text, both on character borders; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Byte offset of the first character.
    pub start: usize,
    /// Byte offset behind the last character.
    pub end: usize,
    /// What the range looks like.
    pub style: Style,
}

/// How a range of text looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Style {
    Bold,
    Italic,
    Underline,
    Strikethrough,
    /// Hidden until the reader asks for it.
    Spoiler,
    /// Monospace within a line.
    Code,
    /// A monospace block.
    Pre {
        /// For syntax highlighting, as written behind the fence.
        language: Option<String>,
    },
    Link {
        /// Scheme http, https, tg or mailto.
        url: String,
    },
    Quote,
}

impl FormattedText {
    /// The text as it is, without styles.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            spans: Vec::new(),
        }
    }

    /// The same text without its styles, for a channel that refused them. Addresses that were kept from
    /// being links by a style are broken up.
    pub fn without_styles(&self) -> Self {
        let guards = self
            .spans
            .iter()
            .filter(|span| links::is_guard(&self.text, span));
        let guards: Vec<_> = guards.map(|span| span.start..span.end).collect();
        let mut text = self.text.clone();
        links::break_up(&mut text, &guards);
        Self::plain(text)
    }
}

/// The length in UTF-16 code units, in which Telegram counts.
pub fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The spans as (offset, length, style), offset and length in UTF-16 code units, as `MessageEntity`
/// of the Bot API wants them.
///
/// Expects spans on character borders within the text, as [`render`] and [`split`] make them;
/// others are left out.
pub fn utf16_spans(text: &FormattedText) -> Vec<(usize, usize, &Style)> {
    let mut borders: Vec<usize> = text
        .spans
        .iter()
        .flat_map(|span| [span.start, span.end])
        .collect();
    borders.sort_unstable();
    borders.dedup();
    let (mut byte, mut units) = (0, 0);
    let mut offsets = Vec::with_capacity(borders.len());
    for border in borders {
        let Some(between) = text.text.get(byte..border) else {
            continue;
        };
        units += utf16_len(between);
        byte = border;
        offsets.push((border, units));
    }
    let offset = |border: usize| {
        offsets
            .binary_search_by_key(&border, |pair| pair.0)
            .ok()
            .map(|index| offsets[index].1)
    };
    text.spans
        .iter()
        .filter_map(|span| {
            let (start, end) = (offset(span.start)?, offset(span.end)?);
            Some((start, end.checked_sub(start)?, &span.style))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn offsets_count_utf16_code_units() {
        let text = FormattedText {
            text: "😀 né 😀".into(),
            spans: vec![
                Span {
                    start: 0,
                    end: 13,
                    style: Style::Bold,
                },
                Span {
                    start: 5,
                    end: 8,
                    style: Style::Italic,
                },
            ],
        };
        assert_eq!(
            utf16_spans(&text),
            [(0, 8, &Style::Bold), (3, 2, &Style::Italic)]
        );
        assert_eq!(utf16_len(&text.text), 8);
    }

    #[test]
    fn offsets_outside_the_text_are_left_out() {
        let text = FormattedText {
            text: "é".into(),
            spans: vec![
                Span {
                    start: 1,
                    end: 2,
                    style: Style::Bold,
                },
                Span {
                    start: 0,
                    end: 9,
                    style: Style::Bold,
                },
            ],
        };
        assert_eq!(utf16_spans(&text), []);
    }

    #[test]
    fn styles_are_stored_by_name() {
        let style = Style::Pre {
            language: Some("rust".into()),
        };
        let json = serde_json::to_string(&style).unwrap();
        assert_eq!(json, r#"{"kind":"pre","language":"rust"}"#);
        assert_eq!(serde_json::from_str::<Style>(&json).unwrap(), style);
    }
}
