//! Attachments: what hangs on a message, as its channel describes it before anything is downloaded.

use serde::{Deserialize, Serialize};

use crate::core::file_name::is_deceptive;
use crate::core::ids::FileRef;

/// File names come from strangers: so much of one is shown.
const NAME_CHARS: usize = 100;

/// One file of a message. Everything but its kind and id is a claim of whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// What it is on its channel.
    pub kind: AttachmentKind,
    /// The file; of a picture the largest version. Without an id there is none.
    pub file: FileVersion,
    /// The same picture in smaller versions, the larger ones first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub smaller: Vec<FileVersion>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its MIME type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// How long it plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<u32>,
}

/// A file of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileVersion {
    /// The channel's id, with which it is downloaded.
    pub id: FileRef,
    /// Its size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Its width in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Its height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// The kinds of attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentKind {
    /// A photo.
    Picture,
    /// A sticker, which is read as a picture.
    Sticker,
    /// A file.
    Document,
    /// A spoken message.
    Voice,
    /// A piece of music or another recording.
    Audio,
    /// A short round video: only its sound is read.
    VideoNote,
    /// A video. It is not read, nor is anything below.
    Video,
    /// A moving picture without sound.
    Animation,
    /// A story.
    Story,
    /// Media that cost something.
    PaidMedia,
    /// A game.
    Game,
    /// An invoice.
    Invoice,
    /// Something that this version does not know.
    Unknown,
}

impl AttachmentKind {
    /// It in words: `a photo`.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Picture => "a photo",
            Self::Sticker => "a sticker",
            Self::Document => "a file",
            Self::Voice => "a voice message",
            Self::Audio => "an audio file",
            Self::VideoNote => "a video message",
            Self::Video => "a video",
            Self::Animation => "an animation",
            Self::Story => "a story",
            Self::PaidMedia => "paid media",
            Self::Game => "a game",
            Self::Invoice => "an invoice",
            Self::Unknown => "an attachment",
        }
    }

    /// The same without its article: `photo`.
    pub fn noun(self) -> &'static str {
        let described = self.describe();
        let noun = described.strip_prefix("a ");
        let noun = noun.or_else(|| described.strip_prefix("an "));
        noun.unwrap_or(described)
    }

    /// Whether something of it can be read here.
    pub fn is_read(self) -> bool {
        match self {
            Self::Picture
            | Self::Sticker
            | Self::Document
            | Self::Voice
            | Self::Audio
            | Self::VideoNote => true,
            Self::Video
            | Self::Animation
            | Self::Story
            | Self::PaidMedia
            | Self::Game
            | Self::Invoice
            | Self::Unknown => false,
        }
    }

    /// Whether it is listened to.
    pub fn is_sound(self) -> bool {
        matches!(self, Self::Voice | Self::Audio | Self::VideoNote)
    }

    /// Whether it is what the sender says in their own voice.
    pub fn is_spoken(self) -> bool {
        matches!(self, Self::Voice | Self::VideoNote)
    }
}

impl Attachment {
    /// Its name as far as it is fit to be shown, or what it is.
    pub fn shown_name(&self) -> String {
        let visible = self.name.as_deref().unwrap_or_default().chars();
        let name: String = visible
            .filter(|letter| !is_deceptive(*letter))
            .take(NAME_CHARS)
            .collect();
        match name.trim() {
            "" => self.kind.describe().to_owned(),
            name => name.to_owned(),
        }
    }

    /// A name under which it can be kept.
    pub fn file_name(&self) -> String {
        let stem = match self.kind {
            AttachmentKind::Picture => "photo.jpg",
            AttachmentKind::Sticker => "sticker.webp",
            AttachmentKind::Document => "file",
            AttachmentKind::Voice => "voice.ogg",
            AttachmentKind::Audio => "audio.mp3",
            AttachmentKind::VideoNote => "video.mp4",
            _ => "file",
        };
        match (&self.name, self.kind) {
            (Some(name), AttachmentKind::Document | AttachmentKind::Audio) => name.clone(),
            _ => stem.to_owned(),
        }
    }

    /// Whether there is a file behind it: some have none for bots.
    pub fn has_file(&self) -> bool {
        !self.file.id.as_str().is_empty()
    }

    /// The largest version of at most so many bytes; one that does not say its size may be.
    pub fn within(&self, most_bytes: u64) -> Option<&FileVersion> {
        std::iter::once(&self.file)
            .chain(&self.smaller)
            .find(|version| version.size_bytes.is_none_or(|size| size <= most_bytes))
    }
}
