//! Turns with tools.

use serde_json::{Value, json};

use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::test_bot::TestBot;

fn sum(expression: &str) -> Reply {
    Reply::tools([("calculate_expression", json!({ "expression": expression }))])
}

/// The results in a request, in order.
fn results(bot: &TestBot, request: usize) -> Vec<Value> {
    let request = &bot.provider.requests()[request];
    let tools = request.messages().iter().filter(|m| m["role"] == "tool");
    tools
        .map(|message| serde_json::from_str(message["content"].as_str().unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn results_go_back_to_the_model_until_it_answers() {
    let bot = TestBot::new().await;
    bot.model([sum("6*7"), sum("42+1").saying("Wait."), Reply::text("43.")]);
    let alice = bot.says("6*7+1, in words").await;
    alice.replies("Wait.").await.replies("43.").await;
    assert_eq!(results(&bot, 2)[0]["result"], "42");
    assert_eq!(results(&bot, 2)[1]["result"], "43");
    bot.finish().await;
}

#[tokio::test]
async fn what_cannot_be_run_is_told_to_the_model() {
    let bot = TestBot::new().await;
    let nonsense = Reply::tool_raw("calculate_expression", "{not json");
    let unknown = Reply::tools([("launch_rocket", json!({}))]);
    bot.model([nonsense, unknown, Reply::text("I cannot.")]);
    bot.says("launch, please").await.replies("I cannot.").await;
    assert_eq!(results(&bot, 2)[0]["code"], "bad_arguments");
    assert_eq!(results(&bot, 2)[1]["code"], "unknown_tool");
    bot.finish().await;
}

#[tokio::test]
async fn the_same_call_over_and_over_is_answered_with_a_refusal() {
    let bot = TestBot::new().await;
    bot.model([sum("1+1"), sum("1+1"), sum("1+1"), Reply::text("2.")]);
    bot.says("think hard about one and one")
        .await
        .replies("2.")
        .await;
    assert_eq!(results(&bot, 3)[2]["code"], "repeated");
    bot.finish().await;
}

#[tokio::test]
async fn a_turn_goes_on_after_a_restart_where_it_stood() {
    let mut bot = TestBot::with(&[("runtime.shutdown_grace_seconds", "0.1")]).await;
    let save = json!({ "title": "colour", "data": "blue" });
    let gate = Gate::new();
    bot.model([
        Reply::tools([("user_memory_save", save)]),
        Reply::text("never").held(&gate),
        Reply::text("Saved."),
    ]);
    bot.says("keep in mind that my colour is blue, would you")
        .await;
    gate.wait_for_arrivals(1).await;
    bot.restart().await;
    bot.alice().replies("Saved.").await;
    let requests = bot.provider.requests();
    assert_eq!(requests.len(), 3, "the answered call is not paid for again");
    assert_eq!(results(&bot, 1), results(&bot, 2), "nor the tool run again");
    bot.finish().await;
}

#[tokio::test]
async fn a_turn_has_only_so_many_steps() {
    let bot = TestBot::with(&[("llm.max_tool_iterations", "2")]).await;
    bot.model([sum("1+1"), sum("1+2")]);
    bot.says("count on and on")
        .await
        .replies_with("I stopped before I was done")
        .await;
    bot.finish().await;
}
