//! Files on their way to a person: sent from a copy that was taken when they were queued, so that
//! what happens to the file afterwards changes nothing.

use std::path::PathBuf;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::files::{FileError, WorkspaceId, WorkspacePath};
use super::ids::CopyId;
use super::markup::FormattedText;

/// The largest file that a bot can send (Bot API, "Sending files").
pub const MAX_FILE: u64 = 50 * 1024 * 1024;

/// The largest picture that is shown as one (Bot API, sendPhoto).
const MAX_PHOTO: u64 = 10 * 1024 * 1024;

/// Width and height of such a picture together, at most (Bot API, sendPhoto).
const MAX_SIDES: u64 = 10_000;

/// How many times longer one side may be than the other (Bot API, sendPhoto).
const MAX_RATIO: u64 = 20;

/// The longest caption, in UTF-16 code units (Bot API, sendPhoto).
pub const MAX_CAPTION: usize = 1024;

/// The files of one album together: they go in one call, which has the limit of a file, and need some
/// room beside them.
pub const MAX_ALBUM_BYTES: u64 = 49_000_000;

/// The most files of one album (Bot API, sendMediaGroup).
pub const MAX_ALBUM: usize = 10;

/// How a file arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SentAs {
    /// As a picture that is shown.
    Photo,
    /// As a voice message.
    Voice,
    /// As a file.
    Document,
}

/// A file to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingFile {
    /// The copy that is sent.
    pub copy: CopyId,
    /// The name that the person sees.
    pub name: String,
    /// The size of the copy.
    pub size_bytes: u64,
    /// How it arrives.
    pub sent_as: SentAs,
    /// The text below it; may be empty.
    pub caption: FormattedText,
    /// Where the file itself was, for a channel that shows places instead of sending files.
    pub origin: String,
    /// Where the copy is. Only known while it is being sent.
    #[serde(skip)]
    pub place: PathBuf,
}

/// What was found out about a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCopy {
    /// Its id.
    pub copy: CopyId,
    /// Its size.
    pub size_bytes: u64,
    /// What its first bytes say it is.
    pub content: ContentKind,
    /// Where the file itself is on this machine.
    pub origin: String,
}

/// What the first bytes of a file say it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentKind {
    /// A picture of a kind that is shown as one.
    Picture {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// Speech as voice messages have it: Opus in Ogg.
    Speech,
    /// Anything else.
    Other,
}

/// How a file is wanted to arrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wanted {
    /// As what it is.
    #[default]
    Auto,
    /// In this way, or not at all.
    As(SentAs),
}

impl KeptCopy {
    /// The file to send.
    pub fn outgoing(self, name: &str, sent_as: SentAs, caption: FormattedText) -> OutgoingFile {
        OutgoingFile {
            copy: self.copy,
            name: name.to_owned(),
            size_bytes: self.size_bytes,
            sent_as,
            caption,
            origin: self.origin,
            place: PathBuf::new(),
        }
    }

    /// How it is sent; says why when that is not possible.
    pub fn sent_as(&self, wanted: Wanted) -> Result<SentAs, String> {
        match (wanted, self.photo_problem(), self.content) {
            (Wanted::As(SentAs::Document), ..) => Ok(SentAs::Document),
            (Wanted::Auto | Wanted::As(SentAs::Photo), None, _) => Ok(SentAs::Photo),
            (Wanted::As(SentAs::Photo), Some(problem), _) => Err(problem),
            (Wanted::Auto | Wanted::As(SentAs::Voice), _, ContentKind::Speech) => Ok(SentAs::Voice),
            (Wanted::As(SentAs::Voice), ..) => {
                Err("it is no Opus audio in an Ogg file; send it as a document".to_owned())
            }
            (Wanted::Auto, ..) => Ok(SentAs::Document),
        }
    }

    fn photo_problem(&self) -> Option<String> {
        let ContentKind::Picture { width, height } = self.content else {
            return Some("it is no JPEG, PNG or WebP picture; send it as a document".to_owned());
        };
        let (width, height) = (u64::from(width), u64::from(height));
        let (long, short) = (width.max(height), width.min(height));
        let is_shown = self.size_bytes <= MAX_PHOTO
            && width + height <= MAX_SIDES
            && short > 0
            && long <= short * MAX_RATIO;
        (!is_shown).then(|| {
            format!("a picture of {width} × {height} pixels and {} bytes is too large or too long to be shown; send it as a document", self.size_bytes)
        })
    }
}

/// The copies.
///
/// An implementer copies by the descriptor that it checked: a regular file with one name, of at most
/// [`MAX_FILE`] bytes, that did not change meanwhile.
#[async_trait]
pub trait OutgoingFiles: Send + Sync + std::fmt::Debug {
    /// Copies a file of a workspace as it is now.
    async fn keep(
        &self,
        workspace: &WorkspaceId,
        path: &WorkspacePath,
    ) -> Result<KeptCopy, FileError>;

    /// Where a copy is.
    fn place(&self, copy: &CopyId) -> PathBuf;

    /// Deletes a copy. That there is none is no failure.
    async fn discard(&self, copy: &CopyId) -> Result<(), FileError>;
}

#[cfg(test)]
mod tests {
    use super::{ContentKind, CopyId, KeptCopy, SentAs, Wanted};

    fn picture(width: u32, height: u32) -> ContentKind {
        ContentKind::Picture { width, height }
    }

    #[test]
    fn a_file_is_sent_as_what_it_is_within_the_limits_of_the_service() {
        use SentAs::{Document, Photo, Voice};
        const MB: u64 = 1024 * 1024;
        for (content, size_bytes, auto, photo, voice) in [
            (picture(800, 600), MB, Photo, true, false),
            (picture(8000, 2000), 10 * MB, Photo, true, false),
            (picture(8000, 2001), MB, Document, false, false),
            (picture(800, 600), 10 * MB + 1, Document, false, false),
            (picture(2000, 100), MB, Photo, true, false),
            (picture(2001, 100), MB, Document, false, false),
            (picture(0, 0), MB, Document, false, false),
            (picture(u32::MAX, u32::MAX), MB, Document, false, false),
            (ContentKind::Speech, MB, Voice, false, true),
            (ContentKind::Other, MB, Document, false, false),
        ] {
            let copy = KeptCopy {
                copy: CopyId::new("c"),
                size_bytes,
                content,
                origin: String::new(),
            };
            assert_eq!(copy.sent_as(Wanted::Auto), Ok(auto), "{copy:?}");
            let forced = |sent_as| copy.sent_as(Wanted::As(sent_as));
            assert_eq!(forced(Photo).is_ok(), photo, "{copy:?}");
            assert_eq!(forced(Voice).is_ok(), voice, "{copy:?}");
            assert_eq!(forced(Document), Ok(Document), "{copy:?}");
        }
    }
}
