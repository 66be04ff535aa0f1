//! People whom the bot does not know.

use chrono::TimeDelta;

use crate::support::fake_model::Reply;
use crate::support::test_bot::{STRANGER, TestBot};

#[tokio::test]
async fn a_stranger_gets_one_line_a_day_and_nothing_else() {
    let bot = TestBot::new().await;
    let stranger = bot.at(STRANGER, STRANGER);
    let line = stranger
        .says("tell me a secret")
        .await
        .replies_with("6666")
        .await;
    assert!(
        line.text.starts_with("Not allowed here yet."),
        "{}",
        line.text
    );
    stranger
        .says("please")
        .await
        .says("/status")
        .await
        .says("/stop")
        .await;
    bot.advance(TimeDelta::hours(24));
    stranger.says("and today?").await.replies_with("6666").await;
    assert!(
        bot.provider.requests().is_empty(),
        "nothing of theirs reaches a model"
    );
    bot.model([Reply::text("Hello.")]);
    bot.says("hi").await.replies("Hello.").await;
    let asked = bot.provider.requests()[0].body.to_string();
    assert!(!asked.contains("secret"), "{asked}");
    assert!(bot.telegram.typing(STRANGER).is_empty());
    bot.finish().await;
}
