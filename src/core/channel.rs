//! Where conversations take place, and the port through which anything is delivered there.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::ids::{ChannelName, ChatId, MessageId, ThreadId, UserId};
use super::markup::LongCode;
use super::media::MediaSource;
use super::outbox::Outgoing;

/// One place to talk in: a chat, or one topic of it. It goes through everything: text, typing,
/// files, cards, reminders. Each target has its own conversation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChatTarget {
    /// The channel whose chat it is.
    pub channel: ChannelName,
    /// The chat.
    pub chat: ChatId,
    /// The topic; `None` where the chat has none, and in what its topics leave: one place, so that
    /// nothing is lost when topics are switched on or off.
    pub thread: Option<ThreadId>,
}

impl std::fmt::Display for ChatTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.channel, self.chat)?;
        self.thread
            .as_ref()
            .map_or(Ok(()), |thread| write!(f, "/{thread}"))
    }
}

/// Who else reads along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatKind {
    /// One person and the bot.
    Private,
    /// Several people.
    Group,
}

/// A person who writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The channel's id of the person.
    pub user: UserId,
    /// The name the person shows.
    pub name: String,
}

/// How a channel shows an answer while it is still being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streaming {
    /// Not at all: the answer comes when it is whole.
    Off,
    /// By editing one message, at most once in the given time.
    Edits {
        /// The shortest time between two edits.
        interval: Duration,
    },
}

/// Whether a channel shows buttons below messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buttons {
    /// It does.
    Shown,
    /// It cannot: they are left out.
    None,
}

/// Whether a person on the channel can be asked something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// They can.
    Possible,
    /// Nobody is there to answer.
    Impossible,
}

/// What a channel can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The longest text of one message, in UTF-16 code units.
    pub max_text_units: usize,
    /// How a growing answer is shown.
    pub streaming: Streaming,
    /// More parts than this are sent as one document instead.
    pub max_parts: usize,
    /// What becomes of code that is too long to be read in a chat.
    pub long_code: LongCode,
    /// Whether there are buttons.
    pub buttons: Buttons,
    /// Whether a person can be asked.
    pub asking: Asking,
}

/// What waits for a place in a channel's rate budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// A person is waiting for it.
    Interactive,
    /// Nobody is waiting for it this second: a reminder, a notice.
    Background,
}

/// Why a delivery did not succeed: one variant for each thing the outbox does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The request did not reach the service, or the service refused it before acting.
    #[error("not delivered: {0}")]
    Unreachable(String),
    /// The request may have been carried out, but no answer came.
    #[error("no answer: {0}")]
    Ambiguous(String),
    /// The service says that it has carried it out, and not as which message.
    #[error("an incomplete answer: {0}")]
    Garbled(String),
    /// Too many requests: wait exactly this long.
    #[error("rate limited for {} s", .retry_after.as_secs())]
    RateLimited {
        /// How long the service wants us to wait.
        retry_after: Duration,
    },
    /// The service is in trouble (5xx).
    #[error("the service failed: {0}")]
    ServiceDown(String),
    /// The formatting was refused: the same text may pass without styles.
    #[error("formatting refused: {0}")]
    BadFormatting(String),
    /// The message to edit is no longer there.
    #[error("the message to edit is gone: {0}")]
    MessageGone(String),
    /// The topic is no longer there; the chat is.
    #[error("the topic is gone: {0}")]
    TopicGone(String),
    /// The topic takes no messages for now; the chat does.
    #[error("the topic is closed: {0}")]
    TopicClosed(String),
    /// The chat is closed to us: blocked, kicked out, deleted.
    #[error("the chat is closed: {0}")]
    ChatClosed(String),
    /// The chat lives on under another id.
    #[error("the chat moved to {0}")]
    Migrated(ChatId),
    /// More than the service takes in one call.
    #[error("too large: {0}")]
    TooLarge(String),
    /// Refused for good.
    #[error("refused: {0}")]
    Refused(String),
}

/// The way out to one kind of chat (Telegram, the terminal, …).
///
/// An implementer must never send twice on its own: retries belong to the outbox, which writes
/// down each attempt. It must keep secrets out of its errors.
#[async_trait]
pub trait Channel: Send + Sync + std::fmt::Debug {
    /// The name that `ChatTarget::channel` carries.
    fn name(&self) -> &ChannelName;

    /// What the channel can do; fixed while the process runs.
    fn capabilities(&self) -> Capabilities;

    /// Where the files are that people send; `None` where they send none.
    fn media(&self) -> Option<&dyn MediaSource> {
        None
    }

    /// Waits until the rate budget lets one request to `target` pass, and takes it.
    async fn reserve(&self, target: &ChatTarget, urgency: Urgency);

    /// Takes a place in the rate budget if one is free now; otherwise the edit is dropped.
    fn try_reserve(&self, target: &ChatTarget) -> bool;

    /// Sends a new message and returns its id.
    async fn send(
        &self,
        target: &ChatTarget,
        content: &Outgoing,
        reply_to: Option<&MessageId>,
    ) -> Result<MessageId, DeliveryError>;

    /// Replaces the content of a message. Being unchanged is success.
    async fn edit(
        &self,
        target: &ChatTarget,
        message: &MessageId,
        content: &Outgoing,
    ) -> Result<(), DeliveryError>;

    /// Shows that the bot is working, for a few seconds. Failing is not worth a word.
    async fn typing(&self, target: &ChatTarget);

    /// Acknowledges a pressed button, so that the person's client stops waiting; `notice` is
    /// shown for a moment.
    async fn answer_press(&self, press: &str, notice: Option<&str>);
}
