//! What servers say that they do not like, and what is learned of it.

#![allow(clippy::unwrap_used)]

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::core::http_url::HttpUrl;
use crate::core::label::Labels;
use crate::core::model::Continuation;
use crate::core::tool::ToolResult;
use crate::llm::providers::http::{Pdfs, StrictTools};

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
    let asked = (&going_on("here"), &settings(NonZeroU32::new(9)));
    manners.after(&Failure { kind, detail }, asked)
}

fn settings(max_new_tokens: Option<NonZeroU32>) -> ServerSettings {
    ServerSettings {
        provider_name: "openai".into(),
        base_url: HttpUrl::parse("https://here.example/v1").unwrap(),
        api_key: None,
        model: "m".into(),
        request_timeout: Duration::ZERO,
        stall_timeout: Duration::ZERO,
        temperature: None,
        max_new_tokens,
        reasoning_effort: None,
        top_p: None,
        pdfs: Pdfs::AsFiles,
        strict_tools: StrictTools::WhereKnown,
    }
}

/// A turn that goes on after a call, with what a server wanted to have back.
fn going_on(host: &str) -> ModelRequest {
    let id = CallId::new("call_abc");
    let asks = Item::Assistant {
        text: String::new(),
        calls: Vec::new(),
        continuation: Some(Continuation {
            origin: format!("https://{host}.example/v1/chat/completions m"),
            items: Vec::new(),
            thoughts: 0,
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
            PLAIN.after(&failure, (&ModelRequest::default(), &settings(None))),
            None,
            "{said}"
        );
    }
    // What another server sent before is not sent to this one.
    let failure = Failure {
        kind: ModelErrorKind::BadRequest { status: 400 },
        detail: "property 'reasoning_content' is unsupported".into(),
    };
    let elsewhere = going_on("there");
    assert_eq!(PLAIN.after(&failure, (&elsewhere, &settings(None))), None);
}

#[test]
fn only_a_limit_that_was_sent_is_sent_in_another_field() {
    let failure = Failure {
        kind: ModelErrorKind::BadRequest { status: 400 },
        detail: "'max_tokens' is not supported. Use 'max_completion_tokens' instead.".into(),
    };
    let after = |most| PLAIN.after(&failure, (&going_on("here"), &settings(most)));
    assert_eq!(after(None), None);
    assert!(after(NonZeroU32::new(9)).is_some());
}

#[test]
fn a_server_that_is_down_says_nothing_of_its_fields() {
    for said in [
        "upstream broke off: {\"stream_options\":{}}",
        "worker ended with max_completion_tokens=9",
        "trace: property 'reasoning_content' is unsupported",
    ] {
        let down = ModelErrorKind::Overloaded {
            status: 502,
            retry_after: None,
        };
        assert_eq!(after(PLAIN, down, said), None, "{said}");
        let refused = ModelErrorKind::BadRequest { status: 400 };
        assert!(after(PLAIN, refused, said).is_some(), "{said}");
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
