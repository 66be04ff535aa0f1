//! `/stop`, wherever the turn is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use minibot::adapters::sqlite::SqliteInboxStore;
use minibot::app::dispatcher::{Cancelled, Dispatcher, DispatcherSettings, Rest, TurnStops, Work};
use minibot::core::change::ChangeOutcome;
use minibot::core::channel::ChatTarget;
use minibot::core::error::StoreResult;
use minibot::core::ids::{InboxId, UserId};
use minibot::core::inbox::{Arrival, AskedByRow, InboxRow, InboxStore, Stored};
use minibot::core::journal::RunningTurn;
use minibot::core::outbox::NewOutbox;
use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::streaming::held_in_its_first_message;
use crate::adapters::sqlite_fixture::{Fixture, message, target};
use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, FakeClock, TestBot};

/// Long before anything else would end what is stopped here.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_hanging_model_is_hung_up_on() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([Reply::text("never").held(&gate)]);
    bot.says("hi").await;
    gate.wait_for_arrivals(1).await;
    bot.alice().writes("/stop");
    timeout(SOON, gate.wait_for_departures(1)).await.unwrap();
    bot.alice().replies("Stopped.").await;
    bot.model([Reply::text("Here.")]);
    bot.says("still there?").await.replies("Here.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_slip_that_is_edited_into_a_stop_stops() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([Reply::text("never").held(&gate)]);
    bot.says("hi").await;
    gate.wait_for_arrivals(1).await;
    let slip = bot.alice().writes("/sotp");
    bot.telegram.wait_for_confirmation(slip.update_id).await;
    bot.telegram.user_edits(ALICE, slip.message_id, "/stop");
    bot.alice().replies("Stopped.").await;
    bot.model([Reply::text("Here.")]);
    bot.says("still there?").await.replies("Here.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_message_that_is_edited_while_it_waits_for_a_seat_is_read_as_it_is_then() {
    let bot = TestBot::with(&[("runtime.max_parallel_turns", "1")]).await;
    for (before, after) in [("hello", "/new"), ("/dance", "hello")] {
        let gate = Gate::new();
        bot.model([Reply::text("Done.").held(&gate)]);
        bot.bob().writes("something long");
        gate.wait_for_arrivals(1).await;
        let waiting = bot.alice().writes(before);
        bot.telegram.wait_for_confirmation(waiting.update_id).await;
        let edit = bot.telegram.user_edits(ALICE, waiting.message_id, after);
        bot.telegram.wait_for_confirmation(edit.update_id).await;
        if after == "hello" {
            bot.model([Reply::text("Hello.")]);
        }
        gate.open();
        bot.bob().replies("Done.").await;
        let expected = match after {
            "hello" => "Hello.",
            _ => "A fresh conversation.",
        };
        bot.alice().replies_with(expected).await;
    }
    bot.finish().await;
}

#[tokio::test]
async fn what_was_shown_of_an_answer_stays_above_the_word_that_it_stopped() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([Reply::text("one two three four five six").held_midway(&gate)]);
    bot.says("count").await;
    gate.wait_for_arrivals(1).await;
    bot.advance(chrono::TimeDelta::seconds(1));
    bot.telegram.wait_for_calls("sendMessage", 1).await;
    let shown = bot.says("/stop").await.replies_with("Stopped.").await.text;
    assert!(
        shown.starts_with("one two") && shown.ends_with("\n\nStopped."),
        "{shown}"
    );
    bot.finish().await;
}

#[tokio::test]
async fn a_message_that_still_waits_for_its_turn_is_stopped_too() {
    let bot = TestBot::with(&[("runtime.max_parallel_turns", "1")]).await;
    let gate = Gate::new();
    bot.model([Reply::text("Done.").held(&gate)]);
    bot.bob().writes("something long");
    gate.wait_for_arrivals(1).await;
    let waiting = bot.alice().writes("never mind");
    let stop = bot.alice().writes("/stop");
    bot.telegram.wait_for_confirmation(waiting.update_id).await;
    bot.telegram.wait_for_confirmation(stop.update_id).await;
    timeout(SOON, bot.alice().replies("Stopped."))
        .await
        .unwrap();
    gate.open();
    bot.bob().replies("Done.").await;
    bot.finish().await;
}

#[tokio::test]
async fn between_two_steps_too() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    let call = ("calculate_expression", json!({ "expression": "6*7" }));
    bot.model([Reply::tools([call]), Reply::text("42").held(&gate)]);
    bot.says("6*7, please think").await;
    gate.wait_for_arrivals(1).await;
    bot.says("/stop").await.replies("Stopped.").await;
    bot.model([Reply::text("Gladly.")]);
    bot.says("go on").await.replies("Gladly.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_first_message_that_hangs_does_not_hold_it_for_ever() {
    let bot = TestBot::new().await;
    let (model, telegram) = held_in_its_first_message(&bot).await;
    bot.alice().writes("/stop");
    timeout(SOON, model.wait_for_departures(1)).await.unwrap();
    bot.alice().has_read_all().replies_with("Stopped.").await;
    telegram.open();
    bot.finish().await;
}

