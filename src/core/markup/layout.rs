//! Lays out the blocks of a document as lines of text: lists, quotes, code, tables, and the blank
//! lines between them.

mod inline;
mod spoilers;

use std::collections::VecDeque;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Tag};

use super::chars::{is_blank, push_clean};
use super::code_files::{CodeFile, CodeFiles, LongCode};
use super::literal::BareUrls;
use super::table::Table;
use super::{Span, Style};
use inline::Inline;

/// Lists nested deeper than this many columns are not indented further: phones are narrow.
const WIDEST_INDENT: usize = 16;
/// A language name longer than this is none.
const LANGUAGE_BYTES: usize = 32;

/// What becomes of markup that leaves nothing to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unseen {
    /// It is shown as it was written.
    AsSource,
    /// It is left out: the text is still being written, and more of it will come.
    Hidden,
}

/// Where a block may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Behind a list marker, or on a line of its own.
    BehindMarker,
    /// On a line of its own and without indentation.
    OwnLine,
}

/// What is open while its content arrives; every start event pushes one and its end event pops it.
#[derive(Debug)]
enum Open<'s> {
    Paragraph,
    Heading { start: usize },
    Quote { start: usize },
    Fence { language: Option<String> },
    Html,
    List,
    Item { width: usize },
    Table,
    Row,
    Inline(Inline<'s>),
    Other,
}

#[derive(Debug)]
struct List {
    /// The number of the next item; `None` for bullets.
    next: Option<u64>,
    /// Its items are paragraphs, so blank lines stand between them.
    is_loose: bool,
}

/// The lines written so far and what is open around the next one.
#[derive(Debug)]
pub(super) struct Layout<'s> {
    source: &'s str,
    unseen: Unseen,
    urls: BareUrls,
    /// Link definitions that nothing uses, in order, not yet shown.
    definitions: VecDeque<Range<usize>>,
    out: String,
    spans: Vec<Span>,
    open: Vec<Open<'s>>,
    lists: Vec<List>,
    indent: usize,
    /// Line breaks wanted before the next block.
    gap: usize,
    is_behind_marker: bool,
    /// The paragraph, heading or item line that is being written.
    leaf: Option<Leaf>,
    table: Option<Table>,
    /// Where the last table cell ends in the source.
    cell_end: usize,
    /// The content of an open code or HTML block.
    verbatim: Option<String>,
    /// The code that is not in the text.
    apart: CodeFiles,
}

/// A run of inline content: spoilers are paired within it.
#[derive(Debug)]
struct Leaf {
    first_span: usize,
    /// Offsets of `||` in the text.
    bars: Vec<usize>,
}

impl<'s> Layout<'s> {
    pub(super) fn new(
        source: &'s str,
        (unseen, long_code): (Unseen, LongCode),
        definitions: Vec<Range<usize>>,
    ) -> Self {
        Self {
            source,
            unseen,
            urls: BareUrls::find(source),
            definitions: definitions.into(),
            out: String::with_capacity(source.len()),
            spans: Vec::new(),
            open: Vec::new(),
            lists: Vec::new(),
            indent: 0,
            gap: 0,
            is_behind_marker: false,
            leaf: None,
            table: None,
            cell_end: 0,
            verbatim: None,
            apart: CodeFiles::new(long_code),
        }
    }

