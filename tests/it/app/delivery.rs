//! How answers reach the chat when they are long, or when Telegram is in a mood.

use std::time::Duration;

use chrono::TimeDelta;
use minibot::core::ids::JobId;
use minibot::core::jobs::{JobAction, JobFilter, JobStatus, JobStatusFilter};
use serde_json::json;

use crate::support::fake_model::Reply;
use crate::support::fake_telegram::Fault;
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, TestBot};

fn refusal(description: &str) -> Fault {
    let body = json!({ "ok": false, "error_code": 400, "description": description });
    Fault::Answer {
        status: 400,
        body: body.to_string(),
    }
}

fn lines(count: usize) -> String {
    let lines: Vec<String> = (1..=count)
        .map(|n| format!("{n} {}", "word ".repeat(19)))
        .collect();
    lines.join("\n\n")
}

#[tokio::test]
async fn a_long_answer_comes_in_parts_and_in_order() {
    let bot = TestBot::new().await;
    bot.model([Reply::text(lines(120))]);
    bot.says("much, please").await;
    bot.telegram.wait_for_text(ALICE, "120 word").await;
    let texts = bot.alice().texts();
    assert!((3..=5).contains(&texts.len()), "{} parts", texts.len());
    let numbers: Vec<usize> = texts
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| line.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(numbers, (1..=120).collect::<Vec<_>>());
    bot.alice().has_read_all();
    bot.finish().await;
}

#[tokio::test]
async fn five_parts_are_messages_and_six_are_a_document() {
    let bot = TestBot::with(&[("channels.telegram.stream_replies", "false")]).await;
    // One fills a message.
    let parts = |count: usize| -> String {
        let parts: Vec<String> = (1..=count)
            .map(|n| format!("{n} {}", "word ".repeat(800)))
            .collect();
        parts.join("\n\n")
    };
    bot.model([Reply::text(parts(5)), Reply::text(parts(6))]);
    bot.says("much, please").await;
    for number in 1..=5 {
        let part = bot.alice().replies_with(&format!("{number} word")).await;
        assert!(part.file.is_none());
    }
    bot.says("more, please").await;
    let whole = bot.alice().replies_with("the whole answer").await;
    assert_eq!(whole.file.expect("a document").name, "answer.md");
    bot.finish().await;
}

#[tokio::test]
async fn word_of_a_refusal_that_is_refused_too_ends_there() {
    let bot = TestBot::new().await;
    bot.telegram.fail(
        "sendMessage",
        [refusal("Bad Request: no"), refusal("Bad Request: nor this")],
    );
    bot.says("/whoami").await;
    bot.telegram.wait_for_calls("sendMessage", 2).await;
    bot.says("/status").await.replies_with("minibot").await;
    let calls = bot.telegram.calls("sendMessage");
    let said = calls[1].params["text"].as_str().unwrap();
    assert!(said.contains("could not be sent"), "{said}");
    assert_eq!(calls.len(), 3);
    bot.finish().await;
}

#[tokio::test]
async fn a_very_long_answer_is_one_document() {
    let bot = TestBot::with(&[("channels.telegram.stream_replies", "false")]).await;
    let text = lines(400);
    bot.model([Reply::text(text.clone())]);
    bot.says("very much, please").await;
    let message = bot.alice().replies_with("the whole answer").await;
    let file = message.file.expect("a document");
    assert_eq!(file.name, "answer.md");
    assert_eq!(&*file.bytes, text.as_bytes());
    bot.finish().await;
}

#[tokio::test]
async fn a_very_long_answer_that_has_begun_to_show_becomes_its_summary() {
    let bot = TestBot::new().await;
    let (text, gate) = (lines(600), Gate::new());
    assert!(text.len() >= 60_000);
    bot.model([Reply::text(text.clone()).held_midway(&gate)]);
    bot.says("very much, please").await;
    gate.wait_for_arrivals(1).await;
    bot.advance(TimeDelta::seconds(1));
    bot.telegram.wait_for(ALICE, |sent| !sent.is_empty()).await;
    gate.open();
    let alice = bot.alice();
    let summary = alice.replies_with("the whole answer").await;
    assert!(summary.file.is_none());
    let file = alice.replies_with("").await.file.expect("a document");
    assert_eq!(&*file.bytes, text.as_bytes());
    bot.finish().await;
}

