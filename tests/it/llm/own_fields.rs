//! What servers add to a chat completion and want to have back in the turn's next step.

use minibot::core::conversation::{History, Item};
use minibot::core::label::Labels;
use minibot::core::model::{ChatModel, ModelReply, ModelRequest};
use serde_json::{Value, json};

use super::model_fixture::{
    RecordingSink, call, model, request, responses_model, result, says, settings_of,
};
use crate::support::fake_model::{FakeModel, Reply};

/// A stream of these deltas that ends with calls.
fn stream(deltas: &[Value]) -> Reply {
    let chunk = |delta: &Value, reason: Value| {
        let chunk = json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] });
        format!("data: {chunk}\n\n")
    };
    let mut events: String = deltas.iter().map(|one| chunk(one, Value::Null)).collect();
    events.push_str(&chunk(&json!({}), "tool_calls".into()));
    Reply::custom(200, events + "data: [DONE]\n\n")
}

fn function(id: &str) -> Value {
    json!({ "id": id, "type": "function", "function": { "name": "look", "arguments": "{}" } })
}

fn piece(index: u64, id: &str, extra: Value) -> Value {
    let mut piece = function(id);
    piece["index"] = index.into();
    if !extra.is_null() {
        piece["extra_content"] = extra;
    }
    json!({ "tool_calls": [piece] })
}

/// The next step of the turn: a crash between the two leaves no more than the fact.
fn next(before: &ModelRequest, reply: &ModelReply) -> ModelRequest {
    let fact = serde_json::to_string(reply).unwrap();
    let reply: ModelReply = serde_json::from_str(&fact).unwrap();
    let mut request = before.clone();
    request.exchange.push(Item::Assistant {
        text: reply.text,
        calls: reply.calls.clone(),
        continuation: reply.continuation,
        labels: Labels::default(),
    });
    let results = reply.calls.iter();
    request
        .exchange
        .extend(results.map(|call| result(call.id.as_str(), &call.name, json!({}))));
    request
}

/// The assistant's message of the second step, as it was sent.
async fn sent_back(deltas: &[Value]) -> Value {
    let fake = FakeModel::start().await;
    fake.replies([stream(deltas), Reply::text("done")]);
    let model = model(settings_of(&fake));
    let (first, sink) = (request("hi"), RecordingSink::default());
    let reply = model.reply(&first, &sink).await.unwrap();
    assert_eq!(sink.heard(), reply.text, "thoughts are not said");
    let second = next(&first, &reply);
    model.reply(&second, &sink).await.unwrap();
    assert_eq!(fake.refusals(), Vec::<String>::new());
    // When the turn is over, nothing of it is left.
    let later = ModelRequest {
        history: History::repaired([vec![Item::said("hi")], second.exchange].concat()),
        ..request("and?")
    };
    model.reply(&later, &sink).await.unwrap();
    let third = fake.requests()[2].body.to_string();
    let own = ["reasoning_content", "reasoning_details", "extra_content"];
    assert!(!own.iter().any(|name| third.contains(name)), "{third}");
    fake.requests()[1].body["messages"][2].clone()
}

#[tokio::test]
async fn the_thoughts_of_deepseek_go_back_as_it_names_them() {
    let deltas = [
        json!({ "role": "assistant", "content": null, "reasoning_content": "I should " }),
        json!({ "content": null, "reasoning_content": "look." }),
        json!({ "content": "One moment." }),
        piece(0, "a", Value::Null),
    ];
    assert_eq!(
        sent_back(&deltas).await,
        json!({ "role": "assistant", "content": "One moment.",
            "reasoning_content": "I should look.", "tool_calls": [function("a")] })
    );
}

#[tokio::test]
async fn the_details_of_openrouter_go_back_whole_and_in_order() {
    let details = |details: Value| json!({ "content": "", "reasoning_details": details });
    let deltas = [
        details(
            json!([{ "type": "reasoning.text", "text": "Let", "index": 0, "signature": null,
            "format": "anthropic-claude-v1" }]),
        ),
        details(json!([{ "type": "reasoning.text", "text": " me", "index": 0 }])),
        details(json!([{ "type": "reasoning.encrypted", "data": "AA", "index": 1, "id": "t1" }])),
        details(json!([{ "type": "reasoning.text", "signature": "sig", "index": 0 }])),
        details(json!([{ "type": "reasoning.encrypted", "data": "BB", "index": 2, "id": "t2" }])),
        // Without a place, a text goes on with the newest.
        details(json!([{ "type": "reasoning.summary", "summary": "In" }])),
        details(json!([{ "type": "reasoning.summary", "summary": " short" }])),
        piece(0, "a", Value::Null),
    ];
    assert_eq!(
        sent_back(&deltas).await,
        json!({ "role": "assistant", "content": null, "tool_calls": [function("a")],
            "reasoning_details": [
                { "type": "reasoning.text", "text": "Let me", "index": 0, "signature": "sig",
                    "format": "anthropic-claude-v1" },
                { "type": "reasoning.encrypted", "data": "AA", "index": 1, "id": "t1" },
                { "type": "reasoning.encrypted", "data": "BB", "index": 2, "id": "t2" },
                { "type": "reasoning.summary", "summary": "In short" },
            ] })
    );
}

