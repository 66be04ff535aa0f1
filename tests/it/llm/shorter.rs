//! A request that is too long is asked again once, with the newer half of the past.

use std::sync::Arc;

use minibot::core::conversation::{History, Item};
use minibot::core::model::{ChatModel, ModelErrorKind, ModelRequest};
use minibot::llm::shorter::WithShorterHistory;

use super::model_fixture::{RecordingSink, model, request, says, settings_of};
use super::scripted_model::Scripted::{Fails, Says};
use super::scripted_model::{ScriptedModel, cost};
use crate::support::fake_model::{FakeModel, Reply};

const TOO_LONG: ModelErrorKind = ModelErrorKind::ContextTooLong;

fn with_turns(turns: usize) -> ModelRequest {
    let turn = |n: usize| {
        let text = format!("question {n}");
        [Item::said(text), says(&format!("answer {n}"), vec![])]
    };
    ModelRequest {
        history: History::repaired((0..turns).flat_map(turn).collect()),
        ..request("now")
    }
}

#[tokio::test]
async fn the_second_request_holds_the_newer_half() {
    for (turns, left) in [(1, 0), (2, 1), (5, 2), (8, 4)] {
        let fake = FakeModel::start().await;
        fake.replies([Reply::context_too_long(), Reply::text("fits")]);
        let model = WithShorterHistory::new(Arc::new(model(settings_of(&fake))));
        let sink = RecordingSink::default();
        let reply = model.reply(&with_turns(turns), &sink).await.unwrap();
        assert_eq!(reply.text, "fits");
        let sent = fake.requests()[1].messages().to_vec();
        assert_eq!(sent.len(), 2 * left + 2, "{turns} turns: {sent:?}");
        assert_eq!(sent[sent.len() - 1]["content"], "now");
        if left > 0 {
            assert_eq!(sent[1]["content"], format!("question {}", turns - left));
        }
    }
}

#[tokio::test]
async fn it_is_tried_once_and_only_for_that() {
    let cases = [
        (
            with_turns(4),
            vec![Fails("a", TOO_LONG), Fails("", TOO_LONG)],
            TOO_LONG,
        ),
        (with_turns(0), vec![Fails("", TOO_LONG)], TOO_LONG),
        (
            with_turns(4),
            vec![Fails("", ModelErrorKind::Refused)],
            ModelErrorKind::Refused,
        ),
    ];
    for (request, script, kind) in cases {
        let calls = script.len();
        let inner = ScriptedModel::new("inner", script);
        let sink = RecordingSink::default();
        let error = WithShorterHistory::new(inner.clone())
            .reply(&request, &sink)
            .await
            .unwrap_err();
        assert_eq!((error.kind, error.tries as usize), (kind, calls));
        assert_eq!(error.usage, vec![cost("inner"); calls]);
    }
    let inner = ScriptedModel::new("inner", [Fails("hal", TOO_LONG), Says("whole")]);
    let sink = RecordingSink::default();
    let model = WithShorterHistory::new(inner);
    let reply = model.reply(&with_turns(4), &sink).await.unwrap();
    assert_eq!(sink.heard(), "hal|whole");
    assert_eq!(reply.usage, vec![cost("inner"); 2]);
}
