//! Models that stand in for others, as they are wired: on another server with another API, with their
//! own window and prompt; and the model of scheduled runs.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::test_bot::TestBot;

/// A bot with a small model on another server behind its own.
async fn with_spare() -> (TestBot, FakeModel) {
    let spare = FakeModel::start().await;
    let (url, key) = (spare.url(), spare.api_key());
    let bot = TestBot::with(&[
        ("llm.retry_attempts", "1"),
        ("llm.fallbacks", "[\"spare\"]"),
        ("llm.profiles.spare.provider", "openai_responses"),
        ("llm.profiles.spare.base_url", &url),
        ("llm.profiles.spare.api_key", &key),
        ("llm.profiles.spare.model", "spare"),
        ("llm.profiles.spare.context_tokens", "8000"),
        ("llm.profiles.spare.system_prompt", "You stand in."),
    ])
    .await;
    (bot, spare)
}

#[tokio::test]
async fn one_that_stands_in_is_asked_in_its_own_way() {
    let (bot, spare) = with_spare().await;
    for number in 0..4 {
        let said = format!("{number} {}", "word ".repeat(600));
        bot.model([Reply::text("Noted.")]);
        bot.says(&said).await.replies("Noted.").await;
    }
    bot.model([Reply::status(500)]);
    spare.replies([Reply::text("I stand in.")]);
    bot.says("and what was the first?")
        .await
        .replies("I stand in.")
        .await;
    let asked = bot.provider.requests().pop().unwrap();
    assert_eq!(asked.messages().len(), 1 + 8 + 2, "all of it");
    let stood_in = &spare.requests()[0];
    let input = stood_in.messages();
    assert_eq!(stood_in.last_user_text(), "and what was the first?");
    let first = input[0]["content"].to_string();
    assert!(
        first.starts_with("\"1 word") && input.len() == 8,
        "the newer ones: {input:?}"
    );
    let prompt = stood_in.body["instructions"].as_str().unwrap();
    assert!(
        prompt.starts_with("You stand in.\n\nHow you use tools:\n- Reminders:"),
        "{prompt}"
    );
    bot.finish().await;
}

#[tokio::test]
async fn a_server_that_is_down_is_left_alone_and_tried_again() {
    let (bot, spare) = with_spare().await;
    spare.respond_with(|_| Reply::text("I stand in."));
    bot.provider.respond_with(|_| Reply::status(500));
    for asked in [1, 2, 3, 3, 3] {
        bot.says("hello there").await.replies("I stand in.").await;
        assert_eq!(bot.provider.requests().len(), asked);
    }
    bot.advance(TimeDelta::seconds(15));
    bot.provider.respond_with(|_| Reply::text("Back again."));
    bot.says("hello there").await.replies("Back again.").await;
    bot.finish().await;
}

#[tokio::test]
async fn scheduled_runs_go_to_the_model_of_their_profile_and_its_fallbacks() {
    let cheap = FakeModel::start().await;
    let (url, key) = (cheap.url(), cheap.api_key());
    let bot = TestBot::with(&[
        ("llm.retry_attempts", "1"),
        ("scheduler.prompts.profile", "cheap"),
        ("llm.profiles.cheap.base_url", &url),
        ("llm.profiles.cheap.api_key", &key),
        ("llm.profiles.cheap.model", "cheap"),
        ("llm.profiles.cheap.fallbacks", "[\"other\"]"),
        ("llm.profiles.other.model", "other"),
    ])
    .await;
    let plan = json!({
        "content": "look at the news", "role": "user",
        "recurrence_type": "interval", "recurrence_interval_seconds": 3600,
    });
    bot.model([
        Reply::tools([("schedule_prompt", plan)]),
        Reply::text("Set."),
    ]);
    bot.says("do it").await.replies("Set.").await;
    cheap.replies([Reply::text("No news."), Reply::status(500)]);
    bot.advance(TimeDelta::hours(1));
    bot.alice().replies("No news.").await;
    assert_eq!(cheap.requests()[0].body["model"], "cheap");
    bot.model([Reply::text("Some news.")]);
    bot.advance(TimeDelta::hours(1));
    bot.alice().replies("Some news.").await;
    let asked = bot.provider.requests().pop().unwrap();
    assert_eq!(asked.body["model"], "other");
    bot.finish().await;
}
