//! The slash commands.

use minibot::app::commands::Commands;
use minibot::core::channel::ChatTarget;
use minibot::core::clock::Clock;
use minibot::core::compaction::Summary;
use minibot::core::ids::{ChannelName, ChatId};
use minibot::core::label::Labels;
use serde_json::{Value, json};

use super::file_tools::ON;
use super::labels::opened;
use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::test_bot::TestBot;

#[tokio::test]
async fn the_menu_is_the_help_is_the_table() {
    let bot = TestBot::with(&[ON]).await;
    let calls = bot.telegram.wait_for_calls("setMyCommands", 1).await;
    let shown = &calls[0].params["commands"];
    let shown: Value = shown
        .as_str()
        .map_or_else(|| shown.clone(), |text| serde_json::from_str(text).unwrap());
    let shown = shown.as_array().unwrap();
    let help = bot.says("/help").await.replies_with("What I can do").await;
    assert_eq!(shown.len(), Commands::names().count());
    for (entry, name) in shown.iter().zip(Commands::names()) {
        assert_eq!(entry["command"], name);
        let description = entry["description"].as_str().unwrap();
        assert!(!description.is_empty(), "{name}");
        let line = format!("/{name} – {description}");
        let whole = help.text.lines().any(|shown| shown == line);
        assert!(whole, "{line}: {}", help.text);
    }
    bot.finish().await;
}

#[tokio::test]
async fn what_needs_no_model_asks_none() {
    let bot = TestBot::new().await;
    let cases = [
        ("/start", "Hello Alice. I am minibot"),
        ("/help@fake_mini_bot", "Commands"),
        ("/status", "Model: "),
        ("/whoami", "user id 1001"),
        ("/stop", "Nothing is running."),
        ("/retry", "There is nothing to try again"),
        ("/new", "A fresh conversation."),
        ("/dance", "There is no command /dance."),
    ];
    for (command, answer) in cases {
        bot.says(command).await.replies_with(answer).await;
    }
    assert!(bot.provider.requests().is_empty());
    bot.finish().await;
}

#[tokio::test]
async fn a_new_conversation_knows_nothing_of_the_old_one() {
    let bot = TestBot::new().await;
    bot.model([Reply::text("Noted."), Reply::text("I do not know.")]);
    bot.says("my colour is blue").await.replies("Noted.").await;
    bot.says("/new")
        .await
        .replies_with("A fresh conversation.")
        .await;
    bot.says("which colour?")
        .await
        .replies("I do not know.")
        .await;
    let asked = bot.provider.requests()[1].body.to_string();
    assert!(!asked.contains("blue"), "{asked}");
    bot.finish().await;
}

#[tokio::test]
async fn a_forwarded_command_is_content() {
    let bot = TestBot::new().await;
    bot.model([Reply::text("That would start afresh.")]);
    let forwarded = json!({
        "text": "/new",
        "forward_origin": { "type": "hidden_user", "sender_user_name": "Eve", "date": 1 },
    });
    let alice = bot.alice();
    bot.telegram.user_sends_raw(1_001, 1_001, forwarded);
    alice.replies("That would start afresh.").await;
    let asked = bot.provider.requests()[0].last_user_text();
    let (around, inside) = opened(&asked);
    assert_eq!(inside, "/new");
    assert!(around.contains("a forwarded message of Eve."), "{asked}");
    bot.finish().await;
}

