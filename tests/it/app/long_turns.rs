//! Turns that are longer than what a model is shown: the next turn still knows what they were about.

use serde_json::{Value, json};

use crate::support::fake_model::{Reply, Request};
use crate::support::test_bot::TestBot;

/// A step with two calls side by side.
fn two_sums(step: usize) -> Reply {
    let sum = |more: usize| {
        let expression = format!("{step}+{more}");
        ("calculate_expression", json!({ "expression": expression }))
    };
    Reply::tools([sum(1), sum(2)])
}

/// A turn with all the steps that one may have.
async fn adds_up_for_long(bot: &TestBot) {
    bot.model((0..14).map(two_sums).chain([Reply::text("It is 406.")]));
    let chat = bot.says("add all of these numbers up, please").await;
    chat.replies("It is 406.").await;
}

fn contents(request: &Request) -> Vec<&Value> {
    let messages = request.messages().iter();
    messages.map(|message| &message["content"]).collect()
}

#[tokio::test]
async fn after_a_turn_that_is_longer_than_the_window_its_question_and_answer_are_known() {
    let bot = TestBot::new().await;
    adds_up_for_long(&bot).await;
    bot.model([Reply::text("More: 407.")]);
    bot.says("go on").await.replies("More: 407.").await;
    let asked = bot.provider.requests().pop().unwrap();
    let contents = contents(&asked);
    let shown = format!("{contents:?}");
    assert_eq!(contents[1], "add all of these numbers up, please");
    assert!(contents.contains(&&json!("It is 406.")), "{shown}");
    assert!(contents.len() <= 32 + 3, "{}", contents.len());
    let newest = contents
        .iter()
        .filter(|text| text.to_string().contains("15"));
    assert_eq!(newest.count(), 1, "the newest of what was done: {shown}");
    bot.finish().await;
}

#[tokio::test]
async fn a_turn_that_is_longer_than_the_window_is_summarised() {
    let bot = TestBot::with(&[("memory.compaction", "true")]).await;
    bot.model((0..14).map(two_sums));
    bot.model([Reply::text("It is 406."), Reply::text("Sums, please.")]);
    let chat = bot.says("add all of these numbers up, please").await;
    chat.replies("It is 406.").await;
    let made = bot.provider.wait_for_requests(16).await.pop().unwrap();
    let given = made.last_user_text();
    assert!(
        given.contains("Person: add all of these numbers up, please\n"),
        "{given}"
    );
    assert!(given.contains("Assistant: It is 406.\n"), "{given}");
    bot.finish().await;
}
