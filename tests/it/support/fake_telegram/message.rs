//! A message as the fake keeps it, with every version it ever had.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::text::Formatted;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    Bot,
    User(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    Photo,
    Document,
    Voice,
    Audio,
    Video,
    VideoNote,
    Sticker,
}

impl FileKind {
    /// The Bot API's name of the field and of the parameter.
    pub fn field(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Document => "document",
            Self::Voice => "voice",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::VideoNote => "video_note",
            Self::Sticker => "sticker",
        }
    }

    pub fn from_field(field: &str) -> Option<Self> {
        [
            Self::Photo,
            Self::Document,
            Self::Voice,
            Self::Audio,
            Self::Video,
        ]
        .into_iter()
        .find(|kind| kind.field() == field)
    }
}

/// A file on the fake's disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeFile {
    pub kind: FileKind,
    pub file_id: String,
    pub name: String,
    pub mime: Option<String>,
    pub bytes: Arc<[u8]>,
    /// What Telegram says its size is; tests may claim more than there are bytes.
    pub size: u64,
}

impl FakeFile {
    /// Where `getFile` says the file lies.
    pub fn path(&self) -> String {
        let extension = self
            .name
            .rsplit_once('.')
            .map_or("bin", |(_, extension)| extension);
        format!("{}s/{}.{extension}", self.kind.field(), self.file_id)
    }

    pub fn json(&self) -> Value {
        let mut file = json!({
            "file_id": self.file_id,
            "file_unique_id": format!("u{}", self.file_id),
            "file_size": self.size,
        });
        match self.kind {
            FileKind::Photo => {
                file["width"] = 640.into();
                file["height"] = 480.into();
                return json!([file]);
            }
            FileKind::Voice | FileKind::Audio | FileKind::Video => file["duration"] = 3.into(),
            FileKind::VideoNote => {
                file["duration"] = 3.into();
                file["length"] = 240.into();
                return file;
            }
            FileKind::Sticker => {
                file["width"] = 512.into();
                file["height"] = 512.into();
                file["type"] = "regular".into();
                file["is_animated"] = false.into();
                file["is_video"] = false.into();
                file["emoji"] = self.name.clone().into();
                return file;
            }
            FileKind::Document => {}
        }
        if self.kind == FileKind::Video {
            file["width"] = 640.into();
            file["height"] = 480.into();
        }
        if self.kind != FileKind::Voice {
            file["file_name"] = self.name.clone().into();
        }
        if let Some(mime) = &self.mime {
            file["mime_type"] = mime.clone().into();
        }
        file
    }
}

/// The content a message had from `at` on.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    pub text: String,
    pub entities: Vec<Value>,
    pub reply_markup: Option<Value>,
    pub at: Instant,
}

/// One message of a chat. For media `text` and `entities` are the caption.
#[derive(Debug, Clone, PartialEq)]
pub struct FakeMessage {
    pub id: i64,
    pub chat_id: i64,
    pub thread: Option<i64>,
    pub author: Author,
    pub text: String,
    pub entities: Vec<Value>,
    pub reply_markup: Option<Value>,
    pub reply_to: Option<i64>,
    pub file: Option<FakeFile>,
    pub media_group_id: Option<String>,
    /// `link_preview_options` as sent.
    pub link_preview: Option<Value>,
    /// Oldest first; the first is what was sent, the others are edits.
    pub versions: Vec<Version>,
}

impl FakeMessage {
    /// The edits after the first version.
    pub fn edits(&self) -> &[Version] {
        self.versions.get(1..).unwrap_or_default()
    }

    /// The `callback_data` of every button, row by row.
    pub fn buttons(&self) -> Vec<String> {
        let rows = self
            .reply_markup
            .iter()
            .filter_map(|markup| markup["inline_keyboard"].as_array());
        rows.flatten()
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(|button| button["callback_data"].as_str().map(str::to_owned))
            .collect()
    }

    /// Makes `formatted` the content and remembers when.
    pub fn revise(&mut self, formatted: Formatted, reply_markup: Option<Value>) {
        self.text = formatted.text;
        self.entities = formatted.entities;
        self.reply_markup = reply_markup;
        self.versions.push(Version {
            text: self.text.clone(),
            entities: self.entities.clone(),
            reply_markup: self.reply_markup.clone(),
            at: Instant::now(),
        });
    }

    /// One line for a failure's dump.
    pub fn summary(&self) -> String {
        let author = match self.author {
            Author::Bot => "bot".to_owned(),
            Author::User(id) => format!("user {id}"),
        };
        let mut line = format!("#{} {author}: {:?}", self.id, self.text);
        if let Some(thread) = self.thread {
            line.push_str(&format!(" thread={thread}"));
        }
        if let Some(file) = &self.file {
            line.push_str(&format!(
                " {:?} {} ({} bytes)",
                file.kind, file.name, file.size
            ));
        }
        if !self.edits().is_empty() {
            line.push_str(&format!(" edits={}", self.edits().len()));
        }
        if !self.buttons().is_empty() {
            line.push_str(&format!(" buttons={:?}", self.buttons()));
        }
        line
    }
}
