//! Each call of a model is a row of usage, however it ended.

use std::time::Duration;

use minibot::core::money::MicroUsd;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use crate::support::fake_model::{Reply, Request};
use crate::support::fake_telegram::{FileKind, UserFile};
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, TestBot};

/// A million tokens in cost a dollar, out two.
const PRICES: [(&str, &str); 2] = [
    ("llm.prices.fake.input", "1.0"),
    ("llm.prices.fake.output", "2.0"),
];
const QUESTION: &str = "what do you think of Mozart?";

async fn bot_with(more: &[(&str, &str)]) -> TestBot {
    let overrides: Vec<(&str, &str)> = PRICES.iter().chain(more).copied().collect();
    TestBot::with(&overrides).await
}

/// A row of usage.
#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
struct Row {
    purpose: String,
    outcome: String,
    model: String,
    input: i64,
    output: i64,
    cost_micro_usd: Option<i64>,
}

impl Row {
    fn is(&self, purpose: &str, outcome: &str) -> bool {
        (self.purpose.as_str(), self.outcome.as_str()) == (purpose, outcome)
    }

    fn cost(&self) -> i64 {
        self.cost_micro_usd.unwrap()
    }
}

async fn rows(bot: &TestBot) -> Vec<Row> {
    let options = SqliteConnectOptions::new().filename(bot.settings.database());
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query_as("SELECT purpose, outcome, model, input, output, cost_micro_usd FROM usage")
        .fetch_all(&mut database)
        .await
        .unwrap()
}

async fn spent(bot: &TestBot) -> MicroUsd {
    let usage = bot.ports().usage.by_model(chrono::DateTime::UNIX_EPOCH);
    usage.await.unwrap().iter().map(|model| model.cost).sum()
}

#[tokio::test]
async fn each_try_is_a_row_and_what_the_server_may_charge_has_a_price() {
    let bot = bot_with(&[("llm.retry_attempts", "5")]).await;
    bot.model([
        Reply::status(500),
        Reply::rate_limited(0),
        Reply::half_stream("word ".repeat(600)),
        Reply::invalid_json(),
        Reply::text("A composer.").usage(200_000, 50_000),
    ]);
    bot.says(QUESTION).await.replies("A composer.").await;
    let rows = rows(&bot).await;
    let outcomes: Vec<&str> = rows.iter().map(|row| row.outcome.as_str()).collect();
    assert_eq!(outcomes, ["failed", "failed", "failed", "failed", "ok"]);
    assert!(rows.iter().all(|row| row.model == "fake"), "{rows:?}");
    let costs: Vec<i64> = rows.iter().map(Row::cost).collect();
    assert_eq!(costs[..2], [0, 0], "what was refused costs nothing");
    let (half, no_answer) = (costs[2], costs[3]);
    assert!((1000..5000).contains(&no_answer), "the request: {costs:?}");
    let streamed = half - no_answer;
    assert!((1900..2100).contains(&streamed), "1,000 tokens: {costs:?}");
    assert_eq!(costs[4], 300_000, "as the server counted");
    bot.finish().await;
}

#[tokio::test]
async fn a_call_that_took_too_long_is_charged_as_it_is_estimated() {
    let limits = [
        ("llm.retry_attempts", "1"),
        ("llm.request_timeout_seconds", "20"),
        ("llm.budget.daily_usd", "0.01"),
    ];
    let bot = bot_with(&limits).await;
    bot.model([Reply::hang()]);
    bot.says(QUESTION).await;
    bot.provider.wait_for_requests(1).await;
    bot.time_passes(Duration::from_secs(21)).await;
    bot.alice().replies_with("The model did not answer").await;
    let rows = rows(&bot).await;
    assert!(
        rows[0].is("turn", "failed") && rows[0].cost() > 1000,
        "{rows:?}"
    );
    let report = bot.says("/usage").await.replies_with("Budget: $").await;
    let left = "Budget: $0.00";
    assert!(report.text.contains(left), "{}", report.text);
    bot.finish().await;
}

#[tokio::test]
async fn a_turn_that_is_stopped_between_two_tries_loses_no_call() {
    let bot = bot_with(&[]).await;
    let gate = Gate::new();
    bot.model([
        Reply::half_stream("A gre"),
        Reply::status(500),
        Reply::text("never").held(&gate),
    ]);
    bot.says(QUESTION).await;
    gate.wait_for_arrivals(1).await;
    bot.says("/stop").await.replies_with("Stopped.").await;
    bot.says("/usage").await.replies_with("fake: 3 calls").await;
    let rows = rows(&bot).await;
    assert!(rows.iter().all(|row| row.is("turn", "failed")), "{rows:?}");
    let free = rows.iter().filter(|row| row.cost() == 0);
    assert_eq!(free.count(), 1, "what was refused: {rows:?}");
    bot.finish().await;
}

