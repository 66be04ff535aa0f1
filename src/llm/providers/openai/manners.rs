//! How a server wants to be spoken to: by whose it is, and by what it has refused before.

use super::own_fields::{EXTRA_CONTENT, REASONING_CONTENT, REASONING_DETAILS};
use crate::core::conversation::Item;
use crate::core::ids::CallId;
use crate::core::model::{ModelErrorKind, ModelRequest};
use crate::llm::providers::http::errors::Failure;
use crate::llm::providers::http::legal::{self, LONGEST_CALL_ID};
use crate::llm::providers::http::sight::{Sent, Sight};
use crate::llm::providers::http::{ServerSettings, learned};

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
    fn after(self, said: &str, request: &ModelRequest) -> Self {
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| said.contains(phrase));
        let is_returned = request.exchange.iter().any(|item| {
            let Item::Assistant { continuation, .. } = item else {
                return false;
            };
            continuation.is_some()
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
    pub(super) fn after(self, failure: &Failure, request: &ModelRequest) -> Option<Self> {
        // llama.cpp sends 500 where a chat template refuses.
        let is_refusal = matches!(
            failure.kind,
            ModelErrorKind::BadRequest { .. } | ModelErrorKind::Overloaded { .. }
        );
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
        better.own_fields = self.own_fields.after(&said, request);
        better.sight = self.sight.after(&said, Sent::with(request));
        if said.contains("stream_options") {
            better.usage = UsageWish::Unasked;
        }
        if said.contains("max_completion_tokens") {
            better.limit = LimitField::Completion;
        }
        better.ids = self.ids.after(&said, request);
        (is_refusal && better != self).then_some(better)
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
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::label::Labels;
    use crate::core::model::Continuation;
    use crate::core::tool::ToolResult;

    const PLAIN: Manners = Manners {
        preface: PrefacePlace::BeforeMessage,
        turns: TurnOrder::AsItCame,
        own_fields: OwnFieldsWish::Returned,
        sight: Sight::ALL,
        usage: UsageWish::Asked,
        limit: LimitField::Classic,
        ids: CallIds::AsGiven,
    };

    fn after(manners: Manners, kind: ModelErrorKind, detail: &str) -> Option<Manners> {
        let detail = detail.into();
        manners.after(&Failure { kind, detail }, &going_on())
    }

    /// A turn that goes on after a call, with what its server wanted to have back.
    fn going_on() -> ModelRequest {
        let id = CallId::new("call_abc");
        let asks = Item::Assistant {
            text: String::new(),
            calls: Vec::new(),
            continuation: Some(Continuation {
                origin: "here".into(),
                items: Vec::new(),
            }),
            labels: Labels::default(),
        };
        let finds = Item::Tool {
            call: id,
            name: "look".into(),
            result: ToolResult::ok(json!({})),
            labels: Labels::default(),
        };
        ModelRequest {
            exchange: vec![asks, finds],
            ..ModelRequest::default()
        }
    }

    #[test]
    fn what_was_not_sent_was_not_refused() {
        for said in [
            "property 'reasoning_content' is unsupported",
            "tools.0.name: String should match pattern '^[a-zA-Z0-9_-]+$'",
            "you asked: why is image_url not supported? is it image_url is not supported?",
        ] {
            let failure = Failure {
                kind: ModelErrorKind::BadRequest { status: 400 },
                detail: said.into(),
            };
            assert_eq!(
                PLAIN.after(&failure, &ModelRequest::default()),
                None,
                "{said}"
            );
        }
    }

    #[test]
    fn what_two_requests_learn_at_the_same_time_is_known_of_both() {
        let known = Manners {
            usage: UsageWish::Unasked,
            ..PLAIN
        };
        let after = Manners {
            preface: PrefacePlace::InSystem,
            ..PLAIN
        };
        let both = Manners {
            usage: UsageWish::Unasked,
            ..after
        };
        assert_eq!(known.learning(PLAIN, after), both);
        assert_eq!(known.learning(PLAIN, PLAIN), known);
    }

    #[test]
    fn ids_are_spelled_as_the_server_takes_them() {
        let long = "x".repeat(41);
        let cases = [
            (CallIds::AsGiven, "functions.get:0", "functions.get:0"),
            (CallIds::Plain, "call_a-B", "call_a-B"),
            (CallIds::Nine, "aB3456789", "aB3456789"),
        ];
        for (ids, given, expected) in cases {
            assert_eq!(ids.spell(&CallId::new(given)), expected);
        }
        for given in [long.as_str(), "functions.get:0", "call_1", "call_2", ""] {
            let id = CallId::new(given);
            let [kept, plain, nine] =
                [CallIds::AsGiven, CallIds::Plain, CallIds::Nine].map(|ids| ids.spell(&id));
            assert!(kept.len() <= LONGEST_CALL_ID, "{kept}");
            assert!(
                plain.len() <= LONGEST_CALL_ID && !plain.contains(['.', ':']),
                "{plain}"
            );
            assert!(nine.len() == 9 && nine.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        let [one, other] = ["call_1", "call_2"].map(|id| CallIds::Nine.spell(&CallId::new(id)));
        assert_ne!(one, other);
    }

    #[test]
    fn refusals_teach_how_ids_are_spelled() {
        let cases = [
            (
                "Tool call id was call_abc but must be a-z, A-Z, 0-9, with a length of 9.",
                CallIds::Nine,
            ),
            (
                "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
                CallIds::Plain,
            ),
        ];
        for (detail, ids) in cases {
            let no = ModelErrorKind::BadRequest { status: 400 };
            let better = Manners { ids, ..PLAIN };
            assert_eq!(after(PLAIN, no.clone(), detail), Some(better), "{detail}");
            assert_eq!(after(better, no, detail), None, "{detail}");
        }
    }

    #[test]
    fn a_server_says_what_it_wants_back_and_what_not() {
        let no = || ModelErrorKind::BadRequest { status: 400 };
        for (detail, own_fields) in [
            (
                "property 'reasoning_content' is unsupported",
                OwnFieldsWish::LeftOut,
            ),
            (
                "messages.2.tool_calls.0.extra_content: Extra inputs are not permitted",
                OwnFieldsWish::LeftOut,
            ),
            (
                "The `reasoning_content` in the thinking mode must be passed back to the API.",
                OwnFieldsWish::Demanded,
            ),
            (
                "reasoning_content is missing in assistant tool call message at index 2",
                OwnFieldsWish::Demanded,
            ),
        ] {
            let better = Manners {
                own_fields,
                ..PLAIN
            };
            assert_eq!(after(PLAIN, no(), detail), Some(better), "{detail}");
            assert_eq!(after(better, no(), detail), None, "{detail}");
        }
    }

    #[test]
    fn a_template_that_wants_turns_says_at_last_that_it_knows_no_system() {
        let no = || ModelErrorKind::BadRequest { status: 400 };
        let says = "Jinja Exception: Conversation roles must alternate user/assistant/user/...";
        let alternating = Manners {
            preface: PrefacePlace::InSystem,
            turns: TurnOrder::Alternating,
            ..PLAIN
        };
        let without_system = Manners {
            preface: PrefacePlace::InUser,
            ..alternating
        };
        assert_eq!(after(PLAIN, no(), says), Some(alternating));
        assert_eq!(after(alternating, no(), says), Some(without_system));
        assert_eq!(after(without_system, no(), says), None);
        let first = Manners {
            preface: PrefacePlace::InUser,
            ..PLAIN
        };
        let unknown = "raise_exception('System role not supported')";
        assert_eq!(after(PLAIN, no(), unknown), Some(first));
        assert_eq!(after(first, no(), says), Some(without_system));
    }

    #[test]
    fn refusals_teach_and_only_once() {
        let no = || ModelErrorKind::BadRequest { status: 400 };
        let down = || ModelErrorKind::Overloaded {
            status: 500,
            retry_after: None,
        };
        let first = Manners {
            preface: PrefacePlace::InSystem,
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
