//! Who may answer a question, and when: checked where the answer is written down.

use chrono::{DateTime, Utc};

use super::store::{Approval, Settlement};
use super::{Answer, ApprovalKey};
use crate::core::channel::{ChatTarget, Sender};
use crate::core::ids::MessageId;

/// An answer that somebody gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// To which question.
    pub key: ApprovalKey,
    /// What.
    pub answer: Answer,
    /// Who.
    pub by: Sender,
    /// Where.
    pub chat: ChatTarget,
    /// The message with the button, where there is one.
    pub message: Option<MessageId>,
}

/// Why an answer does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerRefused {
    /// There is no such question.
    Unknown,
    /// It was asked in another chat.
    Elsewhere,
    /// Somebody else was asked.
    NotYours,
    /// It has ended before.
    Already(Settlement),
    /// Its time is over.
    TooLate,
    /// It can only be answered for this once.
    OnceOnly,
    /// What it is about has not arrived.
    NotShown,
}

impl AnswerRefused {
    /// It in words for the audit log.
    pub fn why(&self) -> &'static str {
        match self {
            Self::Unknown => "there is no such question",
            Self::Elsewhere => "it was asked in another chat",
            Self::NotYours => "somebody else was asked",
            Self::Already(_) => "it had been answered before",
            Self::TooLate => "its time was over",
            Self::OnceOnly => "always was not offered",
            Self::NotShown => "its file had not arrived",
        }
    }
}

/// Whether a person can see all that they are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// They can.
    All,
    /// The file that belongs to the card did not arrive.
    NotAll,
}

/// Why an answer given `now` does nothing; `None` when it counts.
pub fn refusal(
    (asked, shown): (Option<&Approval>, Shown),
    answered: &Answered,
    now: DateTime<Utc>,
) -> Option<AnswerRefused> {
    let Some(asked) = asked else {
        return Some(AnswerRefused::Unknown);
    };
    // The topic does not matter: a chat is closed to others as a whole.
    let (own, pressed) = (&asked.target, &answered.chat);
    if (&own.channel, &own.chat) != (&pressed.channel, &pressed.chat) {
        return Some(AnswerRefused::Elsewhere);
    }
    if asked.person != answered.by.user {
        return Some(AnswerRefused::NotYours);
    }
    if let Some(settled) = &asked.settled {
        return Some(AnswerRefused::Already(settled.clone()));
    }
    if now >= asked.expires_at {
        return Some(AnswerRefused::TooLate);
    }
    match answered.answer {
        Answer::Deny => None,
        // Nobody says yes to what they have not seen.
        Answer::Approve | Answer::Always if shown == Shown::NotAll => Some(AnswerRefused::NotShown),
        Answer::Always if asked.always.is_none() => Some(AnswerRefused::OnceOnly),
        Answer::Approve | Answer::Always => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::core::approval::{Decision, Fingerprint, RuleTarget};
    use crate::core::ids::{ChannelName, ChatId, ThreadId, TurnId, UserId};

    fn chat(channel: &str, chat: &str, thread: Option<&str>) -> ChatTarget {
        ChatTarget {
            channel: ChannelName::new(channel),
            chat: ChatId::new(chat),
            thread: thread.map(ThreadId::new),
        }
    }

    fn asked() -> Approval {
        Approval {
            key: ApprovalKey {
                turn: TurnId(3),
                number: 1,
            },
            target: chat("telegram", "-100", Some("5")),
            person: UserId::new("7"),
            tool: "bash".into(),
            fingerprint: Fingerprint::of("bash", &json!({})),
            always: Some(RuleTarget::Path { path: "a".into() }),
            settled: None,
            asked_at: at(0),
            expires_at: at(600),
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn answered(answer: Answer, user: &str, chat: ChatTarget) -> Answered {
        Answered {
            key: asked().key,
            answer,
            by: Sender {
                user: UserId::new(user),
                name: "x".into(),
            },
            chat,
            message: None,
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table")]
    #[test]
    fn only_the_person_who_was_asked_counts_once_in_time_and_here() {
        let here = || chat("telegram", "-100", Some("5"));
        let settled = Settlement {
            decision: Decision::Denied,
            by: Some("Ada".into()),
            at: at(5),
            always: false,
        };
        let done = Approval {
            settled: Some(settled.clone()),
            ..asked()
        };
        let once = Approval {
            always: None,
            ..asked()
        };
        let (yes, always) = (Answer::Approve, Answer::Always);
        for (row, answer, user, place, now, expected) in [
            (Some(asked()), yes, "7", here(), 1, None),
            (Some(asked()), Answer::Deny, "7", here(), 599, None),
            (Some(asked()), always, "7", here(), 1, None),
            (
                Some(asked()),
                yes,
                "7",
                chat("telegram", "-100", None),
                1,
                None,
            ),
            (None, yes, "7", here(), 1, Some(AnswerRefused::Unknown)),
            (
                Some(asked()),
                yes,
                "7",
                chat("telegram", "7", None),
                1,
                Some(AnswerRefused::Elsewhere),
            ),
            (
                Some(asked()),
                yes,
                "7",
                chat("console", "-100", None),
                1,
                Some(AnswerRefused::Elsewhere),
            ),
            (
                Some(asked()),
                yes,
                "8",
                here(),
                1,
                Some(AnswerRefused::NotYours),
            ),
            (
                Some(done.clone()),
                yes,
                "8",
                here(),
                1,
                Some(AnswerRefused::NotYours),
            ),
            (
                Some(done),
                yes,
                "7",
                here(),
                1,
                Some(AnswerRefused::Already(settled)),
            ),
            (
                Some(asked()),
                yes,
                "7",
                here(),
                600,
                Some(AnswerRefused::TooLate),
            ),
            (
                Some(once.clone()),
                always,
                "7",
                here(),
                1,
                Some(AnswerRefused::OnceOnly),
            ),
            (Some(once), yes, "7", here(), 1, None),
        ] {
            let answer = answered(answer, user, place);
            let refused = refusal((row.as_ref(), Shown::All), &answer, at(now));
            assert_eq!(refused, expected, "{row:?} {answer:?}");
        }
    }

    #[test]
    fn what_was_not_shown_can_only_be_denied() {
        for (answer, expected) in [
            (Answer::Approve, Some(AnswerRefused::NotShown)),
            (Answer::Always, Some(AnswerRefused::NotShown)),
            (Answer::Deny, None),
        ] {
            let answered = answered(answer, "7", asked().target);
            let refused = refusal((Some(&asked()), Shown::NotAll), &answered, at(1));
            assert_eq!(refused, expected, "{answer:?}");
        }
    }
}
