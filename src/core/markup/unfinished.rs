//! Text that is still being written: what is open is closed, and what cannot be told yet is held
//! back.

use pulldown_cmark::{Event, Tag};

use super::layout::Unseen;
use super::render::{is_too_deep, parser, render_with, with_line_feeds};
use super::{FormattedText, LongCode};

/// Emphasis nested deeper than this is not closed; it shows as written until its end arrives.
const DEEPEST_EMPHASIS: usize = 16;
/// A bracket that is still open after so many bytes is taken for text.
const LONGEST_HELD_BACK: usize = 512;

/// Renders the beginning of a Markdown text whose rest has not arrived.
///
/// Emphasis by stars, spoilers, inline code and fences that are open are closed at the end;
/// underscores are shown until their end arrives, since they are as often part of a name. A link,
/// an image, a list marker, a fence line or a table head that is not complete is held back, so that
/// it does not first appear as something else. Always legal, like [`render`](super::render); may be
/// empty.
pub fn render_unfinished(markdown: &str) -> FormattedText {
    unfinished(markdown, LongCode::InText)
}

/// The same where code that is too long to be read in a chat is not in the text: a line there says
/// how long it is so far.
pub fn render_unfinished_apart(markdown: &str) -> FormattedText {
    unfinished(markdown, LongCode::Apart)
}

fn unfinished(markdown: &str, long_code: LongCode) -> FormattedText {
    let (kept, closers) = closed(&with_line_feeds(markdown));
    let render = |markdown: &str| render_with(markdown, Unseen::Hidden, long_code).0;
    let closed = render(&format!("{kept}{closers}"));
    // What CommonMark did not take for an end would be seen: then nothing is closed.
    let is_seen = |text: &str| {
        "*~|`"
            .chars()
            .any(|mark| count(text, mark) > count(&kept, mark))
    };
    match closed {
        Some(closed) if closers.is_empty() || !is_seen(&closed.text) => closed,
        _ => render(&kept).unwrap_or_default(),
    }
}

fn count(text: &str, mark: char) -> usize {
    text.matches(mark).count()
}

/// The text less what is held back, and what closes it.
fn closed(markdown: &str) -> (String, String) {
    let markdown = markdown.trim_end_matches([' ', '\t']);
    if is_too_deep(markdown) {
        return (markdown.to_owned(), String::new());
    }
    if let Tail::Code = tail(markdown) {
        return (without_closing_fence(markdown).to_owned(), String::new());
    }
    if markdown.ends_with("\n\n") {
        return (markdown.to_owned(), String::new());
    }
    let markdown = without_table_head(without_bare_marker(markdown));
    match tail(markdown) {
        Tail::Inline(start) => {
            let (kept, closers) = close_inline(&markdown[start..]);
            (format!("{}{kept}", &markdown[..start]), closers)
        }
        Tail::Table => (
            markdown[..last_line_start(markdown)].to_owned(),
            String::new(),
        ),
        Tail::Code | Tail::Other => (markdown.to_owned(), String::new()),
    }
}

/// What a text ends in.
enum Tail {
    /// A paragraph, heading or item whose inline content begins there.
    Inline(usize),
    /// A fenced or indented code block.
    Code,
    /// A table: its last row is not complete before its line break.
    Table,
    Other,
}

fn tail(markdown: &str) -> Tail {
    let end = markdown.trim_end().len();
    let mut found = Tail::Other;
    let mut is_item = false;
    for (event, range) in parser(markdown).into_offset_iter() {
        let Event::Start(tag) = event else { continue };
        if range.end < end {
            continue;
        }
        is_item = matches!(tag, Tag::Item) || (is_item && tag_is_inline(&tag));
        match tag {
            Tag::Paragraph | Tag::Heading { .. } | Tag::Item => found = Tail::Inline(range.start),
            Tag::CodeBlock(_) if is_closed_fence(&markdown[range]) => found = Tail::Other,
            Tag::CodeBlock(_) => found = Tail::Code,
            Tag::Table(_) => found = Tail::Table,
            Tag::HtmlBlock => found = Tail::Other,
            _ => {}
        }
    }
    match found {
        Tail::Inline(start) if is_item => Tail::Inline(behind_marker(markdown, start)),
        other => other,
    }
}

fn tag_is_inline(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. }
    )
}

