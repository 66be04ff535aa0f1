//! Makes any spans legal: sorted, disjoint or nested, not blank, and nothing shares a character
//! with code.

use std::cmp::Reverse;
use std::ops::Range;

use super::chars::is_blank;
use super::{FormattedText, Span, Style};

/// The spans of the same look, cut so that they obey the rules of [`FormattedText`]; those out of
/// the text are dropped.
///
/// Who yields where two meet: a link, a quote and every simple style are cut around a `Pre`, simple
/// styles around a `Code`; a `Code` within a link, a spoiler or a quote is dropped, since the other
/// one carries more; of two links the outer one stays.
pub(super) fn legalise(text: &str, spans: Vec<Span>) -> Vec<Span> {
    let mut spans: Vec<Span> = spans
        .into_iter()
        .filter(|span| is_within(text, span))
        .collect();
    sort(&mut spans);
    let pres = disjoint(&spans, is_pre);
    let holders = without(disjoint(&spans, is_link), &pres, Whole::Dropped);
    let quotes = without(disjoint(&spans, is_quote), &pres, Whole::Cut);
    let spoilers = disjoint(&spans, |style| *style == Style::Spoiler);
    let mut codes = disjoint(&spans, |style| *style == Style::Code);
    for stronger in [&pres, &holders, &quotes, &spoilers] {
        codes = without(codes, stronger, Whole::Dropped);
    }
    let mut monospace: Vec<Span> = pres.iter().chain(&codes).cloned().collect();
    sort(&mut monospace);
    let mut layers = vec![quotes, holders, pres, codes];
    for simple in [
        Style::Bold,
        Style::Italic,
        Style::Underline,
        Style::Strikethrough,
        Style::Spoiler,
    ] {
        let united = united(&spans, &simple);
        layers.push(without(united, &monospace, Whole::Cut));
    }
    let mut nested = nest(layers);
    nested.retain_mut(|span| trim(text, span));
    sort(&mut nested);
    nested
}

/// A part of a text with legal spans, without whitespace at its ends; `None` when nothing of it can
/// be seen.
///
/// A `Pre` that the part begins in keeps the indentation of its first line: Telegram trims only
/// what stands before the first entity.
pub(super) fn part(text: &str, spans: &[Span], range: Range<usize>) -> Option<FormattedText> {
    let whole = &text[range.clone()];
    if is_blank(whole) {
        return None;
    }
    let end = range.start + whole.trim_end().len();
    let visible = range.end - whole.trim_start().len();
    let mut start = visible;
    if let Some(pre) = spans
        .iter()
        .find(|span| is_pre(&span.style) && span.start <= visible && visible < span.end)
    {
        let from = pre.start.max(range.start);
        start = text[from..visible]
            .rfind('\n')
            .map_or(from, |at| from + at + 1);
    }
    let text = &text[start..end];
    let spans = spans
        .iter()
        .filter(|span| span.start < end && span.end > start)
        .map(|span| Span {
            start: span.start.max(start) - start,
            end: span.end.min(end) - start,
            style: span.style.clone(),
        })
        .filter_map(|mut span| trim(text, &mut span).then_some(span));
    let mut part = FormattedText {
        text: text.to_owned(),
        spans: spans.collect(),
    };
    sort(&mut part.spans);
    Some(part)
}

/// Outer spans before inner ones; of two with the same range a quote is the outer one.
pub(super) fn sort(spans: &mut [Span]) {
    spans.sort_by_key(|span| (span.start, Reverse(span.end), !is_quote(&span.style)));
}

fn is_within(text: &str, span: &Span) -> bool {
    span.start < span.end && text.is_char_boundary(span.start) && text.is_char_boundary(span.end)
}

pub(super) fn is_pre(style: &Style) -> bool {
    matches!(style, Style::Pre { .. })
}

fn is_link(style: &Style) -> bool {
    matches!(style, Style::Link { .. })
}

fn is_quote(style: &Style) -> bool {
    *style == Style::Quote
}

/// Takes whitespace off both ends of a span (off the front of a `Pre` only line breaks); false when
/// nothing is left.
fn trim(text: &str, span: &mut Span) -> bool {
    let inside = &text[span.start..span.end];
    if is_blank(inside) {
        return false;
    }
    let front = if is_pre(&span.style) {
        inside.trim_start_matches('\n')
    } else {
        inside.trim_start()
    };
    span.end = span.start + inside.trim_end().len();
    span.start += inside.len() - front.len();
    true
}

/// The spans of one kind that do not touch an earlier, outer one of that kind.
fn disjoint(sorted: &[Span], kind: impl Fn(&Style) -> bool) -> Vec<Span> {
    let mut kept: Vec<Span> = Vec::new();
    for span in sorted.iter().filter(|span| kind(&span.style)) {
        if kept.last().is_none_or(|last| last.end <= span.start) {
            kept.push(span.clone());
        }
    }
    kept
}

/// The ranges of one simple style, those that touch made one.
fn united(sorted: &[Span], style: &Style) -> Vec<Span> {
    let mut kept: Vec<Span> = Vec::new();
    for span in sorted.iter().filter(|span| span.style == *style) {
        match kept.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => kept.push(span.clone()),
        }
    }
    kept
}

/// What happens to a span that meets a stronger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whole {
    Dropped,
    Cut,
}

