//! Reminder cards: what a press does, once, whoever presses, however late.

use std::time::Duration;

use chrono::TimeDelta;
use minibot::core::channel::{ChatKind, ChatTarget, Sender};
use minibot::core::clock::Clock;
use minibot::core::ids::{ChannelName, ChatId, MessageId, UserId};
use minibot::core::inbox::{Arrival, Arrived};
use minibot::core::message::{Incoming, IncomingContent, Press};
use serde_json::json;

use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{FakeMessage, Fault, PressedButton};
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, BOB, TestBot};

/// Alice gets a reminder in ten minutes, which pass. Returns its card.
async fn card(bot: &TestBot, text: &str) -> FakeMessage {
    remind(bot, text, 600).await;
    bot.advance(TimeDelta::seconds(600));
    bot.alice().replies_with(text).await
}

pub async fn remind(bot: &TestBot, text: &str, delay_seconds: u64) {
    let arguments = json!({ "content": text, "delay_seconds": delay_seconds });
    bot.model([
        Reply::tools([("schedule_prompt", arguments)]),
        Reply::text("Set."),
    ]);
    bot.says("remind me").await.replies("Set.").await;
}

/// Presses, waits until the press is dealt with, and returns the notice.
pub async fn press(bot: &TestBot, chat: i64, user: i64, message: i64, data: &str) -> String {
    let pressed = bot.telegram.user_presses_forged(chat, user, message, data);
    notice(bot, &pressed).await
}

/// Alice's message with this id, once it reads so that `done` holds.
pub async fn shown(bot: &TestBot, id: i64, done: impl Fn(&FakeMessage) -> bool) -> FakeMessage {
    let look = move |messages: &[FakeMessage]| {
        let found = messages.iter().find(|one| one.id == id)?;
        done(found).then(|| found.clone())
    };
    let found = bot.telegram.find(ALICE, look).await;
    found.unwrap_or_else(|| panic!("{}", bot.telegram.dump()))
}

/// What a person is told about a press.
async fn notice(bot: &TestBot, pressed: &PressedButton) -> String {
    bot.telegram.wait_for_confirmation(pressed.update_id).await;
    let mut count = 0;
    loop {
        let answers = bot.telegram.callback_answers(&pressed.query_id);
        if let [answer] = answers.as_slice() {
            return answer["text"].as_str().unwrap_or_default().to_owned();
        }
        // A worker of the chat may have been faster, and not be done.
        count += 1;
        bot.telegram
            .wait_for_calls("answerCallbackQuery", count)
            .await;
    }
}

/// The button of a card that ends in `code`.
fn button(card: &FakeMessage, code: &str) -> String {
    let buttons = card.buttons();
    let found = buttons.iter().find(|data| data.ends_with(code));
    found.unwrap_or_else(|| panic!("{buttons:?}")).clone()
}

/// How a message reads after it was edited.
async fn edited(bot: &TestBot, message: i64) -> FakeMessage {
    let look = move |messages: &[FakeMessage]| {
        let found = messages.iter().find(|one| one.id == message)?;
        (!found.edits().is_empty()).then(|| found.clone())
    };
    let found = bot.telegram.find(ALICE, look).await;
    found.unwrap_or_else(|| panic!("never edited\n{}", bot.telegram.dump()))
}

async fn jobs(bot: &TestBot) -> Vec<(String, Option<chrono::DateTime<chrono::Utc>>)> {
    let filter = minibot::core::jobs::JobFilter {
        target: None,
        status: minibot::core::jobs::JobStatusFilter::Open,
        limit: 50,
        offset: 0,
    };
    let page = bot.ports().jobs.list(filter).await.unwrap();
    page.jobs
        .into_iter()
        .map(|job| (job.details.content, job.next_run))
        .collect()
}

#[tokio::test]
async fn a_reminder_that_is_done_says_so() {
    let bot = TestBot::new().await;
    remind(&bot, "check my **email**", 600).await;
    bot.advance(TimeDelta::seconds(600));
    let card = bot.alice().replies_with("check my email").await;
    let labels: Vec<_> = labels(&card);
    assert_eq!(
        labels,
        ["✅ Done", "💤 10 min", "💤 1 h", "💤 Tomorrow 9:00"]
    );
    let notice = press(&bot, ALICE, ALICE, card.id, &button(&card, ":done")).await;
    assert_eq!(notice, "Done");
    let after = edited(&bot, card.id).await;
    // The clock of Madrid, an hour before which the test begins in UTC.
    assert_eq!(after.text, "check my email\n✅ Done 10:10");
    assert_eq!(after.buttons(), [""; 0]);
    assert_eq!(after.entities, card.entities);
    assert_eq!(jobs(&bot).await, []);
    bot.finish().await;
}