#[tokio::test]
async fn a_flood_limit_is_waited_for() {
    let bot = TestBot::new().await;
    bot.telegram
        .fail("sendMessage", [Fault::TooManyRequests { retry_after: 1 }]);
    bot.model([Reply::text("Hello.")]);
    bot.says("hi").await.replies("Hello.").await;
    let calls = bot.telegram.calls("sendMessage");
    assert_eq!(calls.len(), 2);
    assert!(calls[1].at - calls[0].at >= Duration::from_secs(1));
    bot.finish().await;
}

#[tokio::test]
async fn a_service_that_is_down_is_tried_again() {
    let faults = [
        Fault::ServerError(502),
        Fault::HtmlError(504),
        Fault::DropBefore,
    ];
    for fault in faults {
        let bot = TestBot::new().await;
        bot.telegram.fail("sendMessage", [fault]);
        bot.model([Reply::text("Hello.")]);
        bot.says("hi").await.replies("Hello.").await;
        bot.finish().await;
    }
}

#[tokio::test]
async fn refused_formatting_is_sent_once_as_plain_text() {
    let bot = TestBot::new().await;
    bot.telegram.fail(
        "sendMessage",
        [refusal("Bad Request: can't parse entities: no")],
    );
    bot.model([Reply::text("**bold**")]);
    bot.says("hi").await.replies("bold").await;
    assert!(bot.alice().messages()[0].entities.is_empty());
    assert_eq!(bot.telegram.calls("sendMessage").len(), 2);
    bot.finish().await;
}

