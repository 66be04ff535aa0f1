//! The requests that go to chat completion servers, as their JSON.

use std::num::NonZeroU32;

use minibot::core::conversation::{History, Item};
use minibot::core::model::{ChatModel, ModelRequest};
use minibot::core::tool::{SchemaStrictness, ToolSpec};
use minibot::llm::providers::{ServerSettings, StrictTools};
use serde_json::{Value, json};

use super::model_fixture::{RecordingSink, call, model, request, result, says, settings_of};
use crate::support::fake_model::{FakeModel, Reply};

/// What the fake, which refuses illegal requests, was sent.
async fn sent(request: &ModelRequest, change: impl FnOnce(&mut ServerSettings)) -> Value {
    let fake = FakeModel::start().await;
    let mut settings = settings_of(&fake);
    change(&mut settings);
    let sink = RecordingSink::default();
    model(settings).reply(request, &sink).await.unwrap();
    fake.requests()[0].body.clone()
}

fn tool(name: &'static str, schema: SchemaStrictness) -> ToolSpec {
    ToolSpec {
        name,
        description: format!("Does {name}."),
        parameters: json!({
            "type": "object",
            "properties": { "x": { "type": "string" } },
            "required": ["x"],
            "additionalProperties": false,
        }),
        schema,
    }
}

#[tokio::test]
async fn a_plain_request_holds_nothing_that_was_not_asked_for() {
    assert_eq!(
        sent(&request("hi"), |_| {}).await,
        json!({
            "model": "gpt-test",
            "messages": [
                { "role": "system", "content": "You are Minibot." },
                { "role": "user", "content": "hi" },
            ],
            "stream": true,
            "stream_options": { "include_usage": true },
        })
    );
}