fn labels(card: &FakeMessage) -> Vec<String> {
    let rows = card.reply_markup.as_ref().unwrap()["inline_keyboard"].clone();
    let rows = rows.as_array().unwrap().clone();
    rows.iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|button| button["text"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_snoozed_reminder_comes_back_and_can_be_snoozed_again() {
    let bot = TestBot::new().await;
    let first = card(&bot, "stretch").await;
    let notice = press(&bot, ALICE, ALICE, first.id, &button(&first, ":10m")).await;
    assert_eq!(notice, "Snoozed until 10:20");
    assert_eq!(edited(&bot, first.id).await.text, "stretch\n💤 until 10:20");
    bot.advance(TimeDelta::minutes(10));
    let second = bot.alice().replies("stretch").await;
    let second = second.messages().pop().unwrap();
    let notice = press(&bot, ALICE, ALICE, second.id, &button(&second, ":1h")).await;
    assert_eq!(notice, "Snoozed until 11:20");
    assert_eq!(jobs(&bot).await.len(), 1);
    bot.advance(TimeDelta::minutes(60));
    bot.alice().replies("stretch").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_card_takes_one_answer_even_from_two_people_at_once() {
    let bot = TestBot::new().await;
    let card = card(&bot, "stretch").await;
    let snooze = button(&card, ":10m");
    let presses: Vec<_> = [&snooze, &snooze, &button(&card, ":done")]
        .map(|data| {
            bot.telegram
                .user_presses_forged(ALICE, ALICE, card.id, data)
        })
        .into();
    let mut notices = Vec::new();
    for pressed in &presses {
        notices.push(notice(&bot, pressed).await);
    }
    assert_eq!(
        notices,
        [
            "Snoozed until 10:20",
            "Already snoozed until 10:20",
            "Already snoozed until 10:20"
        ]
    );
    assert_eq!(jobs(&bot).await.len(), 1);
    let after = edited(&bot, card.id).await;
    assert_eq!(after.edits().len(), 1);
    bot.finish().await;
}

#[tokio::test]
async fn a_redelivered_press_does_nothing() {
    let bot = TestBot::new().await;
    let card = card(&bot, "stretch").await;
    let arrival = Arrival {
        source: "telegram:1".into(),
        external_id: 77,
        kind: "callback_query".into(),
        content: Arrived::Welcome {
            raw: "{}".into(),
            incoming: Box::new(Incoming {
                target: ChatTarget {
                    channel: ChannelName::new("telegram"),
                    chat: ChatId::new(ALICE.to_string()),
                    thread: None,
                },
                chat_kind: ChatKind::Private,
                sender: Sender {
                    user: UserId::new(ALICE.to_string()),
                    name: "Alice".into(),
                },
                sent_at: bot.clock.now(),
                content: IncomingContent::Press(Press {
                    id: "1".into(),
                    message: Some(MessageId::new(card.id.to_string())),
                    data: button(&card, ":10m"),
                }),
            }),
        },
    };
    let intake = &bot.process().running.app.intake;
    let twice = vec![arrival.clone(), arrival.clone()];
    intake.accept(twice).await.unwrap();
    intake.accept(vec![arrival]).await.unwrap();
    assert_eq!(jobs(&bot).await.len(), 1);
    assert_eq!(edited(&bot, card.id).await.edits().len(), 1);
    bot.finish().await;
}

#[tokio::test]
async fn a_card_works_after_a_restart_and_days_later() {
    let mut bot = TestBot::new().await;
    let card = card(&bot, "stretch").await;
    bot.restart().await;
    bot.advance(TimeDelta::days(3));
    let tomorrow = button(&card, ":tom");
    let notice = press(&bot, ALICE, ALICE, card.id, &tomorrow).await;
    // Pressed on Thursday, 4 March.
    assert_eq!(notice, "Snoozed until Fri 5 Mar 09:00");
    assert_eq!(
        edited(&bot, card.id).await.text,
        "stretch\n💤 until Fri 5 Mar 09:00"
    );
    let notice = press(&bot, ALICE, ALICE, card.id, &tomorrow).await;
    assert_eq!(notice, "Already snoozed until Fri 5 Mar 09:00");
    let due = jobs(&bot).await[0].1.unwrap();
    assert_eq!(due.to_rfc3339(), "2027-03-05T08:00:00+00:00");
    bot.restart().await;
    bot.alice().replies_with("I was away for 3 days").await;
    bot.advance(due - bot.clock.now());
    bot.alice().replies("stretch").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_press_while_the_bot_was_down_still_counts() {
    let mut bot = TestBot::new().await;
    let card = card(&bot, "stretch").await;
    bot.stop().await;
    let done = button(&card, ":done");
    let pressed = bot.telegram.user_presses(ALICE, ALICE, card.id, &done);
    bot.start().await;
    bot.telegram.wait_for_confirmation(pressed.update_id).await;
    assert_eq!(edited(&bot, card.id).await.text, "stretch\n✅ Done 10:10");
    bot.finish().await;
}

#[tokio::test]
async fn a_forged_press_of_another_chat_does_nothing() {
    let bot = TestBot::new().await;
    let card = card(&bot, "stretch").await;
    bot.model([Reply::text("Hello Bob.")]);
    bot.bob().says("hi").await.replies("Hello Bob.").await;
    let bobs = bot.bob().messages()[0].id;
    for code in [":done", ":10m"] {
        let notice = press(&bot, BOB, BOB, bobs, &button(&card, code)).await;
        assert_eq!(notice, "This button is not for this chat");
    }
    assert_eq!(jobs(&bot).await, []);
    assert_eq!(bot.bob().texts(), ["Hello Bob."]);
    // It is still there to be answered.
    let notice = press(&bot, ALICE, ALICE, card.id, &button(&card, ":done")).await;
    assert_eq!(notice, "Done");
    bot.finish().await;
}

#[tokio::test]
async fn unknown_buttons_get_a_word_and_no_more() {
    let bot = TestBot::new().await;
    let card = card(&bot, "stretch").await;
    for (data, expected) in [
        ("r:999999:done", "This reminder is no longer there"),
        ("r:1:fly", "This button is no longer in use"),
        ("approve:7", "This button is no longer in use"),
        ("j:999:cancel:0", "This reminder is no longer there"),
        ("r:999:retry", "This reminder is no longer there"),
        ("r:1:retry", "It has run since"),
        (
            "r:-9223372036854775808:done",
            "This reminder is no longer there",
        ),
    ] {
        let notice = press(&bot, ALICE, ALICE, card.id, data).await;
        assert_eq!(notice, expected, "{data}");
    }
    bot.finish().await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_shown_at_once_is_shown_later() {
    use crate::support::fake_telegram::Fault;
    let bot = TestBot::new().await;
    let card = card(&bot, "stretch").await;
    bot.telegram
        .fail_times("editMessageText", 2, Fault::ServerError(502));
    press(&bot, ALICE, ALICE, card.id, &button(&card, ":done")).await;
    let calls = bot.telegram.wait_for_calls("editMessageText", 2);
    tokio::join!(calls, async { bot.advance(TimeDelta::seconds(5)) });
    bot.advance(TimeDelta::seconds(5));
    assert_eq!(edited(&bot, card.id).await.text, "stretch\n✅ Done 10:10");
    bot.finish().await;
}

#[tokio::test]
async fn a_late_card_says_so_and_keeps_saying_it() {
    let mut bot = TestBot::new().await;
    remind(&bot, "stretch", 600).await;
    bot.stop().await;
    bot.advance(TimeDelta::hours(2));
    bot.start().await;
    let card = bot.alice().replies_with("stretch").await;
    assert!(
        card.text.starts_with("stretch\n(was due 10:10, 1 h"),
        "{}",
        card.text
    );
    press(&bot, ALICE, ALICE, card.id, &button(&card, ":done")).await;
    let after = edited(&bot, card.id).await;
    assert_eq!(after.text, format!("{}\n✅ Done 12:00", card.text));
    bot.finish().await;
}

#[tokio::test]
async fn an_acknowledgement_that_hangs_holds_up_no_message() {
    let bot = TestBot::new().await;
    remind(&bot, "stretch", 60).await;
    bot.advance(TimeDelta::seconds(60));
    let card = bot.alice().replies_with("stretch").await;
    let gate = Gate::new();
    let hangs = Fault::HoldBefore(gate.clone());
    bot.telegram.fail("answerCallbackQuery", [hangs]);
    bot.telegram
        .user_presses(ALICE, ALICE, card.id, &button(&card, ":done"));
    gate.wait_for_arrivals(1).await;
    bot.model([Reply::text("Here.")]);
    // The call has five seconds.
    let answered = async { bot.bob().says("hi").await.replies("Here.").await };
    tokio::time::timeout(Duration::from_secs(4), answered)
        .await
        .expect("everybody waits for it");
    gate.open();
    bot.finish().await;
}
