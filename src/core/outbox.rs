//! The outbox: everything the bot sends, written down before it is sent.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::channel::{ChatTarget, DeliveryError, Urgency};
use super::error::StoreResult;
use super::ids::{ChannelName, ChatId, MessageId, OutboxId, TurnId};
use super::markup::FormattedText;

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
        }
    }

    /// The same with rows of buttons below it. A document has none.
    #[must_use]
    pub fn with_buttons(self, rows: Vec<Vec<Button>>) -> Self {
        match self {
            Self::Text { text, .. } => Self::Text {
                text,
                buttons: rows,
            },
            document @ Self::Document { .. } => document,
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
        }
    }
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

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It is there.
    Sent {
        /// The id it has now.
        message: MessageId,
    },
    /// Try again at `at`.
    Retry {
        /// When.
        at: DateTime<Utc>,
        /// What went wrong.
        error: String,
        /// Whether the attempt may have succeeded all the same.
        certainty: Certainty,
    },
    /// Try again at once with other content (without styles, or as a new message).
    Replace {
        /// The content to try.
        content: Outgoing,
        /// The message to edit; `None` sends a new one.
        message: Option<MessageId>,
        /// What went wrong.
        error: String,
    },
    /// Given up.
    Failed {
        /// What went wrong.
        error: String,
        /// A line for the person, where they can still be reached.
        notice: Option<Box<NewOutbox>>,
    },
    /// Given up, and the chat's jobs are paused: nothing reaches it.
    ChatClosed {
        /// What went wrong.
        error: String,
    },
    /// The chat has another id now: every row, job and conversation of it moves.
    Migrated {
        /// The new id.
        to: ChatId,
    },
}

/// Whether a failed attempt is known not to have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// It was not carried out.
    NotSent,
    /// It may have been.
    Ambiguous,
}

/// The first wait before another attempt.
const FIRST_RETRY: TimeDelta = TimeDelta::milliseconds(500);

/// The longest wait before another attempt.
const LONGEST_RETRY: TimeDelta = TimeDelta::seconds(30);

/// The longest that a rate limit is obeyed; a server that asks for more is asked again.
const LONGEST_LIMIT: TimeDelta = TimeDelta::days(1);

/// After so many attempts without an answer a row is given up: each may have arrived.
const MOST_AMBIGUOUS: u32 = 5;

impl OutboxRow {
    /// What follows from a failed attempt. `jitter`, from 0 to 1, spreads retries that would
    /// otherwise come all at once.
    pub fn after_failure(
        &self,
        error: &DeliveryError,
        now: DateTime<Utc>,
        jitter: f64,
    ) -> DeliveryOutcome {
        let reason = error.to_string();
        let retry = |certainty| DeliveryOutcome::Retry {
            at: now + self.backoff(jitter),
            error: reason.clone(),
            certainty,
        };
        match error {
            DeliveryError::Unreachable(_) | DeliveryError::ServiceDown(_) => {
                retry(Certainty::NotSent)
            }
            DeliveryError::Ambiguous(_) if self.ambiguous < MOST_AMBIGUOUS => {
                retry(Certainty::Ambiguous)
            }
            DeliveryError::RateLimited { retry_after } => DeliveryOutcome::Retry {
                at: now
                    + TimeDelta::from_std(*retry_after)
                        .map_or(LONGEST_LIMIT, |t| t.min(LONGEST_LIMIT)),
                error: reason,
                certainty: Certainty::NotSent,
            },
            DeliveryError::Migrated(to) if *to == self.target.chat => retry(Certainty::NotSent),
            DeliveryError::BadFormatting(_) if self.content != self.content.without_styles() => {
                DeliveryOutcome::Replace {
                    content: self.content.without_styles(),
                    message: self.message.clone(),
                    error: reason,
                }
            }
            DeliveryError::MessageGone(_) if self.message.is_some() => DeliveryOutcome::Replace {
                content: self.content.clone(),
                message: None,
                error: reason,
            },
            DeliveryError::ChatClosed(_) => DeliveryOutcome::ChatClosed { error: reason },
            DeliveryError::Migrated(to) => DeliveryOutcome::Migrated { to: to.clone() },
            DeliveryError::Ambiguous(_)
            | DeliveryError::BadFormatting(_)
            | DeliveryError::MessageGone(_)
            | DeliveryError::Refused(_) => DeliveryOutcome::Failed {
                notice: self.failure_notice(&reason).map(Box::new),
                error: reason,
            },
        }
    }

    fn backoff(&self, jitter: f64) -> TimeDelta {
        let doubled = FIRST_RETRY * 2_i32.pow(self.attempts.min(10));
        let wait = doubled.min(LONGEST_RETRY);
        let spread = (wait.num_milliseconds() as f64 * 0.25 * jitter.clamp(0.0, 1.0)) as i64;
        wait + TimeDelta::milliseconds(spread)
    }

    /// One line for the person in place of what could not be sent; none for a line of this kind.
    fn failure_notice(&self, reason: &str) -> Option<NewOutbox> {
        let key = format!("undelivered:{}", self.id);
        if self.content.visible_text().starts_with(UNDELIVERED) {
            return None;
        }
        let line = format!("{UNDELIVERED} ({reason}).");
        Some(NewOutbox {
            dedupe_key: Some(key),
            ..NewOutbox::notice(self.target.clone(), Outgoing::plain(line))
        })
    }
}

const UNDELIVERED: &str = "A message to you was refused and could not be sent";

