//! Plain answers, and what is remembered of them.

use crate::support::fake_model::Reply;
use crate::support::test_bot::TestBot;

#[tokio::test]
async fn a_message_is_answered() {
    let bot = TestBot::new().await;
    bot.model([Reply::text("Hello Alice.")]);
    bot.says("hi").await.replies("Hello Alice.").await;
    let requests = bot.provider.requests();
    assert_eq!(requests.len(), 1, "one request for a plain message");
    assert_eq!(requests[0].last_user_text(), "hi");
    bot.finish().await;
}

#[tokio::test]
async fn a_conversation_outlives_a_restart() {
    let mut bot = TestBot::new().await;
    bot.model([Reply::text("Noted."), Reply::text("Blue.")]);
    bot.says("my colour is blue").await.replies("Noted.").await;
    bot.restart().await;
    bot.says("which colour?").await.replies("Blue.").await;
    let requests = bot.provider.requests();
    let said: Vec<&str> = requests[1]
        .messages()
        .iter()
        .filter_map(|m| m["content"].as_str())
        .collect();
    assert!(said.contains(&"my colour is blue"), "{said:?}");
    assert!(said.contains(&"Noted."), "{said:?}");
    bot.finish().await;
}
