//! The Responses API from end to end: its requests as JSON, its events in every shape, and thoughts
//! that go back to whom they came from.

use std::num::NonZeroU32;

use minibot::core::conversation::{History, Item};
use minibot::core::label::Labels;
use minibot::core::model::ModelErrorKind::{
    self, BadRequest, BrokenOff, ContextTooLong, Malformed, QuotaExhausted, Refused, Transport,
};
use minibot::core::model::{ChatModel, FinishReason, ModelError, ModelReply, ModelRequest};
use minibot::core::tool::{SchemaStrictness, ToolSpec};
use minibot::llm::providers::StrictTools;
use serde_json::{Value, json};

use super::model_fixture::{
    RecordingSink, call, calls_of, model, overloaded, request, responses_model, result, says,
    settings_of,
};
use crate::support::fake_model::{FakeModel, Quirk, Reply};

async fn ask(reply: Reply) -> (Result<ModelReply, ModelError>, String) {
    let fake = FakeModel::start().await;
    fake.replies([reply]);
    let sink = RecordingSink::default();
    let answer = responses_model(settings_of(&fake))
        .reply(&request("hi"), &sink)
        .await;
    assert_eq!(fake.refusals(), Vec::<String>::new());
    (answer, sink.heard())
}

fn tool(schema: SchemaStrictness) -> ToolSpec {
    ToolSpec {
        name: "weather",
        description: "Tells the weather.".into(),
        parameters: json!({ "type": "object", "properties": {}, "required": [],
            "additionalProperties": false }),
        schema,
    }
}

#[tokio::test]
async fn a_request_holds_what_was_asked_for_and_no_more() {
    let fake = FakeModel::start().await;
    let mut settings = settings_of(&fake);
    let sink = RecordingSink::default();
    responses_model(settings.clone())
        .reply(&request("hi"), &sink)
        .await
        .unwrap();
    assert_eq!(
        fake.requests()[0].body,
        json!({
            "model": "gpt-test",
            "instructions": "You are Minibot.",
            "input": [{ "type": "message", "role": "user", "content": "hi" }],
            "include": ["reasoning.encrypted_content"],
            "store": false,
            "stream": true,
        })
    );
    settings.temperature = Some(0.7);
    settings.top_p = Some(0.95);
    settings.max_new_tokens = NonZeroU32::new(500);
    settings.reasoning_effort = Some("low".into());
    settings.strict_tools = StrictTools::Always;
    let mut request = request("hi");
    request.tools = vec![
        tool(SchemaStrictness::Strict),
        tool(SchemaStrictness::Loose),
    ];
    responses_model(settings)
        .reply(&request, &sink)
        .await
        .unwrap();
    let body = fake.requests().remove(1).body;
    for (name, expected) in [
        ("temperature", json!(0.7)),
        ("top_p", json!(0.95)),
        ("max_output_tokens", json!(500)),
        ("reasoning", json!({ "effort": "low" })),
    ] {
        assert_eq!(body[name], expected, "{name}");
    }
    let function = |strict: bool| {
        json!({ "type": "function", "name": "weather",
        "description": "Tells the weather.", "parameters": request.tools[0].parameters,
        "strict": strict })
    };
    assert_eq!(body["tools"], json!([function(true), function(false)]));
}

