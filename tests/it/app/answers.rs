//! Plain answers, what is remembered of them, and in which order they come.

use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, TestBot};

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
async fn an_empty_answer_is_shown_as_such() {
    let bot = TestBot::new().await;
    bot.model([Reply::text(" ")]);
    bot.says("hi").await.replies("(no answer)").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_conversation_outlives_a_restart() {
    let mut bot = TestBot::new().await;
    bot.model([Reply::text("Noted."), Reply::text("Blue.")]);
    bot.says("my colour is blue").await.replies("Noted.").await;
    bot.restart().await;
    bot.says("which colour?").await.replies("Blue.").await;
    let said = said(&bot, 1);
    assert!(said.contains(&"my colour is blue".to_owned()), "{said:?}");
    assert!(said.contains(&"Noted.".to_owned()), "{said:?}");
    bot.finish().await;
}

#[tokio::test]
async fn chats_are_answered_side_by_side() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([
        Reply::text("For Alice.").held(&gate),
        Reply::text("For Bob."),
    ]);
    let alice = bot.says("one").await;
    gate.wait_for_arrivals(1).await;
    bot.bob().says("two").await.replies("For Bob.").await;
    assert!(alice.messages().is_empty());
    gate.open();
    alice.replies("For Alice.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_message_that_comes_while_a_turn_runs_waits_for_its_own() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([
        Reply::text("First.").held(&gate),
        Reply::text("Second."),
        Reply::text("Third."),
    ]);
    bot.says("one").await;
    gate.wait_for_arrivals(1).await;
    bot.says("two").await.says("three").await;
    assert_eq!(bot.provider.requests().len(), 1, "the first still runs");
    gate.open();
    let alice = bot.alice().replies("First.").await;
    alice.replies("Second.").await.replies("Third.").await;
    let asked: Vec<String> = bot
        .provider
        .requests()
        .iter()
        .map(|request| request.last_user_text())
        .collect();
    assert_eq!(asked, ["one", "two", "three"]);
    assert!(said(&bot, 2).contains(&"Second.".to_owned()));
    bot.finish().await;
}

#[tokio::test]
async fn typing_is_shown_while_a_turn_works_and_renewed() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([Reply::text("Done.").held(&gate)]);
    bot.says("hi").await;
    gate.wait_for_arrivals(1).await;
    bot.telegram.wait_for_calls("sendChatAction", 1).await;
    bot.advance(chrono::TimeDelta::seconds(4));
    bot.telegram.wait_for_calls("sendChatAction", 2).await;
    gate.open();
    bot.alice().replies("Done.").await;
    let shown = bot.telegram.typing(ALICE).len();
    bot.advance(chrono::TimeDelta::seconds(60));
    bot.model([Reply::text("Again.")]);
    bot.bob().says("hi").await.replies("Again.").await;
    assert_eq!(
        bot.telegram.typing(ALICE).len(),
        shown,
        "it stops with the turn"
    );
    bot.finish().await;
}

/// The texts of all messages of a request.
fn said(bot: &TestBot, request: usize) -> Vec<String> {
    let request = &bot.provider.requests()[request];
    let texts = request
        .messages()
        .iter()
        .filter_map(|m| m["content"].as_str());
    texts.map(str::to_owned).collect()
}
