//! `/stop`, wherever the turn is.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::support::fake_model::Reply;
use crate::support::fake_telegram::Fault;
use crate::support::gate::Gate;
use crate::support::test_bot::TestBot;

const SOON: Duration = Duration::from_secs(1);

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
    let (model, telegram) = (Gate::new(), Gate::new());
    bot.model([Reply::text("one two three four five six").held_midway(&model)]);
    bot.telegram
        .fail("sendMessage", [Fault::HoldAfter(telegram.clone())]);
    bot.says("count").await;
    model.wait_for_arrivals(1).await;
    bot.advance(chrono::TimeDelta::seconds(1));
    telegram.wait_for_arrivals(1).await;
    bot.alice().writes("/stop");
    timeout(SOON, model.wait_for_departures(1)).await.unwrap();
    bot.alice().has_read_all().replies_with("Stopped.").await;
    telegram.open();
    bot.finish().await;
}
