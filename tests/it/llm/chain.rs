//! Which failures pass to the next model, what is told in the end, and the whole chain as it is
//! wired, against servers.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use minibot::core::model::{ChatModel, ModelErrorKind};
use minibot::llm::breaker::CircuitBreaker;
use minibot::llm::chain::Chain;
use minibot::llm::fallback::WithFallback;
use minibot::llm::retry::Retrying;
use serde_json::json;

use super::model_fixture::{
    LeapingClock, RecordingSink, model, overloaded, request, responses_model, result, says,
    settings_of,
};
use super::scripted_model::Scripted::{Fails, Says};
use super::scripted_model::{Scripted, ScriptedModel, cost};
use crate::support::fake_model::{FakeModel, Reply};

const DOWN: ModelErrorKind = overloaded(500);

fn scripted(name: &'static str, script: impl IntoIterator<Item = Scripted>) -> Arc<ScriptedModel> {
    ScriptedModel::new(name, script)
}

#[tokio::test]
async fn the_next_answers_what_one_does_not() {
    let kinds = [
        DOWN,
        ModelErrorKind::RateLimited { retry_after: None },
        ModelErrorKind::Transport,
        ModelErrorKind::Malformed,
        ModelErrorKind::Unauthorized,
        ModelErrorKind::QuotaExhausted,
        ModelErrorKind::BadRequest { status: 404 },
    ];
    for kind in kinds {
        let first = scripted("first", [Fails("hal", kind.clone())]);
        let second = scripted("second", [Fails("", DOWN)]);
        let third = scripted("third", [Says("whole")]);
        let chain = Chain::new(first, vec![second, third]);
        let sink = RecordingSink::default();
        let reply = chain.reply(&request("x"), &sink).await.unwrap();
        assert_eq!(
            (reply.text.as_str(), sink.heard().as_str()),
            ("whole", "hal|whole"),
            "{kind:?}"
        );
        assert_eq!(reply.usage, ["first", "second", "third"].map(cost));
        assert_eq!(chain.describe(), "first");
    }
}

#[tokio::test]
async fn what_is_about_the_request_itself_goes_no_further() {
    for kind in [ModelErrorKind::ContextTooLong, ModelErrorKind::Refused] {
        let first = scripted("first", [Fails("", kind.clone())]);
        let second = scripted("second", []);
        let chain = Chain::new(first, vec![second.clone()]);
        let sink = RecordingSink::default();
        let error = chain.reply(&request("x"), &sink).await.unwrap_err();
        assert_eq!((error.kind, error.tries, second.asked()), (kind, 1, 0));
        assert_eq!(error.usage, ["first"].map(cost));
    }
}

#[tokio::test]
async fn what_a_stand_in_refuses_goes_on_to_the_next() {
    let first = scripted("first", [Fails("", DOWN)]);
    let second = scripted("second", [Fails("", ModelErrorKind::Refused)]);
    let third = scripted("third", [Fails("", DOWN)]);
    let chain = Chain::new(first, vec![second, third]);
    let sink = RecordingSink::default();
    let error = chain.reply(&request("x"), &sink).await.unwrap_err();
    assert_eq!(
        (error.kind, error.tries),
        (DOWN, 3),
        "the first failure is told"
    );
    assert_eq!(error.usage, ["first", "second", "third"].map(cost));
}

#[tokio::test]
async fn when_all_fail_the_first_failure_is_told() {
    let first = scripted("first", [Fails("", ModelErrorKind::QuotaExhausted)]);
    let second = scripted("second", [Fails("", DOWN)]);
    let chain = Chain::new(first, vec![second]);
    let sink = RecordingSink::default();
    let error = chain.reply(&request("x"), &sink).await.unwrap_err();
    assert_eq!(
        (error.kind, error.tries),
        (ModelErrorKind::QuotaExhausted, 2)
    );
    assert_eq!(error.detail, "first failed");
}

/// As it is wired: each with its own retries and breaker.
fn dependable(inner: Arc<dyn ChatModel>, clock: &Arc<LeapingClock>) -> Arc<dyn ChatModel> {
    let attempts = NonZeroU32::new(2).unwrap();
    let retrying = Retrying::new(inner, attempts, Duration::ZERO, clock.clone(), || 0.0);
    Arc::new(CircuitBreaker::new(Arc::new(retrying), clock.clone()))
}

#[tokio::test]
async fn a_server_that_is_down_is_retried_then_spared_while_the_next_answers() {
    let (down, up) = (FakeModel::start().await, FakeModel::start().await);
    down.respond_with(|_| Reply::status(500));
    up.respond_with(|_| Reply::text("here"));
    let clock = LeapingClock::new();
    let first = dependable(Arc::new(model(settings_of(&down))), &clock);
    let second = dependable(Arc::new(responses_model(settings_of(&up))), &clock);
    let chain = Chain::new(first, vec![second]);
    for _ in 0..5 {
        let sink = RecordingSink::default();
        let reply = chain.reply(&request("x"), &sink).await.unwrap();
        assert_eq!(reply.text, "here");
    }
    assert_eq!((down.requests().len(), up.requests().len()), (6, 5));
}

#[tokio::test]
async fn with_all_servers_down_the_grammar_answers_what_it_understands() {
    let clock = LeapingClock::new();
    let servers = [FakeModel::start().await, FakeModel::start().await];
    let [first, second] = servers.each_ref().map(|server| {
        server.respond_with(|_| Reply::drop_connection());
        dependable(Arc::new(model(settings_of(server))), &clock)
    });
    let offline = ScriptedModel::understanding("offline", [Says("set")], "remind");
    let model = WithFallback::new(Arc::new(Chain::new(first, vec![second])), offline);
    let sink = RecordingSink::default();
    assert_eq!(
        model
            .reply(&request("remind me"), &sink)
            .await
            .unwrap()
            .text,
        "set"
    );
    let error = model.reply(&request("why"), &sink).await.unwrap_err();
    assert_eq!((error.kind, error.tries), (ModelErrorKind::Transport, 4));
}

#[tokio::test]
async fn a_turn_that_one_model_began_goes_on_with_another() {
    let (first, second) = (FakeModel::start().await, FakeModel::start().await);
    first.replies([
        Reply::tools([("weather", json!({}))]).thinking(),
        Reply::status(401),
    ]);
    second.replies([Reply::text("sunny")]);
    let chain = Chain::new(
        Arc::new(responses_model(settings_of(&first))),
        vec![Arc::new(model(settings_of(&second)))],
    );
    let sink = RecordingSink::default();
    let mut request = request("weather?");
    let reply = chain.reply(&request, &sink).await.unwrap();
    let id = reply.calls[0].id.as_str().to_owned();
    let mut step = says("", reply.calls);
    if let minibot::core::conversation::Item::Assistant { continuation, .. } = &mut step {
        *continuation = reply.continuation;
    }
    request.exchange = vec![step, result(&id, "weather", json!({ "sun": true }))];
    assert_eq!(chain.reply(&request, &sink).await.unwrap().text, "sunny");
    assert_eq!(second.refusals(), Vec::<String>::new());
}
