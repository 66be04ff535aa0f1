//! Summaries of what falls out of the window, made behind the turns.

use minibot::core::conversation::Conversation;
use serde_json::Value;

use crate::support::fake_model::{Reply, Request};
use crate::support::test_bot::{Chat, TestBot};

/// With four items in the window, two turns are enough for a summary of the first.
const SMALL: (&str, &str) = ("memory.history_window", "4");

const ON: (&str, &str) = ("memory.compaction", "true");

const NOTES: &str = "The person likes blue.";

fn is_compaction(request: &Request) -> bool {
    request.body["messages"][0]["content"]
        .as_str()
        .is_some_and(|text| text.starts_with("You keep the memory"))
}

/// Answers turns with "Noted." and compactions with `summary`.
fn answering(bot: &TestBot, summary: fn() -> Reply) {
    bot.provider.respond_with(move |request| {
        if is_compaction(request) {
            summary()
        } else {
            Reply::text("Noted.")
        }
    });
}

fn compactions(bot: &TestBot) -> Vec<Request> {
    let requests = bot.provider.requests().into_iter();
    requests.filter(is_compaction).collect()
}

async fn talks(chat: Chat<'_>, texts: &[&str]) {
    for text in texts {
        chat.says(text).await.replies("Noted.").await;
    }
}

/// Summaries are made one after the other: when the next is asked for, the one before is kept.
async fn bob_gets_one_too(bot: &TestBot) {
    let asked = bot.provider.requests().len();
    talks(bot.bob(), &["one", "two"]).await;
    bot.provider.wait_for_requests(asked + 3).await;
}

async fn conversation(bot: &TestBot) -> Conversation {
    let target = minibot::core::channel::ChatTarget {
        channel: minibot::core::ids::ChannelName::new("telegram"),
        chat: minibot::core::ids::ChatId::new("1001"),
        thread: None,
    };
    let current = bot.ports().conversations.current(&target).await;
    current.unwrap().expect("something was said")
}

#[tokio::test]
async fn what_falls_out_of_the_window_is_summarised_behind_the_turns() {
    let bot = TestBot::with(&[SMALL, ON]).await;
    answering(&bot, || Reply::text(NOTES).usage(7, 3));
    talks(bot.alice(), &["my colour is blue", "and my name is Ada"]).await;
    bot.provider.wait_for_requests(3).await;
    bob_gets_one_too(&bot).await;
    let made = &compactions(&bot)[0];
    let given = made.last_user_text();
    assert!(
        given.contains("Person: my colour is blue\nAssistant: Noted."),
        "{given}"
    );
    assert!(
        !given.contains("Ada"),
        "the newer half stays as it is: {given}"
    );
    assert_eq!(made.body.get("tools"), None);
    talks(bot.alice(), &["what do you know?"]).await;
    let asked = bot.provider.requests();
    let asked = asked
        .iter()
        .find(|r| r.last_user_text() == "what do you know?");
    let system = asked.unwrap().body["messages"][0]["content"].clone();
    let shown = format!("not instructions:\n> {NOTES}");
    assert!(system.as_str().unwrap().ends_with(&shown), "{system}");
    let history = bot
        .says("/history")
        .await
        .replies_with("Earlier, in short")
        .await;
    assert!(history.text.contains(NOTES), "{}", history.text);
    assert!(
        history.text.contains("You: what do you know?"),
        "{}",
        history.text
    );
    bot.says("/new")
        .await
        .replies_with("A fresh conversation.")
        .await;
    bot.says("/history")
        .await
        .replies_with("We have not talked")
        .await;
    talks(bot.alice(), &["hello"]).await;
    let last = bot.provider.requests().pop().unwrap().body["messages"].clone();
    assert!(!last.to_string().contains(NOTES), "{last}");
    bot.bob().has_read_all();
    bot.finish().await;
}

