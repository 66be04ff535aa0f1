//! When a failing model is left alone, and when it is tried again.

use std::sync::Arc;

use chrono::TimeDelta;
use minibot::core::budget::{BudgetPeriod, SpentBudget};
use minibot::core::ids::TurnId;
use minibot::core::model::{ChatModel, ModelError, ModelErrorKind, ModelRequest};
use minibot::core::money::MicroUsd;
use minibot::llm::breaker::CircuitBreaker;

use super::model_fixture::{LeapingClock, RecordingSink, overloaded, request, says};
use super::scripted_model::Scripted::{Fails, Hangs, Says};
use super::scripted_model::{Scripted, ScriptedModel};

const DOWN: ModelErrorKind = overloaded(500);

struct World {
    inner: Arc<ScriptedModel>,
    clock: Arc<LeapingClock>,
    model: CircuitBreaker,
}

impl World {
    fn new(script: impl IntoIterator<Item = Scripted>) -> Self {
        let inner = ScriptedModel::new("inner", script);
        let clock = LeapingClock::new();
        let model = CircuitBreaker::new(inner.clone(), clock.clone());
        Self {
            inner,
            clock,
            model,
        }
    }

    async fn ask(&self) -> Result<String, ModelError> {
        self.ask_for(Some(7), 0).await
    }

    /// Asks for a turn that has made so many steps.
    async fn ask_for(&self, turn: Option<i64>, steps: usize) -> Result<String, ModelError> {
        let request = ModelRequest {
            turn: turn.map(TurnId),
            exchange: vec![says("step", vec![]); steps],
            ..request("x")
        };
        let sink = RecordingSink::default();
        let reply = self.model.reply(&request, &sink).await?;
        Ok(reply.text)
    }

    async fn fail(&self, times: usize) {
        for _ in 0..times {
            self.ask().await.unwrap_err();
        }
    }
}

#[tokio::test]
async fn after_three_failures_in_a_row_nobody_waits_for_it() {
    let world = World::new([
        Fails("", DOWN),
        Fails("", DOWN),
        Says("x"),
        Fails("", DOWN),
        Fails("", DOWN),
        Fails("", DOWN),
    ]);
    world.fail(2).await;
    world.ask().await.unwrap();
    world.fail(3).await;
    assert_eq!(world.inner.asked(), 6);
    let error = world.ask().await.unwrap_err();
    assert_eq!(world.inner.asked(), 6);
    assert_eq!((error.kind, error.tries), (DOWN, 0));
    assert!(error.usage.is_empty(), "what was not asked costs nothing");
}

#[tokio::test]
async fn turns_are_counted_not_their_steps_nor_what_belongs_to_none() {
    let script = std::iter::repeat_with(|| Fails("", DOWN)).take(9);
    let world = World::new(script.chain([Says("x")]));
    // Two turns go on with another model, and summaries are asked for in between.
    for steps in 0..3 {
        for turn in [Some(1), Some(2), None] {
            world.ask_for(turn, steps).await.unwrap_err();
        }
    }
    assert_eq!(world.inner.asked(), 9);
    assert_eq!(world.ask_for(Some(3), 0).await.unwrap(), "x");
}

#[tokio::test]
async fn a_spent_budget_says_nothing_of_the_server() {
    let budget = SpentBudget {
        period: BudgetPeriod::Today,
        limit: MicroUsd::ZERO,
    };
    let spent = ModelErrorKind::BudgetSpent { budget };
    let world = World::new([
        Fails("", DOWN),
        Fails("", DOWN),
        Fails("", spent),
        Fails("", DOWN),
    ]);
    world.fail(5).await;
    assert_eq!(
        world.inner.asked(),
        4,
        "after three failures it is left alone"
    );
}

#[tokio::test]
async fn one_trial_goes_through_every_fifteen_seconds_until_one_succeeds() {
    let world = World::new([
        Fails("", DOWN),
        Fails("", DOWN),
        Fails("", DOWN),
        Fails("", DOWN),
        Says("back"),
        Fails("", DOWN),
        Says("x"),
    ]);
    world.fail(3).await;
    world.clock.advance(TimeDelta::milliseconds(14_999));
    world.fail(1).await;
    assert_eq!(world.inner.asked(), 3);
    world.clock.advance(TimeDelta::milliseconds(1));
    world.fail(1).await;
    assert_eq!(world.inner.asked(), 4, "a trial");
    world.fail(1).await;
    assert_eq!(world.inner.asked(), 4, "the trial failed");
    world.clock.advance(TimeDelta::seconds(15));
    assert_eq!(world.ask().await.unwrap(), "back");
    // Closed again: a single failure delays nobody.
    world.fail(1).await;
    assert_eq!(world.ask().await.unwrap(), "x");
}

#[tokio::test]
async fn a_clock_that_is_set_back_locks_nothing_out() {
    let world = World::new([
        Fails("", DOWN),
        Fails("", DOWN),
        Fails("", DOWN),
        Says("back"),
    ]);
    world.fail(3).await;
    world.clock.advance(TimeDelta::hours(-5));
    assert_eq!(world.ask().await.unwrap(), "back");
}

#[tokio::test]
async fn a_server_that_says_no_is_not_down() {
    let no = || Fails("", ModelErrorKind::ContextTooLong);
    let world = World::new([
        no(),
        no(),
        no(),
        Fails("", DOWN),
        Fails("", DOWN),
        no(),
        Fails("", DOWN),
        Says("x"),
    ]);
    world.fail(7).await;
    assert_eq!(world.ask().await.unwrap(), "x");
}

#[tokio::test]
async fn a_trial_that_nobody_waited_for_was_one() {
    let world = World::new([
        Fails("", DOWN),
        Fails("", DOWN),
        Fails("", DOWN),
        Hangs,
        Says("back"),
    ]);
    world.fail(3).await;
    world.clock.advance(TimeDelta::seconds(15));
    tokio::select! {
        biased;
        answer = world.ask() => panic!("it answered: {answer:?}"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(world.inner.asked(), 4);
    world.fail(1).await;
    assert_eq!(world.inner.asked(), 4, "one trial at a time");
    world.clock.advance(TimeDelta::seconds(15));
    assert_eq!(world.ask().await.unwrap(), "back");
}