#[tokio::test]
async fn a_history_that_is_too_long_for_one_message_is_several() {
    let bot = TestBot::new().await;
    bot.model((0..5).map(|_| Reply::text("I see. ".repeat(60))));
    for number in 0..5 {
        let words = format!("{number} {}", "and so on ".repeat(30));
        bot.says(&words).await.replies_with("I see.").await;
    }
    let target = ChatTarget {
        channel: ChannelName::new("telegram"),
        chat: ChatId::new("1001"),
        thread: None,
    };
    let ports = bot.ports();
    let conversation = ports.conversations.current(&target).await.unwrap();
    let conversation = conversation.unwrap().id;
    let uncovered = ports.summaries.uncovered(conversation, 99).await.unwrap();
    let (first, text) = (uncovered[0].id, "blå ".repeat(1_000));
    let summary = Summary::new(&text, first, Labels::default()).unwrap();
    let now = bot.clock.now();
    ports
        .summaries
        .save(conversation, summary, first, now)
        .await
        .unwrap();
    let chat = bot.says("/history").await;
    let first = chat.replies_with("Earlier, in short:\nblå blå").await;
    let rest = chat.replies_with("You: 4 and so on").await;
    let shown = format!("{}\n{}", first.text, rest.text);
    assert_eq!(shown.matches("blå").count(), 1_000);
    for number in 0..5 {
        assert!(shown.contains(&format!("You: {number} and")), "{shown}");
    }
    assert_eq!(shown.matches("I: I see.").count(), 5, "{shown}");
    bot.finish().await;
}

#[tokio::test]
async fn a_history_shows_answers_as_they_were_shown() {
    let bot = TestBot::new().await;
    bot.model([Reply::text("⏰ At 17\\:00 \\(in 1 day\\): **buy** milk")]);
    let shown = "⏰ At 17:00 (in 1 day): buy milk";
    let chat = bot.says("remind me").await;
    chat.replies(shown).await;
    let history = format!("You: remind me\n\nI: {shown}");
    bot.says("/history").await.replies(&history).await;
    bot.finish().await;
}

#[tokio::test]
async fn a_retry_after_an_answer_asks_the_last_message_again() {
    let bot = TestBot::new().await;
    bot.model([
        Reply::text("Heads."),
        Reply::text("Tails."),
        Reply::text("Tails!"),
    ]);
    bot.says("toss a coin").await.replies("Heads.").await;
    bot.says("/retry").await.replies("Tails.").await;
    bot.says("/retry@fake_mini_bot")
        .await
        .replies("Tails!")
        .await;
    for request in bot.provider.requests() {
        assert_eq!(request.last_user_text(), "toss a coin");
    }
    bot.says("/new").await.replies_with("A fresh").await;
    let nothing = "There is nothing to try again";
    bot.says("/retry").await.replies_with(nothing).await;
    bot.finish().await;
}

#[tokio::test]
async fn a_retry_comes_before_what_was_said_after_it() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([
        Reply::text("Heads.").held(&gate),
        Reply::text("Tails."),
        Reply::text("You are welcome."),
    ]);
    bot.says("toss a coin").await;
    gate.wait_for_arrivals(1).await;
    bot.says("/retry").await;
    bot.says("thanks").await;
    gate.open();
    let alice = bot.alice().replies("Heads.").await;
    alice.replies("Tails.").await;
    alice.replies("You are welcome.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_retry_after_the_last_step_goes_on_with_as_many_again() {
    let bot = TestBot::with(&[("llm.max_tool_iterations", "2")]).await;
    let sum = |number: usize| {
        let expression = format!("{number}+{number}");
        Reply::tools([("calculate_expression", json!({ "expression": expression }))])
    };
    let limit = "I stopped before I was done: this took more steps";
    bot.model([sum(1), sum(2)]);
    bot.says("add them up").await.replies_with(limit).await;
    bot.model([sum(3), sum(4)]);
    bot.says("/retry").await.replies_with(limit).await;
    bot.model([Reply::text("It is 20.")]);
    bot.says("/retry").await.replies("It is 20.").await;
    // What was paid for is kept, and what was not yet run is.
    let asked = bot.provider.requests();
    assert_eq!(asked.len(), 5);
    let last = asked[4].body.to_string();
    for result in ["\\\"2\\\"", "\\\"4\\\"", "\\\"6\\\"", "\\\"8\\\""] {
        assert!(last.contains(result), "{result} in {last}");
    }
    bot.finish().await;
}
