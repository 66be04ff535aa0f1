//! Approvals: who may run what, and what a person has said to a call that asks.

pub mod card;
mod decide;
mod host;
mod policy;
mod rule;
mod store;
mod visible;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use self::decide::{AnswerRefused, Answered, Shown, refusal};
pub use self::policy::{Considered, ToolMode, ToolPolicy, guarded, rule_on};
pub use self::rule::{AllowRule, RuleTarget, name_in_log};
pub use self::store::{Approval, ApprovalStore, Closing, NewApproval, Settlement};
pub use self::visible::{visible, visible_head, visible_line};
use super::ids::TurnId;

/// In one turn at most so many cards may come within [`CARDS_WITHIN`]; one more ends the turn.
pub const MOST_CARDS: usize = 5;

/// The time in which [`MOST_CARDS`] may come.
pub const CARDS_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// One question to a person: the first, second, … of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ApprovalKey {
    /// The turn that asks.
    pub turn: TurnId,
    /// Which of its questions, counted from 1.
    pub number: u32,
}

impl ApprovalKey {
    /// The key under which the outbox knows the card: it is not sent twice.
    pub fn card_key(self) -> String {
        format!("approval:{}:{}", self.turn, self.number)
    }

    /// The key under which it knows the file that belongs to the card.
    pub fn file_key(self) -> String {
        format!("{}:file", self.card_key())
    }
}

/// What a decision is bound to: the SHA-256 of a tool and its exact arguments.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of a call. The order of the arguments and the blanks between them do not matter.
    pub fn of(tool: &str, arguments: &Value) -> Self {
        let arguments = arguments.to_string();
        let text = format!("{}:{tool},{}:{arguments},", tool.len(), arguments.len());
        Self(sha256_hex(&text))
    }

    /// As stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// Its hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text's SHA-256, in hexadecimal digits.
pub fn sha256_hex(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

/// What the rules say about a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// What.
    pub verdict: Verdict,
    /// Which rule says so, for the audit log.
    pub rule: String,
    /// Why, for the person who is asked, or the model that is refused.
    pub reason: String,
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It runs.
    Allow,
    /// A person decides.
    Ask {
        /// What "always allow this" would cover; `None` where a rule may not lift the question.
        always: Option<RuleTarget>,
    },
    /// It does not run.
    Deny,
}

impl Verdict {
    /// Its name in the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask { .. } => "ask",
            Self::Deny => "deny",
        }
    }
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// A person said yes: the call runs, once.
    Approved,
    /// A person said no.
    Denied,
    /// Nobody said anything in time.
    Expired,
    /// The person went on to something else.
    Superseded,
}

impl Decision {
    /// Its name as stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }

    /// The decision with this name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Approved,
            Self::Denied,
            Self::Expired,
            Self::Superseded,
        ];
        all.into_iter().find(|decision| decision.name() == name)
    }
}

/// What a person can say to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Run it, this once.
    Approve,
    /// Do not run it.
    Deny,
    /// Run it, now and whenever the same is to be run in this chat.
    Always,
}

/// The answers: the code of the button, its label, and the words that say the same.
const ANSWERS: [(Answer, &str, &str, &[&str]); 3] = [
    (Answer::Approve, "y", "Approve", &["y", "yes", "approve"]),
    (Answer::Deny, "n", "Deny", &["n", "no", "deny"]),
    (Answer::Always, "a", "Always allow this", &["a", "always"]),
];

impl Answer {
    /// All, in the order of the buttons.
    pub fn all() -> impl Iterator<Item = Self> {
        ANSWERS.iter().map(|row| row.0)
    }

    /// The answer with the code of a button.
    pub fn coded(code: &str) -> Option<Self> {
        ANSWERS.iter().find(|row| row.1 == code).map(|row| row.0)
    }

    /// The answer that a person writes where there are no buttons.
    pub fn written(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('.').to_lowercase();
        let row = ANSWERS.iter().find(|row| row.3.contains(&text.as_str()));
        row.map(|row| row.0)
    }

    /// The code that the button carries.
    pub fn code(self) -> &'static str {
        self.row().1
    }

    /// What the button says.
    pub fn label(self) -> &'static str {
        self.row().2
    }

    /// What becomes of the question.
    pub fn decision(self) -> Decision {
        match self {
            Self::Approve | Self::Always => Decision::Approved,
            Self::Deny => Decision::Denied,
        }
    }

    fn row(self) -> &'static (Self, &'static str, &'static str, &'static [&'static str]) {
        let row = ANSWERS.iter().find(|row| row.0 == self);
        row.expect("each answer has its row")
    }
}

/// Whether one more card is more than a turn may send.
pub fn is_too_many(cards: &[DateTime<Utc>], now: DateTime<Utc>) -> bool {
    let recent = cards.iter().filter(|sent| now - **sent < CARDS_WITHIN);
    recent.count() >= MOST_CARDS
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fingerprint_is_of_the_tool_and_its_exact_arguments() {
        let of = |tool: &str, arguments: Value| Fingerprint::of(tool, &arguments);
        let first = of("bash", json!({ "command": "ls", "stdin": null }));
        assert_eq!(first, of("bash", json!({ "stdin": null, "command": "ls" })));
        for other in [
            of("bash", json!({ "command": "ls " , "stdin": null })),
            of("bash", json!({ "command": "ls" })),
            of("bas", json!({ "command": "ls", "stdin": null })),
            of("python_execute", json!({ "command": "ls", "stdin": null })),
        ] {
            assert_ne!(first, other);
        }
        assert_eq!(first.as_str().len(), 64);
    }

    #[test]
    fn words_are_answers_only_where_they_say_nothing_else() {
        for (text, expected) in [
            ("y", Some(Answer::Approve)),
            (" Yes. ", Some(Answer::Approve)),
            ("NO", Some(Answer::Deny)),
            ("a", Some(Answer::Always)),
            ("always", Some(Answer::Always)),
            ("yes, but later", None),
            ("nope", None),
            ("", None),
            ("/stop", None),
        ] {
            assert_eq!(Answer::written(text), expected, "{text:?}");
        }
    }

    #[test]
    fn codes_come_back() {
        for answer in Answer::all() {
            assert_eq!(Answer::coded(answer.code()), Some(answer));
        }
        assert_eq!(Answer::coded("yes"), None);
    }
}