/// An inbox whose worker is held while it looks for more.
#[derive(Debug)]
struct HeldInbox {
    inner: SqliteInboxStore,
    looks: AtomicUsize,
    held: Gate,
}

#[async_trait]
impl InboxStore for HeldInbox {
    async fn add(&self, batch: Vec<Arrival>) -> StoreResult<Vec<Stored>> {
        self.inner.add(batch).await
    }

    async fn forget_held(&self, until: DateTime<Utc>) -> StoreResult<u64> {
        self.inner.forget_held(until).await
    }

    async fn next(&self, target: &ChatTarget) -> StoreResult<Vec<InboxRow>> {
        let found = self.inner.next(target).await;
        if self.looks.fetch_add(1, Ordering::SeqCst) > 0 {
            self.held.pass().await;
        }
        found
    }

    async fn waiting(&self, target: &ChatTarget, limit: u32) -> StoreResult<Vec<InboxRow>> {
        self.inner.waiting(target, limit).await
    }

    async fn waiting_of(
        &self,
        target: &ChatTarget,
        of: (&UserId, DateTime<Utc>),
        limit: u32,
    ) -> StoreResult<Vec<InboxRow>> {
        self.inner.waiting_of(target, of, limit).await
    }

    async fn get(&self, id: InboxId) -> StoreResult<Option<InboxRow>> {
        self.inner.get(id).await
    }

    async fn waiting_targets(&self) -> StoreResult<Vec<ChatTarget>> {
        self.inner.waiting_targets().await
    }

    async fn finish(&self, id: InboxId, replies: Vec<NewOutbox>) -> StoreResult<bool> {
        self.inner.finish(id, replies).await
    }

    async fn finish_with(
        &self,
        id: InboxId,
        asked: AskedByRow,
    ) -> StoreResult<Option<ChangeOutcome>> {
        self.inner.finish_with(id, asked).await
    }

    async fn count_waiting(&self) -> StoreResult<u64> {
        self.inner.count_waiting().await
    }
}

/// Handles a message by being done with it, and notes whether it was stopped before.
#[derive(Debug)]
struct Done {
    inbox: Arc<HeldInbox>,
    stopped: Mutex<Vec<bool>>,
}

#[async_trait]
impl Work for Done {
    async fn handle(&self, rows: Vec<InboxRow>, stops: &TurnStops) -> StoreResult<()> {
        let stopped = stops.cancel.is_cancelled();
        self.stopped.lock().unwrap().push(stopped);
        for row in rows {
            self.inbox.finish(row.id, Vec::new()).await?;
        }
        Ok(())
    }

    async fn resume(&self, _: RunningTurn, _: &TurnStops) {}
}

#[tokio::test]
async fn after_the_end_of_a_turn_there_is_nothing_to_stop_and_that_is_said() {
    let fixture = Fixture::new().await;
    let inbox = Arc::new(HeldInbox {
        inner: fixture.inbox(),
        looks: AtomicUsize::new(0),
        held: Gate::new(),
    });
    let done = Arc::new(Done {
        inbox: inbox.clone(),
        stopped: Mutex::default(),
    });
    let work: Arc<dyn Work> = done.clone();
    let settings = DispatcherSettings {
        max_parallel_turns: 1,
        album_settle: chrono::TimeDelta::zero(),
    };
    let (stop, shutdown) = (CancellationToken::new(), CancellationToken::new());
    let clock = Arc::new(FakeClock::new());
    let dispatcher = Dispatcher::new(inbox.clone(), clock, settings, stop, shutdown);
    let add = async |number: i64, text: &str| {
        let added = inbox.add(vec![message(number, text).arrival()]).await;
        match added.unwrap()[..] {
            [Stored::Queued(id)] => id,
            ref other => panic!("{other:?}"),
        }
    };
    add(1, "one").await;
    dispatcher.nudge(target(), &work);
    // The turn is over, and its worker is still there.
    inbox.held.wait_for_arrivals(1).await;
    assert_eq!(*done.stopped.lock().unwrap(), [false]);
    let first = add(2, "/stop").await;
    let cancelled = dispatcher.cancel(&target(), first).await.unwrap();
    assert_eq!(cancelled, Cancelled::Nothing);
    inbox.finish(first, Vec::new()).await.unwrap();
    // What comes later is not stopped by that, and what came before the next one is.
    add(3, "two").await;
    let second = add(4, "/stop").await;
    dispatcher.nudge(target(), &work);
    let cancelled = dispatcher.cancel(&target(), second).await.unwrap();
    assert_eq!(cancelled, Cancelled::Running);
    inbox.finish(second, Vec::new()).await.unwrap();
    add(5, "three").await;
    inbox.held.open();
    let place = target();
    let resting = timeout(SOON, dispatcher.at_rest(&place));
    assert_eq!(resting.await.unwrap(), Rest::Idle);
    assert_eq!(*done.stopped.lock().unwrap(), [false, true, false]);
    let cancelled = dispatcher.cancel(&target(), second).await.unwrap();
    assert_eq!(cancelled, Cancelled::Nothing);
}
