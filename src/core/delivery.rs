//! What follows from an attempt to deliver: the retry classes, decided without any I/O.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::channel::DeliveryError;
use super::ids::{ChatId, MessageId};
use super::outbox::{NewOutbox, OutboxRow, Outgoing};

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
    /// Try again at once as a new message of the chat itself: its topic takes none.
    OutOfTopic {
        /// What becomes of the jobs of the topic.
        jobs: TopicJobs,
        /// What went wrong.
        error: String,
    },
    /// Try again at once with a part of the content; the rest goes by itself.
    Split {
        /// What is tried.
        content: Outgoing,
        /// The rest.
        rest: Box<NewOutbox>,
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

/// What becomes of the jobs of a topic that takes no messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicJobs {
    /// They are the chat's from now on.
    Leave,
    /// They stay: the topic may take messages again.
    Stay,
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

/// The longest that a rate limit is obeyed; a server that asks for more is asked again. Nothing else
/// waits for longer.
pub const LONGEST_LIMIT: TimeDelta = TimeDelta::days(1);

/// The longest wait after an attempt without an answer: each may have arrived, and is seen again then.
const LONGEST_SILENCE: TimeDelta = TimeDelta::minutes(2);

/// After so many attempts without an answer a file is given up: an upload that never ends holds back its chat. And
/// what the service says to have taken arrives each time.
const MOST_COPIES: u32 = 5;

/// So many of a text or an edit: the waits between them add up to a day.
const MOST_TEXTS: u32 = 728;

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
        let retry = |wait, certainty| DeliveryOutcome::Retry {
            at: now + wait,
            error: reason.clone(),
            certainty,
        };
        let soon = || {
            let wait = spread(doubled(self.attempts, LONGEST_RETRY), jitter);
            retry(wait, Certainty::NotSent)
        };
        let replace = |content, message| DeliveryOutcome::Replace {
            content,
            message,
            error: reason.clone(),
        };
        let out_of_topic = |jobs| DeliveryOutcome::OutOfTopic {
            jobs,
            error: reason.clone(),
        };
        let failed = |words| DeliveryOutcome::Failed {
            notice: self.notice(words, &reason).map(Box::new),
            error: reason.clone(),
        };
        match error {
            DeliveryError::Unreachable(_) | DeliveryError::ServiceDown(_) => soon(),
            DeliveryError::Ambiguous(_) | DeliveryError::Garbled(_) if self.may_repeat(error) => {
                let wait = spread(doubled(self.ambiguous, LONGEST_SILENCE), jitter);
                retry(wait, Certainty::Ambiguous)
            }
            DeliveryError::RateLimited { retry_after } => {
                retry(obeyed(*retry_after), Certainty::NotSent)
            }
            DeliveryError::Migrated(to) if *to == self.target.chat => soon(),
            DeliveryError::BadFormatting(_) if self.content != self.content.without_styles() => {
                replace(self.content.without_styles(), self.message.clone())
            }
            DeliveryError::TopicGone(_) if self.target.thread.is_some() => {
                out_of_topic(TopicJobs::Leave)
            }
            DeliveryError::TopicClosed(_) if self.target.thread.is_some() => {
                out_of_topic(TopicJobs::Stay)
            }
            DeliveryError::MessageGone(_) if self.message.is_some() => {
                replace(self.content.clone(), None)
            }
            DeliveryError::TooLarge(_) if self.content.files().len() > 1 => self.halves(reason),
            // What is not taken as a picture or a voice message may be taken as a file.
            DeliveryError::Refused(_) if self.content != self.content.as_documents() => {
                replace(self.content.as_documents(), None)
            }
            DeliveryError::ChatClosed(_) => DeliveryOutcome::ChatClosed { error: reason },
            DeliveryError::Migrated(to) => DeliveryOutcome::Migrated { to: to.clone() },
            DeliveryError::Ambiguous(_) | DeliveryError::Garbled(_) => failed(UNCERTAIN),
            DeliveryError::BadFormatting(_)
            | DeliveryError::MessageGone(_)
            | DeliveryError::TopicGone(_)
            | DeliveryError::TopicClosed(_)
            | DeliveryError::TooLarge(_)
            | DeliveryError::Refused(_) => failed(UNDELIVERED),
        }
    }

    /// An album that is too much for one call, in two.
    fn halves(&self, error: String) -> DeliveryOutcome {
        let mut files = self.content.files().to_vec();
        let rest = files.split_off(files.len().div_ceil(2));
        let rest = NewOutbox {
            urgency: self.urgency,
            ..NewOutbox::answer(self.target.clone(), Outgoing::Files { files: rest })
        };
        DeliveryOutcome::Split {
            content: Outgoing::Files { files },
            rest: Box::new(rest),
            error,
        }
    }

    /// Whether there may be another attempt after one that has ended so, or the row is given up.
    fn may_repeat(&self, error: &DeliveryError) -> bool {
        let most = match (error, &self.content) {
            (DeliveryError::Garbled(_), _)
            | (_, Outgoing::Document { .. } | Outgoing::Files { .. }) => MOST_COPIES,
            (_, Outgoing::Text { .. }) => MOST_TEXTS,
        };
        self.ambiguous < most
    }

    /// One line for the person in place of what could not be sent; none for a line of this kind.
    fn notice(&self, words: &str, reason: &str) -> Option<NewOutbox> {
        let key = format!("undelivered:{}", self.id);
        let text = self.content.visible_text();
        if text.starts_with(UNDELIVERED) || text.starts_with(UNCERTAIN) {
            return None;
        }
        let line = format!("{words} ({reason}).");
        Some(NewOutbox {
            dedupe_key: Some(key),
            ..NewOutbox::notice(self.target.clone(), Outgoing::plain(line))
        })
    }
}

/// The wait after so many others, each twice the one before.
fn doubled(before: u32, longest: TimeDelta) -> TimeDelta {
    (FIRST_RETRY * 2_i32.pow(before.min(11))).min(longest)
}

/// Up to a quarter more, so that not all come at once.
fn spread(wait: TimeDelta, jitter: f64) -> TimeDelta {
    let more = (wait.num_milliseconds() as f64 * 0.25 * jitter.clamp(0.0, 1.0)) as i64;
    wait + TimeDelta::milliseconds(more)
}

/// How long a rate limit is obeyed.
fn obeyed(retry_after: Duration) -> TimeDelta {
    TimeDelta::from_std(retry_after).map_or(LONGEST_LIMIT, |time| time.min(LONGEST_LIMIT))
}

const UNCERTAIN: &str = "I could not tell whether a message reached you";

const UNDELIVERED: &str = "A message to you was refused and could not be sent";

#[cfg(test)]
mod tests;
