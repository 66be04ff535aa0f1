//! The outbox: everything the bot sends, written down before it is sent.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::channel::{ChatTarget, Urgency};
use super::delivery::DeliveryOutcome;
use super::error::StoreResult;
use super::exits::Links;
use super::ids::{ChannelName, ChatId, MessageId, OutboxId, TurnId};
use super::label::Labels;
use super::markup::FormattedText;
use super::outgoing_file::{OutgoingFile, SentAs};

/// What is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outgoing {
    /// A message with text, and buttons below it.
    Text {
        /// The text; never empty.
        text: FormattedText,
        /// Rows of buttons.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        buttons: Vec<Vec<Button>>,
    },
    /// A text file, for what is too long for messages.
    Document {
        /// Its name.
        file_name: String,
        /// Its content.
        content: String,
        /// The line below it.
        caption: FormattedText,
    },
    /// A file of the workspace, or several pictures as an album.
    Files {
        /// The files; never none.
        files: Vec<OutgoingFile>,
    },
}

impl Outgoing {
    /// A message of plain text.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::formatted(FormattedText::plain(text))
    }

    /// A message of formatted text without buttons.
    pub fn formatted(text: FormattedText) -> Self {
        Self::Text {
            text,
            buttons: Vec::new(),
        }
    }

    /// The text that a person reads.
    pub fn visible_text(&self) -> &str {
        match self {
            Self::Text { text, .. } => &text.text,
            Self::Document { caption, .. } => &caption.text,
            Self::Files { files } => files.first().map_or("", |file| &file.caption.text),
        }
    }

    /// Whether buttons can stand below it: a file has none.
    pub fn takes_buttons(&self) -> bool {
        matches!(self, Self::Text { .. })
    }

    /// The same with rows of buttons below it, where it takes any.
    #[must_use]
    pub fn with_buttons(self, rows: Vec<Vec<Button>>) -> Self {
        match self {
            Self::Text { text, .. } => Self::Text {
                text,
                buttons: rows,
            },
            file @ (Self::Document { .. } | Self::Files { .. }) => file,
        }
    }

    /// The same with only those links that may be links.
    #[must_use]
    pub fn with_links(self, links: &Links) -> Self {
        match self {
            Self::Text { text, buttons } => Self::Text {
                text: links.applied(text),
                buttons,
            },
            Self::Document {
                file_name,
                content,
                caption,
            } => Self::Document {
                file_name,
                content,
                caption: links.applied(caption),
            },
            files @ Self::Files { .. } => files.with_files(|file| {
                file.caption = links.applied(std::mem::take(&mut file.caption));
            }),
        }
    }

    /// The same without styles, for a service that refused them.
    #[must_use]
    pub fn without_styles(&self) -> Self {
        match self {
            Self::Text { text, buttons } => Self::Text {
                text: text.without_styles(),
                buttons: buttons.clone(),
            },
            Self::Document {
                file_name,
                content,
                caption,
            } => Self::Document {
                file_name: file_name.clone(),
                content: content.clone(),
                caption: caption.without_styles(),
            },
            Self::Files { .. } => self.with_files(|file| {
                file.caption = file.caption.without_styles();
            }),
        }
    }

    /// The same with files instead of pictures and voice messages, for a service that refused them.
    #[must_use]
    pub fn as_documents(&self) -> Self {
        self.with_files(|file| file.sent_as = SentAs::Document)
    }

    /// The same with each file changed.
    #[must_use]
    pub fn with_files(&self, change: impl FnMut(&mut OutgoingFile)) -> Self {
        let mut content = self.clone();
        if let Self::Files { files } = &mut content {
            files.iter_mut().for_each(change);
        }
        content
    }

    /// The files that it consists of.
    pub fn files(&self) -> &[OutgoingFile] {
        match self {
            Self::Files { files } => files,
            Self::Text { .. } | Self::Document { .. } => &[],
        }
    }
}

/// A button below a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// What comes back when it is pressed; at most 64 bytes (Bot API, InlineKeyboardButton).
    pub data: String,
}

/// Something to send, on its way into the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutbox {
    /// Where to.
    pub target: ChatTarget,
    /// What.
    pub content: Outgoing,
    /// Who goes first.
    pub urgency: Urgency,
    /// The message it answers, where that helps the reader.
    pub reply_to: Option<MessageId>,
    /// A second row with the same key is not written.
    pub dedupe_key: Option<String>,
    /// The message that it replaces; without one it is a message of its own.
    pub edits: Option<MessageId>,
    /// Where what it says comes from; `None` where nobody knows.
    pub labels: Option<Labels>,
}