#[tokio::test]
async fn history_preface_and_the_turn_so_far_stand_around_the_message() {
    let long = "x".repeat(80);
    let mut request = request("and tomorrow?");
    request.history = History::repaired(vec![
        Item::said("rain today?"),
        says("Let me look.", vec![call("a", "weather", "{}")]),
        result("a", "weather", json!({ "rain": true })),
        says("Yes.", vec![]),
    ]);
    request.preface = "It is Friday.".into();
    request.exchange = vec![
        says("", vec![call(&long, "get weather", "nonsense")]),
        result(&long, "get weather", json!({ "rain": false })),
    ];
    let fake = FakeModel::start().await;
    let sink = RecordingSink::default();
    let model = responses_model(settings_of(&fake));
    model.reply(&request, &sink).await.unwrap();
    let input = fake.requests()[0].body["input"].clone();
    let id = input[7]["call_id"].clone();
    assert!(id.as_str().is_some_and(|id| id.len() <= 40), "{id}");
    let message =
        |role: &str, text: &str| json!({ "type": "message", "role": role, "content": text });
    assert_eq!(
        input,
        json!([
            message("user", "rain today?"),
            message("assistant", "Let me look."),
            { "type": "function_call", "call_id": "a", "name": "weather", "arguments": "{}" },
            { "type": "function_call_output", "call_id": "a", "output": r#"{"rain":true}"# },
            message("assistant", "Yes."),
            message("system", "It is Friday."),
            message("user", "and tomorrow?"),
            { "type": "function_call", "call_id": id, "name": "get_weather", "arguments": "{}" },
            { "type": "function_call_output", "call_id": id, "output": r#"{"rain":false}"# },
        ])
    );
}

#[tokio::test]
async fn an_answer_is_read_in_every_shape() {
    let quirks = [
        vec![],
        vec![Quirk::EmptyLastOutput],
        vec![Quirk::Comments],
        vec![Quirk::TornBytes],
        vec![Quirk::MissingToolCallId],
        vec![Quirk::NoItemEvents],
        vec![Quirk::NoUsage],
    ];
    for quirks in quirks {
        let calls = [
            ("weather", json!({ "day": "mañana" })),
            ("weather", json!({ "day": "hoy" })),
        ];
        let mut scripted = Reply::tools(calls)
            .saying("Un momento, por favor…")
            .usage(9, 2);
        for quirk in &quirks {
            scripted = scripted.quirk(*quirk);
        }
        let (reply, heard) = ask(scripted).await;
        let reply = reply.unwrap();
        assert_eq!(
            (heard.as_str(), reply.text.as_str()),
            ("Un momento, por favor…", heard.as_str())
        );
        let expected = [
            ("weather", r#"{"day":"mañana"}"#),
            ("weather", r#"{"day":"hoy"}"#),
        ];
        assert_eq!(calls_of(&reply), expected, "{quirks:?}");
        assert_ne!(reply.calls[0].id, reply.calls[1].id, "{quirks:?}");
        assert_eq!(
            reply.continuation, None,
            "without thoughts there is nothing to return"
        );
        let counted = if quirks == [Quirk::NoUsage] { 0 } else { 9 };
        assert_eq!(reply.usage[0].tokens.input, counted, "{quirks:?}");
        assert_eq!(reply.usage[0].provider, "openai_responses");
    }
}

#[tokio::test]
async fn ends_are_told_apart() {
    let whole = |status: &str, more: Value| {
        let mut body = json!({ "object": "response", "status": status, "model": "m",
            "usage": { "input_tokens": 3, "output_tokens": 1 },
            "output": [{ "type": "message", "content": [
                { "type": "output_text", "text": "a" }, { "type": "refusal", "refusal": "b" }] }] });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    };
    let reason = |reason: &str| json!({ "incomplete_details": { "reason": reason } });
    for (body, finish) in [
        (whole("completed", json!({})), FinishReason::Done),
        (
            whole("incomplete", reason("max_output_tokens")),
            FinishReason::Length,
        ),
        (
            whole("incomplete", reason("content_filter")),
            FinishReason::Filtered,
        ),
    ] {
        let event = json!({ "type": "response.incomplete", "response": body });
        for body in [body.to_string(), format!("data: {event}\n\n")] {
            let (reply, heard) = ask(Reply::custom(200, body)).await;
            let reply = reply.unwrap();
            assert_eq!(
                (reply.text.as_str(), heard.as_str(), reply.finish),
                ("ab", "ab", finish)
            );
        }
    }
    let failed = |code: &str| json!({ "error": { "code": code, "message": "x" }, "output": [] });
    let withheld = json!({ "output": [], "incomplete_details": { "reason": "content_filter" } });
    for (body, kind) in [
        (whole("failed", failed("server_error")), overloaded(500)),
        (
            whole("failed", failed("insufficient_quota")),
            QuotaExhausted,
        ),
        (
            whole("failed", failed("context_length_exceeded")),
            ContextTooLong,
        ),
        (whole("failed", json!({})), Malformed),
        (whole("incomplete", withheld), Refused),
    ] {
        let event = json!({ "type": "response.failed", "response": body });
        let error = ask(Reply::custom(200, format!("data: {event}\n\n")))
            .await
            .0
            .unwrap_err();
        assert_eq!((&error.kind, error.tries), (&kind, 1), "{body}");
        assert_eq!(
            error.usage[0].tokens.input, 3,
            "what failed is booked: {body}"
        );
    }
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure() {
    let event = |json: Value| Reply::custom(200, format!("data: {json}\n\n"));
    let flood: String = (0..2000)
        .map(|index| {
            let event = json!({ "type": "response.function_call_arguments.delta",
                "output_index": index, "delta": "" });
            format!("data: {event}\n\n")
        })
        .collect();
    let cases: Vec<(Reply, ModelErrorKind)> = vec![
        (Reply::half_stream("half"), BrokenOff),
        (Reply::drop_connection(), Transport),
        (
            Reply::text("half").quirk(Quirk::ErrorInStream),
            overloaded(500),
        ),
        (Reply::custom(200, "{}"), Malformed),
        (Reply::custom(200, "[]"), Malformed),
        (Reply::custom(200, ""), Malformed),
        (Reply::custom(200, "<html>"), Malformed),
        (Reply::custom(200, flood), Malformed),
        (event(json!({ "choices": [] })), Malformed),
        (
            event(json!({ "type": "response.created", "response": { "model": "m" } })),
            BrokenOff,
        ),
        (
            event(json!({ "type": "response.output_text.delta", "delta": "a" })),
            BrokenOff,
        ),
        (Reply::status(404), BadRequest { status: 404 }),
        (Reply::context_too_long(), ContextTooLong),
    ];
    for (scripted, expected) in cases {
        let shown: String = format!("{scripted:?}").chars().take(200).collect();
        let error = ask(scripted).await.0.unwrap_err();
        assert_eq!(error.kind, expected, "{shown}: {}", error.detail);
    }
}

#[tokio::test]
async fn so_many_calls_that_comparing_them_takes_long_are_not_compared() {
    let call = |number: u32| {
        json!({ "type": "function_call", "id": format!("fc_{number}"), "status": "completed",
            "call_id": number.to_string(), "name": "look", "arguments": "{}" })
    };
    let output: Vec<Value> = (0..1025).map(call).collect();
    let whole = json!({ "type": "response.completed",
        "response": { "model": "m", "status": "completed", "output": output } });
    let reply = Reply::custom(200, format!("data: {whole}\n\n"));
    let error = ask(reply).await.0.unwrap_err();
    assert_eq!(error.kind, Malformed);
    assert!(error.detail.contains("1024 items"), "{}", error.detail);
}

/// The request of the step after `reply`, whose calls are answered.
fn next(before: &ModelRequest, reply: &ModelReply) -> ModelRequest {
    let mut request = before.clone();
    request.exchange.push(Item::Assistant {
        text: reply.text.clone(),
        calls: reply.calls.clone(),
        continuation: reply.continuation.clone(),
        labels: Labels::default(),
    });
    for call in &reply.calls {
        request
            .exchange
            .push(result(call.id.as_str(), &call.name, json!({})));
    }
    request
}

fn two_thoughts() -> Reply {
    Reply::tools([
        ("weather", json!({ "n": 1 })),
        ("weather", json!({ "n": 2 })),
    ])
    .saying("One moment.")
    .thinking()
}

#[tokio::test]
async fn thoughts_go_back_in_order_right_before_their_calls() {
    let fake = FakeModel::start().await;
    fake.replies([two_thoughts(), two_thoughts(), Reply::text("done")]);
    let model = responses_model(settings_of(&fake));
    let sink = RecordingSink::default();
    let mut request = request("hi");
    for _ in 0..2 {
        let reply = model.reply(&request, &sink).await.unwrap();
        // A crash between two steps leaves no more than the fact.
        let fact = serde_json::to_string(&reply).unwrap();
        request = next(&request, &serde_json::from_str(&fact).unwrap());
    }
    assert_eq!(model.reply(&request, &sink).await.unwrap().text, "done");
    assert_eq!(fake.refusals(), Vec::<String>::new());
    let input = fake.requests().remove(2).body["input"].clone();
    let kinds: Vec<&str> = input
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["type"].as_str())
        .collect();
    let step = [
        "message",
        "reasoning",
        "function_call",
        "reasoning",
        "function_call",
        "function_call_output",
        "function_call_output",
    ];
    assert_eq!(kinds, [&["message"][..], &step, &step].concat());
    assert_eq!(input[2]["encrypted_content"], "sealed-call_1_0");
    assert_eq!(input[2].get("status"), None, "nulls are refused");
}

#[tokio::test]
async fn thoughts_are_shown_to_nobody_else() {
    let fake = FakeModel::start().await;
    fake.replies([two_thoughts()]);
    let sink = RecordingSink::default();
    let first = request("hi");
    let reply = responses_model(settings_of(&fake))
        .reply(&first, &sink)
        .await
        .unwrap();
    assert!(reply.continuation.is_some());
    let request = next(&first, &reply);
    let mut other = settings_of(&fake);
    other.model = "another".into();
    responses_model(other).reply(&request, &sink).await.unwrap();
    model(settings_of(&fake))
        .reply(&request, &sink)
        .await
        .unwrap();
    assert_eq!(fake.refusals(), Vec::<String>::new());
    for asked in &fake.requests()[1..] {
        assert!(
            !asked.body.to_string().contains("sealed-"),
            "{}",
            asked.body
        );
    }
}

#[tokio::test]
async fn thoughts_that_the_server_cannot_read_are_left_out_this_once() {
    let unreadable = json!({ "error": { "code": "invalid_encrypted_content",
        "message": "The encrypted content for item rs_1 could not be verified." } });
    let fake = FakeModel::start().await;
    fake.replies([
        two_thoughts(),
        Reply::custom(400, unreadable.to_string()),
        Reply::text("one"),
        Reply::text("two"),
    ]);
    let model = responses_model(settings_of(&fake));
    let sink = RecordingSink::default();
    let first = request("hi");
    let request = next(&first, &model.reply(&first, &sink).await.unwrap());
    assert_eq!(model.reply(&request, &sink).await.unwrap().text, "one");
    assert_eq!(model.reply(&request, &sink).await.unwrap().text, "two");
    let sealed: Vec<bool> = fake
        .requests()
        .iter()
        .map(|asked| asked.body.to_string().contains("sealed-"))
        .collect();
    assert_eq!(sealed, [false, true, false, true]);
}

#[tokio::test]
async fn a_model_that_does_not_think_is_not_asked_for_thoughts_again() {
    let refusal = json!({ "error": { "message":
        "Encrypted content is not supported with this model.", "param": "include" } });
    let fake = FakeModel::start().await;
    fake.replies([
        Reply::custom(400, refusal.to_string()),
        Reply::text("one"),
        Reply::text("two"),
    ]);
    let model = responses_model(settings_of(&fake));
    let sink = RecordingSink::default();
    for expected in ["one", "two"] {
        let reply = model.reply(&request("hi"), &sink).await.unwrap();
        assert_eq!(reply.text, expected);
    }
    let asked: Vec<bool> = fake
        .requests()
        .iter()
        .map(|asked| asked.body.get("include").is_some())
        .collect();
    assert_eq!(asked, [true, false, false]);
}

#[tokio::test]
async fn nothing_secret_is_told() {
    let secret = "my doctor is called Ada Lovelace";
    let key = "sk-wrong-key-that-nobody-may-see";
    let fake = FakeModel::start().await;
    let mut settings = settings_of(&fake);
    settings.api_key = Some(key.into());
    let model = responses_model(settings);
    let error = model
        .reply(&request(secret), &RecordingSink::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Unauthorized);
    for shown in [
        format!("{error} {error:?}"),
        format!("{model:?}"),
        model.describe(),
    ] {
        assert!(!shown.contains("nobody-may-see"), "{shown}");
    }
    let fake = FakeModel::start().await;
    let body = json!({ "error": { "message": format!("Invalid input: '{secret}'.") } });
    fake.replies([Reply::custom(400, body.to_string())]);
    let error = responses_model(settings_of(&fake))
        .reply(&request(secret), &RecordingSink::default())
        .await
        .unwrap_err();
    assert!(!error.detail.contains("Ada"), "{}", error.detail);
}
