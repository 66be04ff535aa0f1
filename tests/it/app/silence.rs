//! A model from which nothing comes for long: the person is told, and is not left to wait longer than needed.

use std::time::Duration;

use chrono::TimeDelta;

use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::test_bot::TestBot;

const LINE: &str = "The model has not answered yet; I go on trying. /stop ends it.";

/// As long as a call may take by default, and a little.
const A_CALL: Duration = Duration::from_secs(181);

/// Lets a minute pass, once somebody has begun to wait for one.
async fn a_minute_passes(bot: &TestBot) {
    bot.clock.someone_sleeps(59_000..60_001).await;
    bot.advance(TimeDelta::seconds(60));
}

#[tokio::test]
async fn the_person_is_told_once_in_a_turn_and_again_when_it_is_run_again() {
    let mut bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model((0..3).map(|_| Reply::text("never").held(&gate)));
    bot.says("what do you think of Mozart?").await;
    gate.wait_for_arrivals(1).await;
    bot.advance(TimeDelta::seconds(50));
    a_minute_passes(&bot).await;
    bot.alice().replies(LINE).await;
    for tries in 2..=3 {
        bot.time_passes(A_CALL).await;
        gate.wait_for_arrivals(tries).await;
    }
    // The turn is the same after a restart.
    bot.model([Reply::text("never").held(&gate)]);
    bot.restart().await;
    gate.wait_for_arrivals(4).await;
    a_minute_passes(&bot).await;
    bot.says("/stop").await.replies("Stopped.").await;
    bot.model([Reply::text("never").held(&gate)]);
    bot.says("/retry").await;
    gate.wait_for_arrivals(5).await;
    a_minute_passes(&bot).await;
    bot.alice().replies(LINE).await;
    bot.says("/stop").await.replies("Stopped.").await;
    bot.finish().await;
}

#[tokio::test]
async fn nobody_is_told_of_an_answer_that_has_begun() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([Reply::text("one two three four").held_midway(&gate)]);
    bot.says("count").await;
    gate.wait_for_arrivals(1).await;
    bot.advance(TimeDelta::seconds(1));
    bot.telegram.wait_for_calls("sendMessage", 1).await;
    a_minute_passes(&bot).await;
    gate.open();
    bot.alice().replies("one two three four").await;
    bot.finish().await;
}

#[tokio::test]
async fn the_offline_grammar_is_asked_after_one_call_from_which_nothing_came() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([Reply::text("never").held(&gate)]);
    bot.says("what is 6 * 7").await;
    gate.wait_for_arrivals(1).await;
    a_minute_passes(&bot).await;
    bot.alice().replies(LINE).await;
    bot.time_passes(A_CALL).await;
    bot.alice().replies_with("42").await;
    assert_eq!(bot.provider.requests().len(), 1);
    bot.finish().await;
}

#[tokio::test]
async fn another_model_is_asked_after_one_call_from_which_nothing_came() {
    let bot = TestBot::with(&[
        ("llm.fallbacks", "[\"other\"]"),
        ("llm.profiles.other.model", "other"),
    ])
    .await;
    let gate = Gate::new();
    bot.model([Reply::text("never").held(&gate), Reply::text("Gladly.")]);
    bot.says("what do you think of Mozart?").await;
    gate.wait_for_arrivals(1).await;
    a_minute_passes(&bot).await;
    bot.alice().replies(LINE).await;
    bot.time_passes(A_CALL).await;
    bot.alice().replies("Gladly.").await;
    let asked = bot.provider.requests();
    let models: Vec<_> = asked.iter().map(|one| &one.body["model"]).collect();
    assert_eq!(models, ["fake", "other"]);
    bot.finish().await;
}

#[tokio::test]
async fn a_time_is_reckoned_from_when_the_message_came_however_long_the_model_was_waited_for() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([Reply::text("never").held(&gate)]);
    bot.says("remind me in 5 minutes to stretch").await;
    gate.wait_for_arrivals(1).await;
    a_minute_passes(&bot).await;
    bot.alice().replies(LINE).await;
    bot.time_passes(A_CALL).await;
    bot.alice()
        .replies("⏰ In 5 minutes (10:05, Europe/Madrid): stretch")
        .await;
    bot.advance(TimeDelta::seconds(30));
    bot.says("/whoami").await.replies_with("Alice").await;
    bot.advance(TimeDelta::seconds(30));
    bot.alice().replies("stretch").await;
    // By then it is over, and is said at once.
    bot.model([Reply::text("never").held(&gate)]);
    bot.says("remind me in 2 minutes to drink").await;
    gate.wait_for_arrivals(2).await;
    a_minute_passes(&bot).await;
    bot.alice().replies(LINE).await;
    bot.time_passes(A_CALL).await;
    let first = bot.alice().replies_with("drink").await.text;
    let second = bot.alice().replies_with("drink").await.text;
    let mut both = [first, second];
    both.sort();
    assert_eq!(both[0], "drink");
    assert!(both[1].starts_with("⏰ Today at 10:0"), "{both:?}");
    bot.finish().await;
}