#[tokio::test]
async fn what_is_refused_is_told_in_one_line() {
    let bot = TestBot::new().await;
    bot.telegram
        .fail("sendMessage", [refusal("Bad Request: the moon is full")]);
    bot.model([Reply::text("Hello."), Reply::text("Better.")]);
    bot.says("hi")
        .await
        .replies_with("A message to you was refused")
        .await;
    bot.says("again").await.replies("Better.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_chat_that_hangs_holds_up_no_other() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.telegram
        .fail("sendMessage", [Fault::HoldBefore(gate.clone())]);
    bot.model([Reply::text("For Alice."), Reply::text("For Bob.")]);
    bot.says("hi").await;
    gate.wait_for_arrivals(1).await;
    bot.bob().says("hi").await.replies("For Bob.").await;
    gate.open();
    bot.alice().replies("For Alice.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_person_who_blocks_the_bot_is_left_in_peace() {
    let bot = TestBot::new().await.expecting_refusals();
    let hourly = json!({
        "content": "drink", "recurrence_type": "interval", "recurrence_interval_seconds": 3600,
    });
    bot.model([
        Reply::tools([("schedule_prompt", hourly)]),
        Reply::text("Will do."),
    ]);
    bot.says("every hour I should drink")
        .await
        .replies("Will do.")
        .await;
    bot.telegram.block(ALICE);
    bot.advance(TimeDelta::hours(1));
    bot.telegram.wait_for_calls("sendMessage", 2).await;
    bot.model([Reply::text("Hello.")]);
    bot.bob().says("hi").await.replies("Hello.").await;
    bot.advance(TimeDelta::hours(3));
    bot.bob()
        .says("/stop")
        .await
        .replies("Nothing is running.")
        .await;
    let filter = JobFilter {
        target: None,
        status: JobStatusFilter::Any,
        limit: 10,
        offset: 0,
    };
    let jobs = bot.ports().jobs.list(filter).await.unwrap().jobs;
    assert_eq!(jobs[0].status, JobStatus::Paused);
    let to_alice = bot.telegram.calls("sendMessage").into_iter();
    let to_alice = to_alice.filter(|call| call.params["chat_id"].to_string().contains("1001"));
    assert_eq!(
        to_alice.count(),
        2,
        "the answer, and the one that was refused"
    );
    bot.finish().await;
}

#[tokio::test]
async fn a_send_whose_answer_is_lost_is_made_again() {
    let bot = TestBot::new().await;
    bot.telegram.fail("sendMessage", [Fault::DropAfter]);
    bot.model([Reply::text("Hello.")]);
    bot.says("hi")
        .await
        .replies("Hello.")
        .await
        .replies("Hello.")
        .await;
    bot.finish().await;
}

#[tokio::test]
async fn an_answer_follows_a_group_that_moves() {
    let bot = TestBot::new().await.expecting_refusals();
    let (before, after) = (-500, -1_000_500);
    let gate = Gate::new();
    bot.telegram.add_group(before, "Friends");
    bot.model([Reply::text("Here.").held(&gate), Reply::text("Still here.")]);
    bot.at(before, ALICE).says("/new@fake_mini_bot").await;
    bot.at(before, ALICE)
        .replies_with("A fresh conversation.")
        .await;
    bot.at(before, ALICE)
        .says("@fake_mini_bot are you there?")
        .await;
    gate.wait_for_arrivals(1).await;
    bot.telegram.migrate(before, after);
    gate.open();
    let moved = bot.at(after, ALICE);
    moved.replies("Here.").await;
    moved
        .says("@fake_mini_bot and now?")
        .await
        .replies("Still here.")
        .await;
    let asked = bot.provider.requests()[1].body.to_string();
    assert!(
        asked.contains("are you there?"),
        "the conversation moves too: {asked}"
    );
    bot.finish().await;
}

#[tokio::test]
async fn an_answer_to_a_message_that_is_gone_comes_all_the_same() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.telegram.add_group(-500, "Friends");
    bot.model([Reply::text("Here.").held(&gate)]);
    let asked = bot.at(-500, ALICE).writes("@fake_mini_bot are you there?");
    gate.wait_for_arrivals(1).await;
    bot.telegram.user_deletes(-500, asked.message_id);
    gate.open();
    bot.at(-500, ALICE).replies("Here.").await;
    bot.finish().await;
}

#[tokio::test]
async fn reminders_of_a_chat_that_was_closed_go_on_when_something_reaches_it_again() {
    let bot = TestBot::new().await.expecting_refusals();
    let hourly = json!({
        "content": "drink", "recurrence_type": "interval", "recurrence_interval_seconds": 3600,
    });
    for task in [
        hourly.clone(),
        json!({ "content": "stretch", "delay_seconds": 9_000 }),
        json!({ "content": "rest", "delay_seconds": 9_000 }),
    ] {
        bot.model([
            Reply::tools([("schedule_prompt", task)]),
            Reply::text("Will do."),
        ]);
        bot.says("plan that").await.replies("Will do.").await;
    }
    let jobs = &bot.ports().jobs;
    let paused = jobs.act(None, JobId(3), JobAction::Pause).await.unwrap();
    assert_eq!(paused.unwrap().status, JobStatus::Paused);
    bot.telegram.block(ALICE);
    bot.advance(TimeDelta::hours(1));
    while jobs.get(JobId(2)).await.unwrap().unwrap().status == JobStatus::Active {
        tokio::task::yield_now().await;
    }
    bot.advance(TimeDelta::minutes(242));
    bot.bob().says("/whoami").await.replies_with("Bob").await;
    bot.telegram.unblock(ALICE);
    bot.model([Reply::text("Here I am.")]);
    bot.says("are you there?").await.replies("Here I am.").await;
    let late = |name: &str| {
        let name = name.to_owned();
        bot.telegram.find(ALICE, move |sent| {
            let found = sent.iter().find(|message| message.text.starts_with(&name));
            found.map(|message| message.text.clone())
        })
    };
    // At once, not when the scheduler looks again by itself.
    let texts = [late("drink").await.unwrap(), late("stretch").await.unwrap()];
    for text in &texts {
        assert!(text.contains("(was due "), "{texts:?}");
    }
    bot.advance(TimeDelta::hours(1));
    let again = bot.telegram.wait_for(ALICE, |sent| {
        let drinks = sent
            .iter()
            .filter(|message| message.text.starts_with("drink"));
        drinks.count() == 2
    });
    again.await;
    assert!(
        !bot.alice()
            .texts()
            .iter()
            .any(|text| text.starts_with("rest"))
    );
    bot.alice().has_read_all();
    bot.finish().await;
}

/// A process that is killed sends again what was under way: in a burst, few are.
#[tokio::test]
async fn few_calls_are_under_way_at_once_and_none_waits_long_for_those_that_hang() {
    let people: Vec<i64> = (2_001..=2_012).collect();
    let bot =
        TestBot::with(&[("channels.telegram.allowed_user_ids", &format!("{people:?}"))]).await;
    let gate = Gate::new();
    bot.telegram
        .fail_times("sendMessage", 12, Fault::HoldBefore(gate.clone()));
    for person in &people {
        bot.telegram.add_private_chat(*person, "Somebody");
        bot.at(*person, *person).says("/whoami").await;
    }
    gate.wait_for_arrivals(8).await;
    bot.clock.someone_sleeps(1_100..1_201).await;
    assert_eq!(bot.telegram.calls_without_answer("sendMessage"), 8);
    bot.advance(TimeDelta::milliseconds(1_200));
    gate.wait_for_arrivals(12).await;
    gate.open();
    for person in &people {
        bot.at(*person, *person).replies_with("Somebody").await;
    }
    bot.finish().await;
}
