//! `||spoilers||`, which CommonMark does not know: pairs the bars of one leaf and takes them out of
//! the text.

use crate::core::markup::chars::is_blank;
use crate::core::markup::{Span, Style};

/// The bytes of one mark.
const MARK: usize = 2;

/// Adds the offsets of all runs of exactly two bars from `start` on.
pub(super) fn find_bars(text: &str, start: usize, bars: &mut Vec<usize>) {
    let bytes = text.as_bytes();
    let mut at = start;
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|byte| **byte == b'|').count();
        if run == MARK {
            bars.push(at);
        }
        at += run.max(1);
    }
}

/// Styles what stands between pairs of bars and removes those bars, moving the spans from
/// `first_span` on along.
pub(super) fn apply(text: &mut String, spans: &mut Vec<Span>, first_span: usize, bars: &[usize]) {
    let pairs = pairs(text, bars);
    let (Some(first), false) = (pairs.first().map(|pair| pair.0), pairs.is_empty()) else {
        return;
    };
    let removed: Vec<usize> = pairs
        .iter()
        .flat_map(|(open, close)| [*open, *close])
        .collect();
    let moved = |offset: usize| offset - MARK * removed.partition_point(|mark| *mark < offset);
    for span in &mut spans[first_span..] {
        span.start = moved(span.start);
        span.end = moved(span.end);
    }
    for (open, close) in &pairs {
        spans.push(Span {
            start: moved(open + MARK),
            end: moved(*close),
            style: Style::Spoiler,
        });
    }
    let tail = text.split_off(first);
    let mut from = 0;
    for mark in removed {
        text.push_str(&tail[from..mark - first]);
        from = mark - first + MARK;
    }
    text.push_str(&tail[from..]);
}

/// An opening mark stands before, a closing one behind something visible; between letters on both
/// sides it is an operator.
fn pairs(text: &str, bars: &[usize]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let mut open: Option<usize> = None;
    for &bar in bars {
        let before = text[..bar].chars().next_back();
        let after = text[bar + MARK..].chars().next();
        let is_operator = [before, after]
            .iter()
            .all(|side| side.is_some_and(|side| side.is_ascii_alphanumeric()));
        if is_operator {
            continue;
        }
        match open {
            Some(start) if before.is_some_and(|before| !before.is_whitespace()) => {
                let hides_something = !is_blank(&text[start + MARK..bar]);
                open = (!hides_something).then_some(bar);
                if hides_something {
                    pairs.push((start, bar));
                }
            }
            _ if after.is_some_and(|after| !after.is_whitespace()) => open = Some(bar),
            _ => {}
        }
    }
    pairs
}
