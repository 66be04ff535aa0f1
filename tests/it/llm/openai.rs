//! Chat completions from end to end: answers in every form, limits, and what a failure may say.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::Response;
use axum::serve::ListenerExt;
use futures::stream;
use minibot::core::model::ModelErrorKind::{
    BadRequest, BrokenOff, ContextTooLong, Malformed, RateLimited, Refused, Transport, Unauthorized,
};
use minibot::core::model::{ChatModel, FinishReason, ModelError, ModelErrorKind, ModelReply};
use minibot::core::usage::{CallOutcome, TokenUsage, UsageEntry};
use minibot::llm::providers::SetupError;
use minibot::llm::providers::openai::OpenAiModel;
use serde_json::json;
use tokio::net::TcpListener;

use super::model_fixture::{
    RecordingSink, calls_of, model, overloaded, request, server_of, settings, settings_of,
};
use crate::support::fake_model::{FakeModel, Quirk, Reply};

async fn ask(reply: Reply) -> (Result<ModelReply, ModelError>, String) {
    let fake = FakeModel::start().await;
    fake.replies([reply]);
    let sink = RecordingSink::default();
    let answer = model(settings_of(&fake)).reply(&request("hi"), &sink).await;
    assert_eq!(fake.refusals(), Vec::<String>::new());
    (answer, sink.heard())
}

async fn ask_url(url: &str) -> (Result<ModelReply, ModelError>, String) {
    let sink = RecordingSink::default();
    let answer = model(settings(url, Some("sk-secret-key-123")))
        .reply(&request("hi"), &sink)
        .await;
    (answer, sink.heard())
}

