//! What an orderly stop leaves, and what the next start takes up.

use tokio::time::{Duration, timeout};

use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::test_bot::TestBot;

#[tokio::test]
async fn a_stop_lets_a_running_turn_end_and_its_answer_out() {
    let mut bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([Reply::text("Just in time.").held(&gate)]);
    bot.says("hi").await;
    gate.wait_for_arrivals(1).await;
    let opener = gate.clone();
    let stopping = async {
        bot.stop().await;
    };
    tokio::join!(stopping, async {
        tokio::task::yield_now().await;
        opener.open();
    });
    assert_eq!(bot.alice().texts(), ["Just in time."]);
    bot.alice().has_read_all();
    bot.finish().await;
}

#[tokio::test]
async fn a_turn_that_outlasts_the_grace_time_is_left_for_the_next_start() {
    let mut bot = TestBot::with(&[("runtime.shutdown_grace_seconds", "0.1")]).await;
    bot.model([Reply::hang(), Reply::text("Sorry for the wait.")]);
    bot.says("hi").await;
    bot.provider.wait_for_requests(1).await;
    timeout(Duration::from_secs(5), bot.stop()).await.unwrap();
    assert!(bot.alice().messages().is_empty());
    bot.start().await;
    bot.alice().replies("Sorry for the wait.").await;
    bot.finish().await;
}

#[tokio::test]
async fn what_came_while_it_was_down_is_answered_in_order() {
    let mut bot = TestBot::new().await;
    bot.stop().await;
    bot.alice().writes("one");
    bot.alice().writes("two");
    bot.model([Reply::text("First."), Reply::text("Second.")]);
    bot.start().await;
    bot.alice().replies("First.").await.replies("Second.").await;
    bot.finish().await;
}

#[tokio::test]
async fn the_owner_is_told_of_a_downtime_in_which_messages_were_lost() {
    for (hours, told) in [(23, false), (25, true)] {
        let mut bot = TestBot::new().await;
        bot.telegram.wait_for_calls("getUpdates", 2).await;
        bot.stop().await;
        bot.advance(chrono::TimeDelta::hours(hours));
        bot.model([Reply::text("Back.")]);
        bot.start().await;
        if told {
            bot.alice()
                .replies_with("I was away for 1 day 1 hour.")
                .await;
        }
        bot.says("hi").await.replies("Back.").await;
        bot.finish().await;
    }
}

#[tokio::test]
async fn messages_that_wait_behind_a_left_turn_come_after_it() {
    let mut bot = TestBot::with(&[("runtime.shutdown_grace_seconds", "0.1")]).await;
    bot.model([Reply::hang(), Reply::text("First."), Reply::text("Second.")]);
    bot.says("one").await;
    bot.provider.wait_for_requests(1).await;
    bot.says("two").await;
    bot.restart().await;
    bot.alice().replies("First.").await.replies("Second.").await;
    bot.finish().await;
}