#[tokio::test]
async fn history_preface_and_the_turn_so_far_stand_around_the_message() {
    let mut request = request("and tomorrow?");
    request.history = History::repaired(vec![
        Item::said("rain today?"),
        says(
            "Let me look.",
            vec![
                call("a", "weather", r#"{"day": "today"}"#),
                call("b", "clock", "{}"),
            ],
        ),
        result("a", "weather", json!({ "rain": true })),
        result("b", "clock", json!({ "time": "12:00" })),
        says("Yes.", vec![]),
    ]);
    request.preface = "It is Friday.".into();
    request.exchange = vec![
        says("", vec![call("c", "weather", r#"{"day": "tomorrow"}"#)]),
        result("c", "weather", json!({ "rain": false })),
    ];
    let function = |id: &str, name: &str, arguments: &str| json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } });
    assert_eq!(
        sent(&request, |_| {}).await["messages"],
        json!([
            { "role": "system", "content": "You are Minibot." },
            { "role": "user", "content": "rain today?" },
            { "role": "assistant", "content": "Let me look.", "tool_calls": [
                function("a", "weather", r#"{"day": "today"}"#),
                function("b", "clock", "{}"),
            ] },
            { "role": "tool", "tool_call_id": "a", "content": r#"{"rain":true}"# },
            { "role": "tool", "tool_call_id": "b", "content": r#"{"time":"12:00"}"# },
            { "role": "assistant", "content": "Yes." },
            { "role": "system", "content": "It is Friday." },
            { "role": "user", "content": "and tomorrow?" },
            { "role": "assistant", "content": null, "tool_calls": [
                function("c", "weather", r#"{"day": "tomorrow"}"#),
            ] },
            { "role": "tool", "tool_call_id": "c", "content": r#"{"rain":false}"# },
        ])
    );
}

#[tokio::test]
async fn parameters_are_sent_as_they_are_written() {
    let body = sent(&request("hi"), |settings| {
        settings.temperature = Some(0.7);
        settings.top_p = Some(0.95);
        settings.max_new_tokens = NonZeroU32::new(500);
        settings.reasoning_effort = Some("ultra".into());
    })
    .await;
    for (name, expected) in [
        ("temperature", json!(0.7)),
        ("top_p", json!(0.95)),
        ("max_tokens", json!(500)),
        ("max_completion_tokens", Value::Null),
        ("reasoning_effort", json!("ultra")),
    ] {
        assert_eq!(body[name], expected, "{name}");
    }
}

#[tokio::test]
async fn strict_goes_with_the_schemas_that_allow_it_where_the_server_takes_it() {
    let mut request = request("hi");
    request.tools = vec![
        tool("closed", SchemaStrictness::Strict),
        tool("open", SchemaStrictness::Loose),
    ];
    for (wish, expected) in [
        (StrictTools::Always, json!([true, null])),
        (StrictTools::Never, json!([null, null])),
        (StrictTools::WhereKnown, json!([null, null])),
    ] {
        let body = sent(&request, |settings| settings.strict_tools = wish).await;
        let strict = [0, 1].map(|at| body["tools"][at]["function"]["strict"].clone());
        assert_eq!(json!(strict), expected, "{wish:?}");
        assert_eq!(
            body["tools"][1],
            json!({ "type": "function", "function": {
                "name": "open",
                "description": "Does open.",
                "parameters": request.tools[1].parameters,
            } })
        );
    }
}

#[tokio::test]
async fn past_mistakes_of_a_model_do_not_spoil_later_requests() {
    let long = "x".repeat(80);
    let mut request = request("hi");
    request.exchange = vec![
        says(
            "",
            vec![
                call(&long, "functions.get weather", "not json"),
                call("b", "", "[1]"),
                call("c", &long, ""),
            ],
        ),
        result(&long, "functions.get weather", json!({})),
        result("b", "", json!({})),
        result("c", &long, json!({})),
    ];
    // The fake refuses what OpenAI refuses.
    let messages = sent(&request, |_| {}).await["messages"].clone();
    let calls = &messages[2]["tool_calls"];
    let functions = [0, 1, 2].map(|at| calls[at]["function"].clone());
    assert_eq!(
        json!(functions),
        json!([
            { "name": "functions_get_weather", "arguments": "{}" },
            { "name": "unknown", "arguments": "{}" },
            { "name": "x".repeat(64), "arguments": "{}" },
        ])
    );
    let id = calls[0]["id"].as_str().unwrap();
    assert!(id.len() <= 40, "{id}");
    assert_eq!(messages[3]["tool_call_id"], id);
}

#[tokio::test]
async fn the_key_goes_into_the_header_and_a_server_without_one_gets_none() {
    let fake = FakeModel::start().await;
    let mut settings = settings_of(&fake);
    let sink = RecordingSink::default();
    model(settings.clone())
        .reply(&request("hi"), &sink)
        .await
        .unwrap();
    let sent = fake.requests().remove(0);
    let bearer = format!("Bearer {}", fake.api_key());
    assert_eq!(sent.header("authorization"), Some(bearer.as_str()));
    assert!(sent.header("user-agent").unwrap().starts_with("minibot/"));
    assert!(!sent.body.to_string().contains(&fake.api_key()));

    settings.api_key = None;
    let error = model(settings)
        .reply(&request("hi"), &sink)
        .await
        .unwrap_err();
    assert!(
        error.detail.contains("didn't provide an API key"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_wants_to_be_asked_otherwise_is_asked_otherwise_from_then_on() {
    let refusal = |message: &str| json!({ "error": { "message": message } }).to_string();
    let fake = FakeModel::start().await;
    fake.replies([
        Reply::custom(
            500,
            refusal("Jinja Exception: System message must be at the beginning."),
        ),
        Reply::custom(
            422,
            refusal("stream_options: Extra inputs are not permitted"),
        ),
        Reply::text("one"),
        Reply::text("two"),
    ]);
    let model = model(settings_of(&fake));
    let mut request = request("hi");
    request.preface = "It is Friday.".into();
    let sink = RecordingSink::default();
    assert_eq!(model.reply(&request, &sink).await.unwrap().text, "one");
    assert_eq!(model.reply(&request, &sink).await.unwrap().text, "two");
    let bodies: Vec<Value> = fake
        .requests()
        .into_iter()
        .map(|request| request.body)
        .collect();
    assert_eq!(bodies.len(), 4);
    let streams: Vec<bool> = bodies
        .iter()
        .map(|body| body["stream_options"].is_object())
        .collect();
    assert_eq!(streams, [true, true, false, false]);
    assert_eq!(bodies[0]["messages"].as_array().unwrap().len(), 3);
    for body in &bodies[1..] {
        assert_eq!(
            body["messages"],
            json!([
                { "role": "system", "content": "You are Minibot.\n\nIt is Friday." },
                { "role": "user", "content": "hi" },
            ])
        );
    }
}

#[tokio::test]
async fn what_was_said_before_such_a_refusal_is_void() {
    let said = r#"data: {"choices":[{"delta":{"content":"a"}}]}"#;
    let refused = r#"data: {"error":{"message":"stream_options is not known","code":400}}"#;
    let fake = FakeModel::start().await;
    fake.replies([
        Reply::custom(200, format!("{said}\n\n{refused}\n\n")),
        Reply::text("b"),
    ]);
    let sink = RecordingSink::default();
    model(settings_of(&fake))
        .reply(&request("hi"), &sink)
        .await
        .unwrap();
    assert_eq!(sink.heard(), "a|b");
}

#[tokio::test]
async fn a_refusal_teaches_nothing_until_the_other_way_was_taken() {
    let fake = FakeModel::start().await;
    let refusal = json!({ "error": { "message": "your words: stream_options" } }).to_string();
    fake.replies([
        Reply::custom(400, refusal.clone()),
        Reply::custom(400, refusal),
        Reply::text("one"),
    ]);
    let model = model(settings_of(&fake));
    let sink = RecordingSink::default();
    model.reply(&request("hi"), &sink).await.unwrap_err();
    model.reply(&request("hi"), &sink).await.unwrap();
    let asked = fake.requests().into_iter();
    let streams: Vec<bool> = asked
        .map(|one| one.body["stream_options"].is_object())
        .collect();
    assert_eq!(streams, [true, false, true]);
}