#[tokio::test]
async fn the_signatures_of_gemini_go_back_with_the_calls_they_came_with() {
    let signed = json!({ "google": { "thought_signature": "sig" } });
    let deltas = [
        piece(0, "a", Value::Null),
        piece(1, "b", signed.clone()),
        piece(2, "c", Value::Null),
    ];
    let mut b = function("b");
    b["extra_content"] = signed;
    assert_eq!(
        sent_back(&deltas).await,
        json!({ "role": "assistant", "content": null,
            "tool_calls": [function("a"), b, function("c")] })
    );
}

fn thoughtful() -> Reply {
    stream(&[
        json!({ "reasoning_content": "secret thoughts" }),
        piece(0, "a", json!({ "google": {} })),
    ])
}

#[tokio::test]
async fn they_go_to_nobody_else() {
    let fake = FakeModel::start().await;
    fake.replies([thoughtful()]);
    let (first, sink) = (request("hi"), RecordingSink::default());
    let reply = model(settings_of(&fake))
        .reply(&first, &sink)
        .await
        .unwrap();
    let second = next(&first, &reply);
    let mut other = settings_of(&fake);
    other.model = "another".into();
    model(other).reply(&second, &sink).await.unwrap();
    // The same server and model over the other API has other fields.
    let responses = responses_model(settings_of(&fake));
    responses.reply(&second, &sink).await.unwrap();
    assert_eq!(fake.refusals(), Vec::<String>::new());
    for asked in &fake.requests()[1..] {
        let body = asked.body.to_string();
        assert!(!body.contains("secret thoughts") && !body.contains("google"));
    }
}

#[tokio::test]
async fn a_server_that_does_not_take_its_own_fields_gets_none_from_then_on() {
    let no = json!({ "error": { "message": "'messages.2' : for 'role:assistant' the following must \
        be satisfied[('messages.2' : property 'reasoning_content' is unsupported)]" } });
    let fake = FakeModel::start().await;
    fake.replies([
        thoughtful(),
        Reply::custom(400, no.to_string()),
        Reply::text("one"),
        Reply::text("two"),
    ]);
    let model = model(settings_of(&fake));
    let (first, sink) = (request("hi"), RecordingSink::default());
    let second = next(&first, &model.reply(&first, &sink).await.unwrap());
    for expected in ["one", "two"] {
        assert_eq!(model.reply(&second, &sink).await.unwrap().text, expected);
    }
    let returned = |name: &str| -> Vec<bool> {
        let requests = fake.requests().into_iter().skip(1);
        requests
            .map(|asked| asked.body.to_string().contains(name))
            .collect()
    };
    assert_eq!(returned("reasoning_content"), [true, false, false]);
    assert_eq!(returned("extra_content"), [true, false, false]);
}

#[tokio::test]
async fn a_server_that_demands_the_thoughts_of_earlier_turns_gets_empty_ones() {
    let no = json!({ "error": { "message":
        "The `reasoning_content` in the thinking mode must be passed back to the API." } });
    let fake = FakeModel::start().await;
    fake.replies([
        Reply::custom(400, no.to_string()),
        thoughtful(),
        Reply::text("done"),
    ]);
    let model = model(settings_of(&fake));
    let sink = RecordingSink::default();
    let first = ModelRequest {
        history: History::repaired(vec![
            Item::said("look"),
            says("", vec![call("b", "look", "{}")]),
            result("b", "look", json!({})),
            says("Well.", vec![]),
        ]),
        ..request("again")
    };
    let second = next(&first, &model.reply(&first, &sink).await.unwrap());
    assert_eq!(model.reply(&second, &sink).await.unwrap().text, "done");
    let thoughts: Vec<Vec<Value>> = fake
        .requests()
        .iter()
        .map(|asked| {
            let said = asked.messages().iter();
            said.filter(|message| message["role"] == "assistant")
                .map(|message| message["reasoning_content"].clone())
                .collect()
        })
        .collect();
    let expected = [
        vec![Value::Null, Value::Null],
        vec![json!(""), json!("")],
        vec![json!(""), json!(""), json!("secret thoughts")],
    ];
    assert_eq!(thoughts, expected);
}