/// Whether a code block ends in a closing fence that can grow no more (a line break follows it in
/// the text, or it is full).
fn is_closed_fence(block: &str) -> bool {
    let block = block.trim_end();
    let Some((first, rest)) = block.split_once('\n') else {
        return false;
    };
    let open = fence_length(first);
    let last = rest.rsplit('\n').next().unwrap_or_default();
    open >= 3 && is_fence_only(last) && fence_length(last) >= open
}

fn fence_length(line: &str) -> usize {
    let line = line.trim_start_matches([' ', '>', '\t']);
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'));
    mark.map_or(0, |mark| line.len() - line.trim_start_matches(mark).len())
}

fn is_fence_only(line: &str) -> bool {
    let line = line.trim_matches([' ', '>', '\t']);
    !line.is_empty()
        && (line.bytes().all(|byte| byte == b'`') || line.bytes().all(|byte| byte == b'~'))
}

/// Drops a last line of an open code block that may become its closing fence.
fn without_closing_fence(markdown: &str) -> &str {
    let line_start = last_line_start(markdown);
    if line_start > 0 && is_fence_only(&markdown[line_start..]) {
        &markdown[..line_start]
    } else {
        markdown
    }
}

/// Drops a last line that has only marks so far: it may become a list item, a rule, a heading, a
/// fence, or underline the line above.
fn without_bare_marker(markdown: &str) -> &str {
    let line_start = last_line_start(markdown);
    let line = markdown[line_start..].trim();
    let marks_only = line.bytes().all(|byte| b"-=*_+#>`~|:[]! ".contains(&byte));
    let number = line.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let is_number = number.len() < line.len() && matches!(number, "." | ")");
    let is_fence = fence_length(line) >= 3;
    if marks_only || is_number || is_fence {
        markdown[..line_start].trim_end_matches([' ', '\t'])
    } else {
        markdown
    }
}

/// Drops the one or two last lines that begin a table, until the line under its head is complete.
fn without_table_head(markdown: &str) -> &str {
    let is_row = |line: &&str| line.trim_start_matches([' ', '>']).starts_with('|');
    let lines = markdown.strip_suffix('\n').unwrap_or(markdown);
    let rows = lines.rsplit('\n').take_while(is_row).take(3).count();
    let held = match rows {
        1 => 1,
        2 if lines.len() == markdown.len() => 2,
        _ => return markdown,
    };
    let kept = lines.rmatch_indices('\n').nth(held - 1);
    kept.map_or("", |(at, _)| &markdown[..at])
}

fn last_line_start(text: &str) -> usize {
    text.rfind('\n').map_or(0, |at| at + 1)
}

fn behind_marker(markdown: &str, start: usize) -> usize {
    let item = &markdown[start..];
    let text =
        item.trim_start_matches(|mark: char| mark.is_ascii_digit() || "-*+.) \t".contains(mark));
    let marker = item.len() - text.len();
    // A marker is followed by whitespace: marks directly before the text are emphasis.
    start + item[..marker].rfind([' ', '\t']).map_or(0, |at| at + 1)
}

/// The part of a paragraph that can be shown, and the marks that close it.
fn close_inline(text: &str) -> (&str, String) {
    let mut scan = Scan {
        text,
        open: Vec::new(),
        brackets: Vec::new(),
    };
    let end = scan.run();
    let held = scan
        .brackets
        .first()
        .copied()
        .filter(|start| text.len() - start <= LONGEST_HELD_BACK);
    let end = held.map_or(end, |start| end.min(start));
    scan.open.retain(|mark| mark.start < end);
    let mut kept = text[..end].trim_end();
    if kept.ends_with('\\') {
        kept = kept.trim_end_matches('\\');
    }
    // Half of a closing mark.
    if let Some(mark) = scan.open.last() {
        let without = kept.trim_end_matches(&mark.text[..1]);
        if kept.len() - without.len() < mark.text.len() {
            kept = without;
        }
    }
    // A mark with nothing behind it opens nothing yet.
    while let Some(mark) = scan
        .open
        .pop_if(|mark| mark.start + mark.text.len() >= kept.len())
    {
        kept = kept[..mark.start.min(kept.len())].trim_end();
    }
    let closers: String = scan.open.iter().rev().map(|mark| mark.text).collect();
    (kept, closers)
}

/// An opening mark that waits for its closing one.
struct Mark<'t> {
    start: usize,
    text: &'t str,
}

