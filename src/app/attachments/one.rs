//! One attachment on its way: fetched, kept, and understood or listened to.

use std::sync::Arc;

use tracing::{info, warn};

use super::fetch::Fetching;
use super::{Asked, Attachments, ReadFiles, Room};
use crate::core::channel::ChatTarget;
use crate::core::conversation::Enclosure;
use crate::core::files::{FileError, NewPlace, WorkspaceId, WorkspacePath};
use crate::core::ids::FileRef;
use crate::core::label::Labels;
use crate::core::media::{
    AttachmentKind, Blob, Excerpt, FileOutcome, MediaError, MediaSource, NotKept, Part, Readable,
    ReceivedFile, Recording, Refusal, Wanted, document,
};

/// What Telegram hands to bots, for when it refuses a file without saying so beforehand.
const TELEGRAM_BYTES: u64 = 20_000_000;

/// One attachment on its way.
pub(super) struct One<'a> {
    pub(super) all: &'a Attachments,
    pub(super) source: &'a dyn MediaSource,
    pub(super) target: &'a ChatTarget,
    pub(super) asked: &'a Asked,
    pub(super) before: Option<&'a ReceivedFile>,
}

/// What became of keeping a file.
#[derive(Default)]
struct Keeping {
    path: Option<String>,
    not_kept: Option<NotKept>,
}

impl One<'_> {
    pub(super) async fn read(
        &self,
        file: &FileRef,
        most_bytes: u64,
        room: &mut Room,
        read: &mut ReadFiles,
    ) {
        let before = self.before.map(|before| Keeping {
            path: before.path.clone(),
            not_kept: before.not_kept.clone(),
        });
        let mut keeping = before.unwrap_or_default();
        let most = most_bytes.min(room.bytes);
        let outcome = match self.content(file, most, keeping.path.as_deref()).await {
            Err(MediaError::TooLarge { limit }) if limit < most_bytes => FileOutcome::Refused {
                why: Refusal::TotalTooLarge {
                    limit: self.all.settings.limits.total_bytes,
                },
            },
            Err(error) => FileOutcome::Refused {
                why: self.not_fetched(error),
            },
            Ok(content) => {
                room.bytes = room.bytes.saturating_sub(content.size());
                match self.refused_type(&content).await {
                    Some(why) => FileOutcome::Refused { why },
                    None => {
                        if keeping.path.is_none() {
                            keeping = self.keep(&content).await;
                        }
                        let is_kept = keeping.path.is_some();
                        match self.understand(&content, room, read).await {
                            Ok(outcome) => outcome,
                            Err(why) if is_kept && !self.asked.attachment.kind.is_sound() => {
                                FileOutcome::Kept { why }
                            }
                            Err(why) => FileOutcome::Refused { why },
                        }
                    }
                }
            }
        };
        info!(kind = ?self.asked.attachment.kind, outcome = name_of(&outcome), "attachment");
        let received = ReceivedFile::of(&self.asked.attachment, self.asked.origin, outcome);
        read.take_settled(ReceivedFile {
            path: keeping.path,
            not_kept: keeping.not_kept,
            ..received
        });
    }

    /// The file: as it was kept, or from its channel.
    async fn content(
        &self,
        file: &FileRef,
        most_bytes: u64,
        path: Option<&str>,
    ) -> Result<Arc<dyn Blob>, MediaError> {
        if let Some(kept) = self.kept(path, most_bytes).await {
            return Ok(kept);
        }
        let fetching = Fetching {
            source: self.source,
            scratch: self.all.scratch.as_ref(),
            clock: self.all.clock.as_ref(),
        };
        fetching.fetch(file, most_bytes).await
    }

    /// The file as it was kept; `None` where it is not known to be that file any more: a model may have
    /// written there since, and what it wrote must not pass for a document.
    async fn kept(&self, path: Option<&str>, most_bytes: u64) -> Option<Arc<dyn Blob>> {
        let uploads = self.all.uploads.as_ref()?;
        let path = WorkspacePath::parse(path?).ok()?;
        let workspace = WorkspaceId::of(self.target);
        let kept = uploads.workspaces.open(&workspace, &path, most_bytes).await;
        let kept = kept.ok()?;
        if !self.asked.labels().covers(&kept.labels) {
            return None;
        }
        self.all.copy(&kept.content).await.ok()
    }

    /// The limits name types, and only the content says what a document is.
    async fn refused_type(&self, content: &Arc<dyn Blob>) -> Option<Refusal> {
        let limits = &self.all.settings.limits;
        let is_document = self.asked.attachment.kind == AttachmentKind::Document;
        if !is_document || limits.document_types.is_empty() {
            return None;
        }
        let claimed = self.asked.attachment.mime.as_deref();
        match self.all.reader.mime(content).await {
            Ok(mime) => limits.refused_content(claimed, &mime),
            Err(error) => Some(self.not_fetched(error)),
        }
    }

    /// Keeps the file, and says where. That it cannot be kept is no reason not to read it.
    async fn keep(&self, content: &Arc<dyn Blob>) -> Keeping {
        let Some(uploads) = &self.all.uploads else {
            return Keeping::default();
        };
        let workspace = WorkspaceId::of(self.target);
        let labels = self.asked.labels();
        let name = self.asked.attachment.file_name();
        let place = NewPlace {
            folder: &uploads.folder,
            name: &name,
        };
        let kept = uploads.workspaces.keep(&workspace, place, content, &labels);
        match kept.await {
            Ok(kept) => Keeping {
                path: Some(kept.path.as_str().to_owned()),
                not_kept: None,
            },
            Err(error) => {
                warn!(%error, "an attachment could not be kept");
                let (why, term) = (not_written(error), uploads.term);
                Keeping {
                    path: None,
                    not_kept: Some(NotKept { why, term }),
                }
            }
        }
    }

    async fn understand(
        &self,
        content: &Arc<dyn Blob>,
        room: &mut Room,
        read: &mut ReadFiles,
    ) -> Result<FileOutcome, Refusal> {
        let attachment = &self.asked.attachment;
        if attachment.kind.is_sound() {
            return self.hear(content).await;
        }
        let wanted = Wanted {
            most_bytes: room.text,
            pdf_text: self.all.settings.pdf_text,
        };
        let name = attachment.shown_name();
        let readable = self.all.reader.read(content, wanted).await;
        let part = match readable.map_err(not_read)? {
            Readable::Picture { mime, content } => Part::Picture { mime, content },
            Readable::Text(excerpt) => {
                Part::Document(document(&name, excerpt, self.asked.labels()))
            }
            Readable::Pdf { text } => Part::Pdf {
                name: attachment.file_name(),
                content: content.clone(),
                text: pdf_text(&name, text, self.asked.labels()),
                spare: None,
            },
        };
        room.text = room.text.saturating_sub(part.text_bytes());
        read.parts.push(part);
        Ok(FileOutcome::Read)
    }

    async fn hear(&self, content: &Arc<dyn Blob>) -> Result<FileOutcome, Refusal> {
        let attachment = &self.asked.attachment;
        let recording = Recording {
            content: content.clone(),
            name: attachment.file_name(),
        };
        let text = self.all.listen(recording).await.map_err(not_heard)?;
        if text.is_empty() {
            return Err(Refusal::Silent);
        }
        Ok(FileOutcome::Heard { text })
    }

    fn not_fetched(&self, error: MediaError) -> Refusal {
        warn!(%error, "an attachment could not be fetched");
        let size = self.asked.attachment.file.size_bytes.unwrap_or_default();
        match error {
            MediaError::TooLarge { limit } => Refusal::TooLarge { size: 0, limit },
            MediaError::ChannelTooLarge => Refusal::ChannelTooLarge {
                size,
                limit: TELEGRAM_BYTES,
            },
            MediaError::Passing(_) | MediaError::Busy { .. } => Refusal::NotFetched {
                detail: "it could not be fetched just now; please send it again".to_owned(),
            },
            MediaError::Gone(_) => Refusal::NotFetched {
                detail: "it is no longer there; please send it again".to_owned(),
            },
            MediaError::Unreadable(detail) => Refusal::Unreadable { detail },
            MediaError::NoRoom(_) | MediaError::NotAllowed(_) | MediaError::Failed(_) => {
                Refusal::NotFetched {
                    detail: not_stored(&error).to_owned(),
                }
            }
        }
    }
}

