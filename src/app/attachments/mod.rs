//! Reads the attachments of a message at the start of its turn: fetches what the limits allow, keeps
//! it where files are kept, listens to it or looks at it, and says what became of it.

mod fetch;
mod insert;
mod one;

use std::sync::Arc;

use self::one::One;
use super::channels::Channels;
use crate::core::channel::ChatTarget;
use crate::core::clock::Clock;
use crate::core::files::WorkspaceFiles;
use crate::core::label::Labels;
use crate::core::media::{
    Attachment, Excerpt, FileOrigin, FileOutcome, FileReader, MediaLimits, Part, ReceivedFile,
    Refusal, Scratch, Term, Transcriber, Verdict, document,
};

/// Settings of reading.
#[derive(Debug, Clone)]
pub struct AttachmentSettings {
    /// What is read at all.
    pub limits: MediaLimits,
    /// Whether a model wants the text of PDFs.
    pub pdf_text: bool,
    /// So much text of files goes with one turn, in bytes.
    pub text_bytes: usize,
}

/// Where files are kept that people send.
#[derive(Debug, Clone)]
pub struct Uploads {
    /// The files of all chats.
    pub workspaces: Arc<dyn WorkspaceFiles>,
    /// The folder for them.
    pub folder: String,
    /// For how long they stay there.
    pub term: Term,
}

/// Reads attachments.
#[derive(Debug)]
pub struct Attachments {
    /// Where they come from.
    pub channels: Channels,
    /// Room for them.
    pub scratch: Arc<dyn Scratch>,
    /// Looks at them.
    pub reader: Arc<dyn FileReader>,
    /// Listens to them; `None` when that is switched off.
    pub transcriber: Option<Arc<dyn Transcriber>>,
    /// Keeps them; `None` when files are not kept.
    pub uploads: Option<Uploads>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The settings.
    pub settings: AttachmentSettings,
}

/// What was read.
#[derive(Debug, Clone, Default)]
pub struct ReadFiles {
    /// What became of each attachment, in order.
    pub files: Vec<ReceivedFile>,
    /// What the model is given.
    pub parts: Vec<Part>,
    /// Where that comes from.
    pub labels: Labels,
}

/// An attachment that is to be read.
#[derive(Debug, Clone)]
pub struct Asked {
    /// On which message it hangs.
    pub origin: FileOrigin,
    /// The attachment.
    pub attachment: Attachment,
}

impl Asked {
    /// Whose words stand in it.
    fn labels(&self) -> Labels {
        self.origin.labels(self.attachment.shown_name())
    }
}

/// What is left of the limits of a message.
struct Room {
    bytes: u64,
    text: usize,
}

impl Attachments {
    /// Reads the attachments of a message. `known` is what became of them before a restart: what
    /// was settled then stays so. Dropping the future ends everything that is under way.
    pub async fn read(
        &self,
        target: &ChatTarget,
        asked: &[Asked],
        known: Option<&[ReceivedFile]>,
    ) -> ReadFiles {
        let Some(source) = self.channels.of(target).and_then(|channel| channel.media()) else {
            return ReadFiles::default();
        };
        let limits = &self.settings.limits;
        let attachments = asked.iter().map(|asked| &asked.attachment);
        let verdicts = limits.judge(attachments, source.most_bytes());
        let mut room = Room {
            bytes: limits.total_bytes,
            text: self.settings.text_bytes,
        };
        let mut read = ReadFiles::default();
        for (index, (asked, verdict)) in asked.iter().zip(verdicts).enumerate() {
            let before = known.and_then(|known| known.get(index));
            if let Some(settled) = before.filter(|file| file.outcome != FileOutcome::Read) {
                read.take_settled(settled.clone());
                continue;
            }
            let (version, most_bytes) = match verdict {
                Verdict::Take {
                    version,
                    most_bytes,
                } => (version, most_bytes),
                Verdict::Refuse(why) => {
                    read.files.push(refused(asked, why));
                    continue;
                }
            };
            let one = One {
                all: self,
                source,
                target,
                asked,
                before,
            };
            one.read(&version.id, most_bytes, &mut room, &mut read)
                .await;
        }
        read
    }
}

impl ReadFiles {
    /// Takes what became of a file. What was heard and is not the person's own is content.
    fn take_settled(&mut self, file: ReceivedFile) {
        match &file.outcome {
            FileOutcome::Heard { text } if file.spoken().is_none() => {
                let heard = Excerpt {
                    text: text.clone(),
                    is_cut: false,
                };
                let heard = document(&file.name, heard, file.labels());
                self.parts.push(Part::Document(heard));
                self.labels.join(&file.labels());
            }
            FileOutcome::Read => self.labels.join(&file.labels()),
            _ => {}
        }
        self.files.push(file);
    }
}

fn refused(asked: &Asked, why: Refusal) -> ReceivedFile {
    let outcome = FileOutcome::Refused { why };
    ReceivedFile::of(&asked.attachment, asked.origin, outcome)
}
