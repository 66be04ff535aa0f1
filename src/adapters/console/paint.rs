//! Formatted text for a terminal: styles as escape sequences (ECMA-48, SGR).

use crate::core::markup::{FormattedText, Span, Style};

/// Whether styles are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    On,
    Off,
}

/// The text from the byte `from` on, which must be a character's border.
///
/// Escape sequences that the text itself holds cannot act on the terminal: rendering has already
/// replaced control characters.
pub(super) fn paint(text: &FormattedText, from: usize, colours: Colours) -> String {
    let mut painted = String::with_capacity(text.text.len() - from);
    let mut at = from;
    for next in borders(text, from) {
        let piece = &text.text[at..next];
        let styles = covering(text, at);
        match colours {
            Colours::On if !styles.is_empty() => {
                painted.push_str(&format!("\x1b[{}m{piece}\x1b[0m", codes(&styles)));
            }
            Colours::On | Colours::Off => painted.push_str(piece),
        }
        for span in text.spans.iter().filter(|span| span.end == next) {
            if let Style::Link { url } = &span.style {
                painted.push_str(&format!(" ({url})"));
            }
        }
        at = next;
    }
    painted
}

fn borders(text: &FormattedText, from: usize) -> Vec<usize> {
    let ends = text.spans.iter().flat_map(|span| [span.start, span.end]);
    let mut borders: Vec<usize> = ends.filter(|border| *border > from).collect();
    borders.push(text.text.len());
    borders.sort_unstable();
    borders.dedup();
    borders
}

fn covering(text: &FormattedText, at: usize) -> Vec<&Span> {
    text.spans
        .iter()
        .filter(|span| span.start <= at && at < span.end)
        .collect()
}

fn codes(styles: &[&Span]) -> String {
    let codes: Vec<&str> = styles
        .iter()
        .map(|span| match span.style {
            Style::Bold => "1",
            Style::Italic => "3",
            Style::Underline | Style::Link { .. } => "4",
            Style::Strikethrough => "9",
            Style::Spoiler => "7",
            Style::Code | Style::Pre { .. } => "36",
            Style::Quote => "2",
        })
        .collect();
    codes.join(";")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::core::markup;

    #[test]
    fn without_colours_only_the_text_is_left() {
        let text = markup::render("a **b** `c` [d](https://example.org)");
        assert_eq!(
            paint(&text, 0, Colours::Off),
            "a b c d (https://example.org)"
        );
    }

    #[test]
    fn styles_start_and_end_around_their_text() {
        let text = markup::render("a **b** c");
        assert_eq!(paint(&text, 0, Colours::On), "a \x1b[1mb\x1b[0m c");
    }

    #[test]
    fn painting_in_two_goes_is_painting_in_one() {
        let text = markup::render("one **two three** `four` five");
        for (at, _) in text.text.char_indices() {
            let whole = FormattedText {
                text: text.text.clone(),
                spans: Vec::new(),
            };
            let first = FormattedText {
                text: text.text[..at].to_owned(),
                spans: Vec::new(),
            };
            let joined = paint(&first, 0, Colours::Off) + &paint(&whole, at, Colours::Off);
            assert_eq!(joined, text.text);
        }
    }
}
