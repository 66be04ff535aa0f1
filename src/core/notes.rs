//! Notes: what the bot is asked to remember, until it is asked to forget.

use std::collections::HashSet;

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
    /// By id, unless it was saved again since then.
    Saved(NoteId, DateTime<Utc>),
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

/// A note of the person's own that goes with a message, or the beginning of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnNote {
    /// What it is called.
    pub title: String,
    /// What it says.
    pub data: String,
}

impl OwnNote {
    /// So many of the newest are looked at.
    pub const MOST: u32 = 20;
    /// So much is read of each, in characters.
    pub const LONGEST: u32 = 240;

    fn line(&self) -> String {
        let words: Vec<&str> = self.data.split_whitespace().collect();
        format!("- {}: {}", self.title, words.join(" "))
    }

    /// How many of these words it has.
    fn hits(&self, words: &HashSet<String>) -> usize {
        let own = long_words(&format!("{} {}", self.title, self.data));
        own.intersection(words).count()
    }
}

/// How much of notes goes with a message, in bytes.
const MOST_SHOWN: usize = 1000;

/// What a model is told of the notes that may matter for a message: those that have words of it
/// first, then the newest, as long as there is room. `None` where there are none. `notes` are the
/// newest, newest first.
pub fn that_matter(mut notes: Vec<OwnNote>, message: &str) -> Option<String> {
    let words = long_words(message);
    // The sort is stable: among equals the newer one stays first.
    notes.sort_by_cached_key(|note| std::cmp::Reverse(note.hits(&words)));
    let mut room = MOST_SHOWN;
    let lines = notes.iter().map(OwnNote::line).filter(|line| {
        let fits = line.len() <= room;
        room -= if fits { line.len() } else { 0 };
        fits
    });
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| {
        format!(
            "Notes from earlier that may matter (there can be more):\n{}",
            lines.join("\n")
        )
    })
}

/// The words that say something, in small letters.
fn long_words(text: &str) -> HashSet<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 3)
        .map(str::to_lowercase)
        .collect()
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

    /// The newest notes, as [`OwnNote`] says how many and how much of each. Only what its writer had
    /// read nothing from outside for: the rest is content, for whoever looks for it.
    async fn newest_own(&self, owner: &NoteOwner, now: DateTime<Utc>) -> StoreResult<Vec<OwnNote>>;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{OwnNote, that_matter};

    fn note(title: &str, data: &str) -> OwnNote {
        OwnNote {
            title: title.into(),
            data: data.into(),
        }
    }

    #[test]
    fn notes_with_words_of_the_message_come_first_then_the_newest_within_the_room() {
        let long = "x".repeat(300);
        let mut notes = vec![note("Food", "vegetarian,\n no nuts")];
        notes.extend((0..4).map(|number| note(&format!("n{number}"), &long)));
        notes.push(note("Sister", "Ada, in Oslo"));
        let shown = that_matter(notes, "when is ADA's birthday, and what to eat?");
        assert_eq!(that_matter(Vec::new(), "Ada"), None);
        // Short words say nothing.
        assert!(shown.unwrap().contains(":\n- Food: vegetarian, no nuts\n"));
        let notes = || {
            vec![
                note("Food", "vegetarian"),
                note("Sister", "in Oslo, a nurse"),
            ]
        };
        let shown = that_matter(notes(), "Is it cold in OSLO?").unwrap();
        assert!(
            shown.ends_with(":\n- Sister: in Oslo, a nurse\n- Food: vegetarian"),
            "{shown}"
        );
        let many: Vec<OwnNote> = (0..20).map(|n| note(&format!("n{n}"), &long)).collect();
        let shown = that_matter(many, "").unwrap();
        assert_eq!(shown.lines().count(), 4, "{shown}");
        assert!(shown.len() < 1100);
    }
}