fn chunks(parts: &[&'static [u8]]) -> Response<Body> {
    let parts: Vec<io::Result<Bytes>> = parts
        .iter()
        .map(|part| Ok(Bytes::from_static(part)))
        .collect();
    Response::new(Body::from_stream(stream::iter(parts)))
}

#[tokio::test]
async fn an_answer_streams_and_is_counted() {
    let text = "Grüße aus Åre, with 😀 and more words.";
    let (reply, heard) = ask(Reply::text(text).usage(120, 14)).await;
    let tokens = TokenUsage {
        input: 120,
        cached_input: 0,
        output: 14,
    };
    let usage = vec![UsageEntry::new("openai", "gpt-test", tokens)];
    let expected = ModelReply {
        text: text.into(),
        calls: Vec::new(),
        finish: FinishReason::Done,
        usage,
        continuation: None,
    };
    assert_eq!((reply.unwrap(), heard.as_str()), (expected, text));
}

#[tokio::test]
async fn the_oddities_of_servers_change_nothing() {
    let quirks = [
        vec![],
        vec![Quirk::MissingToolCallId],
        vec![Quirk::ObjectArguments],
        vec![Quirk::FinishReason("stop")],
        vec![Quirk::FinishReason("odd")],
        vec![Quirk::MissingToolIndex],
        vec![
            Quirk::MissingToolIndex,
            Quirk::MissingToolCallId,
            Quirk::ObjectArguments,
        ],
        vec![Quirk::Comments],
        vec![Quirk::NoDone],
        vec![Quirk::CreatedInMilliseconds],
        vec![Quirk::TornBytes, Quirk::Comments],
        vec![Quirk::NoUsage],
        vec![Quirk::NoChoicesInUsage],
    ];
    for quirks in quirks {
        let calls = [
            ("weather", json!({"day":"mañana"})),
            ("weather", json!({"day":"hoy"})),
        ];
        let mut scripted = Reply::tools(calls).saying("Un momento, por favor…");
        for quirk in &quirks {
            scripted = scripted.quirk(*quirk);
        }
        let (reply, heard) = ask(scripted).await;
        let reply = reply.unwrap();
        assert_eq!(heard, "Un momento, por favor…", "{quirks:?}");
        assert_eq!(reply.text, heard, "{quirks:?}");
        let expected = [
            ("weather", r#"{"day":"mañana"}"#),
            ("weather", r#"{"day":"hoy"}"#),
        ];
        assert_eq!(calls_of(&reply), expected, "{quirks:?}");
        assert_ne!(reply.calls[0].id, reply.calls[1].id, "{quirks:?}");
        assert!(!reply.calls[0].id.as_str().is_empty(), "{quirks:?}");
        assert_eq!(reply.finish, FinishReason::Done, "{quirks:?}");
        assert_eq!(reply.usage.len(), 1, "{quirks:?}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_stream_is_heard_too() {
    let body = json!({
        "model": "local",
        "created": null,
        "choices": [{ "message": { "role": "assistant", "content": [{ "type": "text", "text": "hi" }],
            "tool_calls": null }, "finish_reason": "eos" }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 1 },
    });
    for body in [body.to_string(), format!("\n  {body}\n")] {
        let (reply, heard) = ask(Reply::custom(200, body)).await;
        let reply = reply.unwrap();
        assert_eq!((reply.text.as_str(), heard.as_str()), ("hi", "hi"));
        assert_eq!(reply.usage[0].model, "local");
        assert_eq!(reply.usage[0].tokens.input, 3);
    }
}

#[tokio::test]
async fn a_call_is_booked_under_the_name_of_the_model_that_answered() {
    let long = "x".repeat(9999);
    for (field, expected) in [
        (json!("m-2026"), "m-2026"),
        (json!(null), "gpt-test"),
        (json!(long), &long[..200]),
    ] {
        let body = json!({ "model": field, "choices": [{ "message": { "content": "a" } }] });
        let reply = ask(Reply::custom(200, body.to_string())).await.0.unwrap();
        assert_eq!(reply.usage[0].model, expected);
    }
}

#[tokio::test]
async fn a_failed_call_is_booked_as_counted_or_at_a_guess_or_for_nothing() {
    let counted = json!({ "choices": [{ "delta": {}, "finish_reason": "tool_calls" }],
        "usage": { "prompt_tokens": 9, "completion_tokens": 2 } });
    let words = "a".repeat(300);
    let broken = json!({ "choices": [{ "delta": { "content": words } }] });
    let cases = [
        (
            Reply::custom(200, format!("data: {counted}\n\ndata: [DONE]\n\n")),
            9,
            None,
        ),
        (
            Reply::custom(200, format!("data: {broken}\n\n")),
            0,
            Some(100),
        ),
        (Reply::custom(200, "no answer"), 0, Some(0)),
        (Reply::status(500), 0, None),
        // It went out, and nobody knows what became of it.
        (Reply::drop_connection(), 0, Some(0)),
    ];
    for (reply, input, guess) in cases {
        let error = ask(reply).await.0.unwrap_err();
        assert_eq!((error.tries, error.usage.len()), (1, 1), "{error:?}");
        let booked = &error.usage[0];
        assert_eq!(booked.tokens.input, input, "{error:?}");
        let streamed = booked.guess.map(|guess| guess.output);
        assert_eq!(streamed, guess, "{error:?}");
        assert_eq!(booked.outcome, CallOutcome::Failed);
    }
}

#[tokio::test]
async fn streams_are_read_in_every_shape() {
    const A: &str = r#"data: {"choices":[{"delta":{"content":"a"}}]}"#;
    const B: &str = r#"data: {"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}]}"#;
    let cases = [
        format!("{A}\n\n{B}\n\ndata: [DONE]\n\n"),
        format!("{A}\r\n\r\n{B}\r\n\r\ndata: [DONE]\r\n\r\n"),
        // No blank line between the events, none at the end, no end at all.
        format!("{A}\n{B}\ndata: [DONE]\n\n"),
        format!("{A}\n\n{B}\n\ndata: [DONE]"),
        format!("{A}\n\n{B}"),
        // An event in two lines, a ping, an empty one.
        format!("{}\n\n{B}\n\n", A.replace("[{\"delta", "\ndata: [{\"delta")),
        format!("data: {{\"type\":\"ping\"}}\n\nevent: ping\ndata:\n\n{A}\n\n{B}\n\n"),
        // What comes after the end is not read.
        format!("{A}\n\n{B}\n\ndata: [DONE]\n\ndata: nonsense\n\n"),
    ];
    for body in cases {
        let (reply, heard) = ask(Reply::custom(200, body.clone())).await;
        assert_eq!(heard, "ab", "{body:?}");
        assert_eq!(reply.unwrap().text, "ab", "{body:?}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_cost_only_themselves() {
    let (_server, url) = server_of(|| {
        chunks(&[
            b"data: {\"choices\":[{\"delta\":{\"content\":\"a\xff",
            b"b\"},\"finish_reason\":\"stop\"}]}\n\n",
        ])
    })
    .await;
    assert_eq!(ask_url(&url).await.0.unwrap().text, "a\u{fffd}b");
}

async fn expect_failures(cases: impl IntoIterator<Item = (Reply, ModelErrorKind)>) {
    for (scripted, expected) in cases {
        let shown: String = format!("{scripted:?}").chars().take(200).collect();
        let error = ask(scripted).await.0.unwrap_err();
        assert_eq!(error.kind, expected, "{shown}: {}", error.detail);
        assert_eq!(error.tries, 1);
    }
}

#[tokio::test]
async fn refusals_and_broken_connections_are_told_apart() {
    let wait = Some(Duration::from_secs(7));
    let filtered = r#"{"error":{"message":"x","code":"content_filter"}}"#;
    expect_failures([
        (Reply::rate_limited(7), RateLimited { retry_after: wait }),
        (Reply::status(500), overloaded(500)),
        (Reply::status(529), overloaded(529)),
        (Reply::status(404), BadRequest { status: 404 }),
        (Reply::custom(302, ""), BadRequest { status: 302 }),
        (Reply::custom(400, filtered), Refused),
        (Reply::context_too_long(), ContextTooLong),
        (Reply::half_stream("half"), BrokenOff),
        (Reply::drop_connection(), Transport),
    ])
    .await;
}

#[tokio::test]
async fn what_comes_with_200_and_is_no_answer_is_a_failure() {
    let event = |json: &str| Reply::custom(200, format!("data: {json}\n\n"));
    let error_event = "event: error\ndata: {\"message\":\"x\",\"code\":503}\n\n";
    let whole =
        r#""choices":[{"message":{"content":"a"},"delta":{"content":"a"},"finish_reason":"stop"}]"#;
    let padding = "x".repeat(9 * 1024 * 1024);
    let large = format!("{{{whole},\"padding\":\"{padding}\"}}");
    let long_line = format!(
        ": {}

data: {{{whole}}}

",
        &padding[..2 * 1024 * 1024]
    );
    expect_failures([
        (Reply::invalid_json(), Malformed),
        (Reply::error_in_200(), overloaded(502)),
        (
            Reply::text("half").quirk(Quirk::ErrorInStream),
            overloaded(502),
        ),
        (Reply::custom(200, error_event), overloaded(503)),
        (Reply::custom(200, ""), Malformed),
        (Reply::custom(200, "<html>please log in</html>"), Malformed),
        (Reply::custom(200, "{}"), Malformed),
        (Reply::custom(200, "[]"), Malformed),
        (Reply::custom(200, large), Malformed),
        (event("{\"choices\":"), Malformed),
        (event("[DONE]"), Malformed),
        (
            event(r#"{"choices":[{"delta":{"content":"a"}}]}"#),
            BrokenOff,
        ),
        (Reply::custom(200, long_line), Malformed),
    ])
    .await;
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let other = FakeModel::start().await;
    let target = format!("{}/chat/completions", other.url());
    let (_server, url) = server_of(move || {
        let redirect = Response::builder()
            .status(307)
            .header("location", target.clone());
        redirect.body(Body::empty()).unwrap()
    })
    .await;
    let error = ask_url(&url).await.0.unwrap_err();
    assert_eq!(error.kind, BadRequest { status: 307 });
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_no_connection() {
    let fake = FakeModel::start().await;
    let url = fake.url();
    drop(fake);
    let error = ask_url(&format!("{url}?key=topsecret"))
        .await
        .0
        .unwrap_err();
    assert_eq!(error.kind, Transport);
    assert_eq!(error.usage[0].guess, None, "nothing was sent");
    assert!(!error.detail.contains("http"), "{}", error.detail);
}

#[tokio::test]
async fn connections_are_kept_from_call_to_call() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let counted = listener.tap_io(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let answer = || async {
        let whole = br#"data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
        chunks(&[whole, b"\n\n", b"data: [DONE]\n\n"])
    };
    let server =
        tokio::spawn(async move { axum::serve(counted, Router::new().fallback(answer)).await });
    let model = model(settings(&url, None));
    for _ in 0..3 {
        model
            .reply(&request("hi"), &RecordingSink::default())
            .await
            .unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    server.abort();
}

#[tokio::test]
async fn nothing_secret_is_told() {
    let fake = FakeModel::start().await;
    let key = "sk-wrong-key-that-nobody-may-see";
    let mut settings = settings_of(&fake);
    settings.api_key = Some(key.into());
    let model = model(settings);
    // The fake repeats the key, as OpenAI once did.
    let error = model
        .reply(&request("hi"), &RecordingSink::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind, Unauthorized);
    for shown in [
        format!("{error}"),
        format!("{error:?}"),
        format!("{model:?}"),
        model.describe(),
    ] {
        assert!(!shown.contains("nobody-may-see"), "{shown}");
    }
    assert_eq!(model.describe(), "openai (gpt-test)");
}

#[tokio::test]
async fn what_a_server_repeats_of_the_conversation_is_not_told() {
    let secret = "my doctor is called Ada Lovelace";
    let body = json!({ "error": { "message": format!("Invalid input: '{secret}'. {}", "x".repeat(500)) } });
    let (_server, url) = server_of(move || {
        Response::builder()
            .status(400)
            .body(Body::from(body.to_string()))
            .unwrap()
    })
    .await;
    let model = model(settings(&url, Some("sk-secret-key-123")));
    let error = model
        .reply(&request(secret), &RecordingSink::default())
        .await
        .unwrap_err();
    assert!(
        error
            .detail
            .starts_with("HTTP 400: Invalid input: '…'. xxx"),
        "{}",
        error.detail
    );
    assert!(!error.detail.contains("Ada"), "{}", error.detail);
    assert_eq!(error.detail.chars().count(), 200);
}

#[test]
fn a_key_that_fits_no_header_is_refused_without_being_shown() {
    let error = OpenAiModel::new(settings("http://localhost/v1", Some("sk-a\nb"))).unwrap_err();
    assert!(matches!(error, SetupError::Key));
    assert!(!format!("{error} {error:?}").contains("sk-a"));
}