    /// Takes the next event of the parser, with its range in the source.
    pub(super) fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, &range),
            Event::End(_) => self.end(&range),
            Event::Text(text) => self.text(&text, &range),
            Event::Code(text) => self.code(&text, &range),
            Event::SoftBreak | Event::HardBreak => self.line_break(),
            Event::Rule => self.rule(&range),
            Event::TaskListMarker(done) => self.task(if done { "☑ " } else { "☐ " }),
            Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => self.push(&text),
        }
    }

    /// The text and its spans, not yet legal.
    pub(super) fn finish(mut self) -> (String, Vec<Span>, Vec<CodeFile>) {
        self.end_leaf();
        self.show_definitions(usize::MAX);
        (self.out, self.spans, self.apart.into_files())
    }

    fn start(&mut self, tag: Tag<'_>, range: &Range<usize>) {
        let opened = match tag {
            Tag::TableHead | Tag::TableRow => {
                self.table.iter_mut().for_each(Table::start_row);
                Open::Row
            }
            Tag::TableCell => {
                self.table.iter_mut().for_each(Table::start_cell);
                self.cell_end = range.end;
                Open::Other
            }
            Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Link { .. }
            | Tag::Image { .. } => Open::Inline(self.start_inline(&tag, range)),
            block => {
                self.end_leaf();
                self.show_definitions(range.start);
                self.start_block(block)
            }
        };
        self.open.push(opened);
    }

    fn start_block(&mut self, tag: Tag<'_>) -> Open<'s> {
        let start = self.out.len();
        match tag {
            Tag::Paragraph => {
                if let (Some(Open::Item { .. }), Some(list)) =
                    (self.open.last(), self.lists.last_mut())
                {
                    list.is_loose = true;
                }
                Open::Paragraph
            }
            Tag::Heading { .. } => Open::Heading { start },
            Tag::BlockQuote(_) => Open::Quote { start },
            Tag::CodeBlock(kind) => {
                let (language, first_line) = language(&kind);
                self.verbatim = Some(first_line);
                Open::Fence { language }
            }
            Tag::HtmlBlock => {
                self.verbatim = Some(String::new());
                Open::Html
            }
            Tag::List(next) => {
                if matches!(self.open.last(), Some(Open::Item { .. })) {
                    self.gap = 1;
                }
                self.lists.push(List {
                    next,
                    is_loose: false,
                });
                Open::List
            }
            Tag::Item => self.start_item(),
            Tag::Table(alignments) => {
                self.table = Some(Table::new(alignments));
                Open::Table
            }
            _ => Open::Other,
        }
    }

    fn start_item(&mut self) -> Open<'s> {
        let marker = match self.lists.last_mut().and_then(|list| list.next.as_mut()) {
            Some(next) => {
                let marker = format!("{next}. ");
                *next = next.saturating_add(1);
                marker
            }
            None => "• ".to_owned(),
        };
        self.begin(Place::BehindMarker);
        self.out.push_str(&marker);
        self.is_behind_marker = true;
        let width = marker.chars().count();
        self.indent += width;
        Open::Item { width }
    }

    fn end(&mut self, range: &Range<usize>) {
        let Some(open) = self.open.pop() else { return };
        if let Open::Inline(inline) = open {
            return self.end_inline(inline, range);
        }
        match open {
            Open::Other => return,
            Open::Row => return self.end_row(range),
            _ => {}
        }
        self.end_leaf();
        match open {
            Open::Quote { .. } | Open::Item { .. } => self.show_definitions(range.end),
            _ => {}
        }
        match open {
            Open::Heading { start } => self.end_styled(start, Style::Bold, range),
            Open::Quote { start } => self.end_styled(start, Style::Quote, range),
            Open::Fence { language } => {
                let code = self.verbatim.take().unwrap_or_default();
                match self.apart.take(&code, language.as_deref()) {
                    Some((name, said)) => self.file(&name, &said),
                    None => self.monospace(&code, language, range),
                }
            }
            Open::Html => {
                let html = self.verbatim.take().unwrap_or_default();
                self.literal_block(html.trim());
            }
            Open::Table => {
                let table = self.table.take().filter(|table| !table.is_blank());
                self.monospace(
                    &table.map(|table| table.layout()).unwrap_or_default(),
                    None,
                    range,
                );
            }
            Open::Item { width } => {
                self.indent = self.indent.saturating_sub(width);
                self.is_behind_marker = false;
                self.gap = self.gap_in_list();
            }
            Open::List => {
                self.lists.pop();
                let is_nested = matches!(self.open.last(), Some(Open::Item { .. }));
                self.gap = if is_nested { self.gap_in_list() } else { 2 };
            }
            Open::Paragraph => self.gap = 2,
            Open::Row | Open::Inline(_) | Open::Other => {}
        }
    }

    /// Adds the cells that a row has more than the head: the parser leaves them out.
    fn end_row(&mut self, range: &Range<usize>) {
        let source = self.source;
        let rest = source
            .get(self.cell_end..range.end)
            .unwrap_or_default()
            .trim();
        let rest = rest.strip_prefix('|').unwrap_or(rest);
        let rest = rest.strip_suffix('|').unwrap_or(rest);
        if is_blank(rest) {
            return;
        }
        for cell in rest.split('|') {
            self.table.iter_mut().for_each(Table::start_cell);
            self.push(cell);
        }
    }

    fn gap_in_list(&self) -> usize {
        if self.lists.last().is_some_and(|list| list.is_loose) {
            2
        } else {
            1
        }
    }

    fn end_styled(&mut self, start: usize, style: Style, range: &Range<usize>) {
        if is_blank(&self.out[start..]) {
            self.show_unseen_block(range);
        } else {
            self.spans.push(Span {
                start,
                end: self.out.len(),
                style,
            });
        }
        self.gap = 2;
    }

    /// Writes a code block or a table; a block without content is shown as source.
    fn monospace(&mut self, code: &str, language: Option<String>, range: &Range<usize>) {
        if is_blank(code) {
            return self.show_unseen_block(range);
        }
        self.begin(Place::OwnLine);
        let start = self.out.len();
        push_clean(&mut self.out, code.trim_matches('\n'));
        self.spans.push(Span {
            start,
            end: self.out.len(),
            style: Style::Pre { language },
        });
        self.gap = 2;
    }

    fn rule(&mut self, range: &Range<usize>) {
        self.end_leaf();
        self.show_definitions(range.start);
        self.begin(Place::BehindMarker);
        self.out.push_str("———");
        self.gap = 2;
    }

    fn show_unseen_block(&mut self, range: &Range<usize>) {
        if self.unseen == Unseen::AsSource {
            let source = self.source;
            self.literal_block(source.get(range.clone()).unwrap_or_default().trim());
        }
    }

    /// Shows the unused link definitions that stand before an offset of the source.
    fn show_definitions(&mut self, before: usize) {
        while let Some(range) = self.definitions.pop_front_if(|range| range.start < before) {
            if self.unseen == Unseen::AsSource {
                let source = self.source;
                self.literal_block(source.get(range).unwrap_or_default().trim());
                self.gap = if self
                    .definitions
                    .front()
                    .is_some_and(|next| next.start < before)
                {
                    1
                } else {
                    2
                };
            }
        }
    }

    fn literal_block(&mut self, text: &str) {
        self.begin(Place::BehindMarker);
        for (index, line) in text.lines().enumerate() {
            if index > 0 {
                self.new_line();
            }
            push_clean(&mut self.out, line);
        }
        self.gap = 2;
    }

    /// Writes what stands in the place of a file's content. A client would make an address of `code.rs`.
    fn file(&mut self, name: &str, said: &str) {
        self.begin(Place::BehindMarker);
        self.out.push_str("📎 ");
        let start = self.out.len();
        self.out.push_str(name);
        let (end, style) = (self.out.len(), Style::Code);
        self.spans.push(Span { start, end, style });
        self.out.push_str(said);
        self.gap = 2;
    }

    /// Moves to where the next block begins.
    fn begin(&mut self, place: Place) {
        let gap = std::mem::take(&mut self.gap).max(1);
        let is_behind_marker = std::mem::take(&mut self.is_behind_marker);
        if is_behind_marker && place == Place::BehindMarker || self.out.is_empty() {
            return;
        }
        let breaks = if is_behind_marker { 1 } else { gap };
        self.out.extend(std::iter::repeat_n('\n', breaks));
        if place == Place::BehindMarker {
            self.push_indent();
        }
    }

    fn new_line(&mut self) {
        self.out.push('\n');
        self.push_indent();
    }

    fn push_indent(&mut self) {
        self.out
            .extend(std::iter::repeat_n(' ', self.indent.min(WIDEST_INDENT)));
    }
}

/// The first word of a fence's info string, and what follows it: that becomes the first line of the
/// code, for people do write code there.
fn language(kind: &CodeBlockKind<'_>) -> (Option<String>, String) {
    let CodeBlockKind::Fenced(info) = kind else {
        return (None, String::new());
    };
    let is_part = |character: char| character.is_alphanumeric() || "+-#._".contains(character);
    let word = &info[..info
        .find(|character| !is_part(character))
        .unwrap_or(info.len())];
    let rest = info[word.len()..].trim();
    let starts_code =
        !rest.is_empty() && !info[word.len()..].starts_with([' ', '\t', ',', ':', '{']);
    if word.is_empty() || word.len() > LANGUAGE_BYTES || starts_code {
        return (None, with_line_end(info));
    }
    (Some(word.to_owned()), with_line_end(rest))
}

fn with_line_end(line: &str) -> String {
    if line.is_empty() {
        String::new()
    } else {
        format!("{line}\n")
    }
}
