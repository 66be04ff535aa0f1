//! Answers that grow in place.

use chrono::TimeDelta;

use crate::support::fake_model::Reply;
use crate::support::fake_telegram::Fault;
use crate::support::gate::Gate;
use crate::support::stored::Held;
use crate::support::test_bot::{ALICE, TestBot};

#[tokio::test]
async fn an_answer_grows_in_one_message() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([Reply::text("one two three four five six").held_midway(&gate)]);
    bot.says("count").await;
    gate.wait_for_arrivals(1).await;
    bot.advance(TimeDelta::seconds(1));
    let shown = bot.telegram.wait_for(ALICE, |sent| !sent.is_empty()).await;
    assert!(shown[0].text.starts_with("one"), "{:?}", shown[0].text);
    gate.open();
    bot.alice().replies("one two three four five six").await;
    assert_eq!(bot.telegram.calls("sendMessage").len(), 1);
    bot.finish().await;
}

/// An answer that the model has half written, and whose first message Telegram has taken and not answered.
pub async fn held_in_its_first_message(bot: &TestBot) -> (Gate, Gate) {
    let (model, telegram) = (Gate::new(), Gate::new());
    bot.model([Reply::text("one two three four five six").held_midway(&model)]);
    bot.telegram
        .fail("sendMessage", [Fault::HoldAfter(telegram.clone())]);
    bot.says("count").await;
    model.wait_for_arrivals(1).await;
    bot.advance(TimeDelta::seconds(1));
    telegram.wait_for_arrivals(1).await;
    (model, telegram)
}

/// Its message is remembered once the database can be written again.
#[tokio::test]
async fn an_answer_that_begins_to_show_while_the_database_is_busy_is_one_message() {
    let bot = TestBot::with(&[("storage.busy_timeout_ms", "20")]).await;
    let (model, telegram) = held_in_its_first_message(&bot).await;
    let held = Held::take(&bot.settings.database()).await;
    telegram.open();
    // The showing waits for the database to be free.
    bot.clock.someone_sleeps(990..1_001).await;
    held.release().await;
    model.open();
    bot.advance(TimeDelta::seconds(1));
    bot.alice().replies("one two three four five six").await;
    assert_eq!(bot.telegram.calls("sendMessage").len(), 1);
    bot.finish().await;
}

#[tokio::test]
async fn a_stream_that_breaks_is_replaced_and_not_doubled() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    let half = "a half that nobody should read in the end";
    bot.model([
        Reply::half_stream(half).held_midway(&gate),
        Reply::text("Whole."),
    ]);
    bot.says("hi").await;
    gate.wait_for_arrivals(1).await;
    bot.advance(TimeDelta::seconds(1));
    bot.telegram.wait_for(ALICE, |sent| !sent.is_empty()).await;
    gate.open();
    bot.alice().replies("Whole.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_quick_answer_is_one_call() {
    let bot = TestBot::new().await;
    bot.model([Reply::text("Quick.")]);
    bot.says("hi").await.replies("Quick.").await;
    assert_eq!(bot.telegram.calls("sendMessage").len(), 1);
    assert!(bot.telegram.calls("editMessageText").is_empty());
    bot.finish().await;
}

#[tokio::test]
async fn a_growing_answer_that_a_restart_cuts_ends_in_the_same_message() {
    let mut bot = TestBot::with(&[("runtime.shutdown_grace_seconds", "0.1")]).await;
    let gate = Gate::new();
    bot.model([
        Reply::text("one two three four five six").held_midway(&gate),
        Reply::text("one two three"),
    ]);
    bot.says("count").await;
    gate.wait_for_arrivals(1).await;
    bot.advance(TimeDelta::seconds(1));
    bot.telegram.wait_for(ALICE, |sent| !sent.is_empty()).await;
    bot.restart().await;
    bot.alice().replies("one two three").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_growing_answer_that_the_person_deletes_is_sent_anew() {
    let bot = TestBot::new().await.expecting_refusals();
    let gate = Gate::new();
    bot.model([Reply::text("one two three four five six").held_midway(&gate)]);
    bot.says("count").await;
    gate.wait_for_arrivals(1).await;
    bot.advance(TimeDelta::seconds(1));
    let shown = bot.telegram.wait_for(ALICE, |sent| !sent.is_empty()).await;
    bot.telegram.user_deletes(ALICE, shown[0].id);
    gate.open();
    bot.alice().replies("one two three four five six").await;
    bot.finish().await;
}
