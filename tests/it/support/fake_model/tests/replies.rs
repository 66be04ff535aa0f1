//! Scripts, streams and the oddities of other providers.

use std::time::Duration;

use serde_json::json;

use super::super::{Quirk, Reply};
use super::*;
use crate::support::gate::Gate;

fn streaming() -> Value {
    let mut body = request(json!([user("grüß Gott 😀")]));
    body["stream"] = true.into();
    body["stream_options"] = json!({ "include_usage": true });
    body
}

fn parse(events: &[String]) -> Vec<Value> {
    let data = events.iter().filter(|event| event.starts_with('{'));
    data.map(|event| serde_json::from_str(event).unwrap())
        .collect()
}

fn streamed_text(chunks: &[Value]) -> String {
    let deltas = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]);
    deltas
        .filter_map(|delta| delta["content"].as_str())
        .collect()
}

fn calculator() -> Reply {
    Reply::tools([
        ("evaluate", json!({ "expression": "6*7" })),
        ("time", json!({})),
    ])
}

#[tokio::test]
async fn without_a_script_it_echoes() {
    let bench = Bench::new().await;
    let (_, body) = bench.ask(request(json!([user("one"), user("two")]))).await;
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["choices"][0]["message"]["content"], "echo: two");
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert!(body["usage"]["total_tokens"].as_u64().unwrap() > 0);
    assert_eq!(bench.model.unscripted_requests(), 0);
}

#[tokio::test]
async fn the_queue_comes_first_then_the_responder() {
    let bench = Bench::new().await;
    bench.model.replies([Reply::text("queued").usage(5, 7)]);
    bench
        .model
        .respond_with(|asked| Reply::text(format!("heard {}", asked.last_user_text())));
    let (_, refused) = bench.ask(request(json!([]))).await;
    assert!(refused["error"].is_object());
    assert_eq!(bench.model.unused_replies(), 1);
    let (_, first) = bench.ask(request(json!([user("a")]))).await;
    let (_, second) = bench.ask(request(json!([user("b")]))).await;
    assert_eq!(first["choices"][0]["message"]["content"], "queued");
    assert_eq!(first["usage"]["total_tokens"], 12);
    assert_eq!(second["choices"][0]["message"]["content"], "heard b");
    let requests = bench.model.wait_for_requests(3).await;
    assert_eq!(
        requests[0]
            .refused
            .as_deref()
            .map(|why| why.contains("empty array")),
        Some(true)
    );
    assert_eq!(requests[2].header("Content-Type"), Some("application/json"));
}

#[tokio::test]
async fn a_used_up_script_is_noticed() {
    let bench = Bench::new().await;
    bench.model.replies([Reply::text("only")]);
    for _ in 0..2 {
        bench.ask(request(json!([user("x")]))).await;
    }
    assert_eq!(
        (
            bench.model.unused_replies(),
            bench.model.unscripted_requests()
        ),
        (0, 1)
    );
}

#[tokio::test]
async fn text_streams_as_openai_streams_it() {
    let bench = Bench::new().await;
    let events = bench.stream(streaming()).await;
    assert_eq!(events.last().unwrap(), "[DONE]");
    let chunks = parse(&events);
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(streamed_text(&chunks), "echo: grüß Gott 😀");
    let [.., finish, usage] = chunks.as_slice() else {
        panic!("{chunks:?}")
    };
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!(finish["choices"][0]["delta"], json!({}));
    assert_eq!(usage["choices"], json!([]));
    assert!(usage["usage"]["prompt_tokens"].as_u64().unwrap() > 0);
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["object"] == "chat.completion.chunk")
    );
}