/// The spans less the stronger ones; both lists are sorted and disjoint.
fn without(spans: Vec<Span>, stronger: &[Span], whole: Whole) -> Vec<Span> {
    let mut kept = Vec::with_capacity(spans.len());
    let mut first = 0;
    for mut span in spans {
        while stronger
            .get(first)
            .is_some_and(|other| other.end <= span.start)
        {
            first += 1;
        }
        let meeting = stronger[first..]
            .iter()
            .take_while(|other| other.start < span.end);
        let mut is_met = false;
        for other in meeting {
            is_met = true;
            if whole == Whole::Cut && span.start < other.start {
                kept.push(Span {
                    start: span.start,
                    end: other.start,
                    style: span.style.clone(),
                });
            }
            span.start = other.end.max(span.start);
        }
        if span.start < span.end && !(is_met && whole == Whole::Dropped) {
            kept.push(span);
        }
    }
    kept
}

/// Merges layers of disjoint spans into nested ones: where a span ends while a later opened one
/// goes on, that one is closed and opened again. A quote is always the outermost. Linear, since at
/// most one span of each layer is open at a time.
fn nest(layers: Vec<Vec<Span>>) -> Vec<Span> {
    let mut waiting: Vec<Span> = layers.into_iter().flatten().collect();
    waiting.sort_by_key(|span| (span.start, !is_quote(&span.style), Reverse(span.end)));
    let mut done = Vec::with_capacity(waiting.len());
    let mut open: Vec<Span> = Vec::new();
    let mut waiting = waiting.into_iter().peekable();
    loop {
        let next_start = waiting.peek().map(|span| span.start);
        let next_end = open.iter().map(|span| span.end).min();
        let at = match (next_start, next_end) {
            (None, None) => return done,
            (Some(start), None) => start,
            (None, Some(end)) => end,
            (Some(start), Some(end)) => start.min(end),
        };
        let mut opening: Vec<Span> = Vec::new();
        while let Some(span) = waiting.next_if(|span| span.start == at) {
            opening.push(span);
        }
        let from_outside = opening.iter().any(|span| is_quote(&span.style));
        let keep = if from_outside {
            0
        } else {
            open.iter()
                .position(|span| span.end == at)
                .unwrap_or(open.len())
        };
        for span in open.drain(keep..) {
            let rest = Span {
                start: at,
                ..span.clone()
            };
            if span.start < at {
                done.push(Span { end: at, ..span });
            }
            if rest.start < rest.end {
                opening.push(rest);
            }
        }
        opening.sort_by_key(|span| (!is_quote(&span.style), Reverse(span.end)));
        open.append(&mut opening);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legal(text: &str, spans: &[(usize, usize, Style)]) -> Vec<(usize, usize, Style)> {
        let spans = spans.iter().map(|(start, end, style)| Span {
            start: *start,
            end: *end,
            style: style.clone(),
        });
        legalise(text, spans.collect())
            .into_iter()
            .map(|span| (span.start, span.end, span.style))
            .collect()
    }

    #[test]
    fn spans_that_meet_are_made_legal() {
        use Style::{Bold, Code, Italic, Quote, Spoiler};
        let pre = || Style::Pre { language: None };
        let link = || Style::Link {
            url: "https://a.example".into(),
        };
        let text = "abcdefghij";
        let table = [
            (
                "code cuts bold",
                vec![(0, 9, Bold), (3, 5, Code)],
                vec![(0, 3, Bold), (3, 5, Code), (5, 9, Bold)],
            ),
            (
                "crossing",
                vec![(0, 5, Bold), (3, 8, Italic)],
                vec![(0, 5, Bold), (3, 5, Italic), (5, 8, Italic)],
            ),
            (
                "nested",
                vec![(2, 4, Italic), (0, 8, Bold)],
                vec![(0, 8, Bold), (2, 4, Italic)],
            ),
            (
                "same style",
                vec![(0, 4, Bold), (2, 6, Bold), (6, 8, Bold)],
                vec![(0, 8, Bold)],
            ),
            (
                "quotes do not nest",
                vec![(0, 9, Quote), (2, 4, Quote)],
                vec![(0, 9, Quote)],
            ),
            (
                "quote around pre",
                vec![(0, 9, Quote), (2, 4, pre())],
                vec![(0, 2, Quote), (2, 4, pre()), (4, 9, Quote)],
            ),
            (
                "quote is outermost",
                vec![(0, 9, Bold), (2, 4, Quote)],
                vec![(0, 2, Bold), (2, 4, Quote), (2, 4, Bold), (4, 9, Bold)],
            ),
            (
                "code in link",
                vec![(0, 4, link()), (1, 3, Code)],
                vec![(0, 4, link())],
            ),
            (
                "code in spoiler",
                vec![(0, 4, Spoiler), (1, 3, Code)],
                vec![(0, 4, Spoiler)],
            ),
            ("out of the text", vec![(8, 11, Bold), (3, 3, Bold)], vec![]),
        ];
        for (name, from, to) in table {
            assert_eq!(legal(text, &from), to, "{name}");
        }
    }

    #[test]
    fn whitespace_is_not_styled() {
        assert_eq!(legal(" a  ", &[(0, 4, Style::Bold)]), [(1, 2, Style::Bold)]);
        assert_eq!(legal("a \u{200B} b", &[(1, 6, Style::Bold)]), []);
        let pre = Style::Pre { language: None };
        assert_eq!(legal("\n  a\n", &[(0, 5, pre.clone())]), [(1, 4, pre)]);
    }
}
