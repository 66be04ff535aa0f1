//! One attachment on its way: fetched, kept, and understood or listened to.

use std::sync::Arc;

use tracing::{info, warn};

use super::fetch::whole;
use super::{Asked, Attachments, ReadFiles, Room, labels};
use crate::core::channel::ChatTarget;
use crate::core::conversation::Enclosure;
use crate::core::files::{FileContent, WorkspaceId, WorkspacePath};
use crate::core::ids::FileRef;
use crate::core::label::Labels;
use crate::core::media::{
    AttachmentKind, Blob, FileOutcome, InMemory, MediaError, MediaSource, Part, Readable,
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

impl One<'_> {
    pub(super) async fn read(
        &self,
        file: &FileRef,
        most_bytes: u64,
        room: &mut Room,
        read: &mut ReadFiles,
    ) {
        let mut path = self.before.and_then(|before| before.path.clone());
        let outcome = match self.content(file, most_bytes, path.as_deref()).await {
            Err(error) => FileOutcome::Refused {
                why: self.not_fetched(error),
            },
            Ok(content) => {
                room.bytes = room.bytes.saturating_sub(content.size());
                match self.refused_type(&content).await {
                    Some(why) => FileOutcome::Refused { why },
                    None => {
                        if path.is_none() {
                            path = self.keep(&content).await;
                        }
                        let kept = path.is_some();
                        match self.understand(&content, room, read).await {
                            Ok(outcome) => outcome,
                            Err(why) if kept && !self.asked.attachment.kind.is_sound() => {
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
        read.take_settled(ReceivedFile { path, ..received });
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
        self.all.fetch(self.source, file, most_bytes).await
    }

    async fn kept(&self, path: Option<&str>, most_bytes: u64) -> Option<Arc<dyn Blob>> {
        let uploads = self.all.uploads.as_ref()?;
        let path = WorkspacePath::parse(path?).ok()?;
        let workspace = WorkspaceId::of(self.target);
        let kept = uploads.workspaces.read(&workspace, &path, most_bytes).await;
        Some(InMemory::holding(kept.ok()?.bytes))
    }

    /// The limits name types, and only the content says what a document is.
    async fn refused_type(&self, content: &Arc<dyn Blob>) -> Option<Refusal> {
        let limits = &self.all.settings.limits;
        let is_document = self.asked.attachment.kind == AttachmentKind::Document;
        if !is_document || limits.document_types.is_empty() {
            return None;
        }
        match self.all.reader.mime(content).await {
            Ok(mime) => limits.refused_content(claimed, &mime),
            Err(error) => Some(self.not_fetched(error)),
        }
    }

    /// Keeps the file, and says where. That it cannot be kept is no reason not to read it.
    async fn keep(&self, content: &Arc<dyn Blob>) -> Option<String> {
        let uploads = self.all.uploads.as_ref()?;
        let workspace = WorkspaceId::of(self.target);
        let bytes = match whole(content).await {
            Ok(bytes) => bytes,
            Err(error) => {
                warn!(%error, "an attachment could not be kept");
                return None;
            }
        };
        let labels = labels(&self.asked.attachment.shown_name());
        let name = self.asked.attachment.file_name();
        let file = FileContent { bytes, labels };
        let saved = uploads
            .workspaces
            .save_new(&workspace, &uploads.folder, &name, file)
            .await;
        match saved {
            Ok(saved) => Some(saved.path.as_str().to_owned()),
            Err(error) => {
                warn!(%error, "an attachment could not be kept");
                None
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
            most_chars: room.chars,
            pdf_text: self.all.settings.pdf_text,
        };
        let name = attachment.shown_name();
        let readable = self.all.reader.read(content, wanted).await;
        read.parts.push(match readable.map_err(not_read)? {
            Readable::Picture { mime, content } => Part::Picture { mime, content },
            Readable::Text { text, total_chars } => {
                room.chars = room.chars.saturating_sub(text.chars().count());
                Part::Document(document(&name, &text, total_chars, labels(&name)))
            }
            Readable::Pdf { text } => {
                let content = content.clone();
                if let Some(Ok(text)) = &text {
                    room.chars = room.chars.saturating_sub(text.chars().count());
                }
                let text = pdf_text(&name, text, labels(&name));
                let name = attachment.file_name();
                Part::Pdf {
                    name,
                    content,
                    text,
                }
            }
        });
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
            MediaError::Passing(_) => Refusal::NotFetched {
                detail: "it could not be fetched just now; please send it again".to_owned(),
            },
            MediaError::Gone(_) => Refusal::NotFetched {
                detail: "it is no longer there; please send it again".to_owned(),
            },
            MediaError::Unreadable(detail) => Refusal::Unreadable { detail },
            MediaError::Failed(_) => Refusal::NotFetched {
                detail: "there was no room for it here; please send it again later".to_owned(),
            },
        }
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

/// The text of a PDF for models that want that; or why there is none.
pub(super) fn pdf_text(
    name: &str,
    text: Option<Result<String, String>>,
    labels: Labels,
) -> Option<Enclosure> {
    Some(match text? {
        Ok(text) => document(name, &text, text.chars().count(), labels),
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