#[tokio::test]
async fn tool_calls_come_whole_or_in_pieces() {
    let bench = Bench::new().await;
    bench
        .model
        .replies([calculator(), calculator().saying("Let me see.")]);
    let (_, body) = bench.ask(request(json!([user("x")]))).await;
    let choice = &body["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(call["function"]["arguments"], r#"{"expression":"6*7"}"#);
    let chunks = parse(&bench.stream(streaming()).await);
    assert_eq!(streamed_text(&chunks), "Let me see.");
    let mut arguments = [String::new(), String::new()];
    let mut ids = Vec::new();
    for delta in chunks
        .iter()
        .filter_map(|c| c["choices"][0]["delta"]["tool_calls"].as_array())
    {
        let index = usize::try_from(delta[0]["index"].as_u64().unwrap()).unwrap();
        ids.extend(delta[0]["id"].as_str().map(str::to_owned));
        arguments[index].push_str(delta[0]["function"]["arguments"].as_str().unwrap());
    }
    assert_eq!(arguments, [r#"{"expression":"6*7"}"#, "{}"]);
    assert_eq!(ids.len(), 2);
    assert!(
        !ids.contains(&call["id"].as_str().unwrap().to_owned()),
        "ids are not used again"
    );
}

#[tokio::test]
async fn errors_and_broken_answers() {
    let bench = Bench::new().await;
    let ask = || request(json!([user("x")]));
    bench.model.replies([
        Reply::status(503),
        Reply::rate_limited(9),
        Reply::error_in_200(),
        Reply::context_too_long(),
        Reply::custom(418, "teapot"),
        Reply::invalid_json(),
    ]);
    assert_eq!(bench.ask(ask()).await.0, 503);
    let limited = bench.post(&ask()).await.unwrap();
    assert_eq!(
        (limited.status().as_u16(), &limited.headers()["retry-after"]),
        (429, &"9".parse().unwrap())
    );
    let (status, body) = bench.ask(ask()).await;
    assert_eq!((status, body["error"].is_object()), (200, true));
    let (status, body) = bench.ask(ask()).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (400, &json!("context_length_exceeded"))
    );
    assert_eq!(
        bench.post(&ask()).await.unwrap().text().await.unwrap(),
        "teapot"
    );
    assert!(
        bench
            .post(&ask())
            .await
            .unwrap()
            .json::<Value>()
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_half_stream_delivers_its_half() {
    let bench = Bench::new().await;
    bench
        .model
        .replies([Reply::half_stream("once upon"), Reply::drop_connection()]);
    let mut answer = bench.post(&streaming()).await.unwrap();
    let mut bytes = Vec::new();
    let error = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => panic!("the stream ended well"),
            Err(error) => break error,
        }
    };
    let chunks = parse(&events(&String::from_utf8(bytes).unwrap()));
    assert_eq!(streamed_text(&chunks), "once upon", "{error}");
    assert!(bench.post(&streaming()).await.is_err());
}

#[tokio::test]
async fn answers_can_be_slow_held_or_never_come() {
    let bench = Bench::new().await;
    let gate = Gate::new();
    bench.model.replies([
        Reply::text("slow").slow(Duration::from_millis(1)),
        Reply::text("held").held(&gate),
        Reply::hang(),
    ]);
    assert_eq!(
        streamed_text(&parse(&bench.stream(streaming()).await)),
        "slow"
    );
    let open = async {
        gate.wait_for_arrivals(1).await;
        gate.open();
    };
    let (events, ()) = tokio::join!(bench.stream(streaming()), open);
    assert_eq!(streamed_text(&parse(&events)), "held");
    let body = streaming();
    tokio::select! {
        answer = bench.post(&body) => panic!("{answer:?}"),
        _ = bench.model.wait_for_requests(3) => {}
    }
}

#[tokio::test]
async fn a_stream_can_stop_in_its_middle_and_notices_a_caller_that_hangs_up() {
    let bench = Bench::new().await;
    let gate = Gate::new();
    bench
        .model
        .replies([Reply::text("one two three four five").held_midway(&gate)]);
    let mut answer = bench.post(&streaming()).await.unwrap();
    let first = answer.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"data: {"));
    gate.wait_for_arrivals(1).await;
    drop(answer);
    gate.wait_for_departures(1).await;
}

#[tokio::test]
async fn oddities_of_plain_answers() {
    let bench = Bench::new().await;
    bench.model.replies([calculator()
        .quirk(Quirk::MissingToolCallId)
        .quirk(Quirk::ObjectArguments)
        .quirk(Quirk::FinishReason("eos"))
        .quirk(Quirk::NoUsage)
        .quirk(Quirk::CreatedInMilliseconds)]);
    let (_, body) = bench.ask(request(json!([user("x")]))).await;
    let call = &body["choices"][0]["message"]["tool_calls"][0];
    assert!(call.get("id").is_none());
    assert_eq!(call["function"]["arguments"]["expression"], "6*7");
    assert_eq!(body["choices"][0]["finish_reason"], "eos");
    assert!(body.get("usage").is_none());
    assert!(body["created"].as_u64().unwrap() > 1_000_000_000_000);
}

#[tokio::test]
async fn oddities_of_streams() {
    let bench = Bench::new().await;
    bench.model.replies([
        Reply::text("hi")
            .quirk(Quirk::Comments)
            .quirk(Quirk::NoDone),
        Reply::text("hi").quirk(Quirk::ErrorInStream),
        calculator().quirk(Quirk::MissingToolIndex),
        Reply::text("naïve 😀 text").quirk(Quirk::TornBytes),
        Reply::text("hi").quirk(Quirk::NoChoicesInUsage),
        Reply::tool_raw("time", "{not json"),
        Reply::empty(),
    ]);
    let events = bench.stream(streaming()).await;
    assert_eq!(events[0], ": OPENROUTER PROCESSING");
    assert_ne!(events.last().unwrap(), "[DONE]");
    let broken = parse(&bench.stream(streaming()).await);
    assert_eq!(broken.last().unwrap()["error"]["code"], 502);
    let calls = parse(&bench.stream(streaming()).await);
    let call = calls
        .iter()
        .find_map(|c| c["choices"][0]["delta"]["tool_calls"].get(0))
        .unwrap();
    assert!(call.get("index").is_none());
    assert_eq!(call["function"]["arguments"], r#"{"expression":"6*7"}"#);
    assert_eq!(
        streamed_text(&parse(&bench.stream(streaming()).await)),
        "naïve 😀 text"
    );
    let usage = parse(&bench.stream(streaming()).await);
    assert!(usage.last().unwrap().get("choices").is_none());
    let raw = bench.ask(request(json!([user("x")]))).await.1;
    let call = &raw["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"]["arguments"], "{not json");
    let empty = bench.ask(request(json!([user("x")]))).await.1;
    assert_eq!(empty["choices"][0]["message"]["content"], Value::Null);
}

#[tokio::test]
async fn a_wait_that_fails_says_what_there_was() {
    let options = Options {
        wait_timeout: Duration::from_millis(10),
        ..Options::default()
    };
    let bench = Bench::with(options).await;
    bench.ask(request(json!([user("only one")]))).await;
    let model = bench.model.clone();
    let failure = tokio::spawn(async move { model.wait_for_requests(2).await.len() });
    let panic = failure.await.unwrap_err().into_panic();
    let message = panic.downcast_ref::<String>().unwrap();
    for part in ["replies.rs", "never came: 2 requests", "only one"] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
}
