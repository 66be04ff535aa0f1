//! What a server does with thoughts and files, by what it has refused before.

use crate::core::model::ModelErrorKind;
use crate::llm::providers::http::errors::Failure;
use crate::llm::providers::http::sight::{Sent, Sight};
use crate::llm::providers::http::{Lesson, learned};

/// The parts of a request in which servers and models differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manners {
    pub(super) thoughts: ThoughtsWish,
    pub(super) earlier: EarlierThoughts,
    pub(super) sight: Sight,
}

/// Whether the model's thoughts are asked for, in the encrypted form that can be sent back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ThoughtsWish {
    #[default]
    Asked,
    /// For models that do not think and refuse to be asked.
    Unasked,
}

/// Whether the thoughts of this turn's earlier steps are sent back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EarlierThoughts {
    #[default]
    Returned,
    /// The server cannot read them any more, as after a change of the account.
    LeftOut,
}

const NOT_SUPPORTED: [&str; 2] = [
    "encrypted content is not supported",
    "reasoning.encrypted_content",
];

const UNREADABLE: [&str; 5] = [
    "could not be decrypted",
    "could not be verified",
    "without its required following item",
    "without its required 'reasoning' item",
    "items are not persisted",
];

impl Manners {
    /// Better manners, if the server's refusal says what it did not like.
    pub(super) fn after(self, failure: &Failure, sent: Sent) -> Option<Lesson<Self>> {
        if !matches!(failure.kind, ModelErrorKind::BadRequest { .. }) {
            return None;
        }
        let said = failure.detail.to_lowercase();
        let sight = self.sight.after(&said, sent);
        if sight != self.sight {
            return Some(Lesson::FromNowOn(Self { sight, ..self }));
        }
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| said.contains(phrase));
        if says(&UNREADABLE) && self.earlier == EarlierThoughts::Returned {
            return Some(Lesson::ThisTime(Self {
                earlier: EarlierThoughts::LeftOut,
                ..self
            }));
        }
        if says(&NOT_SUPPORTED) && self.thoughts == ThoughtsWish::Asked {
            return Some(Lesson::FromNowOn(Self {
                thoughts: ThoughtsWish::Unasked,
                ..self
            }));
        }
        None
    }

    /// These, and what `after` knows more than `before`.
    pub(super) fn learning(self, before: Self, after: Self) -> Self {
        Self {
            thoughts: learned(self.thoughts, before.thoughts, after.thoughts),
            earlier: learned(self.earlier, before.earlier, after.earlier),
            sight: self.sight.learning(before.sight, after.sight),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::ModelRequest;

    fn after(manners: Manners, kind: ModelErrorKind, detail: &str) -> Option<Lesson<Manners>> {
        let detail = detail.into();
        let sent = Sent::with(&ModelRequest::default());
        manners.after(&Failure { kind, detail }, sent)
    }

    #[test]
    fn refusals_teach_and_only_once() {
        let no = || ModelErrorKind::BadRequest { status: 400 };
        let start = Manners::default();
        let unasked = Manners {
            thoughts: ThoughtsWish::Unasked,
            ..start
        };
        let left_out = Manners {
            earlier: EarlierThoughts::LeftOut,
            ..start
        };
        let cases = [
            (
                "Encrypted content is not supported with this model.",
                unasked,
                Lesson::FromNowOn(unasked),
            ),
            (
                "The encrypted content gAAA could not be verified.",
                left_out,
                Lesson::ThisTime(left_out),
            ),
            (
                "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
                left_out,
                Lesson::ThisTime(left_out),
            ),
        ];
        for (detail, better, lesson) in cases {
            assert_eq!(after(start, no(), detail), Some(lesson), "{detail}");
            assert_eq!(after(better, no(), detail), None, "{detail}");
            assert_eq!(after(start, ModelErrorKind::Transport, detail), None);
        }
        assert_eq!(after(start, no(), "something else"), None);
    }
}
