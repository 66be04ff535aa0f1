//! What follows from an attempt to deliver: the retry classes, decided without any I/O.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::channel::{ChatTarget, DeliveryError};
use super::ids::{ChatId, MessageId, ThreadId};
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
        /// Where to: the same chat, or another topic of it.
        target: ChatTarget,
        /// The message to edit; `None` sends a new one.
        message: Option<MessageId>,
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
        let replace = |content, message| DeliveryOutcome::Replace {
            content,
            target: self.target.clone(),
            message,
            error: reason.clone(),
        };
        let failed = |words| DeliveryOutcome::Failed {
            notice: self.notice(words, &reason).map(Box::new),
            error: reason.clone(),
        };
        match error {
            DeliveryError::Unreachable(_) | DeliveryError::ServiceDown(_) => {
                retry(Certainty::NotSent)
            }
            DeliveryError::Ambiguous(_) if self.ambiguous < MOST_AMBIGUOUS => {
                retry(Certainty::Ambiguous)
            }
            DeliveryError::RateLimited { retry_after } => DeliveryOutcome::Retry {
                at: now + obeyed(*retry_after),
                error: reason,
                certainty: Certainty::NotSent,
            },
            DeliveryError::Migrated(to) if *to == self.target.chat => retry(Certainty::NotSent),
            DeliveryError::BadFormatting(_) if self.content != self.content.without_styles() => {
                replace(self.content.without_styles(), self.message.clone())
            }
            DeliveryError::TopicGone { instead, .. }
                if self.target.thread.is_some() && self.target.thread != *instead =>
            {
                self.in_thread(instead.clone(), reason)
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
            DeliveryError::Ambiguous(_) => failed(UNCERTAIN),
            DeliveryError::BadFormatting(_)
            | DeliveryError::MessageGone(_)
            | DeliveryError::TopicGone { .. }
            | DeliveryError::TooLarge(_)
            | DeliveryError::Refused(_) => failed(UNDELIVERED),
        }
    }

    /// As a new message of another thread of the chat.
    fn in_thread(&self, thread: Option<ThreadId>, error: String) -> DeliveryOutcome {
        DeliveryOutcome::Replace {
            content: self.content.clone(),
            target: ChatTarget {
                thread,
                ..self.target.clone()
            },
            message: None,
            error,
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

    fn backoff(&self, jitter: f64) -> TimeDelta {
        let doubled = FIRST_RETRY * 2_i32.pow(self.attempts.min(10));
        let wait = doubled.min(LONGEST_RETRY);
        let spread = (wait.num_milliseconds() as f64 * 0.25 * jitter.clamp(0.0, 1.0)) as i64;
        wait + TimeDelta::milliseconds(spread)
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

/// How long a rate limit is obeyed.
fn obeyed(retry_after: Duration) -> TimeDelta {
    TimeDelta::from_std(retry_after).map_or(LONGEST_LIMIT, |time| time.min(LONGEST_LIMIT))
}

const UNCERTAIN: &str = "I could not tell whether a message reached you";

const UNDELIVERED: &str = "A message to you was refused and could not be sent";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::core::channel::Urgency;
    use crate::core::ids::{ChannelName, OutboxId};
    use crate::core::markup::{FormattedText, Span, Style};

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
    fn a_refused_picture_goes_as_a_file_and_then_not_at_all() {
        use crate::core::ids::CopyId;
        use crate::core::outgoing_file::{OutgoingFile, SentAs};
        let picture = OutgoingFile {
            copy: CopyId::new("c"),
            name: "a.png".into(),
            size_bytes: 1,
            sent_as: SentAs::Photo,
            caption: FormattedText::plain(""),
            origin: String::new(),
            place: std::path::PathBuf::new(),
        };
        let content = Outgoing::Files {
            files: vec![picture],
        };
        let refused = DeliveryError::Refused("PHOTO_INVALID_DIMENSIONS".into());
        let now = DateTime::UNIX_EPOCH;
        let sent = OutboxRow { content, ..row(0) };
        let DeliveryOutcome::Replace { content, .. } = sent.after_failure(&refused, now, 0.0)
        else {
            panic!("not replaced")
        };
        assert_eq!(content.files()[0].sent_as, SentAs::Document);
        let again = OutboxRow { content, ..row(1) };
        let outcome = again.after_failure(&refused, now, 0.0);
        assert!(matches!(outcome, DeliveryOutcome::Failed { .. }));
    }

    #[test]
    fn an_album_that_is_too_large_goes_in_two_and_one_file_not_at_all() {
        use crate::core::ids::CopyId;
        use crate::core::outgoing_file::{OutgoingFile, SentAs};
        let picture = |name: &str| OutgoingFile {
            copy: CopyId::new(name),
            name: name.into(),
            size_bytes: 1,
            sent_as: SentAs::Photo,
            caption: FormattedText::plain(""),
            origin: String::new(),
            place: std::path::PathBuf::new(),
        };
        let names = |content: &Outgoing| -> String {
            let files = content.files().iter();
            files.map(|file| file.name.clone()).collect()
        };
        let too_large = DeliveryError::TooLarge("413".into());
        let of = |count: usize| OutboxRow {
            content: Outgoing::Files {
                files: ["a", "b", "c"][..count]
                    .iter()
                    .map(|n| picture(n))
                    .collect(),
            },
            ..row(0)
        };
        let now = DateTime::UNIX_EPOCH;
        let DeliveryOutcome::Split { content, rest, .. } =
            of(3).after_failure(&too_large, now, 0.0)
        else {
            panic!("not split")
        };
        assert_eq!(
            (names(&content), names(&rest.content)),
            ("ab".into(), "c".into())
        );
        let one = of(1).after_failure(&too_large, now, 0.0);
        assert!(matches!(one, DeliveryOutcome::Failed { .. }), "{one:?}");
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
    fn what_was_meant_for_a_deleted_topic_goes_where_the_rest_goes() {
        let topic = |id: &str| ChatTarget {
            thread: Some(ThreadId::new(id)),
            ..row(0).target
        };
        let now = DateTime::UNIX_EPOCH;
        for (instead, expected) in [(None, row(0).target), (Some("1"), topic("1"))] {
            let gone = DeliveryError::TopicGone {
                reason: "message thread not found".into(),
                instead: instead.map(ThreadId::new),
            };
            let in_topic = OutboxRow {
                target: topic("5"),
                ..row(0)
            };
            let DeliveryOutcome::Replace { target, .. } = in_topic.after_failure(&gone, now, 0.0)
            else {
                panic!("not replaced")
            };
            assert_eq!(target, expected);
            let there = OutboxRow { target, ..row(1) };
            let again = there.after_failure(&gone, now, 0.0);
            assert!(matches!(again, DeliveryOutcome::Failed { .. }));
        }
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
