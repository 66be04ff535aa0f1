//! Which failures are tried again, how often, and after which waits.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use minibot::core::model::{ChatModel, ModelErrorKind};
use minibot::llm::chain::Chain;
use minibot::llm::fallback::WithFallback;
use minibot::llm::retry::Retrying;

use super::model_fixture::{LeapingClock, RecordingSink, overloaded, request};
use super::scripted_model::Scripted::{Fails, Says};
use super::scripted_model::{Scripted, ScriptedModel, cost};

const DOWN: ModelErrorKind = overloaded(500);

struct World {
    inner: Arc<ScriptedModel>,
    clock: Arc<LeapingClock>,
    sink: RecordingSink,
    model: Retrying,
}

fn world(script: impl IntoIterator<Item = Scripted>, attempts: u32, delay: Duration) -> World {
    let inner = ScriptedModel::new("inner", script);
    let clock = LeapingClock::new();
    let attempts = NonZeroU32::new(attempts).unwrap();
    let model = Retrying::new(inner.clone(), attempts, delay, clock.clone(), || 0.0);
    World {
        inner,
        clock,
        sink: RecordingSink::default(),
        model,
    }
}

fn limited(seconds: Option<u64>) -> ModelErrorKind {
    ModelErrorKind::RateLimited {
        retry_after: seconds.map(Duration::from_secs),
    }
}

fn down_for(seconds: u64) -> ModelErrorKind {
    ModelErrorKind::Overloaded {
        status: 503,
        retry_after: Some(Duration::from_secs(seconds)),
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_was_said_is_void() {
    let script = [
        Fails("hal", DOWN),
        Fails("", ModelErrorKind::Transport),
        Fails("half", ModelErrorKind::Malformed),
        Says("whole"),
    ];
    let world = world(script, 4, Duration::from_secs(2));
    let reply = world.model.reply(&request("x"), &world.sink).await.unwrap();
    assert_eq!(reply.text, "whole");
    assert_eq!(world.sink.heard(), "hal|half|whole");
    let seconds = [2, 4, 8].map(Duration::from_secs);
    assert_eq!(world.clock.waits(), seconds);
}

#[tokio::test]
async fn what_failed_calls_cost_is_counted_with_the_last_one() {
    for (last, tries) in [(Says("x"), 0), (Fails("", ModelErrorKind::Refused), 3)] {
        let script = [Fails("", DOWN), Fails("", DOWN), last];
        let world = world(script, 5, Duration::ZERO);
        let usage = match world.model.reply(&request("x"), &world.sink).await {
            Ok(reply) => reply.usage,
            Err(error) => {
                assert_eq!(error.tries, tries);
                error.usage
            }
        };
        assert_eq!(usage, vec![cost("inner"); 3]);
    }
}

#[tokio::test]
async fn what_failed_calls_cost_is_not_lost_with_whoever_asked() {
    let script = [Fails("", DOWN), Fails("", DOWN), Scripted::Hangs];
    let world = world(script, 5, Duration::ZERO);
    let request = request("x");
    let mut asked = world.model.reply(&request, &world.sink);
    assert!(futures::poll!(&mut asked).is_pending());
    assert_eq!(world.inner.asked(), 3);
    assert_eq!(world.sink.lost(), []);
    drop(asked);
    assert_eq!(world.sink.lost(), vec![cost("inner"); 2]);
}

#[tokio::test]
async fn the_last_failure_is_told_with_the_number_of_tries() {
    let script = [
        Fails("", ModelErrorKind::Transport),
        Fails("", limited(None)),
        Fails("x", DOWN),
    ];
    let world = world(script, 3, Duration::from_secs(1));
    let error = world
        .model
        .reply(&request("x"), &world.sink)
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.tries), (DOWN, 3));
    assert_eq!(world.clock.waits().len(), 2, "no wait after the last");
}

