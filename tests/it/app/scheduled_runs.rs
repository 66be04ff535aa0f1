//! Scheduled runs of the model: silent ones, failing ones, stuck ones.

use chrono::TimeDelta;
use minibot::core::ids::JobId;
use minibot::core::jobs::{Job, OccurrenceState};
use serde_json::{Value, json};

use super::cards::press;
use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, TestBot};

const TASK: &str = "look at the news";

/// A task that runs every hour from the next hour on.
async fn schedule(bot: &TestBot) {
    let arguments = json!({
        "content": TASK, "role": "user",
        "recurrence_type": "interval", "recurrence_interval_seconds": 3600,
    });
    bot.model([
        Reply::tools([("schedule_prompt", arguments)]),
        Reply::text("Set."),
    ]);
    bot.says("do it").await.replies("Set.").await;
}

/// A bot whose model is asked once in each attempt.
async fn bot() -> TestBot {
    TestBot::with(&[("llm.retry_attempts", "1")]).await
}

async fn job(bot: &TestBot) -> Job {
    bot.ports().jobs.get(JobId(1)).await.unwrap().unwrap()
}

/// Waits until the newest receipt is in this state, and returns its reason.
async fn receipt(bot: &TestBot, state: OccurrenceState) -> Option<String> {
    let look = async {
        loop {
            match job(bot).await.last_occurrence {
                Some(last) if last.state == state => return last.reason,
                _ => {}
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), look)
        .await
        .unwrap_or_else(|_| panic!("never {state:?}\n{}", bot.telegram.dump()))
}

fn contents(messages: &[Value]) -> String {
    let texts = messages.iter().filter_map(|m| m["content"].as_str());
    texts.collect::<Vec<_>>().join("\n---\n")
}

#[tokio::test]
async fn a_run_with_nothing_to_report_leaves_no_trace_in_the_chat() {
    let bot = bot().await;
    schedule(&bot).await;
    let gate = Gate::new();
    bot.model([
        Reply::tools([("current_datetime", json!({}))]).saying("Let me look at the clock."),
        Reply::text("NOTHING_TO_REPORT").held(&gate),
    ]);
    let typed = bot.telegram.typing(ALICE).len();
    bot.advance(TimeDelta::hours(1));
    gate.wait_for_arrivals(1).await;
    // Long enough for any other turn to show that it works.
    bot.advance(TimeDelta::seconds(5));
    gate.open();
    let reason = receipt(&bot, OccurrenceState::Ran).await;
    assert_eq!(reason.as_deref(), Some("nothing to report"));
    let requests = bot.provider.requests();
    let asked = contents(requests[2].messages());
    assert!(asked.contains("This is a scheduled run"), "{asked}");
    assert!(
        asked.contains("answer exactly NOTHING_TO_REPORT"),
        "{asked}"
    );
    assert_eq!(requests[2].last_user_text(), TASK);
    assert_eq!(bot.telegram.typing(ALICE).len(), typed);
    assert_eq!(bot.ports().outbox.count_waiting(None).await.unwrap(), 0);
    // The conversation does not know of it either.
    bot.model([Reply::text("Hello.")]);
    bot.says("hi").await.replies("Hello.").await;
    let shown = contents(bot.provider.requests()[4].messages());
    assert!(
        !shown.contains(TASK) || !shown.contains("NOTHING"),
        "{shown}"
    );
    bot.finish().await;
}

#[tokio::test]
async fn a_run_may_not_create_schedules() {
    let bot = bot().await;
    schedule(&bot).await;
    let another = json!({ "content": "again", "delay_seconds": 60 });
    bot.model([
        Reply::tools([("schedule_prompt", another)]),
        Reply::text("I may not."),
    ]);
    bot.advance(TimeDelta::hours(1));
    bot.alice().replies("I may not.").await;
    let results = contents(bot.provider.requests()[3].messages());
    assert!(results.contains("a scheduled run may not create schedules"));
    assert!(bot.ports().jobs.get(JobId(2)).await.unwrap().is_none());
    bot.finish().await;
}

#[tokio::test]
async fn a_failing_run_is_tried_again_and_then_told_of_with_a_button() {
    let bot = bot().await;
    schedule(&bot).await;
    bot.model([Reply::status(500), Reply::status(500), Reply::status(500)]);
    bot.advance(TimeDelta::hours(1));
    bot.provider.wait_for_requests(3).await;
    wait_for_reason(&bot, "attempt 1: no answer of the model: HTTP 500").await;
    bot.advance(TimeDelta::minutes(1));
    bot.provider.wait_for_requests(4).await;
    wait_for_reason(&bot, "attempt 2: no answer of the model: HTTP 500").await;
    assert_eq!(bot.alice().texts(), ["Set."]);
    bot.advance(TimeDelta::minutes(5));
    let told = bot.alice().replies_with("was not finished").await;
    let text = "A scheduled task was not finished: look at the news\n\
                (no answer of the model: HTTP 500, 3 attempts)";
    assert_eq!(told.text, text);
    receipt(&bot, OccurrenceState::Failed).await;
    // Three failures in a row have opened the breaker.
    bot.advance(TimeDelta::minutes(1));
    bot.model([Reply::text("All is well.")]);
    let retry = &told.buttons()[0];
    assert_eq!(retry, "r:1:retry");
    assert_eq!(
        press(&bot, ALICE, ALICE, told.id, retry).await,
        "Trying again"
    );
    bot.alice().replies("All is well.").await;
    receipt(&bot, OccurrenceState::Ran).await;
    assert_eq!(
        press(&bot, ALICE, ALICE, told.id, retry).await,
        "It has run since"
    );
    let edited = bot
        .telegram
        .wait_for_text(ALICE, "🔁 Again since 11:")
        .await;
    assert!(edited.text.starts_with(text));
    assert_eq!(edited.buttons(), [""; 0]);
    bot.finish().await;
}

async fn wait_for_reason(bot: &TestBot, reason: &str) {
    let look = async {
        while receipt(bot, OccurrenceState::Running).await.as_deref() != Some(reason) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), look)
        .await
        .unwrap_or_else(|_| panic!("never {reason}"));
}

