//! Splits a formatted text into messages: at block, then line, then word borders.

use std::ops::Range;

use super::chars::{is_regional, may_cut_between};
use super::legal::{is_pre, legalise, part, sort};
use super::links::{break_up, is_guard};
use super::{FormattedText, Span, Style, utf16_len};

/// Telegram ignores the entities of a message beyond this many.
const MOST_SPANS: usize = 100;
/// A better border is taken only when the part before it is at least this fraction of a full one.
const LEAST_FILL: usize = 4;

/// The parts of a text, each at most `max_units` UTF-16 code units long (at least one character, so
/// at least 2 must be allowed), with at most 100 spans, and legal. An empty text has no parts.
///
/// Nothing but whitespace at the cuts is lost. A `Pre` that fits into one part is moved into the
/// next part whole; a longer one is cut between its lines and goes on in the next part with its
/// language, as every other style does.
pub fn split(text: &FormattedText, max_units: usize) -> Vec<FormattedText> {
    let spans = legalise(&text.text, text.spans.clone());
    let text = text.text.as_str();
    let mut parts = Vec::new();
    let mut carried: Vec<Span> = Vec::new();
    let mut next = 0;
    let mut start = 0;
    while start < text.len() {
        let full = limit(text, start, max_units);
        let beyond = next + spans[next..].partition_point(|span| span.start < full);
        let limit = guarded(text, carried.iter().chain(&spans[next..beyond]), full);
        let beyond = next + spans[next..].partition_point(|span| span.start < limit);
        let mut window: Vec<Span> = carried
            .iter()
            .chain(&spans[next..beyond])
            .cloned()
            .collect();
        let cut = if limit == text.len() {
            limit
        } else {
            Window::new(text, start..limit, &window, max_units).cut()
        };
        parts.extend(part(text, &window, start..cut).map(keep_most));
        next += spans[next..beyond].partition_point(|span| span.start < cut);
        window.retain(|span| span.start < cut && span.end > cut);
        carried = window;
        start = cut + skipped(text, cut, &carried);
    }
    parts
}

/// The end of the longest run from `start` on that fits.
pub(in crate::core) fn limit(text: &str, start: usize, max_units: usize) -> usize {
    let mut units = 0;
    for (at, character) in text[start..].char_indices() {
        units += character.len_utf16();
        if units > max_units && at > 0 {
            return start + at;
        }
    }
    text.len()
}

/// Where the part ends at the latest, so that a message has room for all styles that keep an address from
/// being a link.
fn guarded<'s>(text: &str, spans: impl Iterator<Item = &'s Span>, full: usize) -> usize {
    let mut guards = spans.filter(|span| is_guard(text, span));
    guards.nth(MOST_SPANS).map_or(full, |span| span.start)
}

/// The whitespace behind a cut that would only fill up the next part; in a `Pre` whole blank lines
/// only.
fn skipped(text: &str, cut: usize, carried: &[Span]) -> usize {
    let rest = &text[cut..];
    if carried.iter().any(|span| is_pre(&span.style)) {
        rest.len() - rest.trim_start_matches('\n').len()
    } else {
        let blank = rest.len() - rest.trim_start().len();
        // The last line's indentation may belong to a block of code that begins there.
        rest[..blank].rfind('\n').map_or(0, |at| at + 1)
    }
}

/// A text of any length in one piece, and legal; `None` when nothing of it can be seen.
pub fn whole(text: &FormattedText) -> Option<FormattedText> {
    let spans = legalise(&text.text, text.spans.clone());
    part(&text.text, &spans, 0..text.text.len())
}

/// The text with no more styles than a message can have, for what cannot be in parts. Where some are dropped
/// that kept an address from being a link, the address is broken up.
pub fn fitted(text: &FormattedText) -> FormattedText {
    keep_most(text.clone())
}

/// Drops the styles beyond the hundredth: never one that keeps an address from being a link before another,
/// and then those first that say least.
fn keep_most(mut part: FormattedText) -> FormattedText {
    if part.spans.len() > MOST_SPANS {
        let text = &part.text;
        part.spans.sort_by_cached_key(|span| {
            // Of the first kind those go that come last: what is broken up there moves none that stay.
            let rank = (!is_guard(text, span)).then(|| importance(&span.style));
            (rank, span.start)
        });
        let mut dropped = part.spans.split_off(MOST_SPANS);
        sort(&mut part.spans);
        dropped.retain(|span| is_guard(&part.text, span));
        dropped.sort_by_key(|span| span.start);
        let dropped: Vec<Range<usize>> = dropped.iter().map(|span| span.start..span.end).collect();
        break_up(&mut part.text, &dropped);
    }
    part
}

fn importance(style: &Style) -> u8 {
    match style {
        Style::Spoiler => 0,
        Style::Pre { .. } => 1,
        Style::Link { .. } => 2,
        Style::Quote => 3,
        Style::Code => 4,
        Style::Bold | Style::Italic | Style::Underline | Style::Strikethrough => 5,
    }
}

/// What a cut at some place would tear, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Border {
    Block,
    Line,
    CodeLine,
    Word,
    WordInSpan,
    Character,
    CharacterInSpan,
    None,
}

