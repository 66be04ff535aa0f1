//! Requests that are too long: asked again once with half of it, and what is learnt from that.

use std::sync::Arc;

use image::ImageFormat;
use minibot::core::conversation::{History, Item};
use minibot::core::media::{Attached, InMemory, Part, Place};
use minibot::core::model::{ChatModel, ModelErrorKind, ModelRequest};
use minibot::llm::chain::Chain;
use minibot::llm::own_limits::{OwnLimits, WithOwnLimits};
use minibot::llm::providers::Pdfs;
use serde_json::json;

use super::model_fixture::{
    RecordingSink, call, model, overloaded, request, responses_model, result, says, settings_of,
};
use super::scripted_model::Scripted::{Fails, Says};
use super::scripted_model::{Scripted, ScriptedModel, cost};
use crate::support::fake_model::{FakeModel, Reply, Request};
use crate::support::pictures::picture;

const TOO_LONG: ModelErrorKind = ModelErrorKind::ContextTooLong;

fn limited(inner: Arc<dyn ChatModel>, context_tokens: usize) -> WithOwnLimits {
    let limits = OwnLimits {
        context_tokens,
        answer_tokens: None,
        prompt: None,
        max_steps: None,
        pdfs: Pdfs::AsFiles,
        origin: None,
    };
    WithOwnLimits::new(inner, limits)
}

/// Each turn has about two hundred tokens.
fn with_turns(turns: usize) -> ModelRequest {
    let turn = |n: usize| {
        let text = format!("question {n} {}", "word ".repeat(55));
        [Item::said(text), says(&"word ".repeat(60), vec![])]
    };
    ModelRequest {
        history: History::repaired((0..turns).flat_map(turn).collect()),
        ..request("now")
    }
}

/// A turn that has found so much, the newest last.
fn having_found(steps: usize, bytes: usize) -> ModelRequest {
    let step = |n: usize| {
        let id = format!("call_{n}");
        let found = json!({ "found": format!("{n} {}", "x".repeat(bytes)) });
        [
            says("", vec![call(&id, "look", "{}")]),
            result(&id, "look", found),
        ]
    };
    ModelRequest {
        exchange: (0..steps).flat_map(step).collect(),
        ..request("now")
    }
}