/// What a run has done before it failed is not done again, neither by its next attempts nor by the button.
#[tokio::test]
async fn another_attempt_goes_on_where_the_one_before_ended() {
    let bot = bot().await;
    schedule(&bot).await;
    let note = json!({ "title": "news", "data": "looked at" });
    bot.model([
        Reply::tools([("user_memory_save", note)]),
        Reply::status(500),
        Reply::status(500),
        Reply::status(500),
    ]);
    bot.advance(TimeDelta::hours(1));
    wait_for_reason(&bot, "attempt 1: no answer of the model: HTTP 500").await;
    bot.says("/new")
        .await
        .replies_with("A fresh conversation.")
        .await;
    bot.advance(TimeDelta::minutes(1));
    wait_for_reason(&bot, "attempt 2: no answer of the model: HTTP 500").await;
    bot.advance(TimeDelta::minutes(5));
    let told = bot.alice().replies_with("was not finished").await;
    let reason = "no answer of the model: HTTP 500, 3 attempts; what it had done by then stays";
    assert!(
        told.text.ends_with(&format!("\n({reason})")),
        "{}",
        told.text
    );
    // Three failures in a row have opened the breaker.
    bot.advance(TimeDelta::minutes(1));
    bot.model([Reply::text("Looked and noted.")]);
    press(&bot, ALICE, ALICE, told.id, &told.buttons()[0]).await;
    bot.alice().replies("Looked and noted.").await;
    for request in &bot.provider.requests()[4..] {
        let results = request
            .messages()
            .iter()
            .filter(|one| one["role"] == "tool");
        assert_eq!(results.count(), 1, "{}", request.body);
        assert_eq!(request.last_user_text(), TASK);
        let told = request.body.to_string();
        assert!(told.contains("A try before this one began at 20"), "{told}");
    }
    // It belongs to the conversation in which it came to its end.
    bot.model([Reply::text("To the news.")]);
    bot.says("to what did you look?")
        .await
        .replies("To the news.")
        .await;
    let shown = contents(bot.provider.requests().last().unwrap().messages());
    assert!(shown.contains("Looked and noted."), "{shown}");
    bot.finish().await;
}