/// A walk over inline Markdown that only follows what can stay open.
struct Scan<'t> {
    text: &'t str,
    open: Vec<Mark<'t>>,
    /// Where links, images and autolinks begin that are not complete.
    brackets: Vec<usize>,
}

impl<'t> Scan<'t> {
    /// Returns where the text ends that can be shown.
    fn run(&mut self) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            at = match bytes[at] {
                b'\\' => at + 2,
                b'`' => match self.code(at) {
                    Some(next) => next,
                    None => return self.text.len(),
                },
                b'*' | b'~' | b'|' => self.mark(at),
                b'!' if bytes.get(at + 1) == Some(&b'[') => {
                    self.brackets.push(at);
                    at + 2
                }
                b'!' if at + 1 == bytes.len() => return at,
                b'[' => {
                    self.brackets.push(at);
                    at + 1
                }
                b']' => self.bracket_end(at),
                b'<' => self.angle(at),
                _ => at + 1,
            };
        }
        self.text.len()
    }

    /// Behind a closed code span, or `None` when it is open until the end; it is then closed as the
    /// innermost.
    fn code(&mut self, at: usize) -> Option<usize> {
        let length = run_length(self.text, at, b'`');
        let mark = &self.text[at..at + length];
        let mut from = at + length;
        while let Some(close) = self.text[from..].find('`').map(|found| from + found) {
            let run = run_length(self.text, close, b'`');
            from = close + run;
            if run == length {
                return Some(from);
            }
        }
        self.open.push(Mark {
            start: at,
            text: mark,
        });
        None
    }

    /// Behind a run of emphasis marks, which opens, closes or does nothing.
    fn mark(&mut self, at: usize) -> usize {
        let byte = self.text.as_bytes()[at];
        let length = run_length(self.text, at, byte);
        let text = &self.text[at..at + length];
        let is_mark = length == 2 || (byte == b'*' && length <= 3);
        let before = self.text[..at].chars().next_back().unwrap_or(' ');
        let after = self.text[at + length..].chars().next().unwrap_or(' ');
        let matching = self.open.iter().rposition(|mark| mark.text == text);
        // Between two letters or digits it may yet turn out to be an operator.
        let opens = flanks(after, before) && !before.is_ascii_alphanumeric();
        let is_last = at + length == self.text.len();
        match matching {
            _ if !is_mark => {}
            Some(index) if flanks(before, after) => self.open.truncate(index),
            None if (opens || is_last) && self.open.len() < DEEPEST_EMPHASIS => {
                self.open.push(Mark { start: at, text });
            }
            _ => {}
        }
        at + length
    }

    /// Behind `]` or the destination that follows it; leaves the bracket open when that is not
    /// complete.
    fn bracket_end(&mut self, at: usize) -> usize {
        let rest = &self.text[at + 1..];
        let length = match rest.as_bytes().first() {
            None => return at + 1,
            Some(b'(') => destination_length(rest),
            Some(b'[') => rest.find(']').map(|end| end + 1),
            Some(_) => Some(0),
        };
        match length {
            Some(length) => {
                self.brackets.pop();
                at + 1 + length
            }
            None => self.text.len(),
        }
    }

    fn angle(&mut self, at: usize) -> usize {
        let rest = &self.text[at + 1..];
        let end = rest.find(|end: char| end == '>' || end == '<' || end.is_whitespace());
        let is_link = rest.starts_with(|first: char| first.is_ascii_alphabetic());
        if end.is_none() && is_link {
            self.brackets.push(at);
            return self.text.len();
        }
        at + 1
    }
}

/// The length of `(…)` with balanced parentheses, within one line of text.
fn destination_length(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut is_escaped = false;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'(' => depth += 1,
            b')' if depth == 1 => return Some(at + 1),
            b')' => depth -= 1,
            b'\n' => return Some(0),
            _ => {}
        }
    }
    None
}

fn run_length(text: &str, at: usize, byte: u8) -> usize {
    text.as_bytes()[at..]
        .iter()
        .take_while(|other| **other == byte)
        .count()
}

/// CommonMark 0.31, "left-flanking delimiter run": `near` is the character on the side of the
/// content. In doubt, no: a mark that closes nothing would be seen.
fn flanks(near: char, far: char) -> bool {
    !near.is_whitespace()
        && (near.is_alphanumeric() || far.is_whitespace() || far.is_ascii_punctuation())
}
