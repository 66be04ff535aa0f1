//! How long an answer may take, over both APIs: limits, hanging up, and an answer that was finished
//! and stays one.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::{StreamExt, stream};
use minibot::core::model::ChatModel;
use minibot::core::model::ModelErrorKind::TimedOut;
use minibot::llm::providers::ServerSettings;
use tokio::time::timeout;

use super::model_fixture::{
    RecordingSink, model, request, responses_model, server_of, settings, settings_of,
};
use crate::support::fake_model::{FakeModel, Reply};
use crate::support::gate::Gate;

/// Far more than a limit under test, far less than what would be waited without it.
const SOON: Duration = Duration::from_secs(5);

/// The last part of an answer that says "a", in each API.
const CHAT_END: &str = r#"data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
const RESPONSES_END: &str = r#"data: {"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}],"usage":{"input_tokens":9,"output_tokens":1}}}"#;
const CHAT_USAGE: &str =
    r#"data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1}}"#;

fn both(settings: &ServerSettings) -> [Box<dyn ChatModel>; 2] {
    [
        Box::new(model(settings.clone())),
        Box::new(responses_model(settings.clone())),
    ]
}

#[tokio::test]
async fn an_answer_has_so_long_and_no_longer() {
    let fake = FakeModel::start().await;
    let mut settings = settings_of(&fake);
    settings.request_timeout = Duration::from_millis(150);
    for model in both(&settings) {
        let endless = Reply::text("x".repeat(10_000)).slow(Duration::from_millis(5));
        fake.replies([Reply::hang(), endless]);
        for _ in 0..2 {
            let (request, sink) = (request("hi"), RecordingSink::default());
            let answer = timeout(SOON, model.reply(&request, &sink)).await;
            let error = answer.expect("in time").unwrap_err();
            assert_eq!(error.kind, TimedOut, "{model:?}");
            assert!(error.detail.contains("0.15 s"), "{}", error.detail);
        }
    }
}

#[tokio::test]
async fn a_stream_may_not_fall_silent_for_long() {
    let fake = FakeModel::start().await;
    let mut settings = settings_of(&fake);
    settings.stall_timeout = Duration::from_millis(150);
    for model in both(&settings) {
        let gate = Gate::new();
        fake.replies([Reply::text("half of it comes").held_midway(&gate)]);
        let (request, sink) = (request("hi"), RecordingSink::default());
        let answer = timeout(SOON, model.reply(&request, &sink)).await;
        let error = answer.expect("in time").unwrap_err();
        assert_eq!(error.kind, TimedOut, "{model:?}");
        let told = error.detail.contains("stopped for 0.15 s");
        assert!(told, "{}", error.detail);
        let heard = sink.heard();
        assert!("half of it comes".starts_with(&heard) && !heard.is_empty());
    }
}

#[tokio::test]
async fn a_server_may_think_longer_than_a_stream_may_be_silent() {
    let fake = FakeModel::start().await;
    let mut settings = settings_of(&fake);
    settings.stall_timeout = Duration::from_millis(20);
    for model in both(&settings) {
        let gate = Gate::new();
        fake.replies([Reply::text("at last").held(&gate)]);
        let (request, sink) = (request("hi"), RecordingSink::default());
        let thinking = async {
            gate.wait_for_arrivals(1).await;
            let left = gate.wait_for_departures(1);
            let _ = timeout(Duration::from_millis(120), left).await;
        };
        tokio::select! {
            answer = model.reply(&request, &sink) => panic!("it gave up: {answer:?}"),
            () = thinking => {}
        }
    }
}

