//! What is refused, and in which words.

use serde_json::{Value, json};

use super::super::Dialect;
use super::*;

/// An empty reason means that the request is legal.
async fn check(bench: &Bench, rows: Vec<(Value, u16, &str)>) {
    for (body, status, wanted) in rows {
        let (given, answer) = bench.ask(body.clone()).await;
        assert_eq!(given, status, "{body}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(
            message.contains(wanted),
            "{body}: wanted {wanted:?}, got {answer}"
        );
        assert_eq!(answer["error"].is_object(), status != 200, "{answer}");
    }
}

fn with(name: &str, value: Value) -> Value {
    let mut body = request(json!([user("hi")]));
    body[name] = value;
    body
}

fn history(messages: &[Value]) -> Value {
    let mut all = vec![user("hi")];
    all.extend_from_slice(messages);
    request(json!(all))
}

fn calls(ids: &[&str]) -> Value {
    let call = |id: &&str| {
        let function = json!({ "name": "time", "arguments": "{}" });
        json!({ "id": id, "type": "function", "function": function })
    };
    let calls: Vec<Value> = ids.iter().map(call).collect();
    json!({ "role": "assistant", "content": null, "tool_calls": calls })
}

fn result(id: &str) -> Value {
    json!({ "role": "tool", "tool_call_id": id, "content": "noon" })
}

#[tokio::test]
async fn keys_and_addresses() {
    let bench = Bench::new().await;
    let models = format!("{}/models", bench.model.url());
    let key = bench.model.api_key();
    for (address, key, status, code) in [
        (&models, Some("sk-wrong"), 401, json!("invalid_api_key")),
        (&models, None, 401, json!(null)),
        (
            &format!("{}/nothing", bench.model.url()),
            Some(key.as_str()),
            404,
            json!("unknown_url"),
        ),
        (&models, Some(key.as_str()), 200, json!(null)),
    ] {
        let mut call = bench.client.get(address);
        if let Some(key) = key {
            call = call.bearer_auth(key);
        }
        let answer = call.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], code, "{body}");
    }
    assert!(bench.model.requests().is_empty());
}

#[tokio::test]
async fn parameters() {
    let options = Options {
        models: vec!["gpt-fake".to_owned()],
        ..Options::default()
    };
    let bench = Bench::with(options).await;
    let options = json!({ "include_usage": true });
    let both = {
        let mut body = with("max_tokens", json!(1));
        body["max_completion_tokens"] = json!(1);
        body
    };
    check(
        &bench,
        vec![
            (json!([]), 400, "could not parse the JSON body"),
            (
                json!({ "messages": [user("x")] }),
                400,
                "you must provide a model parameter",
            ),
            (
                with("model", json!("gpt-9")),
                404,
                "The model `gpt-9` does not exist",
            ),
            (
                with("colour", json!("red")),
                400,
                "Unrecognized request argument supplied: colour",
            ),
            (
                with("stream", json!("yes")),
                400,
                "Invalid type for 'stream'",
            ),
            (
                with("stream_options", options),
                400,
                "only allowed when 'stream' is enabled",
            ),
            (
                with("temperature", json!(2.5)),
                400,
                "Invalid 'temperature': decimal out of range",
            ),
            (
                with("temperature", json!("hot")),
                400,
                "Invalid type for 'temperature'",
            ),
            (
                with("max_completion_tokens", json!(0)),
                400,
                "integer below minimum value",
            ),
            (both, 400, "at the same time is not supported"),
            (with("temperature", json!(0.5)), 200, ""),
        ],
    )
    .await;
    assert_eq!(bench.model.refusals().len(), 9);
    let options = Options {
        dialect: Dialect::OpenRouter,
        ..Options::default()
    };
    check(
        &Bench::with(options).await,
        vec![(with("plugins", json!([])), 200, "")],
    )
    .await;
}

