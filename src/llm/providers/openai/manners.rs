//! How a server wants to be spoken to: by whose it is, and by what it has refused before.

use crate::core::model::ModelErrorKind;
use crate::llm::providers::http::ServerSettings;
use crate::llm::providers::http::errors::Failure;

/// The parts of a request in which compatible servers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    pub(super) preface: PrefacePlace,
    pub(super) usage: UsageWish,
    pub(super) limit: LimitField,
}

/// Where the word about now goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrefacePlace {
    /// A system message directly before the person's: what stands before it can be cached.
    BeforeMessage,
    /// The end of the first system message, for chat templates that take no other (Qwen's).
    InFirstMessage,
}

/// Whether the tokens are asked for with `stream_options`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageWish {
    /// As OpenAI documents it.
    Asked,
    /// For servers that refuse the field and send the tokens anyway (Mistral's).
    Unasked,
}

/// The field for the most tokens of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitField {
    /// `max_completion_tokens`: OpenAI's reasoning models refuse the other one.
    Completion,
    /// `max_tokens`: many servers know nothing else.
    Classic,
}

const SYSTEM_FIRST: [&str; 5] = [
    "system message must be at the beginnin",
    "system message must be the first",
    "system messages must be at the beginnin",
    "roles must alternate",
    "unexpected role 'system'",
];

impl Manners {
    /// What is known before the first word.
    pub(super) fn towards(settings: &ServerSettings) -> Self {
        let limit = if settings.is_openai() {
            LimitField::Completion
        } else {
            LimitField::Classic
        };
        Self {
            preface: PrefacePlace::BeforeMessage,
            usage: UsageWish::Asked,
            limit,
        }
    }

    /// Better manners, if the server's refusal says what it did not like. Never the same again, so
    /// that asking once more with them ends after a few times.
    pub(super) fn after(self, failure: &Failure) -> Option<Self> {
        // llama.cpp sends 500 where a chat template refuses.
        let is_refusal = matches!(
            failure.kind,
            ModelErrorKind::BadRequest { .. } | ModelErrorKind::Overloaded { .. }
        );
        let words: Vec<&str> = failure.detail.split_whitespace().collect();
        let said = words.join(" ").to_lowercase();
        let mut better = self;
        if SYSTEM_FIRST.iter().any(|phrase| said.contains(phrase)) {
            better.preface = PrefacePlace::InFirstMessage;
        }
        if said.contains("stream_options") {
            better.usage = UsageWish::Unasked;
        }
        if said.contains("max_completion_tokens") {
            better.limit = LimitField::Completion;
        }
        (is_refusal && better != self).then_some(better)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Manners = Manners {
        preface: PrefacePlace::BeforeMessage,
        usage: UsageWish::Asked,
        limit: LimitField::Classic,
    };

    fn after(manners: Manners, kind: ModelErrorKind, detail: &str) -> Option<Manners> {
        manners.after(&Failure {
            kind,
            detail: detail.into(),
        })
    }

    #[test]
    fn refusals_teach_and_only_once() {
        let no = || ModelErrorKind::BadRequest { status: 400 };
        let down = || ModelErrorKind::Overloaded {
            status: 500,
            retry_after: None,
        };
        let first = Manners {
            preface: PrefacePlace::InFirstMessage,
            ..PLAIN
        };
        let unasked = Manners {
            usage: UsageWish::Unasked,
            ..PLAIN
        };
        let completion = Manners {
            limit: LimitField::Completion,
            ..PLAIN
        };
        let cases = [
            (
                no(),
                "HTTP 400: Jinja Exception: System message\n  must be at the beginning.",
                first,
            ),
            (
                down(),
                "raise_exception('System message must be at the beginnin...",
                first,
            ),
            (
                no(),
                "Conversation roles must alternate user/assistant",
                first,
            ),
            (
                no(),
                r#"{"loc":["body","stream_options"],"msg":"Extra inputs"}"#,
                unasked,
            ),
            (
                no(),
                "'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
                completion,
            ),
        ];
        for (kind, detail, better) in cases {
            assert_eq!(after(PLAIN, kind.clone(), detail), Some(better), "{detail}");
            assert_eq!(after(better, kind, detail), None, "{detail}");
        }
        assert_eq!(after(PLAIN, no(), "something else"), None);
        assert_eq!(
            after(PLAIN, ModelErrorKind::Transport, "stream_options"),
            None
        );
    }
}