const BORDERS: [Border; 8] = [
    Border::Block,
    Border::Line,
    Border::CodeLine,
    Border::Word,
    Border::WordInSpan,
    Border::Character,
    Border::CharacterInSpan,
    Border::None,
];

/// The text that would fit into the next part, not at the end of the whole, and the spans that
/// begin before its end.
#[derive(Debug)]
struct Window<'t> {
    text: &'t str,
    range: Range<usize>,
    spans: &'t [Span],
    max_units: usize,
}

impl<'t> Window<'t> {
    fn new(text: &'t str, range: Range<usize>, spans: &'t [Span], max_units: usize) -> Self {
        Self {
            text,
            range,
            spans,
            max_units,
        }
    }

    /// Where the part ends: the last place with the best border.
    fn cut(&self) -> usize {
        let (last, last_filled) = self.last_borders();
        let good = |worst: Border| BORDERS.iter().filter(move |border| **border <= worst);
        let of = |places: &[Option<usize>; 8], border: &Border| places[*border as usize];
        good(Border::Line)
            .find_map(|border| of(&last_filled, border))
            .or_else(|| self.before_whole_pre())
            .or_else(|| good(Border::WordInSpan).find_map(|border| of(&last_filled, border)))
            .or_else(|| good(Border::None).find_map(|border| of(&last, border)))
            .unwrap_or(self.range.end)
    }

    /// The start of the `Pre` that the window ends in, when all of it fits into a part of its own.
    fn before_whole_pre(&self) -> Option<usize> {
        let pre = self.spans.iter().rev().find(|span| is_pre(&span.style))?;
        let is_torn = pre.start > self.range.start && pre.end > self.range.end;
        (is_torn && utf16_len(&self.text[pre.start..pre.end]) <= self.max_units)
            .then_some(pre.start)
    }

    /// The last place of each border, and the last one with a part well filled before it.
    fn last_borders(&self) -> ([Option<usize>; 8], [Option<usize>; 8]) {
        let mut last = [None; 8];
        let mut last_filled = [None; 8];
        let mut units = 0;
        let mut flag_halves = 0;
        let mut cover = Cover::new(self.spans);
        let mut characters = self.text[self.range.start..].char_indices().peekable();
        while let Some((_, before)) = characters.next() {
            let Some((offset, after)) = characters.peek().copied() else {
                break;
            };
            let at = self.range.start + offset;
            if at > self.range.end {
                break;
            }
            units += before.len_utf16();
            flag_halves = if is_regional(before) {
                flag_halves + 1
            } else {
                0
            };
            let tears_flag = flag_halves % 2 == 1 && is_regional(after);
            let inside = cover.at(at);
            let border = if tears_flag {
                Border::None
            } else {
                self.border(at, before, after, inside)
            };
            last[border as usize] = Some(at);
            if units >= self.max_units / LEAST_FILL {
                last_filled[border as usize] = Some(at);
            }
        }
        (last, last_filled)
    }

    fn border(&self, at: usize, before: char, after: char, inside: Inside) -> Border {
        // At the very end of the window the whitespace may still be ahead; it is dropped anyway.
        let is_ahead = at == self.range.end && after.is_whitespace() && !before.is_whitespace();
        let is_block = if is_ahead {
            self.text[at..].starts_with("\n\n")
        } else {
            self.text[..at].ends_with("\n\n")
        };
        match (if is_ahead { after } else { before }, inside) {
            ('\n', Inside::Nothing) if is_block => Border::Block,
            ('\n', Inside::Nothing | Inside::Style) => Border::Line,
            ('\n', Inside::Pre) => Border::CodeLine,
            (space, Inside::Nothing) if space.is_whitespace() => Border::Word,
            (space, _) if space.is_whitespace() => Border::WordInSpan,
            _ if !may_cut_between(before, after) => Border::None,
            (_, Inside::Nothing | Inside::Style) => Border::Character,
            _ => Border::CharacterInSpan,
        }
    }
}

/// What a place is strictly within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    /// Bold and the like, or a quote.
    Style,
    /// A link or inline code.
    Atom,
    Pre,
}

/// Tells for rising offsets what covers them, in one pass over the spans.
#[derive(Debug)]
struct Cover<'t> {
    waiting: std::iter::Peekable<std::slice::Iter<'t, Span>>,
    open: Vec<&'t Span>,
}

impl<'t> Cover<'t> {
    fn new(spans: &'t [Span]) -> Self {
        Self {
            waiting: spans.iter().peekable(),
            open: Vec::new(),
        }
    }

    fn at(&mut self, offset: usize) -> Inside {
        while let Some(span) = self.waiting.next_if(|span| span.start < offset) {
            self.open.push(span);
        }
        self.open.retain(|span| span.end > offset);
        let strongest = self.open.iter().map(|span| match span.style {
            Style::Pre { .. } => Inside::Pre,
            Style::Link { .. } | Style::Code => Inside::Atom,
            _ => Inside::Style,
        });
        strongest
            .reduce(|one, other| if other == Inside::Style { one } else { other })
            .unwrap_or(Inside::Nothing)
    }
}