#[tokio::test]
async fn a_summary_that_hangs_delays_no_turn_and_no_stop() {
    let bot = TestBot::with(&[SMALL, ON]).await;
    answering(&bot, Reply::hang);
    talks(bot.alice(), &["one", "two"]).await;
    bot.provider.wait_for_requests(3).await;
    talks(bot.alice(), &["three", "four", "five"]).await;
    assert_eq!(compactions(&bot).len(), 1, "one at a time");
    bot.finish().await;
}

#[tokio::test]
async fn after_a_failed_summary_the_chat_goes_on_and_none_is_tried_for_a_while() {
    for failure in [|| Reply::status(400), || Reply::text("  ")] {
        let bot = TestBot::with(&[SMALL, ON]).await;
        answering(&bot, failure);
        talks(bot.alice(), &["one", "two"]).await;
        bot.provider.wait_for_requests(3).await;
        talks(bot.alice(), &["three", "four"]).await;
        let last = bot.provider.requests().pop().unwrap();
        let system: &Value = &last.body["messages"][0]["content"];
        assert!(
            !system.to_string().contains("Notes on the earlier"),
            "{system}"
        );
        assert_eq!(compactions(&bot).len(), 1);
        bot.advance(chrono::TimeDelta::minutes(5));
        talks(bot.alice(), &["five"]).await;
        bot.provider.wait_for_requests(7).await;
        assert_eq!(compactions(&bot).len(), 2);
        bot.finish().await;
    }
}

#[tokio::test]
async fn only_the_conversation_rests_whose_summary_failed() {
    let bot = TestBot::with(&[SMALL, ON]).await;
    answering(&bot, || Reply::status(400));
    talks(bot.alice(), &["one", "two"]).await;
    bot.provider.wait_for_requests(3).await;
    bob_gets_one_too(&bot).await;
    talks(bot.alice(), &["three"]).await;
    assert_eq!(compactions(&bot).len(), 2);
    bot.finish().await;
}

#[tokio::test]
async fn what_a_small_model_that_may_stand_in_is_not_shown_is_summarised() {
    let profile = [
        ("llm.fallbacks", "[\"small\"]"),
        ("llm.profiles.small.model", "small"),
        ("llm.profiles.small.context_tokens", "6000"),
        ON,
    ];
    let bot = TestBot::with(&profile).await;
    answering(&bot, || Reply::text(NOTES));
    // Each message has a thousand tokens; the prompt, the tools and the answer leave two thousand.
    let [blue, ada] = ["my colour is blue", "and my name is Ada"]
        .map(|text| format!("{text} {}", "word ".repeat(600)));
    talks(bot.alice(), &[&blue, &ada]).await;
    let made = bot.provider.wait_for_requests(3).await;
    assert!(is_compaction(&made[2]), "{:?}", made[2].summary());
    bot.finish().await;
}

#[tokio::test]
async fn without_compaction_no_summary_is_asked_for_and_old_items_can_go() {
    let settings = [SMALL, ("memory.max_history_messages", "3")];
    let mut bot = TestBot::with(&settings).await;
    answering(&bot, Reply::hang);
    talks(bot.alice(), &["one", "two", "three"]).await;
    bot.restart().await;
    let id = conversation(&bot).await.id;
    let left = bot.ports().conversations.count_items(id).await.unwrap();
    assert_eq!(left, 2, "three are no whole turns");
    assert!(compactions(&bot).is_empty());
    bot.finish().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_put_off_summaries() {
    let bot = TestBot::with(&[SMALL, ON]).await;
    answering(&bot, || Reply::status(400));
    talks(bot.alice(), &["one", "two"]).await;
    bot.provider.wait_for_requests(3).await;
    talks(bot.alice(), &["three"]).await;
    bot.clock.set(chrono::TimeDelta::days(-1));
    talks(bot.alice(), &["four"]).await;
    bot.provider.wait_for_requests(6).await;
    assert_eq!(compactions(&bot).len(), 2);
    bot.finish().await;
}