#[tokio::test]
async fn an_attempt_outlives_a_restart() {
    let mut bot = bot().await;
    schedule(&bot).await;
    bot.model([Reply::status(500), Reply::text("All is well.")]);
    bot.advance(TimeDelta::hours(1));
    wait_for_reason(&bot, "attempt 1: no answer of the model: HTTP 500").await;
    bot.stop().await;
    bot.advance(TimeDelta::minutes(2));
    bot.start().await;
    bot.alice().replies("All is well.").await;
    receipt(&bot, OccurrenceState::Ran).await;
    bot.finish().await;
}

#[tokio::test]
async fn a_task_that_is_wanted_now_begins_now() {
    let bot = bot().await;
    schedule(&bot).await;
    bot.says("/reminders").await;
    let list = bot.telegram.wait_for_text(ALICE, "Reminders: 1").await;
    bot.alice().has_read_all();
    bot.model([Reply::text("All is well.")]);
    press(&bot, ALICE, ALICE, list.id, "j:1:run:0").await;
    bot.alice().replies("All is well.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_stuck_run_does_not_hold_up_the_schedule() {
    let bot = TestBot::with(&[
        ("llm.retry_attempts", "1"),
        ("runtime.turn_timeout_seconds", "100000"),
        ("llm.request_timeout_seconds", "100000"),
    ])
    .await;
    schedule(&bot).await;
    let gate = Gate::new();
    bot.model([Reply::text("At last.").held(&gate)]);
    bot.advance(TimeDelta::hours(1));
    gate.wait_for_arrivals(1).await;
    bot.advance(TimeDelta::hours(1));
    let reason = receipt(&bot, OccurrenceState::Skipped).await;
    assert_eq!(reason.as_deref(), Some("previous run still going"));
    gate.open();
    bot.alice().replies("At last.").await;
    bot.model([Reply::text("On time.")]);
    bot.advance(TimeDelta::hours(1));
    bot.alice().replies("On time.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_task_that_is_cancelled_while_it_waits_in_line_does_not_run() {
    let bot = bot().await;
    schedule(&bot).await;
    let gate = Gate::new();
    bot.model([Reply::text("Done at last.").held(&gate)]);
    bot.says("something long").await;
    gate.wait_for_arrivals(1).await;
    bot.advance(TimeDelta::hours(1));
    receipt(&bot, OccurrenceState::Running).await;
    bot.says("/reminders").await;
    let list = bot.telegram.wait_for_text(ALICE, "Reminders: 1").await;
    let notice = press(&bot, ALICE, ALICE, list.id, "j:1:cancel:0").await;
    assert_eq!(notice, "Cancelled");
    let reason = receipt(&bot, OccurrenceState::Skipped).await;
    assert_eq!(reason.as_deref(), Some("cancelled"));
    bot.model([Reply::text("Here.")]);
    gate.open();
    bot.telegram.wait_for_text(ALICE, "Done at last.").await;
    bot.alice().has_read_all();
    bot.says("still there?").await.replies("Here.").await;
    assert_eq!(bot.provider.requests()[3].last_user_text(), "still there?");
    bot.finish().await;
}

#[tokio::test]
async fn retry_means_what_the_person_wrote() {
    let bot = bot().await;
    schedule(&bot).await;
    bot.model([Reply::status(500), Reply::status(500)]);
    bot.says("what is up").await;
    bot.alice().replies_with("send /retry").await;
    bot.advance(TimeDelta::hours(1));
    wait_for_reason(&bot, "attempt 1: no answer of the model: HTTP 500").await;
    bot.model([Reply::text("Nothing much.")]);
    bot.says("/retry").await.replies("Nothing much.").await;
    assert_eq!(bot.provider.requests()[4].last_user_text(), "what is up");
    bot.finish().await;
}
