//! Whatever was said and done before, and however it is cut: what goes to a server is legal there.

use std::collections::BTreeMap;
use std::sync::Arc;

use image::ImageFormat;
use minibot::core::conversation::{Enclosure, History, Item};
use minibot::core::ids::CallId;
use minibot::core::label::{Labels, Source};
use minibot::core::media::{Attached, InMemory, Part, Place};
use minibot::core::model::{ChatModel, Continuation, FinishReason, ModelReply, ModelRequest};
use minibot::core::tool::{ToolCall, ToolEffect, ToolResult};
use minibot::core::turn::{Fact, Turn, TurnLimits};
use minibot::llm::config::OpenRouterConfig;
use minibot::llm::own_limits::{OwnLimits, WithOwnLimits};
use minibot::llm::providers::{Pdfs, openrouter};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::model_fixture::{
    RecordingSink, call, install_crypto, model, request, responses_model, result, says, settings_of,
};
use crate::support::fake_model::{Dialect, FakeModel, Options, Reply};
use crate::support::pictures::{pdf, picture};

fn any_id() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[abc]",
        1 => "functions\\.[a-c]:[0-9]",
        1 => "[a-z]{60,90}",
        1 => Just(String::new()),
    ]
}

fn any_call() -> impl Strategy<Value = ToolCall> {
    let name = prop_oneof![Just("look"), Just("no such tool"), Just(""), Just("größe")];
    let arguments = prop_oneof![
        Just("{}"),
        Just(r#"{"x":1}"#),
        Just("["),
        Just(""),
        Just("[1]")
    ];
    (any_id(), name, arguments).prop_map(|(id, name, arguments)| call(&id, name, arguments))
}

/// Anything, in any order: what a damaged database may hold.
fn any_item() -> impl Strategy<Value = Item> {
    prop_oneof![
        2 => "[a-z]{0,5}".prop_map(Item::said),
        3 => ("[a-z]{0,5}", prop::collection::vec(any_call(), 0..4))
            .prop_map(|(text, calls)| says(&text, calls)),
        1 => ("[a-z]{0,5}", any_enclosures()).prop_map(|(text, enclosures)| Item::User {
            text,
            enclosures,
            labels: outside(),
        }),
        3 => any_id().prop_map(|id| result(&id, "look", json!({ "ok": true }))),
        1 => any_id().prop_map(|id| Item::Tool {
            call: CallId::new(id),
            name: "look".into(),
            result: ToolResult::ok(json!({})),
            labels: outside(),
        }),
    ]
}

/// What a turn has done so far, whatever the model and the tools did.
fn any_enclosures() -> impl Strategy<Value = Vec<Enclosure>> {
    let enclosure = "[a-z]{0,5}".prop_map(|text| Enclosure {
        text,
        labels: outside(),
    });
    prop::collection::vec(enclosure, 0..3)
}

fn outside() -> Labels {
    Labels::of(Source::Many)
}

fn any_exchange() -> impl Strategy<Value = Vec<Item>> {
    let reply = (
        "[a-z]{0,3}",
        prop::collection::vec(any_call(), 1..4),
        any::<bool>(),
    );
    let fact = prop_oneof![
        2 => reply.prop_map(|(text, calls, thinks)| Fact::ModelReplied {
            reply: reply_with(text, calls, thinks),
        }),
        3 => any_id().prop_map(|id| Fact::ToolFinished {
            call: CallId::new(id),
            result: ToolResult::ok(json!({})),
            labels: Labels::default(),
        }),
    ];
    prop::collection::vec(fact, 0..8).prop_map(|facts| {
        let effects = BTreeMap::from([("look", ToolEffect::ReadOnly)]);
        let mut turn = Turn::new(TurnLimits { max_steps: 50 }, effects, Labels::default());
        for fact in facts {
            turn.feed(fact);
        }
        turn.exchange()
    })
}

/// A reply whose own form is that of another server: none of its items may reach this one.
fn reply_with(text: String, calls: Vec<ToolCall>, thinks: bool) -> ModelReply {
    let foreign = Continuation {
        origin: "https://elsewhere.example m".into(),
        items: vec![json!({ "type": "strange" })],
        thoughts: 0,
    };
    ModelReply {
        text,
        calls,
        finish: FinishReason::Done,
        usage: Vec::new(),
        continuation: thinks.then_some(foreign),
    }
}

fn any_request() -> impl Strategy<Value = ModelRequest> {
    let history = prop::collection::vec(any_item(), 0..20);
    let parts = (
        history,
        0..25_usize,
        0..400_usize,
        any_exchange(),
        "[a-z]{0,5}",
        any_enclosures(),
    );
    parts.prop_map(
        |(items, most_items, most_tokens, exchange, preface, enclosures)| ModelRequest {
            recap: enclosures.first().cloned(),
            enclosures,
            history: History::repaired(items).newest_turns(most_items, most_tokens),
            exchange,
            attached: Vec::new(),
            preface,
            ..request("now")
        },
    )
}

#[test]
fn any_history_under_any_trim_is_legal_for_every_provider() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let servers = runtime.block_on(all_servers());
    let mut runner = TestRunner::new(Config {
        cases: 96,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&any_request(), |request| {
        for (model, _, _) in &servers {
            let sink = RecordingSink::default();
            let answer = runtime.block_on(model.reply(&request, &sink));
            let shown = || format!("{}: {answer:?}", model.describe());
            prop_assert!(answer.is_ok(), "{}", shown());
        }
        Ok(())
    });
    outcome.unwrap();
    expect_no_more_refusals(&servers);
}

/// A model, its server, and how often that may refuse until it is known how it wants to be asked.
type Asked = (Arc<dyn ChatModel>, FakeModel, usize);

async fn all_servers() -> Vec<Asked> {
    install_crypto();
    let fake = FakeModel::start().await;
    let settings = settings_of(&fake);
    let openrouter = openrouter::model(settings.clone(), &OpenRouterConfig::default()).unwrap();
    let mut servers: Vec<Asked> = vec![
        (Arc::new(model(settings.clone())), fake.clone(), 0),
        (Arc::new(responses_model(settings)), fake.clone(), 0),
        (Arc::new(openrouter), fake, 0),
    ];
    for (dialect, lessons) in [
        (Dialect::Alternating, 1),
        (Dialect::AlternatingWithoutSystem, 2),
        (Dialect::TextOnly, 2),
    ] {
        let options = Options {
            dialect,
            ..Options::default()
        };
        let fake = FakeModel::start_with(options).await;
        servers.push((Arc::new(model(settings_of(&fake))), fake, lessons));
    }
    servers
}

fn expect_no_more_refusals(servers: &[Asked]) {
    for (model, fake, lessons) in servers {
        let refusals = fake.refusals();
        assert!(refusals.len() <= *lessons, "{model:?}: {refusals:#?}");
    }
}

/// What tools put before the model, behind any step: its number stands for the place.
fn any_attached() -> impl Strategy<Value = Vec<Attached>> {
    let document = || Enclosure {
        text: "some words".into(),
        labels: outside(),
    };
    let small = InMemory::holding(picture(4, 4, ImageFormat::Png));
    let paper = InMemory::holding(pdf("Hello"));
    let part = prop_oneof![
        Just(Part::Text("look".into())),
        Just(Part::Document(document())),
        Just(Part::Picture {
            mime: "image/png",
            content: small,
        }),
        (any::<bool>()).prop_map(move |has_text| Part::Pdf {
            name: "a.pdf".into(),
            content: paper.clone(),
            text: has_text.then(document),
            spare: (!has_text).then(document),
        }),
    ];
    let place = prop_oneof![Just(Place::Message), (0..4_usize).prop_map(Place::After),];
    let attached = (place, part).prop_map(|(place, part)| Attached { place, part });
    prop::collection::vec(attached, 0..4)
}

/// The turn goes on with what the server said, its thoughts included, and the results of its calls.
fn go_on(request: &mut ModelRequest, reply: ModelReply, found: usize) {
    request.exchange.push(Item::Assistant {
        text: reply.text,
        calls: reply.calls.clone(),
        continuation: reply.continuation,
        labels: Labels::default(),
    });
    let found = json!({ "found": "x".repeat(found) });
    for call in reply.calls {
        let result = result(call.id.as_str(), &call.name, found.clone());
        request.exchange.push(result);
    }
}

/// A step with so many calls, each with an argument of so many bytes.
fn step(calls: usize, bytes: usize) -> Reply {
    let call = |number: usize| ("look", json!({ "n": number, "text": "y".repeat(bytes) }));
    Reply::tools((0..calls).map(call)).thinking()
}

#[test]
fn any_turn_with_files_and_thoughts_is_legal_however_it_is_cut() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let servers = runtime.block_on(all_servers());
    let steps = prop::collection::vec((1..4_usize, 0..500_usize, 0..2000_usize), 1..5);
    let history = prop::collection::vec(any_item(), 0..8);
    let turns = (steps, history, any_attached(), 100..6000_usize);
    let mut runner = TestRunner::new(Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&turns, |(steps, history, attached, context_tokens)| {
        for (model, fake, _) in &servers {
            let limits = OwnLimits {
                context_tokens,
                answer_tokens: None,
                prompt: None,
                max_steps: None,
                pdfs: Pdfs::AsFiles,
                origin: None,
            };
            let model = WithOwnLimits::new(model.clone(), limits);
            let mut request = ModelRequest {
                history: History::repaired(history.clone()),
                ..request("now")
            };
            let mut ends = Vec::new();
            for (calls, bytes, found) in steps.clone() {
                let placed = |one: &Attached| {
                    let part = one.part.clone();
                    let place = match one.place {
                        Place::Message => Place::Message,
                        Place::After(step) => Place::After(*ends.get(step)?),
                    };
                    Some(Attached { place, part })
                };
                request.attached = attached.iter().filter_map(placed).collect();
                fake.replies([step(calls, bytes)]);
                let sink = RecordingSink::default();
                let answer = runtime.block_on(model.reply(&request, &sink));
                let shown = || format!("{}: {answer:?}", model.describe());
                prop_assert!(answer.is_ok(), "{}", shown());
                go_on(&mut request, answer.unwrap(), found);
                ends.push(request.exchange.len());
            }
        }
        Ok(())
    });
    outcome.unwrap();
    expect_no_more_refusals(&servers);
}
