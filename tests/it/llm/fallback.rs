//! When the offline grammar takes over, and when it must not.

use minibot::core::model::{ChatModel, ModelErrorKind};
use minibot::llm::fallback::WithFallback;
use serde_json::json;

use super::model_fixture::{RecordingSink, call, overloaded, request, result, says};
use super::scripted_model::Scripted::{Fails, Says};
use super::scripted_model::{ScriptedModel, cost};

const DOWN: ModelErrorKind = ModelErrorKind::Transport;

#[tokio::test]
async fn the_first_answers_as_long_as_it_does() {
    let first = ScriptedModel::new("first", [Says("hello")]);
    let offline = ScriptedModel::new("offline", []);
    let model = WithFallback::new(first, offline);
    let sink = RecordingSink::default();
    assert_eq!(
        model.reply(&request("hi"), &sink).await.unwrap().text,
        "hello"
    );
    assert_eq!(model.describe(), "first");
}

#[tokio::test]
async fn what_the_grammar_understands_goes_on_working_without_a_model() {
    let kinds = [
        DOWN,
        ModelErrorKind::RateLimited { retry_after: None },
        overloaded(503),
        ModelErrorKind::Malformed,
        ModelErrorKind::Unauthorized,
        ModelErrorKind::BadRequest { status: 404 },
        ModelErrorKind::QuotaExhausted,
    ];
    for kind in kinds {
        let first = ScriptedModel::new("first", [Fails("hal", kind.clone())]);
        let offline = ScriptedModel::understanding("offline", [Says("done")], "remind");
        let model = WithFallback::new(first, offline);
        let sink = RecordingSink::default();
        let reply = model.reply(&request("remind me"), &sink).await.unwrap();
        assert_eq!(
            (reply.text.as_str(), sink.heard().as_str()),
            ("done", "hal|done"),
            "{kind:?}"
        );
        assert_eq!(reply.usage, ["first", "offline"].map(cost), "{kind:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_a_no_stays_one() {
    for kind in [ModelErrorKind::ContextTooLong, ModelErrorKind::Refused] {
        let first = ScriptedModel::new("first", [Fails("", kind.clone())]);
        let offline = ScriptedModel::new("offline", []);
        let model = WithFallback::new(first, offline.clone());
        let error = model
            .reply(&request("remind me"), &RecordingSink::default())
            .await
            .unwrap_err();
        assert_eq!((error.kind, offline.asked()), (kind, 0));
    }
}

#[tokio::test]
async fn the_first_failure_is_told_when_the_grammar_cannot_help() {
    let cases = [
        // It does not understand.
        ("what is love", vec![]),
        // It understands, and fails.
        ("remind me", vec![Fails("", ModelErrorKind::Refused)]),
    ];
    for (text, script) in cases {
        let first = ScriptedModel::new("first", [Fails("", DOWN)]);
        let offline = ScriptedModel::understanding("offline", script, "remind");
        let model = WithFallback::new(first, offline);
        let error = model
            .reply(&request(text), &RecordingSink::default())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, error.detail.as_str()),
            (DOWN, "first failed"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_turn_ends_with_whom_it_began() {
    let mut begun = request("remind me");
    begun.exchange = vec![
        says("", vec![call("builtin_1", "reminder", "{}")]),
        result("builtin_1", "reminder", json!({ "id": 1 })),
    ];
    let first = ScriptedModel::new("first", []);
    let offline = ScriptedModel::new("offline", [Says("set")]);
    let model = WithFallback::new(first.clone(), offline);
    let reply = model
        .reply(&begun, &RecordingSink::default())
        .await
        .unwrap();
    assert_eq!((reply.text.as_str(), first.asked()), ("set", 0));
}

#[tokio::test]
async fn what_the_first_has_begun_is_not_done_a_second_time() {
    let mut begun = request("remind me");
    begun.exchange = vec![
        says("", vec![call("call_1", "reminder", "{}")]),
        result("call_1", "reminder", json!({ "id": 1 })),
    ];
    let first = ScriptedModel::new("first", [Fails("", DOWN)]);
    let offline = ScriptedModel::new("offline", []);
    let model = WithFallback::new(first, offline.clone());
    let error = model
        .reply(&begun, &RecordingSink::default())
        .await
        .unwrap_err();
    assert_eq!((error.kind, offline.asked()), (DOWN, 0));
}
