//! What models cost, and what happens when the budget is used up.

use chrono::TimeDelta;
use chrono_tz::Tz;
use minibot::app::spending;
use minibot::core::budget::BudgetLimits;
use minibot::core::clock::Clock;
use minibot::core::money::MicroUsd;
use minibot::wiring::beside::Beside;
use serde_json::json;

use super::cards::press;
use crate::support::fake_model::{Quirk, Reply};
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, BOB, TestBot};

/// A million tokens in cost a dollar, out two.
const PRICES: [(&str, &str); 2] = [
    ("llm.prices.fake.input", "1.0"),
    ("llm.prices.fake.output", "2.0"),
];

/// A bot that may spend half a dollar a day, and is Bob's.
async fn bot_with_budget() -> TestBot {
    let [input, output] = PRICES;
    let budget = ("llm.budget.daily_usd", "0.5");
    let owner = ("runtime.owner_user_id", "1002");
    TestBot::with(&[input, output, budget, owner]).await
}

const QUESTION: &str = "what do you think of Mozart?";
const USED_UP: &str = "Today's budget of $0.50 is used up. Reminders, notes and sums go on without \
    a model. Your message is kept: the owner can send /budget +1 for another dollar, then /retry \
    tries again.";

#[tokio::test]
async fn usage_tells_tokens_and_money() {
    let bot = TestBot::with(&PRICES).await;
    bot.says("/usage")
        .await
        .replies_with("no model was asked")
        .await;
    bot.model([
        Reply::status(500),
        Reply::text("A composer.").usage(200_000, 50_000),
    ]);
    bot.says(QUESTION).await.replies("A composer.").await;
    let line = "• fake: 2 calls, 200,000 tokens in, 50,000 out, $0.30";
    let report = format!("Today: $0.30\n{line}\nThis month: $0.30\n{line}");
    bot.says("/usage").await.replies(&report).await;
    bot.says("/budget")
        .await
        .replies_with("There is no budget")
        .await;
    bot.finish().await;
}