#[tokio::test]
async fn a_call_that_the_end_of_the_process_breaks_off_is_booked_with_it() {
    let mut bot = bot_with(&[("runtime.shutdown_grace_seconds", "0.05")]).await;
    bot.model([Reply::hang()]);
    bot.says(QUESTION).await;
    bot.provider.wait_for_requests(1).await;
    bot.stop().await;
    let left = rows(&bot).await;
    assert!(left.len() == 1 && left[0].cost() > 1000, "{left:?}");
    bot.model([Reply::text("A composer.").usage(1, 1)]);
    bot.start().await;
    bot.alice().replies("A composer.").await;
    assert_eq!(rows(&bot).await.len(), 2);
    bot.finish().await;
}

fn is_compaction(request: &Request) -> bool {
    let system = request.body["messages"][0]["content"].as_str();
    system.is_some_and(|text| text.starts_with("You keep the memory"))
}

#[tokio::test]
async fn a_summary_that_took_too_long_is_booked_as_one() {
    let small = [
        ("memory.history_window", "4"),
        ("memory.compaction", "true"),
    ];
    let bot = bot_with(&small).await;
    bot.provider.respond_with(|request| {
        if is_compaction(request) {
            Reply::hang()
        } else {
            Reply::text("Noted.").usage(1, 1)
        }
    });
    for text in ["one", "two"] {
        bot.says(text).await.replies("Noted.").await;
    }
    bot.provider.wait_for_requests(3).await;
    bot.time_passes(Duration::from_secs(91)).await;
    let report = bot.says("/usage").await.replies_with("3 calls").await;
    let rows = rows(&bot).await;
    let summary = rows.iter().find(|row| row.is("compaction", "failed"));
    assert!(
        summary.is_some_and(|row| row.cost() > 0),
        "{report:?} {rows:?}"
    );
    bot.finish().await;
}

const LISTENING: [(&str, &str); 3] = [
    ("tools.audio_transcription.enabled", "true"),
    ("llm.prices.whisper-1.input", "1000.0"),
    ("llm.prices.whisper-1.output", "1000.0"),
];

fn says_aloud(bot: &TestBot) {
    let file = UserFile::new(FileKind::Voice, "voice.ogg", vec![7; 3000]);
    bot.telegram.user_sends_file(ALICE, ALICE, file);
}

#[tokio::test]
async fn each_try_of_listening_is_a_row_with_a_price() {
    let bot = bot_with(&LISTENING).await;
    let answer = |usage: serde_json::Value| {
        let answer = serde_json::json!({ "text": "How tall is it?", "usage": usage });
        (200, answer)
    };
    let counted = serde_json::json!({ "input_tokens": 14, "output_tokens": 6 });
    let cases = [
        (counted, 20_000),
        // Where nothing is counted, a token is taken for 300 bytes of sound or 3 of words.
        (
            serde_json::json!({ "type": "duration", "seconds": 2 }),
            15_000,
        ),
    ];
    for (usage, cost) in cases {
        let before = rows(&bot).await.len();
        let refused = (503, serde_json::json!({}));
        bot.provider.hears([refused, answer(usage)]);
        bot.model([Reply::text("4,806 m.").usage(0, 0)]);
        says_aloud(&bot);
        let chat = bot.alice().replies("🎤 How tall is it?").await;
        chat.replies("4,806 m.").await;
        let rows = rows(&bot).await.split_off(before);
        let listened = rows.iter().filter(|row| row.model == "whisper-1");
        let listened: Vec<(&str, i64)> = listened
            .map(|row| (row.outcome.as_str(), row.cost()))
            .collect();
        assert_eq!(listened, [("failed", 0), ("ok", cost)]);
    }
    bot.finish().await;
}

#[tokio::test]
async fn when_the_budget_is_used_up_nothing_is_listened_to() {
    let budget = [
        ("llm.budget.daily_usd", "0.02"),
        ("runtime.owner_user_id", "1002"),
    ];
    let overrides: Vec<(&str, &str)> = LISTENING.iter().chain(&budget).copied().collect();
    let bot = bot_with(&overrides).await;
    let words = serde_json::json!({
        "text": "How tall is it?",
        "usage": { "input_tokens": 14, "output_tokens": 6 },
    });
    bot.provider.hears([(200, words)]);
    says_aloud(&bot);
    bot.bob().replies_with("$0.0200 of today's budget").await;
    let chat = bot.alice().replies("🎤 How tall is it?").await;
    chat.replies_with("Today's budget of $0.0200 is used up.")
        .await;
    says_aloud(&bot);
    bot.alice()
        .replies(
            "I did not read the voice message: today's budget of $0.0200 is used up; \
             please send it again later, or write it instead.",
        )
        .await;
    assert_eq!(bot.provider.heard().len(), 1);
    assert_eq!(spent(&bot).await, MicroUsd::new(20_000));
    bot.finish().await;
}
