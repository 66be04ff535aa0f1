//! Conversations and their items.

mod exchange;
mod history;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::channel::ChatTarget;
use super::error::StoreResult;
use super::ids::{CallId, ConversationId};
use super::label::Labels;
use super::model::Continuation;
use super::tool::{ToolCall, ToolResult};

pub use self::exchange::shortened;
pub use self::history::History;

/// Room for the two lines between which content from outside stands, in bytes.
const ENVELOPE: usize = 200;

/// What stands around each message, in tokens.
const FRAME_TOKENS: usize = 8;

/// One entry of a conversation, as a model sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Item {
    /// What the person wrote, unchanged.
    User {
        /// The words: the person's own, or those of a job.
        text: String,
        /// What came with them that others wrote.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        enclosures: Vec<Enclosure>,
        /// Where all of it comes from.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
    },
    /// What a model said, and the tools it called.
    Assistant {
        /// The words; may be empty when tools are called.
        text: String,
        /// The calls, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<ToolCall>,
        /// The same in its provider's own form. Only the items of a running turn have it: it
        /// means nothing to other models, and little to the same one later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        continuation: Option<Continuation>,
        /// What the model had before it when it said this.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
    },
    /// What a tool answered.
    Tool {
        /// The call that it answers.
        call: CallId,
        /// The tool.
        name: String,
        /// The answer.
        result: ToolResult,
        /// Where its content comes from.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        labels: Labels,
    },
}

/// Content of others that came with a message of the person: a forwarded or quoted message, the
/// text of a document. A model is shown it as content, never as something the person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enclosure {
    /// What it says.
    pub text: String,
    /// Where it comes from.
    pub labels: Labels,
}

impl Enclosure {
    /// A conservative estimate of the tokens that it takes.
    pub fn estimated_tokens(&self) -> usize {
        (self.text.len() + ENVELOPE) / 3 + FRAME_TOKENS
    }
}

/// A conversation: the memory of one target between two `/new`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Where it takes place.
    pub target: ChatTarget,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The sources of all that was ever said in it: what has fallen out of the window may have left
    /// its mark on what has not, so only a new conversation begins without them.
    pub labels: Labels,
}

/// A running conversation in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationOverview {
    /// It.
    pub conversation: Conversation,
    /// How many items it has.
    pub items: u64,
    /// When the newest of them was written; `None` when there is none.
    pub last_item_at: Option<DateTime<Utc>>,
}

impl Item {
    /// What the person wrote, and nothing else.
    pub fn said(text: impl Into<String>) -> Self {
        Self::User {
            text: text.into(),
            enclosures: Vec::new(),
            labels: Labels::default(),
        }
    }

    /// Where its content comes from.
    pub fn labels(&self) -> &Labels {
        match self {
            Self::User { labels, .. }
            | Self::Assistant { labels, .. }
            | Self::Tool { labels, .. } => labels,
        }
    }

    /// The item as it stays in the conversation: without its provider's own form.
    #[must_use]
    pub fn settled(mut self) -> Self {
        if let Self::Assistant { continuation, .. } = &mut self {
            *continuation = None;
        }
        self
    }

    /// A conservative estimate of the tokens this item takes: one for each three bytes, and some
    /// for the frame. English text has about four bytes a token, code and other scripts fewer.
    pub fn estimated_tokens(&self) -> usize {
        let bytes = match self {
            Self::User {
                text, enclosures, ..
            } => {
                let enclosed = enclosures.iter().map(|part| part.text.len() + ENVELOPE);
                text.len() + enclosed.sum::<usize>()
            }
            Self::Assistant {
                text,
                calls,
                continuation,
                ..
            } => {
                let calls = calls.iter().map(|c| c.name.len() + c.arguments.len() + 16);
                let own = continuation.as_ref().map_or(0, Continuation::bytes);
                text.len() + calls.sum::<usize>() + own
            }
            Self::Tool { result, labels, .. } if labels.is_empty() => result.to_text().len(),
            Self::Tool { result, .. } => result.to_text().len() + ENVELOPE,
        };
        bytes / 3 + FRAME_TOKENS
    }
}

/// Reads conversations. They are written only by the turn journal and by changes.
#[async_trait]
pub trait ConversationStore: Send + Sync + std::fmt::Debug {
    /// The running conversation of a target, if anything was said since the last `/new`.
    async fn current(&self, target: &ChatTarget) -> StoreResult<Option<Conversation>>;

    /// The running conversations, the one that was talked in last first.
    async fn running(&self) -> StoreResult<Vec<ConversationOverview>>;

    /// The newest items of a conversation, oldest first, at most `limit`.
    async fn newest_items(&self, id: ConversationId, limit: u32) -> StoreResult<Vec<Item>>;

    /// The newest user item of a conversation: the one with which its newest turn began.
    async fn newest_question(&self, id: ConversationId) -> StoreResult<Option<Item>>;

    /// How many items a conversation has.
    async fn count_items(&self, id: ConversationId) -> StoreResult<u64>;

    /// Deletes all but the newest `keep` items and says how many went; a turn is never cut in two,
    /// so a few more can go. A newest turn that is longer than that stays, unless nothing is to stay.
    async fn trim_to(&self, id: ConversationId, keep: u64) -> StoreResult<u64>;

    /// Ends the running conversation of a target, so that the next message starts a new one.
    async fn close(&self, target: &ChatTarget, now: DateTime<Utc>) -> StoreResult<()>;
}
