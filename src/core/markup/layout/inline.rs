//! The inline part of the layout: text, emphasis, links, images and inline code.

use std::ops::Range;

use pulldown_cmark::{LinkType, Tag};

use super::{Layout, Leaf, Place, Unseen, spoilers};
use crate::core::markup::chars::{is_blank, push_clean};
use crate::core::markup::definitions::is_footnote;
use crate::core::markup::literal::{is_allowed_url, literal_marks};
use crate::core::markup::{Span, Style};

/// An inline element whose content is arriving.
#[derive(Debug)]
pub(super) enum Inline<'s> {
    Styled {
        start: usize,
        style: Style,
    },
    /// Emphasis that is shown as written: its closing marks.
    Marks(&'s str),
    Link {
        start: usize,
        url: String,
    },
    /// A link that is shown as written: its end.
    LiteralLink {
        close: String,
    },
    /// An image within a link: its text belongs to that link.
    Nothing,
}

impl<'s> Layout<'s> {
    pub(super) fn start_inline(&mut self, tag: &Tag<'_>, range: &Range<usize>) -> Inline<'s> {
        self.begin_leaf();
        if let Some(marks) = literal_marks(self.source, tag, range, &self.urls) {
            self.push(marks);
            return Inline::Marks(marks);
        }
        let start = self.position();
        match tag {
            Tag::Emphasis => Inline::Styled {
                start,
                style: Style::Italic,
            },
            Tag::Strong => Inline::Styled {
                start,
                style: Style::Bold,
            },
            Tag::Strikethrough => Inline::Styled {
                start,
                style: Style::Strikethrough,
            },
            Tag::Link { link_type, id, .. } if is_footnote(*link_type, id) => {
                self.start_literal("[", "]".to_owned())
            }
            Tag::Link {
                link_type: LinkType::Email,
                dest_url,
                ..
            } => Inline::Link {
                start,
                url: format!("mailto:{dest_url}"),
            },
            Tag::Link {
                link_type: LinkType::Autolink,
                dest_url,
                ..
            } if !is_allowed_url(dest_url) => self.start_literal("<", ">".to_owned()),
            Tag::Link { dest_url, .. } if is_allowed_url(dest_url) => Inline::Link {
                start,
                url: dest_url.to_string(),
            },
            Tag::Link { dest_url, .. } => self.start_literal("[", format!("]({dest_url})")),
            Tag::Image { dest_url, .. } if !is_allowed_url(dest_url) => {
                self.start_literal("![", format!("]({dest_url})"))
            }
            Tag::Image { dest_url, .. } if !self.is_in_link() => Inline::Link {
                start,
                url: dest_url.to_string(),
            },
            _ => Inline::Nothing,
        }
    }

    fn start_literal(&mut self, open: &str, close: String) -> Inline<'s> {
        self.push(open);
        Inline::LiteralLink { close }
    }

    /// Inline elements are few and on top of the stack, links at most one: only those are looked
    /// through.
    fn is_in_link(&self) -> bool {
        let inlines = self
            .open
            .iter()
            .rev()
            .take_while(|open| matches!(open, super::Open::Inline(_)));
        inlines
            .take(32)
            .any(|open| matches!(open, super::Open::Inline(Inline::Link { .. })))
    }

    pub(super) fn end_inline(&mut self, inline: Inline<'s>, range: &Range<usize>) {
        match inline {
            Inline::Styled { start, style } => self.add_span(start, style),
            Inline::Marks(marks) => self.push(marks),
            Inline::LiteralLink { close } => self.push(&close),
            Inline::Link { start, url } => self.end_link(start, url, range),
            Inline::Nothing => {}
        }
    }

    fn end_link(&mut self, start: usize, url: String, range: &Range<usize>) {
        let text = self.target().get(start..).unwrap_or_default();
        let says_itself = text == url || url.strip_prefix("mailto:") == Some(text);
        if is_blank(text) {
            self.show_unseen(range);
        } else if says_itself {
            // Clients make it clickable; a styled one would ask "Open this link?" for nothing.
        } else if self.table.is_some() {
            self.push(&format!(" ({url})"));
        } else {
            self.add_span(start, Style::Link { url });
        }
    }

    pub(super) fn text(&mut self, text: &str, range: &Range<usize>) {
        self.begin_leaf();
        let start = self.position();
        self.push(text);
        let escaped = self.source[..range.start].ends_with('\\') && text.starts_with('|');
        if let (Some(leaf), None, None) = (&mut self.leaf, &self.verbatim, &self.table) {
            spoilers::find_bars(&self.out, start + usize::from(escaped), &mut leaf.bars);
        }
    }

    pub(super) fn code(&mut self, text: &str, range: &Range<usize>) {
        if is_blank(text) {
            return self.show_unseen(range);
        }
        self.begin_leaf();
        let start = self.position();
        self.push(text);
        self.add_span(start, Style::Code);
    }

    pub(super) fn line_break(&mut self) {
        if self.table.is_some() || self.verbatim.is_some() {
            return self.push(" ");
        }
        self.begin_leaf();
        self.new_line();
    }

    /// Replaces a bullet by the check box; a number stays in front of it.
    pub(super) fn task(&mut self, mark: &str) {
        if self.is_behind_marker && self.out.ends_with("• ") {
            self.out.truncate(self.out.len() - "• ".len());
        }
        self.out.push_str(mark);
    }

    fn show_unseen(&mut self, range: &Range<usize>) {
        if self.unseen == Unseen::AsSource {
            let source = self.source;
            self.push(source.get(range.clone()).unwrap_or_default());
        }
    }

    /// Appends text to whatever is open: a code block, a table cell or the lines.
    pub(super) fn push(&mut self, text: &str) {
        if let Some(verbatim) = &mut self.verbatim {
            verbatim.push_str(text);
        } else if let Some(cell) = self.table.as_mut().and_then(|table| table.cell()) {
            push_clean(cell, text);
        } else {
            self.begin_leaf();
            push_clean(&mut self.out, text);
        }
    }

    fn begin_leaf(&mut self) {
        if self.leaf.is_none() && self.table.is_none() && self.verbatim.is_none() {
            self.begin(Place::BehindMarker);
            self.leaf = Some(Leaf {
                first_span: self.spans.len(),
                bars: Vec::new(),
            });
        }
    }

    pub(super) fn end_leaf(&mut self) {
        if let Some(leaf) = self.leaf.take() {
            spoilers::apply(&mut self.out, &mut self.spans, leaf.first_span, &leaf.bars);
        }
    }

    fn add_span(&mut self, start: usize, style: Style) {
        if self.table.is_none() {
            self.spans.push(Span {
                start,
                end: self.out.len(),
                style,
            });
        }
    }

    fn target(&mut self) -> &str {
        let cell = self.table.as_mut().and_then(|table| table.cell());
        cell.map_or(self.out.as_str(), |cell| cell.as_str())
    }

    fn position(&mut self) -> usize {
        self.target().len()
    }
}