#[tokio::test]
async fn what_the_server_says_that_a_call_has_cost_counts_before_the_prices() {
    let [input, output] = PRICES;
    let provider = ("llm.provider", "openrouter");
    let budget = ("llm.budget.daily_usd", "0.5");
    let owner = ("runtime.owner_user_id", "1002");
    let bot = TestBot::with(&[input, output, provider, budget, owner]).await;
    let answer = json!({ "model": "dear", "choices": [{ "message": { "content": "A composer." }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 5, "cost": 0.5 } });
    bot.model([Reply::custom(200, answer.to_string())]);
    bot.says(QUESTION).await.replies("A composer.").await;
    bot.says("/usage")
        .await
        .replies_with("• dear: 1 call, 10 tokens in, 5 out, $0.50")
        .await;
    bot.bob()
        .replies("$0.50 of today's budget of $0.50 is spent. /usage shows for what.")
        .await;
    bot.says(QUESTION).await.replies(USED_UP).await;
    bot.finish().await;
}

#[tokio::test]
async fn the_command_line_reads_the_same_beside_the_running_bot() {
    let bot = TestBot::with(&PRICES).await;
    bot.model([Reply::text("A composer.").usage(200_000, 50_000)]);
    bot.says(QUESTION).await.replies("A composer.").await;
    let beside = Beside::open(&bot.settings).await.unwrap();
    let usage = beside.ports.usage.as_ref();
    let (limits, now) = (BudgetLimits::default(), bot.clock.now());
    let report = spending::report(usage, limits, Tz::UTC, now).await.unwrap();
    assert_eq!(report.today, report.month);
    assert_eq!(report.today[0].cost, MicroUsd::new(300_000));
    beside.close().await;
    bot.finish().await;
}

#[tokio::test]
async fn a_model_without_a_price_is_counted_in_tokens() {
    let bot = TestBot::new().await;
    bot.model([Reply::text("A composer.").usage(10, 5)]);
    bot.says(QUESTION).await.replies("A composer.").await;
    let report = bot.says("/usage").await.replies_with("price unknown").await;
    assert!(
        report.text.contains("10 tokens in, 5 out"),
        "{}",
        report.text
    );
    bot.finish().await;
}

#[tokio::test]
async fn a_call_that_was_broken_off_is_booked_as_it_was_expected() {
    let mut bot = TestBot::with(&PRICES).await;
    let gate = Gate::new();
    bot.model([Reply::text("never").held(&gate)]);
    bot.says(QUESTION).await;
    gate.wait_for_arrivals(1).await;
    bot.says("/stop").await.replies("Stopped.").await;
    let before = bot.says("/usage").await.replies_with("fake: 1 call").await;
    assert!(
        !before.text.starts_with("Today: $0.00\n"),
        "{}",
        before.text
    );
    bot.restart().await;
    let after = bot.says("/usage").await.replies_with("fake: 1 call").await;
    assert_eq!(after.text, before.text);
    bot.finish().await;
}

#[tokio::test]
async fn a_server_that_counts_nothing_is_counted_for() {
    let bot = TestBot::with(&PRICES).await;
    bot.model([Reply::text("word ".repeat(600)).quirk(Quirk::NoUsage)]);
    bot.says(QUESTION).await.replies_with("word").await;
    let report = bot.says("/usage").await.replies_with("Today: ").await;
    let text = report.text;
    let has_price = !text.starts_with("Today: $0.00\n") && !text.contains("unknown");
    assert!(has_price, "{text}");
    bot.finish().await;
}

#[tokio::test]
async fn when_the_budget_is_used_up_no_model_is_asked_and_the_rest_goes_on() {
    let mut bot = bot_with_budget().await;
    bot.model([Reply::text("A composer.").usage(500_000, 0)]);
    bot.says(QUESTION).await.replies("A composer.").await;
    bot.bob()
        .replies("$0.50 of today's budget of $0.50 is spent. /usage shows for what.")
        .await;
    bot.says(QUESTION).await.replies(USED_UP).await;
    bot.restart().await;
    bot.says(QUESTION).await.replies(USED_UP).await;
    bot.says("remind me in 30 minutes to stretch")
        .await
        .replies_with("stretch")
        .await;
    bot.advance(TimeDelta::minutes(30));
    bot.alice().replies("stretch").await;
    assert_eq!(bot.provider.requests().len(), 1);
    bot.advance(TimeDelta::days(1));
    bot.model([Reply::text("Still a composer.").usage(1, 1)]);
    bot.says(QUESTION).await.replies("Still a composer.").await;
    bot.finish().await;
}

#[tokio::test]
async fn the_owner_can_add_to_the_budget_and_nobody_else() {
    let mut bot = bot_with_budget().await;
    bot.model([Reply::text("A composer.").usage(450_000, 50_000)]);
    bot.says(QUESTION).await.replies("A composer.").await;
    let warning = bot.bob().replies_with("of today's budget").await;
    bot.says(QUESTION).await.replies(USED_UP).await;
    let (shown, button) = (bot.alice().messages()[0].id, "b:1");
    let notice = press(&bot, ALICE, ALICE, shown, button).await;
    assert_eq!(notice, "Only the owner can change the budget");
    let notice = press(&bot, BOB, BOB, warning.id, button).await;
    assert_eq!(notice, "Another dollar for today");
    bot.says("/budget +1")
        .await
        .replies_with("Only the owner")
        .await;
    for wrong in ["1", "+0", "+-1", "+1e3", "+9999", "+x", "+NaN"] {
        let command = format!("/budget {wrong}");
        let answer = bot.bob().says(&command).await;
        answer.replies_with("how many dollars more").await;
    }
    let line = "Budget: $1.95 of $2.50 left today";
    bot.bob().says("/budget +$1").await.replies(line).await;
    bot.restart().await;
    bot.says("/budget").await.replies(line).await;
    bot.model([Reply::text("Still one.").usage(1, 1)]);
    bot.says("/retry").await.replies("Still one.").await;
    bot.finish().await;
}

#[tokio::test]
async fn the_owner_has_a_button_whenever_a_budget_is_used_up() {
    let bot = bot_with_budget().await;
    for spent in [
        "$0.50 of today's budget of $0.50",
        "$1.50 of today's budget of $1.50",
    ] {
        let costs = if spent.starts_with("$0") {
            500_000
        } else {
            1_000_000
        };
        bot.model([Reply::text("A composer.").usage(costs, 0)]);
        bot.says(QUESTION).await.replies("A composer.").await;
        bot.bob().replies_with(spent).await;
        let others = bot.says(QUESTION).await.replies_with("used up").await;
        assert!(others.buttons().is_empty(), "of no use to Alice");
        let own = bot.bob().says(QUESTION).await;
        let own = own.replies_with("budget of $").await;
        assert_eq!(own.buttons(), ["b:1"], "{}", own.text);
        let notice = press(&bot, BOB, BOB, own.id, "b:1").await;
        assert_eq!(notice, "Another dollar for today");
    }
    bot.model([Reply::text("A composer.").usage(0, 0)]);
    bot.bob().says("/retry").await.replies("A composer.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_call_that_is_broken_off_behind_the_turns_is_booked_at_once() {
    let mut overrides = PRICES.to_vec();
    overrides.push(("memory.compaction", "true"));
    overrides.push(("memory.history_window", "4"));
    let bot = TestBot::with(&overrides).await;
    bot.model([
        Reply::text("A composer."),
        Reply::text("Another."),
        Reply::hang(),
    ]);
    bot.says(QUESTION).await.replies("A composer.").await;
    bot.says("and Bach?").await.replies("Another.").await;
    bot.provider.wait_for_requests(3).await;
    // The summary takes too long.
    bot.time_passes(std::time::Duration::from_secs(91)).await;
    let usage = bot.ports().usage.clone();
    let booked = async {
        let since = bot.clock.now() - TimeDelta::hours(1);
        while usage.by_model(since).await.unwrap()[0].calls < 3 {
            tokio::task::yield_now().await;
        }
    };
    let soon = std::time::Duration::from_secs(10);
    tokio::time::timeout(soon, booked).await.unwrap();
    bot.finish().await;
}