fn contents(request: &Request) -> Vec<String> {
    let messages = request.messages().iter();
    messages
        .map(|message| message["content"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn the_second_request_is_half_as_long_and_keeps_what_is_new() {
    for (turns, left) in [(2, 1), (5, 2), (9, 4)] {
        let fake = FakeModel::start().await;
        fake.replies([Reply::context_too_long(), Reply::text("fits")]);
        let model = limited(Arc::new(model(settings_of(&fake))), 128_000);
        let sink = RecordingSink::default();
        let reply = model.reply(&with_turns(turns), &sink).await.unwrap();
        assert_eq!(reply.text, "fits");
        let sent = contents(&fake.requests()[1]);
        assert_eq!(sent.len(), 2 * left + 2, "{turns} turns: {sent:?}");
        assert_eq!(sent.last().unwrap(), "now");
        let oldest = format!("question {} ", turns - left);
        assert!(sent[1].starts_with(&oldest), "{sent:?}");
    }
}

#[tokio::test]
async fn what_the_turn_has_found_gives_way_to_the_question_the_oldest_first() {
    let fake = FakeModel::start().await;
    fake.set_context_limit(Some(6000));
    let model = limited(Arc::new(model(settings_of(&fake))), 8000);
    let sink = RecordingSink::default();
    let request = having_found(8, 4000);
    model.reply(&request, &sink).await.unwrap();
    assert_eq!(fake.refusals(), Vec::<String>::new(), "it fits at once");
    let sent = contents(&fake.requests()[0]);
    assert_eq!(sent.len(), 2 + 16, "no step is left out");
    let is_whole = |content: &String| content.starts_with("{\"found\"");
    let whole: Vec<bool> = sent[2..].iter().skip(1).step_by(2).map(is_whole).collect();
    let first_whole = whole.iter().position(|whole| *whole).unwrap();
    assert!((3..7).contains(&first_whole), "{whole:?}");
    assert!(whole[first_whole..].iter().all(|whole| *whole), "{whole:?}");
    assert_eq!(sent[1], "now");
}

#[tokio::test]
async fn it_is_tried_once_and_only_where_it_helps() {
    let cases: [(ModelRequest, Vec<Scripted>, ModelErrorKind); 4] = [
        (
            with_turns(4),
            vec![Fails("a", TOO_LONG), Fails("", TOO_LONG)],
            TOO_LONG,
        ),
        (
            having_found(2, 4000),
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
        let model = limited(inner, 128_000);
        let error = model.reply(&request, &sink).await.unwrap_err();
        assert_eq!((error.kind, error.tries as usize), (kind, calls));
        assert_eq!(error.usage, vec![cost("inner"); calls]);
    }
    let inner = ScriptedModel::new("inner", [Fails("hal", TOO_LONG), Says("whole")]);
    let sink = RecordingSink::default();
    let reply = limited(inner, 128_000).reply(&with_turns(4), &sink).await;
    assert_eq!(sink.heard(), "hal|whole");
    assert_eq!(reply.unwrap().usage, vec![cost("inner"); 2]);
}

#[tokio::test]
async fn what_was_too_long_is_not_sent_again() {
    let fake = FakeModel::start().await;
    fake.set_context_limit(Some(2000));
    let model = limited(Arc::new(model(settings_of(&fake))), 128_000);
    let sink = RecordingSink::default();
    // Half of it is still too long; asking anew helps, as more was learnt.
    let error = model.reply(&with_turns(40), &sink).await.unwrap_err();
    assert_eq!((error.kind, error.tries), (TOO_LONG, 2));
    model.reply(&with_turns(40), &sink).await.unwrap();
    assert_eq!(fake.requests().len(), 3);
    // An answer to the short one does not make the long one look short.
    model.reply(&with_turns(40), &sink).await.unwrap();
    assert_eq!(fake.requests().len(), 4);
}

/// What a proxy before the server says of a request above its limit.
const TOO_LARGE: &str = "<html><head><title>413 Request Entity Too Large</title></head></html>";

#[tokio::test]
async fn files_that_the_server_does_not_take_teach_nothing_about_the_window() {
    let with_a_picture = || ModelRequest {
        attached: vec![Attached {
            place: Place::Message,
            part: Part::Picture {
                mime: "image/png",
                content: InMemory::holding(picture(4, 4, ImageFormat::Png)),
            },
        }],
        ..with_turns(40)
    };
    let fake = FakeModel::start().await;
    let settings = settings_of(&fake);
    let models: [Arc<dyn ChatModel>; 2] = [
        Arc::new(model(settings.clone())),
        Arc::new(responses_model(settings)),
    ];
    for inner in models {
        let before = fake.requests().len();
        let model = limited(inner, 128_000);
        let (window, sink) = (model.window(), RecordingSink::default());
        fake.replies([Reply::custom(413, TOO_LARGE), Reply::text("whole")]);
        let error = model.reply(&with_a_picture(), &sink).await.unwrap_err();
        assert_eq!(error.kind, ModelErrorKind::FilesTooLarge);
        assert_eq!((error.tries, error.usage.len()), (1, 1));
        assert_eq!(
            error.kind.summary(),
            "too large for the server with its files"
        );
        assert_eq!(
            (fake.requests().len(), model.window()),
            (before + 1, window),
            "nothing was tried again, and nothing learnt"
        );
        model.reply(&with_turns(40), &sink).await.unwrap();
        let [with, without] = [0, 1].map(|at| fake.requests()[before + at].messages().len());
        assert_eq!(with, without, "the conversation is as long as before");

        // Without files it is the conversation that is too long, and so it is where tokens are named.
        let tokens = json!({ "error": { "message": "Request too large for m on tokens per minute \
            (TPM): Limit 8000, Requested 8590", "code": "rate_limit_exceeded" } });
        for (request, body) in [
            (with_turns(40), TOO_LARGE.to_owned()),
            (with_a_picture(), tokens.to_string()),
        ] {
            fake.replies([Reply::custom(413, body), Reply::text("half")]);
            model.reply(&request, &sink).await.unwrap();
            assert!(model.window() < window);
        }
        assert_eq!(fake.requests().len(), before + 6);
    }
}

#[tokio::test]
async fn a_model_with_a_larger_window_is_asked_and_a_smaller_one_is_not() {
    let first = ScriptedModel::new("first", [Fails("", TOO_LONG), Fails("", TOO_LONG)]);
    let smaller = ScriptedModel::new("smaller", []);
    let larger = ScriptedModel::new("larger", [Says("it fits")]);
    let others: Vec<Arc<dyn ChatModel>> = vec![
        Arc::new(limited(smaller.clone(), 1000)),
        Arc::new(limited(larger, 64_000)),
    ];
    let chain = Chain::new(Arc::new(limited(first, 32_000)), others);
    assert_eq!(chain.window(), 750, "the smallest counts");
    let sink = RecordingSink::default();
    let reply = chain.reply(&with_turns(40), &sink).await.unwrap();
    assert_eq!(reply.text, "it fits");
    assert_eq!(smaller.asked(), 0);
    assert_eq!(reply.usage.len(), 3);
    let down = ScriptedModel::new("down", [Fails("", overloaded(500))]);
    let larger = ScriptedModel::new("larger", [Fails("", TOO_LONG)]);
    let largest = ScriptedModel::new("largest", [Says("it fits")]);
    let others: Vec<Arc<dyn ChatModel>> = vec![
        Arc::new(limited(larger, 64_000)),
        Arc::new(limited(largest, 99_000)),
    ];
    let chain = Chain::new(Arc::new(limited(down, 32_000)), others);
    let reply = chain.reply(&request("now"), &sink).await.unwrap();
    assert_eq!(reply.text, "it fits");
}