/// What comes before a model has thought: the headers, and events that hold nothing of the answer.
#[tokio::test]
async fn a_server_may_begin_its_stream_before_it_thinks() {
    let cases: [(usize, &[&str]); 5] = [
        (0, &[": still here"]),
        (
            0,
            &[r#"data: {"choices":[{"delta":{"role":"assistant","content":""}}]}"#],
        ),
        (
            1,
            &[
                r#"data: {"type":"response.created","response":{"status":"in_progress"}}"#,
                r#"data: {"type":"response.in_progress","response":{"status":"in_progress"}}"#,
            ],
        ),
        (
            1,
            &[
                r#"data: {"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs_1"}}"#,
            ],
        ),
        // It has said what it is about to do, and thinks about how.
        (
            1,
            &[
                r#"data: {"type":"response.output_text.delta","output_index":0,"delta":"a"}"#,
                r#"data: {"type":"response.output_item.added","output_index":1,"item":{"type":"reasoning","id":"rs_1"}}"#,
            ],
        ),
    ];
    for (at, beginning) in cases {
        let gate = Gate::new();
        let held = gate.clone();
        let (_server, url) = server_of(move || {
            let said = paced(beginning.iter().copied().map(Ok)).into_data_stream();
            let held = held.clone();
            let rest = stream::once(async move {
                held.pass().await;
                Ok(Bytes::new())
            });
            Response::new(Body::from_stream(said.chain(rest)))
        })
        .await;
        let mut settings = settings(&url, None);
        settings.stall_timeout = Duration::from_millis(20);
        let (request, sink) = (request("hi"), RecordingSink::default());
        let models = both(&settings);
        let thinking = async {
            gate.wait_for_arrivals(1).await;
            let left = gate.wait_for_departures(1);
            let _ = timeout(Duration::from_millis(120), left).await;
        };
        tokio::select! {
            answer = models[at].reply(&request, &sink) => panic!("it gave up on {beginning:?}: {answer:?}"),
            () = thinking => {}
        }
    }
}

/// Thoughts that can be seen are part of what streams.
#[tokio::test]
async fn whatever_streams_may_not_fall_silent_for_long() {
    let cases = [
        (
            0,
            r#"data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}"#,
        ),
        (0, r#"data: {"choices":[{"delta":{"reasoning":"hm"}}]}"#),
        (
            0,
            r#"data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}}]}"#,
        ),
        (0, r#"{"choices":"#),
        (
            1,
            r#"data: {"type":"response.reasoning_text.delta","output_index":0,"delta":"hm"}"#,
        ),
        (
            1,
            r#"data: {"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","name":"f","call_id":"a"}}"#,
        ),
        (
            1,
            r#"data: {"type":"response.refusal.delta","output_index":0,"delta":"no"}"#,
        ),
    ];
    for (at, beginning) in cases {
        let (_server, url) = server_of(move || {
            let said = paced([Ok(beginning)]).into_data_stream();
            Response::new(Body::from_stream(said.chain(stream::pending())))
        })
        .await;
        let mut settings = settings(&url, None);
        settings.stall_timeout = Duration::from_millis(150);
        let (request, sink) = (request("hi"), RecordingSink::default());
        let models = both(&settings);
        let answer = timeout(SOON, models[at].reply(&request, &sink)).await;
        let error = answer.expect("in time").unwrap_err();
        let told = error.detail.contains("stopped for 0.15 s");
        assert!(told, "{beginning}: {}", error.detail);
    }
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_hung_up() {
    let fake = FakeModel::start().await;
    for model in both(&settings_of(&fake)) {
        let gate = Gate::new();
        fake.replies([Reply::text("never heard").held_midway(&gate)]);
        let (request, sink) = (request("hi"), RecordingSink::default());
        let call = model.reply(&request, &sink);
        tokio::select! {
            _ = call => panic!("it answered"),
            () = gate.wait_for_arrivals(1) => {}
        }
        let hung_up = timeout(SOON, gate.wait_for_departures(1));
        hung_up.await.expect("the fake sees the connection close");
    }
}

/// A body of these parts; each is on the wire before the next one.
fn paced(parts: impl IntoIterator<Item = io::Result<&'static str>>) -> Body {
    let parts: Vec<io::Result<Bytes>> = parts
        .into_iter()
        .map(|part| part.map(|text| Bytes::from(format!("{text}\n\n"))))
        .collect();
    Body::from_stream(stream::iter(parts).then(async |part| {
        tokio::task::yield_now().await;
        part
    }))
}

#[tokio::test]
async fn an_answer_that_was_finished_stays_one_when_its_rest_breaks() {
    for (at, end) in [CHAT_END, RESPONSES_END].into_iter().enumerate() {
        for breaks in [true, false] {
            let rest = move || match breaks {
                true => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                false => Ok("data: nonsense"),
            };
            let (_server, url) = server_of(move || Response::new(paced([Ok(end), rest()]))).await;
            let sink = RecordingSink::default();
            let models = both(&settings(&url, None));
            let reply = models[at].reply(&request("hi"), &sink).await;
            assert_eq!(reply.unwrap().text, "a", "{end}");
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_hang_up_does_not_hold_a_finished_answer() {
    let cases: [(usize, Vec<&str>, u64); 3] = [
        (0, vec![CHAT_END], 0),
        (0, vec![CHAT_END, CHAT_USAGE], 9),
        (1, vec![RESPONSES_END], 9),
    ];
    for (at, parts, counted) in cases {
        let shown = format!("{parts:?}");
        let (_server, url) = server_of(move || {
            let said = paced(parts.clone().into_iter().map(Ok)).into_data_stream();
            // Comments that keep the connection open, for as long as anybody reads.
            let comments = stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Some((Ok(Bytes::from(": still here\n\n")), ()))
            });
            Response::new(Body::from_stream(said.chain(comments)))
        })
        .await;
        let (request, sink) = (request("hi"), RecordingSink::default());
        let models = both(&settings(&url, None));
        let answer = timeout(SOON, models[at].reply(&request, &sink)).await;
        let reply = answer.expect("it does not wait for more").unwrap();
        assert_eq!(reply.text, "a", "{shown}");
        assert_eq!(reply.usage[0].tokens.input, counted, "{shown}");
    }
}
