//! Identifiers as newtypes, so that no two kinds can be mixed up.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! row_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

macro_rules! name_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the identifier as its own system writes it.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// The identifier as its own system writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

row_id! {
    /// A row of `inbox`: one thing that arrived.
    InboxId,
    /// A conversation: what `/new` starts afresh.
    ConversationId,
    /// An entry of a conversation.
    ItemId,
    /// A turn: from one message of the person to its answer.
    TurnId,
    /// A row of `outbox`: one thing to deliver.
    OutboxId,
    /// A scheduled job.
    JobId,
    /// One slot of a job.
    OccurrenceId,
    /// A note.
    NoteId,
    /// A rule that "always allow this" has stored.
    RuleId,
}

name_id! {
    /// The name of a channel adapter, such as `telegram` or `console`.
    ChannelName,
    /// A chat, as its channel writes it. Only the channel's adapter reads it.
    ChatId,
    /// A topic within a chat, as its channel writes it.
    ThreadId,
    /// A person, as the channel writes it.
    UserId,
    /// A delivered message, as its channel writes it.
    MessageId,
    /// The id that ties the messages of one album together.
    AlbumId,
    /// The copy of a file that is on its way.
    CopyId,
    /// A file that somebody sent, as its channel writes it. Only the channel's adapter reads it.
    FileRef,
    /// The id that a model gave to one of its tool calls.
    CallId,
}