/// The outbox table.
#[async_trait]
pub trait OutboxStore: Send + Sync + std::fmt::Debug {
    /// Adds rows in one transaction.
    async fn add(&self, rows: Vec<NewOutbox>) -> StoreResult<Vec<OutboxId>>;

    /// For each chat of these channels the row that is next, when it is due; urgent ones first, at
    /// most `limit`. Rows that wait for a later attempt hold back the rows behind them in their chat.
    async fn heads(
        &self,
        channels: &[ChannelName],
        now: DateTime<Utc>,
        limit: u32,
    ) -> StoreResult<Vec<OutboxRow>>;

    /// When the next attempt that is not yet due falls due.
    async fn next_attempt_at(&self) -> StoreResult<Option<DateTime<Utc>>>;

    /// Records that the call is about to be made. Directly before it, after every wait. An open row
    /// stays open.
    async fn start(&self, id: OutboxId, now: DateTime<Utc>) -> StoreResult<()>;

    /// Records how the call ended.
    async fn finish(
        &self,
        id: OutboxId,
        outcome: DeliveryOutcome,
        now: DateTime<Utc>,
    ) -> StoreResult<()>;

    /// Records the id of the message in which a streamed answer grows.
    async fn attach(&self, id: OutboxId, message: &MessageId) -> StoreResult<()>;

    /// Whether the chat of an open row has rows that must arrive before it.
    async fn is_behind(&self, id: OutboxId) -> StoreResult<bool>;

    /// Puts rows that were being sent when the process died back in line, as ambiguous; says how
    /// many. Called once, before the first delivery.
    async fn recover(&self) -> StoreResult<u64>;

    /// How many rows wait for delivery, over all channels or on one.
    async fn count_waiting(&self, channel: Option<&ChannelName>) -> StoreResult<u64>;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::time::Duration;

    use super::*;
    use crate::core::ids::{ChannelName, ChatId};
    use crate::core::markup::{Span, Style};

    fn row(attempts: u32) -> OutboxRow {
        let text = FormattedText {
            text: "hello".into(),
            spans: vec![Span {
                start: 0,
                end: 5,
                style: Style::Bold,
            }],
        };
        OutboxRow {
            id: OutboxId(1),
            target: ChatTarget {
                channel: ChannelName::new("telegram"),
                chat: ChatId::new("7"),
                thread: None,
            },
            content: Outgoing::formatted(text),
            urgency: Urgency::Interactive,
            reply_to: None,
            message: None,
            attempts,
            ambiguous: 0,
            turn: None,
        }
    }

    fn waits(attempts: u32, error: &DeliveryError) -> i64 {
        let now = DateTime::UNIX_EPOCH;
        match row(attempts).after_failure(error, now, 0.0) {
            DeliveryOutcome::Retry { at, .. } => (at - now).num_milliseconds(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn waits_double_from_half_a_second_to_thirty() {
        let down = DeliveryError::ServiceDown("502".into());
        let found: Vec<i64> = (0..9).map(|attempts| waits(attempts, &down)).collect();
        assert_eq!(
            found,
            [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]
        );
    }

    #[test]
    fn a_rate_limit_waits_exactly_as_long_as_it_says() {
        let limited = DeliveryError::RateLimited {
            retry_after: Duration::from_secs(17),
        };
        assert_eq!(waits(5, &limited), 17_000);
    }

    #[test]
    fn a_rate_limit_without_end_is_asked_again_after_a_day() {
        let limited = DeliveryError::RateLimited {
            retry_after: Duration::from_secs(u64::MAX),
        };
        assert_eq!(waits(0, &limited), 86_400_000);
    }

    #[test]
    fn what_never_gets_an_answer_is_not_sent_for_ever() {
        let silent = DeliveryError::Ambiguous("timeout".into());
        let tried = OutboxRow {
            ambiguous: 5,
            ..row(5)
        };
        assert!(matches!(
            tried.after_failure(&silent, DateTime::UNIX_EPOCH, 0.0),
            DeliveryOutcome::Failed { .. }
        ));
        assert_eq!(waits(0, &silent), 500);
    }

    #[test]
    fn refused_formatting_is_sent_once_without_it() {
        let refused = DeliveryError::BadFormatting("can't parse entities".into());
        let now = DateTime::UNIX_EPOCH;
        let DeliveryOutcome::Replace { content, .. } = row(0).after_failure(&refused, now, 0.0)
        else {
            panic!("not replaced")
        };
        let again = OutboxRow { content, ..row(1) };
        assert!(matches!(
            again.after_failure(&refused, now, 0.0),
            DeliveryOutcome::Failed { .. }
        ));
    }

    #[test]
    fn a_refused_row_is_told_of_once_and_its_notice_never() {
        let refused = DeliveryError::Refused("400".into());
        let now = DateTime::UNIX_EPOCH;
        let DeliveryOutcome::Failed {
            notice: Some(notice),
            ..
        } = row(0).after_failure(&refused, now, 0.0)
        else {
            panic!("no notice")
        };
        let again = OutboxRow {
            content: notice.content,
            ..row(0)
        };
        assert!(matches!(
            again.after_failure(&refused, now, 0.0),
            DeliveryOutcome::Failed { notice: None, .. }
        ));
    }

    #[test]
    fn a_message_that_is_gone_is_sent_anew() {
        let gone = DeliveryError::MessageGone("not found".into());
        let edited = OutboxRow {
            message: Some(MessageId::new("5")),
            ..row(0)
        };
        assert!(matches!(
            edited.after_failure(&gone, DateTime::UNIX_EPOCH, 0.0),
            DeliveryOutcome::Replace { message: None, .. }
        ));
    }
}