/// What of ours was in the way of a file, for a person.
fn not_stored(error: &MediaError) -> &'static str {
    match error {
        MediaError::NoRoom(_) => "there was no room for it here; please send it again later",
        MediaError::NotAllowed(_) => {
            "I may not write files where I keep them; whoever runs me can mend that"
        }
        _ => "something here failed; please send it again, and if that stays, look into my log",
    }
}

fn not_read(error: MediaError) -> Refusal {
    let detail = match error {
        MediaError::Unreadable(detail) => detail,
        other => {
            warn!(error = %other, "an attachment could not be read");
            "it could not be read here".to_owned()
        }
    };
    Refusal::Unreadable { detail }
}

fn not_heard(error: MediaError) -> Refusal {
    let detail = match error {
        MediaError::Unreadable(detail) => detail,
        other => {
            warn!(error = %other, "a recording could not be transcribed");
            "the transcription failed; please send it again, or write it instead".to_owned()
        }
    };
    Refusal::Unreadable { detail }
}

/// Why a file was not written, for a person and the model.
fn not_written(error: FileError) -> String {
    match error {
        FileError::TooLarge(why) | FileError::Refused(why) => why,
        FileError::BadPath(_)
        | FileError::NotFound(_)
        | FileError::Exists(_)
        | FileError::Failed(_) => "it could not be written here".to_owned(),
    }
}

/// The text of a PDF for models that want that; or why there is none.
pub(super) fn pdf_text(
    name: &str,
    text: Option<Result<Excerpt, String>>,
    labels: Labels,
) -> Option<Enclosure> {
    Some(match text? {
        Ok(text) => document(name, text, labels),
        Err(why) => {
            let text = format!("[The text of the PDF {name:?} cannot be read: {why}]");
            Enclosure { text, labels }
        }
    })
}

fn name_of(outcome: &FileOutcome) -> &'static str {
    match outcome {
        FileOutcome::Read => "read",
        FileOutcome::Heard { .. } => "heard",
        FileOutcome::Kept { .. } => "kept",
        FileOutcome::Refused { .. } => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_disk_is_called_one() {
        let words = "os error".to_owned();
        let full = not_stored(&MediaError::NoRoom(words.clone()));
        assert!(full.contains("no room"), "{full}");
        for other in [
            MediaError::NotAllowed(words.clone()),
            MediaError::Failed(words),
        ] {
            let told = not_stored(&other);
            assert!(
                !told.contains("room") && !told.contains("os error"),
                "{told}"
            );
        }
    }
}
