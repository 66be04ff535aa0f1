//! What goes to a model beside words: pictures, files, and the texts of documents.

use std::sync::Arc;

use super::ports::{Blob, Excerpt};
use crate::core::conversation::Enclosure;
use crate::core::label::Labels;
use crate::core::model::estimated_tokens;

/// What a picture takes at most where providers say so: a large one in full detail.
const PICTURE_TOKENS: usize = 1_600;

/// A page of a PDF, its text and its picture.
const PAGE_TOKENS: usize = 1_500;

/// A rough guess: PDFs of text have less to a page, scanned ones more.
const PAGE_BYTES: u64 = 100_000;

/// Providers read no more pages than about this.
const MOST_PAGES: u64 = 50;

/// A part of a request and its place in it.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Where it belongs.
    pub place: Place,
    /// The part.
    pub part: Part,
}

impl Attached {
    /// Puts the text of a PDF aside, for a model that takes the file.
    pub fn spare_pdf_text(&mut self) {
        if let Part::Pdf { text, spare, .. } = &mut self.part {
            *spare = text.take().or(spare.take());
        }
    }
}

/// Where in a request a part belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// With the person's message.
    Message,
    /// In a message of its own behind so many items of the exchange.
    After(usize),
}

/// A part of a request. Copies share the file behind it.
#[derive(Debug, Clone)]
pub enum Part {
    /// Words of ours, or of the model itself.
    Text(String),
    /// The text of a document, or what was heard in a recording.
    Document(Enclosure),
    /// A picture of a type that every provider takes.
    Picture {
        /// Its type by its content.
        mime: &'static str,
        /// The file.
        content: Arc<dyn Blob>,
    },
    /// A PDF.
    Pdf {
        /// Its name.
        name: String,
        /// The file.
        content: Arc<dyn Blob>,
        /// Its text, where some model wants that instead.
        text: Option<Enclosure>,
        /// The same for a model that is to get the file: it stands in for that where the server turns out to
        /// take none.
        spare: Option<Enclosure>,
    },
}

impl Part {
    /// The bytes of text that it may bring along.
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Document(document) => document.text.len(),
            Self::Pdf { text, .. } => text.as_ref().map_or(0, |text| text.text.len()),
            Self::Text(_) | Self::Picture { .. } => 0,
        }
    }

    /// A guess at the tokens it takes: of a PDF with a text that takes, otherwise the file, or the text that
    /// may stand in for it where that takes more.
    pub fn estimated_tokens(&self) -> usize {
        match self {
            Self::Text(text) => estimated_tokens(text) + 8,
            Self::Document(document) => document.estimated_tokens(),
            Self::Picture { .. } => PICTURE_TOKENS,
            Self::Pdf {
                content,
                text,
                spare,
                ..
            } => {
                let pages = (content.size() / PAGE_BYTES + 1).min(MOST_PAGES);
                let as_file = usize::try_from(pages).unwrap_or(1) * PAGE_TOKENS;
                let as_spare = spare.as_ref().map_or(0, Enclosure::estimated_tokens);
                text.as_ref()
                    .map_or(as_file.max(as_spare), Enclosure::estimated_tokens)
            }
        }
    }
}

/// The text of a file, of which there may be more than is given.
pub fn document(name: &str, excerpt: Excerpt, labels: Labels) -> Enclosure {
    let Excerpt { mut text, is_cut } = excerpt;
    if is_cut {
        text.push_str(&format!(
            "\n[Only the beginning of {name:?}: there is no room for the rest]"
        ));
    }
    Enclosure { text, labels }
}
