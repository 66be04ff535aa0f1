//! From Markdown to formatted text: parses with pulldown-cmark and hands the events to the layout.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser};

use super::chars::clean;
use super::layout::{Layout, Unseen};
use super::legal::{legalise, part};
use super::{CodeFile, FormattedText, LongCode, definitions};

/// Text whose lines open more containers than this at once (`> > > …`) is shown as it is: nobody
/// means it, and every following line would cost as much as the nesting is deep.
const DEEPEST_LINE: usize = 64;

/// Renders CommonMark with tables, strikethrough, task lists and `||spoilers||`.
///
/// Total: any text renders, in linear time; what cannot be seen when rendered is shown as source.
/// Blank text gives an empty result.
pub fn render(markdown: &str) -> FormattedText {
    let (formatted, _) = render_with(markdown, Unseen::AsSource, LongCode::InText);
    formatted.unwrap_or_else(|| literal(markdown))
}

/// The same where code that is too long to be read in a chat is a file of its own, and a line of the
/// text says which.
pub fn render_apart(markdown: &str) -> (FormattedText, Vec<CodeFile>) {
    let (formatted, files) = render_with(markdown, Unseen::AsSource, LongCode::Apart);
    (formatted.unwrap_or_else(|| literal(markdown)), files)
}

/// The text, which is `None` when nothing of it can be seen, and the code apart from it.
pub(super) fn render_with(
    markdown: &str,
    unseen: Unseen,
    long_code: LongCode,
) -> (Option<FormattedText>, Vec<CodeFile>) {
    let source = with_line_feeds(markdown);
    if is_too_deep(&source) {
        return (Some(literal(&source)), Vec::new());
    }
    let mut parser = parser(&source).into_offset_iter();
    let events: Vec<(Event<'_>, Range<usize>)> = parser.by_ref().collect();
    let definitions = definitions::unused(&source, &events, parser.reference_definitions());
    let mut layout = Layout::new(&source, (unseen, long_code), definitions);
    for (event, range) in events {
        layout.event(event, range);
    }
    let (text, spans, files) = layout.finish();
    let spans = legalise(&text, spans);
    (part(&text, &spans, 0..text.len()), files)
}

pub(super) fn parser(source: &str) -> Parser<'_> {
    Parser::new_ext(
        source,
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS,
    )
}

/// The text as it was written: no mark in it means anything.
pub fn literal(markdown: &str) -> FormattedText {
    let text = clean(&with_line_feeds(markdown));
    part(&text, &[], 0..text.len()).unwrap_or_default()
}

pub(super) fn with_line_feeds(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

pub(super) fn is_too_deep(source: &str) -> bool {
    source.lines().any(|line| {
        let markers = line.bytes().take_while(|byte| {
            matches!(
                byte,
                b'>' | b'-' | b'+' | b'*' | b' ' | b'\t' | b'0'..=b'9' | b'.' | b')'
            )
        });
        let mut depth = 0;
        let mut before = b' ';
        for byte in markers {
            let opens = byte == b'>'
                || (matches!(byte, b' ' | b'\t')
                    && !matches!(before, b' ' | b'\t' | b'>' | b'0'..=b'9'));
            depth += usize::from(opens);
            before = byte;
        }
        depth > DEEPEST_LINE
    })
}
