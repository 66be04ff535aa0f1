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
    knows_what_it_was_about(TestBot::new().await).await;
}

#[tokio::test]
async fn a_turn_that_is_longer_than_what_is_kept_is_kept() {
    let few = ("memory.max_history_messages", "8");
    knows_what_it_was_about(TestBot::with(&[few]).await).await;
}

async fn knows_what_it_was_about(mut bot: TestBot) {
    adds_up_for_long(&bot).await;
    // What is deleted behind the turns is deleted by now.
    bot.restart().await;
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

/// A turn that writes a file of four thousand bytes, and reads it again so many times.
fn reads_again_and_again(times: usize) -> impl Iterator<Item = Reply> {
    let line = "All work and no play. ".repeat(9);
    let content = vec![line; 20].join("\n");
    let write = json!({ "path": "a.txt", "content": content });
    let read = |from: usize| ("read_file", json!({ "path": "a.txt", "offset": from % 2 }));
    let reads = (0..times).map(move |from| Reply::tools([read(from)]));
    std::iter::once(Reply::tools([("create_file", write)])).chain(reads)
}

const FILES: (&str, &str) = ("tools.file_storage.enabled", "true");

#[tokio::test]
async fn what_a_turn_finds_never_outgrows_a_small_window() {
    let bot = TestBot::with(&[FILES, ("llm.context_tokens", "10000")]).await;
    // As the fake counts, which is less than the estimate.
    bot.provider.set_context_limit(Some(7500));
    bot.model(reads_again_and_again(8).chain([Reply::text("All read.")]));
    bot.says("read it well").await.replies("All read.").await;
    let last = bot.provider.requests().pop().unwrap();
    assert_eq!(last.messages().len(), 3 + 18, "no step is left out");
    let cut = |content: &&&Value| content.to_string().contains("tail");
    let contents = contents(&last);
    let cut = contents.iter().filter(|content| cut(content)).count();
    assert!((3..8).contains(&cut), "{cut} are shown in part");
    bot.finish().await;
}

#[tokio::test]
async fn a_request_that_is_too_long_for_the_server_gets_shorter_with_each_retry() {
    // The settings say that the window is larger than it is.
    let bot = TestBot::with(&[FILES]).await;
    bot.model(reads_again_and_again(12).chain([Reply::text("All read.")]));
    bot.says("read it well").await.replies("All read.").await;
    bot.provider.set_context_limit(Some(6000));
    bot.says("and what does it say?")
        .await
        .replies(
            "The model did not answer (the conversation is too long for it, 2 tries). Your \
             message is kept; send /retry to try again with less of the conversation, or a \
             shorter message after /new.",
        )
        .await;
    let tries = bot.provider.requests().len();
    bot.model([Reply::text("No play.")]);
    bot.says("/retry").await.replies("No play.").await;
    assert_eq!(bot.provider.requests().len(), tries + 1);
    bot.expecting_refusals().finish().await;
}