#[tokio::test]
async fn messages() {
    let bench = Bench::new().await;
    let parts = |parts: Value| request(json!([{ "role": "user", "content": parts }]));
    let image = |url: &str| json!([{ "type": "image_url", "image_url": { "url": url } }]);
    let assistant = |fields: Value| {
        let mut message = json!({ "role": "assistant" });
        message
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        history(&[message, user("and?")])
    };
    check(
        &bench,
        vec![
            (
                json!({ "model": "m" }),
                400,
                "Missing required parameter: 'messages'.",
            ),
            (request(json!("hi")), 400, "Invalid type for 'messages'"),
            (request(json!([])), 400, "Invalid 'messages': empty array."),
            (
                request(json!(["hi"])),
                400,
                "Invalid type for 'messages[0]'",
            ),
            (
                request(json!([{ "content": "x" }])),
                400,
                "Missing required parameter: 'messages[0].role'",
            ),
            (
                request(json!([{ "role": "bot", "content": "x" }])),
                400,
                "Invalid value: 'bot'.",
            ),
            (
                request(json!([{ "role": "user" }])),
                400,
                "expected a string, got null.",
            ),
            (
                request(json!([{ "role": "user", "content": null }])),
                400,
                "got null",
            ),
            (
                request(json!([{ "role": "user", "content": 1 }])),
                400,
                "one of a string or array",
            ),
            (
                request(json!([{ "role": "user", "content": "x", "name": "A B" }])),
                400,
                "pattern",
            ),
            (
                parts(json!([])),
                400,
                "Invalid 'messages[0].content': empty array.",
            ),
            (
                parts(json!([{ "type": "text" }])),
                400,
                "messages[0].content[0].text",
            ),
            (
                parts(json!([{ "type": "video" }])),
                400,
                "Invalid value: 'video'.",
            ),
            (parts(json!([{ "type": "text", "text": "x" }])), 200, ""),
            (parts(image("data:image/png;base64,iVBORw0KGgo=")), 200, ""),
            (parts(image("data:image/png;base64,AAAA")), 400, "image_url"),
            (parts(image("file:///etc/passwd")), 400, "image_url"),
            (assistant(json!({})), 400, "got null"),
            (assistant(json!({ "content": "" })), 200, ""),
            (
                assistant(json!({ "content": "x", "tool_calls": [] })),
                400,
                "tool_calls': empty array",
            ),
            (
                assistant(json!({ "tool_calls": [{}] })),
                400,
                "messages[1].tool_calls[0].id",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn calls_and_results_belong_together() {
    let bench = Bench::new().await;
    let unanswered = "must be followed by tool messages responding to each 'tool_call_id'. The \
                      following tool_call_ids did not have response messages: ";
    let orphan = "messages with role 'tool' must be a response to a preceeding message";
    let one = || calls(&["a"]);
    let two = || calls(&["a", "b"]);
    let mut object = calls(&["a"]);
    object["tool_calls"][0]["function"]["arguments"] = json!({});
    let mut named = calls(&["a"]);
    named["tool_calls"][0]["function"]["name"] = json!("what time");
    let nameless = json!({ "role": "tool", "content": "x" });
    let empty = json!({ "role": "tool", "tool_call_id": "a", "content": null });
    check(
        &bench,
        vec![
            (history(&[one(), result("a")]), 200, ""),
            (history(&[two(), result("b"), result("a")]), 200, ""),
            (
                history(&[one(), result("a"), one(), result("a"), user("x")]),
                200,
                "",
            ),
            (history(&[one()]), 400, &format!("{unanswered}a")),
            (
                history(&[two(), result("a")]),
                400,
                &format!("{unanswered}b"),
            ),
            (history(&[two()]), 400, &format!("{unanswered}a, b")),
            (history(&[one(), user("x"), result("a")]), 400, unanswered),
            (history(&[result("a")]), 400, orphan),
            (history(&[one(), result("a"), result("a")]), 400, orphan),
            (history(&[one(), result("b"), result("a")]), 400, orphan),
            (
                history(&[calls(&["a", "a"]), result("a")]),
                400,
                "Duplicate tool call id",
            ),
            (
                history(&[one(), nameless]),
                400,
                "Missing required parameter: 'messages[2].tool_call_id'",
            ),
            (history(&[one(), empty]), 400, "got null"),
            (
                history(&[object, result("a")]),
                400,
                "expected a string, but got an object instead.",
            ),
            (
                history(&[named, result("a")]),
                400,
                "does not match pattern",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn tools() {
    let bench = Bench::new().await;
    let tool = |function: Value| {
        with(
            "tools",
            json!([{ "type": "function", "function": function }]),
        )
    };
    let named = |name: &str| tool(json!({ "name": name }));
    let schema = |schema: Value| tool(json!({ "name": "f", "parameters": schema }));
    let strict = |schema: Value| tool(json!({ "name": "f", "parameters": schema, "strict": true }));
    let city = json!({ "city": { "type": "string" } });
    let closed = |required: Value, properties: &Value| {
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    };
    let inner = json!({ "place": { "type": "object", "properties": city } });
    let mut choice = named("f");
    choice["tool_choice"] = json!({ "type": "function", "function": { "name": "g" } });
    let many: Vec<Value> = vec![json!({ "type": "function", "function": { "name": "f" } }); 129];
    let open = "'additionalProperties' is required to be supplied and to be false.";
    check(
        &bench,
        vec![
            (named("read_file-2"), 200, ""),
            (
                named("read file"),
                400,
                "Invalid 'tools[0].function.name': string does not match",
            ),
            (named(""), 400, "string does not match pattern"),
            (named(&"x".repeat(65)), 400, "string too long"),
            (
                tool(json!({})),
                400,
                "Missing required parameter: 'tools[0].function.name'",
            ),
            (
                with("tools", json!([])),
                400,
                "Invalid 'tools': empty array.",
            ),
            (with("tools", json!(many)), 400, "array too long"),
            (
                with("tools", json!([{ "type": "magic" }])),
                400,
                "Invalid value: \"magic\"",
            ),
            (
                with("tool_choice", json!("auto")),
                400,
                "only allowed when 'tools' are specified",
            ),
            (choice, 400, "function \"g\" not found"),
            (
                schema(json!({ "type": "string" })),
                400,
                "got 'type: \"string\"'.",
            ),
            (schema(json!({})), 400, "got 'type: \"None\"'."),
            (
                schema(json!({ "type": "object", "properties": { "a": { "type": "array" } } })),
                400,
                "In context=('properties', 'a'), array schema missing items.",
            ),
            (
                schema(json!({ "type": "object", "properties": city })),
                200,
                "",
            ),
            (strict(closed(json!(["city"]), &city)), 200, ""),
            (strict(closed(json!([]), &city)), 400, "Missing 'city'."),
            (
                strict(closed(json!(["city", "x"]), &city)),
                400,
                "Extra required key 'x'",
            ),
            (
                strict(json!({ "type": "object", "properties": city })),
                400,
                open,
            ),
            (
                strict(closed(json!(["place"]), &inner)),
                400,
                &format!("In context=('properties', 'place'), {open}"),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn too_much_for_the_model() {
    let options = Options {
        context_limit: Some(100),
        ..Options::default()
    };
    let bench = Bench::with(options).await;
    check(
        &bench,
        vec![
            (request(json!([user("short")])), 200, ""),
            (
                request(json!([user(&"x".repeat(400))])),
                400,
                "maximum context length is 100 tokens",
            ),
        ],
    )
    .await;
    bench.model.set_context_limit(None);
    check(
        &bench,
        vec![(request(json!([user(&"x".repeat(400))])), 200, "")],
    )
    .await;
}