#[tokio::test]
async fn what_would_fail_again_is_not_repeated() {
    let kinds = [
        ModelErrorKind::ContextTooLong,
        ModelErrorKind::Refused,
        ModelErrorKind::Unauthorized,
        ModelErrorKind::QuotaExhausted,
        ModelErrorKind::BadRequest { status: 400 },
    ];
    for kind in kinds {
        let world = world([Fails("", kind.clone())], 5, Duration::from_secs(1));
        let error = world
            .model
            .reply(&request("x"), &world.sink)
            .await
            .unwrap_err();
        assert_eq!((error.kind, error.tries), (kind, 1));
        assert_eq!(world.inner.asked(), 1);
    }
}

/// The kind of the first failures, the delay, and the waits in seconds.
#[tokio::test]
async fn waits_grow_heed_the_server_and_stay_bearable() {
    let cases: &[(ModelErrorKind, u64, &[u64])] = &[
        (DOWN, 2, &[2, 4, 8, 16, 30, 30]),
        (DOWN, 0, &[0, 0]),
        (DOWN, 9999, &[30, 30]),
        (limited(None), 1, &[1, 2]),
        (limited(Some(3)), 2, &[3, 4, 8]),
        (limited(Some(9999)), 2, &[30, 30]),
        (down_for(5), 2, &[5, 5, 8]),
        (limited(Some(0)), 2, &[2, 4]),
    ];
    for (kind, delay, expected) in cases {
        let script = (0..expected.len())
            .map(|_| Fails("", kind.clone()))
            .chain([Says("x")]);
        let world = world(script, 100, Duration::from_secs(*delay));
        world.model.reply(&request("x"), &world.sink).await.unwrap();
        let seconds: Vec<u64> = world.clock.waits().iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, *expected, "{kind:?} {delay}");
    }
}

#[tokio::test]
async fn waits_are_spread_by_up_to_a_half() {
    let inner = ScriptedModel::new("inner", [Fails("", DOWN), Says("x")]);
    let clock = LeapingClock::new();
    let attempts = NonZeroU32::new(2).unwrap();
    let delay = Duration::from_secs(2);
    let model = Retrying::new(inner, attempts, delay, clock.clone(), || 1.0);
    model
        .reply(&request("x"), &RecordingSink::default())
        .await
        .unwrap();
    assert_eq!(clock.waits(), [Duration::from_secs(3)]);
    assert_eq!(model.describe(), "inner");
}

#[tokio::test]
async fn silence_is_waited_for_once_where_another_model_can_be_asked() {
    let silent = || Fails("", ModelErrorKind::TimedOut);
    let begun = || Fails("hal", ModelErrorKind::TimedOut);
    let down = || Fails("", DOWN);
    let cases: [(&str, Vec<Scripted>, usize); 4] = [
        ("silent", vec![silent()], 1),
        ("silent after a failure", vec![down(), silent()], 2),
        ("begun", vec![begun(), begun(), begun()], 3),
        ("down", vec![down(), down(), down()], 3),
    ];
    for (what, script, asked) in cases {
        let first = world(script, 3, Duration::ZERO);
        let last = world([silent(), silent(), Says("whole")], 3, Duration::ZERO);
        let chain = Chain::new(Arc::new(first.model), vec![Arc::new(last.model)]);
        let reply = chain.reply(&request("x"), &first.sink).await.unwrap();
        assert_eq!(reply.text, "whole", "{what}");
        assert_eq!(first.inner.asked(), asked, "{what}");
        assert_eq!(last.inner.asked(), 3, "behind the last there is nobody");
        let grammar = ScriptedModel::understanding("grammar", [Says("done")], "remind");
        for (words, asked) in [("remind me", 1), ("what is love", 3)] {
            let first = world([silent(), silent(), silent()], 3, Duration::ZERO);
            let model = WithFallback::new(Arc::new(first.model), grammar.clone());
            let _ = model.reply(&request(words), &first.sink).await;
            assert_eq!(first.inner.asked(), asked, "{words}");
        }
    }
}
