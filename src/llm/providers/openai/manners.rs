//! How a server wants to be spoken to: by whose it is, and by what it has refused before.

use super::ChatCompletions;
use super::own_fields::{EXTRA_CONTENT, REASONING_CONTENT, REASONING_DETAILS};
use crate::core::conversation::Item;
use crate::core::ids::CallId;
use crate::core::model::{ModelErrorKind, ModelRequest};
use crate::llm::providers::http::errors::Failure;
use crate::llm::providers::http::legal::{self, LONGEST_CALL_ID};
use crate::llm::providers::http::sight::{Sent, Sight};
use crate::llm::providers::http::{Api, ServerSettings, learned};

/// The parts of a request in which compatible servers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    pub(super) preface: PrefacePlace,
    pub(super) turns: TurnOrder,
    pub(super) own_fields: OwnFieldsWish,
    pub(super) sight: Sight,
    pub(super) usage: UsageWish,
    pub(super) limit: LimitField,
    pub(super) ids: CallIds,
}

/// Where the word about now goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrefacePlace {
    /// A system message directly before the person's: what stands before it can be cached.
    BeforeMessage,
    /// The end of the first system message, for chat templates that take no other (Qwen's).
    InSystem,
    /// The first user message, with all of the system message: for chat templates that know no such
    /// thing (Gemma's).
    InUser,
}

/// Whether the messages of a user and an assistant must come in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnOrder {
    AsItCame,
    /// For chat templates that take nothing else (Mistral's, Gemma's).
    Alternating,
}

/// What is done with the fields that the server itself added to the answers of this turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnFieldsWish {
    Returned,
    /// The server wants the thoughts of earlier turns as well (DeepSeek's V4): those that are gone are
    /// sent as empty ones.
    Demanded,
    /// For servers that do not know the fields that they send (Groq's).
    LeftOut,
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

/// What the ids of calls look like. A turn that one server began may go on with another, and some
/// servers understand their own ids best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallIds {
    /// As they were given, within OpenAI's length.
    AsGiven,
    /// Letters, digits, `_` and `-` (Anthropic's).
    Plain,
    /// Nine letters and digits (Mistral's).
    Nine,
}

impl CallIds {
    /// The id as this server takes it: the same for a call and its result.
    pub(super) fn spell(self, id: &CallId) -> String {
        match self {
            Self::AsGiven => legal::shortened(id.as_str(), LONGEST_CALL_ID),
            Self::Plain => legal::plain(id.as_str(), LONGEST_CALL_ID),
            Self::Nine => {
                let is_nine = |text: &str| {
                    text.len() == 9 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
                };
                if is_nine(id.as_str()) {
                    id.to_string()
                } else {
                    legal::digest(id.as_str(), 9)
                }
            }
        }
    }

    fn after(self, said: &str, request: &ModelRequest) -> Self {
        let mut items = request.history.items().iter().chain(&request.exchange);
        let has_ids = items.any(|item| matches!(item, Item::Tool { .. }));
        if has_ids && said.contains("with a length of 9") {
            Self::Nine
        } else if has_ids && said.contains("[a-za-z0-9_-]") {
            Self::Plain
        } else {
            self
        }
    }
}

impl OwnFieldsWish {
    fn after(self, said: &str, (request, settings): (&ModelRequest, &ServerSettings)) -> Self {
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| said.contains(phrase));
        let origin = settings.origin(ChatCompletions::PATH);
        let is_returned = request.exchange.iter().any(|item| {
            let Item::Assistant { continuation, .. } = item else {
                return false;
            };
            let own = continuation.as_ref();
            own.is_some_and(|own| own.origin == origin)
        });
        match self {
            wish if !says(&OWN_FIELDS) => wish,
            Self::Returned | Self::Demanded if says(&DEMANDED) => Self::Demanded,
            // What was not sent was not refused.
            Self::Returned if !is_returned => Self::Returned,
            _ => Self::LeftOut,
        }
    }
}

const SYSTEM_FIRST: [&str; 4] = [
    "system message must be at the beginnin",
    "system message must be the first",
    "system messages must be at the beginnin",
    "unexpected role 'system'",
];

