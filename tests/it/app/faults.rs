//! Faults of models: what the person reads, after how many tries, and that the next turn works.

use std::time::Duration;

use serde_json::json;

use super::approvals::{button, card, save};
use super::cards::press;
use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, TestBot};

const QUESTION: &str = "what do you think of Mozart?";
const ANSWER: &str = "A great composer.";

fn told(why: &str) -> String {
    format!("The model did not answer ({why}). Your message is kept; send /retry to try again.")
}

/// A bot that asks before it saves a note.
async fn asking_with(more: &[(&str, &str)]) -> TestBot {
    let asks = [
        ("approvals.tools.*", "allow"),
        ("approvals.tools.user_memory_save", "ask"),
    ];
    let overrides: Vec<(&str, &str)> = asks.iter().chain(more).copied().collect();
    TestBot::with(&overrides).await
}

/// The next turn works, and then the failed one is over.
async fn goes_on(bot: TestBot) {
    bot.model([Reply::text(ANSWER)]);
    bot.says(QUESTION).await.replies(ANSWER).await;
    bot.finish().await;
}

/// A thing that is done.
fn sum(step: usize) -> Reply {
    let expression = format!("{step}+1");
    Reply::tools([("calculate_expression", json!({ "expression": expression }))])
}

#[tokio::test]
async fn what_fails_until_the_end_is_told_with_its_tries() {
    let key = "the API key was not accepted";
    let cases = [
        (vec![Reply::status(500); 3], told("HTTP 500, 3 tries")),
        (vec![Reply::status(529); 3], told("HTTP 529, 3 tries")),
        (vec![Reply::rate_limited(0); 3], told("HTTP 429, 3 tries")),
        (
            vec![Reply::drop_connection(); 3],
            told("no connection, 3 tries"),
        ),
        (
            vec![Reply::half_stream("A gre"); 3],
            format!("A gre\n\n{}", told("the connection broke, 3 tries")),
        ),
        (
            vec![Reply::invalid_json(); 3],
            told("unreadable answer, 3 tries"),
        ),
        (vec![Reply::error_in_200(); 3], told("HTTP 502, 3 tries")),
        (
            vec![Reply::status(400)],
            told("HTTP 400, request not accepted"),
        ),
        (
            vec![Reply::status(401)],
            format!(
                "The model did not answer ({key}). Your message is kept; check llm.api_key, then \
                 send /retry."
            ),
        ),
        (
            vec![Reply::status(403)],
            format!(
                "The model did not answer ({key}). Your message is kept; check llm.api_key, then \
                 send /retry."
            ),
        ),
    ];
    for (replies, words) in cases {
        let bot = TestBot::new().await;
        let tries = replies.len();
        bot.model(replies);
        bot.says(QUESTION).await.replies(&words).await;
        assert_eq!(bot.provider.requests().len(), tries, "{words}");
        goes_on(bot).await;
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_in_time_is_asked_again_and_told_as_such() {
    let limits = [
        ("llm.request_timeout_seconds", "20"),
        ("llm.retry_attempts", "2"),
    ];
    let bot = TestBot::with(&limits).await;
    bot.model([Reply::hang(), Reply::hang()]);
    bot.says(QUESTION).await;
    for tries in 1..=2 {
        bot.provider.wait_for_requests(tries).await;
        bot.time_passes(Duration::from_secs(21)).await;
    }
    let words = told("no answer in time, 2 tries");
    bot.alice().replies(&words).await;
    goes_on(bot).await;
}

#[tokio::test]
async fn an_answer_that_stalls_is_given_up_below_what_was_shown() {
    let limits = [
        ("llm.stall_timeout_seconds", "20"),
        ("llm.retry_attempts", "1"),
    ];
    let bot = TestBot::with(&limits).await;
    let gate = Gate::new();
    bot.model([Reply::text("one two three four five six").held_midway(&gate)]);
    bot.says(QUESTION).await;
    gate.wait_for_arrivals(1).await;
    bot.advance(chrono::TimeDelta::seconds(1));
    bot.telegram.wait_for_calls("sendMessage", 1).await;
    bot.time_passes(Duration::from_secs(21)).await;
    let words = told("no answer in time");
    let shown = bot.alice().replies_with(&words).await.text;
    assert!(shown.starts_with("one two"), "{shown}");
    goes_on(bot).await;
}

#[tokio::test]
async fn a_server_that_asks_for_a_pause_gets_it() {
    let bot = TestBot::new().await;
    bot.model([Reply::rate_limited(7), Reply::text("A composer.")]);
    bot.says(QUESTION).await;
    bot.provider.wait_for_requests(1).await;
    bot.time_passes(Duration::from_secs(8)).await;
    bot.alice().replies("A composer.").await;
    let asked: Vec<_> = bot.provider.requests().iter().map(|one| one.at).collect();
    assert!(asked[1] - asked[0] >= Duration::from_secs(7), "{asked:?}");
    goes_on(bot).await;
}

#[tokio::test]
async fn a_turn_of_too_many_steps_stops_and_can_go_on() {
    let bot = TestBot::with(&[("llm.max_tool_iterations", "2")]).await;
    bot.model([sum(1), sum(2)]);
    bot.says("add up for ever")
        .await
        .replies(
            "I stopped before I was done: this took more steps than one answer may have. \
             Say \"go on\" to let me continue.",
        )
        .await;
    bot.model([sum(3), Reply::text("4.")]);
    bot.says("go on").await.replies("4.").await;
    goes_on(bot).await;
}

#[tokio::test]
async fn a_turn_that_takes_too_long_stops_and_can_be_run_again() {
    let bot = TestBot::with(&[("runtime.turn_timeout_seconds", "30")]).await;
    bot.model([sum(1), Reply::hang()]);
    bot.says(QUESTION).await;
    bot.provider.wait_for_requests(2).await;
    bot.time_passes(Duration::from_secs(31)).await;
    bot.alice()
        .replies("This took too long, so I stopped. Send /retry to try again.")
        .await;
    bot.model([Reply::text("A composer.")]);
    bot.says("/retry").await.replies("A composer.").await;
    goes_on(bot).await;
}

#[tokio::test]
async fn the_time_for_which_a_person_thinks_does_not_count() {
    let bot = asking_with(&[("runtime.turn_timeout_seconds", "30")]).await;
    bot.model([save("key"), Reply::text("Saved.")]);
    let question = card(bot.says("note the key").await).await;
    bot.time_passes(Duration::from_secs(60)).await;
    press(&bot, ALICE, ALICE, question.id, &button(&question, ":y")).await;
    bot.alice().replies("Saved.").await;
    goes_on(bot).await;
}

#[tokio::test]
async fn what_was_said_before_a_tool_is_not_said_again_when_the_turn_is_stopped() {
    let bot = asking_with(&[]).await;
    bot.model([save("key").saying("I will note it.")]);
    let chat = bot.says("note the key").await;
    let _question = card(chat.replies("I will note it.").await).await;
    bot.says("/stop").await.replies("Stopped.").await;
    goes_on(bot).await;
}
