//! Reminders and scheduled runs.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::fake_model::Reply;
use crate::support::test_bot::TestBot;

/// A model that plans this and says so.
pub fn schedule(arguments: Value) -> [Reply; 2] {
    [
        Reply::tools([("schedule_prompt", arguments)]),
        Reply::text("Will do."),
    ]
}

/// Alice is to stretch in half an hour.
pub async fn stretch_in_half_an_hour(bot: &TestBot) {
    bot.model(schedule(
        json!({ "content": "stretch", "delay_seconds": 1800 }),
    ));
    bot.says("in half an hour I should stretch")
        .await
        .replies("Will do.")
        .await;
}

#[tokio::test]
async fn a_reminder_comes_on_time_and_once_without_the_model() {
    let bot = TestBot::new().await;
    stretch_in_half_an_hour(&bot).await;
    bot.advance(TimeDelta::seconds(1700));
    bot.says("/whoami").await.replies_with("Alice").await;
    bot.advance(TimeDelta::seconds(100));
    bot.alice().replies("stretch").await;
    bot.advance(TimeDelta::days(2));
    bot.says("/whoami").await.replies_with("Alice").await;
    assert_eq!(bot.provider.requests().len(), 2);
    bot.finish().await;
}

#[tokio::test]
async fn what_fell_due_while_the_bot_was_down_comes_once_and_is_marked() {
    let mut bot = TestBot::new().await;
    stretch_in_half_an_hour(&bot).await;
    bot.stop().await;
    bot.advance(TimeDelta::minutes(150));
    bot.start().await;
    let card = bot.alice().replies_with("stretch").await;
    assert_eq!(card.text, "stretch\n(was due 10:30, 2 h ago)");
    bot.restart().await;
    bot.says("/whoami").await.replies_with("Alice").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_repeated_reminder_comes_again() {
    let bot = TestBot::new().await;
    let hourly = json!({
        "content": "drink", "recurrence_type": "interval", "recurrence_interval_seconds": 3600,
    });
    bot.model(schedule(hourly));
    bot.says("every hour I should drink")
        .await
        .replies("Will do.")
        .await;
    for _ in 0..3 {
        bot.advance(TimeDelta::hours(1));
        bot.alice().replies("drink").await;
    }
    bot.finish().await;
}

#[tokio::test]
async fn a_scheduled_run_is_a_turn_of_the_model() {
    let bot = TestBot::new().await;
    let task = json!({ "content": "tell a joke", "delay_seconds": 60, "role": "user" });
    bot.model(schedule(task));
    bot.says("a joke in a minute, please")
        .await
        .replies("Will do.")
        .await;
    bot.model([Reply::text("Knock knock.")]);
    bot.advance(TimeDelta::minutes(1));
    bot.alice().replies("Knock knock.").await;
    let request = &bot.provider.requests()[2];
    assert_eq!(request.last_user_text(), "tell a joke");
    assert!(request.body.to_string().contains("This is a scheduled run"));
    bot.finish().await;
}
