//! Models that fail, and what goes on without them.

use chrono::TimeDelta;

use crate::support::fake_model::Reply;
use crate::support::test_bot::TestBot;

const QUESTION: &str = "what do you think of Mozart?";

#[tokio::test]
async fn a_failed_turn_says_so_and_can_be_run_again() {
    let bot = TestBot::new().await;
    bot.model([Reply::status(500), Reply::status(500), Reply::status(500)]);
    bot.says(QUESTION)
        .await
        .replies(
            "The model did not answer (HTTP 500, 3 tries). \
             Your message is kept; send /retry to try again.",
        )
        .await;
    bot.model([Reply::text("A great composer.")]);
    bot.says("/retry").await.replies("A great composer.").await;
    let asked = &bot.provider.requests()[3];
    assert_eq!(asked.last_user_text(), QUESTION);
    let asked = asked.body.to_string();
    assert_eq!(asked.matches(QUESTION).count(), 1, "asked once: {asked}");
    bot.model([Reply::text("The greatest.")]);
    bot.says("/retry").await.replies("The greatest.").await;
    bot.finish().await;
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let replies = [
        Reply::status(503),
        Reply::drop_connection(),
        Reply::invalid_json(),
        Reply::error_in_200(),
        Reply::half_stream("A gre"),
    ];
    for failure in replies {
        let bot = TestBot::new().await;
        bot.model([failure, Reply::text("A great composer.")]);
        bot.says(QUESTION).await.replies("A great composer.").await;
        bot.finish().await;
    }
}

#[tokio::test]
async fn reminders_work_while_the_model_is_down() {
    let bot = TestBot::new().await;
    bot.model([Reply::status(500), Reply::status(500), Reply::status(500)]);
    let answer = bot.says("remind me in 30 minutes to stretch").await;
    let answer = answer.replies_with("stretch").await;
    assert!(answer.text.contains("10:30"), "{}", answer.text);
    bot.advance(TimeDelta::minutes(30));
    bot.alice().replies("stretch").await;
    assert_eq!(bot.provider.requests().len(), 3);
    bot.finish().await;
}
