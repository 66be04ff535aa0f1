//! Streams that end too early, wherever that is: the whole answer or a failure, never half of it.

use minibot::core::model::ChatModel;
use minibot::core::model::ModelErrorKind::{BrokenOff, Malformed};
use serde_json::json;

use super::model_fixture::{RecordingSink, calls_of, model, request, responses_model, settings_of};
use crate::support::fake_model::{FakeModel, Reply};

/// No multiple of a frame's length.
const STEP: usize = 7;

fn answer() -> Reply {
    Reply::tools([("look", json!({ "x": 1 })), ("look", json!({ "x": 2 }))])
        .saying("One moment.")
        .thinking()
}

/// The bytes of the answer as this server streams it.
async fn stream(fake: &FakeModel, path: &str) -> String {
    fake.replies([answer()]);
    let body = if path == "/responses" {
        json!({ "model": "m", "stream": true, "store": false, "input": "x",
            "include": ["reasoning.encrypted_content"] })
    } else {
        json!({ "model": "m", "stream": true, "messages": [{ "role": "user", "content": "x" }] })
    };
    let asked = reqwest::Client::new()
        .post(format!("{}{path}", fake.url()))
        .bearer_auth(fake.api_key())
        .json(&body);
    asked.send().await.unwrap().text().await.unwrap()
}

async fn cut_everywhere(fake: &FakeModel, model: &dyn ChatModel, path: &str) {
    let stream = stream(fake, path).await;
    let mut whole = 0;
    for end in (0..stream.len()).step_by(STEP).chain([stream.len()]) {
        fake.replies([Reply::custom(200, &stream[..end])]);
        let sink = RecordingSink::default();
        match model.reply(&request("x"), &sink).await {
            Ok(reply) => {
                whole += 1;
                assert_eq!(
                    (reply.text.as_str(), sink.heard().as_str()),
                    ("One moment.", "One moment.")
                );
                let expected = [("look", r#"{"x":1}"#), ("look", r#"{"x":2}"#)];
                assert_eq!(calls_of(&reply), expected, "{path} {end}");
                let returned = reply.continuation.map_or(0, |own| own.items.len());
                assert_eq!(returned, if path == "/responses" { 5 } else { 0 });
            }
            Err(error) => {
                assert!(
                    matches!(error.kind, BrokenOff | Malformed),
                    "{path} {end}: {error:?}"
                );
            }
        }
    }
    assert!(
        (1..stream.len() / STEP / 2).contains(&whole),
        "{path}: {whole}"
    );
}

#[tokio::test]
async fn half_an_answer_is_never_taken_for_one() {
    let fake = FakeModel::start().await;
    let settings = settings_of(&fake);
    cut_everywhere(&fake, &model(settings.clone()), "/chat/completions").await;
    cut_everywhere(&fake, &responses_model(settings), "/responses").await;
}
