//! Notes: what the bot is asked to remember, until it is asked to forget.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::channel::{ChatKind, ChatTarget};
use super::error::StoreResult;
use super::ids::{ChannelName, ChatId, NoteId, UserId};
use super::label::Labels;

/// Whose a note is: the person's in a private chat, the chat's in a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NoteOwner {
    /// A person.
    Person {
        /// The channel that knows them.
        channel: ChannelName,
        /// The person.
        user: UserId,
    },
    /// A group.
    Chat {
        /// The channel.
        channel: ChannelName,
        /// The group.
        chat: ChatId,
    },
}

impl NoteOwner {
    /// Whose notes are meant when `user` writes in `target`.
    pub fn of(target: &ChatTarget, kind: ChatKind, user: &UserId) -> Self {
        match kind {
            ChatKind::Private => Self::Person {
                channel: target.channel.clone(),
                user: user.clone(),
            },
            ChatKind::Group => Self::Chat {
                channel: target.channel.clone(),
                chat: target.chat.clone(),
            },
        }
    }
}

/// A note that is to be saved.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNote {
    /// Whose.
    pub owner: NoteOwner,
    /// What it is called; unique for its owner.
    pub title: String,
    /// What it says.
    pub data: String,
    /// Free data of the model.
    pub metadata: Option<Value>,
    /// Where it comes from.
    pub source: Option<String>,
    /// When it is forgotten by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was saved.
    pub saved_at: DateTime<Utc>,
    /// What its writer had read.
    pub labels: Labels,
}

/// A stored note.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// What it is called.
    pub title: String,
    /// What it says.
    pub data: String,
    /// Free data of the model.
    pub metadata: Option<Value>,
    /// Where it comes from.
    pub source: Option<String>,
    /// When it was first saved.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it is forgotten by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// What its writer had read.
    pub labels: Labels,
}

/// Which note of an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteSelector {
    /// By id.
    Id(NoteId),
    /// By title, in any letter case.
    Title(String),
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSearch {
    /// Whose.
    pub owner: NoteOwner,
    /// Words to find; `None` lists all, newest first.
    pub query: Option<String>,
    /// At most so many.
    pub limit: u32,
    /// After so many.
    pub offset: u32,
    /// Notes that expired by then are not found.
    pub now: DateTime<Utc>,
}

/// A page of notes.
#[derive(Debug, Clone, PartialEq)]
pub struct NotePage {
    /// How many there are in all.
    pub total: u64,
    /// The notes of this page, best first.
    pub notes: Vec<Note>,
}

/// Reads notes. They are written through changes.
#[async_trait]
pub trait NoteStore: Send + Sync + std::fmt::Debug {
    /// A note that has not expired.
    async fn get(
        &self,
        owner: &NoteOwner,
        selector: &NoteSelector,
        now: DateTime<Utc>,
    ) -> StoreResult<Option<Note>>;

    /// Full-text search, ranked.
    async fn search(&self, search: NoteSearch) -> StoreResult<NotePage>;
}