impl NewOutbox {
    /// An answer that a person waits for.
    pub fn answer(target: ChatTarget, content: Outgoing) -> Self {
        Self {
            target,
            content,
            urgency: Urgency::Interactive,
            reply_to: None,
            dedupe_key: None,
            edits: None,
            labels: None,
        }
    }

    /// The same, known to come from there: who replies to it then brings nothing from elsewhere.
    #[must_use]
    pub fn labelled(self, labels: Labels) -> Self {
        Self {
            labels: Some(labels),
            ..self
        }
    }

    /// What replaces the content of a message that a person has just touched.
    pub fn edit(target: ChatTarget, message: MessageId, content: Outgoing) -> Self {
        Self {
            edits: Some(message),
            ..Self::answer(target, content)
        }
    }

    /// A reminder or a notice.
    pub fn notice(target: ChatTarget, content: Outgoing) -> Self {
        Self {
            target,
            content,
            urgency: Urgency::Background,
            reply_to: None,
            dedupe_key: None,
            edits: None,
            labels: None,
        }
    }
}

/// The key of the row that tells a person that a turn still waits for its model.
pub fn waiting_key(turn: TurnId) -> String {
    format!("waiting:{turn}")
}

/// A row that is due for delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its id; rows of one chat are delivered in the order of their ids within an urgency.
    pub id: OutboxId,
    /// Where to.
    pub target: ChatTarget,
    /// What.
    pub content: Outgoing,
    /// Who goes first.
    pub urgency: Urgency,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// The message that already exists for this row: it is edited instead of sent.
    pub message: Option<MessageId>,
    /// How many attempts were made.
    pub attempts: u32,
    /// How many of them may have succeeded without an answer.
    pub ambiguous: u32,
    /// The turn that it belongs to.
    pub turn: Option<TurnId>,
}

/// The outbox table.
#[async_trait]
pub trait OutboxStore: Send + Sync + std::fmt::Debug {
    /// Adds rows in one transaction.
    async fn add(&self, rows: Vec<NewOutbox>) -> StoreResult<Vec<OutboxId>>;

    /// For each chat of these channels the row that is next, when it is due and no less urgent than `least`; urgent
    /// ones first, at most `limit`. Rows that wait for a later attempt hold back the rows behind them in their chat.
    async fn heads(
        &self,
        channels: &[ChannelName],
        least: Urgency,
        now: DateTime<Utc>,
        limit: u32,
    ) -> StoreResult<Vec<OutboxRow>>;

    /// The row that is next in one chat, when it is due.
    async fn head(
        &self,
        channel: &ChannelName,
        chat: &ChatId,
        now: DateTime<Utc>,
    ) -> StoreResult<Option<OutboxRow>>;

    /// When the next attempt that is not yet due falls due.
    async fn next_attempt_at(&self) -> StoreResult<Option<DateTime<Utc>>>;

    /// Records that the call is about to be made. Directly before it, after every wait. An open row
    /// stays open. Returns what the row says by now where that is no longer what is `known` of it, and can be read.
    async fn start(&self, id: OutboxId, known: Option<&Outgoing>) -> StoreResult<Option<Outgoing>>;

    /// Records how the call ended. Says how many jobs go on that rested because nothing reached their
    /// chat.
    async fn finish(
        &self,
        id: OutboxId,
        outcome: DeliveryOutcome,
        now: DateTime<Utc>,
    ) -> StoreResult<usize>;

    /// Records the id of the message in which a streamed answer grows.
    async fn attach(&self, id: OutboxId, message: &MessageId) -> StoreResult<()>;

    /// Whether the chat of an open row has rows that must arrive before it.
    async fn is_behind(&self, id: OutboxId) -> StoreResult<bool>;

    /// Puts rows that were being sent when the process died back in line, as ambiguous; says how
    /// many. Makes due what only waits because the clock was set back since: what it says of itself
    /// lies in the future. Called once, before the first delivery.
    async fn recover(&self) -> StoreResult<u64>;

    /// Lets what waits for its next attempt wait less: the clock was set back by so much.
    async fn hasten(&self, by: TimeDelta) -> StoreResult<()>;

    /// Where what this message says comes from; `None` where nobody knows, of it or of one of its changes. One that was
    /// changed says all that it ever said.
    async fn labels(
        &self,
        channel: &ChannelName,
        chat: &ChatId,
        message: &MessageId,
    ) -> StoreResult<Option<Labels>>;

    /// How many rows wait for delivery, over all channels or on one.
    async fn count_waiting(&self, channel: Option<&ChannelName>) -> StoreResult<u64>;
}