/// Also of a system message where a template wants a user's.
const ALTERNATING: [&str; 4] = [
    "roles must alternate",
    "unexpected role 'user' after role 'tool'",
    "only user and assistant roles are supported",
    "only user, assistant and tool roles are supported",
];

const NO_SYSTEM: [&str; 3] = [
    "system role not supported",
    "system role is not supported",
    "developer instruction is not enabled",
];

const OWN_FIELDS: [&str; 3] = [REASONING_CONTENT, REASONING_DETAILS, EXTRA_CONTENT];

/// DeepSeek and Kimi.
const DEMANDED: [&str; 2] = ["must be passed back", "reasoning_content is missing"];

impl Manners {
    /// What is known before the first word.
    pub(super) fn towards(settings: &ServerSettings) -> Self {
        let limit = if settings.is_openai() {
            LimitField::Completion
        } else {
            LimitField::Classic
        };
        let host = settings.base_url.as_url().host_str();
        let ids = if host == Some("api.mistral.ai") {
            CallIds::Nine
        } else {
            CallIds::AsGiven
        };
        Self {
            preface: PrefacePlace::BeforeMessage,
            turns: TurnOrder::AsItCame,
            own_fields: OwnFieldsWish::Returned,
            sight: Sight::default(),
            usage: UsageWish::Asked,
            limit,
            ids,
        }
    }

    /// Better manners, if the server's refusal of a request says what it did not like. Never the same
    /// again, so that asking once more with them ends after a few times.
    pub(super) fn after(
        self,
        failure: &Failure,
        (request, settings): (&ModelRequest, &ServerSettings),
    ) -> Option<Self> {
        let is_refusal = matches!(failure.kind, ModelErrorKind::BadRequest { .. });
        // llama.cpp sends 500 where a chat template refuses, or a picture.
        let is_perhaps = matches!(failure.kind, ModelErrorKind::Overloaded { .. });
        if !is_refusal && !is_perhaps {
            return None;
        }
        let words: Vec<&str> = failure.detail.split_whitespace().collect();
        let said = words.join(" ").to_lowercase();
        let mut better = self;
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| said.contains(phrase));
        if says(&SYSTEM_FIRST) && self.preface == PrefacePlace::BeforeMessage {
            better.preface = PrefacePlace::InSystem;
        }
        if says(&ALTERNATING) {
            // Once they do, it can only be the system message that is not wanted.
            better.preface = match (self.turns, self.preface) {
                (TurnOrder::AsItCame, PrefacePlace::BeforeMessage) => PrefacePlace::InSystem,
                (TurnOrder::AsItCame, place) => place,
                (TurnOrder::Alternating, _) => PrefacePlace::InUser,
            };
            better.turns = TurnOrder::Alternating;
        }
        if says(&NO_SYSTEM) {
            better.preface = PrefacePlace::InUser;
        }
        better.sight = self.sight.after(&said, Sent::with(request));
        better.ids = self.ids.after(&said, request);
        // A server that is down may name fields for no reason, and its error passes.
        if is_refusal {
            better = better.after_fields(&said, (request, settings));
        }
        (better != self).then_some(better)
    }

    /// What was said of fields by their names.
    fn after_fields(mut self, said: &str, asked: (&ModelRequest, &ServerSettings)) -> Self {
        self.own_fields = self.own_fields.after(said, asked);
        if said.contains("stream_options") {
            self.usage = UsageWish::Unasked;
        }
        // What was not sent was not refused.
        let has_limit = asked.1.max_new_tokens.is_some();
        if has_limit && said.contains("max_completion_tokens") {
            self.limit = LimitField::Completion;
        }
        self
    }

    /// These, and what `after` knows more than `before`.
    pub(super) fn learning(self, before: Self, after: Self) -> Self {
        Self {
            preface: learned(self.preface, before.preface, after.preface),
            turns: learned(self.turns, before.turns, after.turns),
            own_fields: learned(self.own_fields, before.own_fields, after.own_fields),
            sight: self.sight.learning(before.sight, after.sight),
            usage: learned(self.usage, before.usage, after.usage),
            limit: learned(self.limit, before.limit, after.limit),
            ids: learned(self.ids, before.ids, after.ids),
        }
    }
}

#[cfg(test)]
#[path = "manners_tests.rs"]
mod tests;
