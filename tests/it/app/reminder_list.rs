//! `/reminders`: the list, and what its buttons do.

use chrono::TimeDelta;
use serde_json::json;

use super::cards::{press, remind};
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::FakeMessage;
use crate::support::test_bot::{ALICE, BOB, TestBot};

/// The list as it is shown now.
async fn list(bot: &TestBot) -> FakeMessage {
    bot.says("/reminders").await;
    bot.alice().replies_with("Reminders: ").await
}

/// Presses and waits for the list to read so that `done` holds.
async fn change(
    bot: &TestBot,
    list: &FakeMessage,
    data: &str,
    done: impl Fn(&str) -> bool,
) -> (String, FakeMessage) {
    let notice = press(bot, ALICE, ALICE, list.id, data).await;
    let id = list.id;
    let look = move |messages: &[FakeMessage]| {
        let found = messages.iter().find(|one| one.id == id)?;
        done(&found.text).then(|| found.clone())
    };
    let found = bot.telegram.find(ALICE, look).await;
    let found = found.unwrap_or_else(|| panic!("{data}: {}", bot.telegram.dump()));
    (notice, found)
}

#[tokio::test]
async fn an_empty_list_says_what_to_do() {
    let bot = TestBot::new().await;
    let text = "No reminders here. Try \"remind me in 30 minutes to stretch\".";
    bot.says("/reminders").await.replies(text).await;
    bot.finish().await;
}

#[tokio::test]
async fn a_list_goes_by_the_next_run_and_turns_its_pages() {
    let bot = TestBot::new().await;
    for number in (1..=7).rev() {
        remind(&bot, &format!("task {number}"), number * 3_600).await;
    }
    let first = list(&bot).await;
    assert!(
        first
            .text
            .starts_with("Reminders: 7\n\n#7 task 1\ntoday at ")
    );
    assert!(first.text.contains("\n\n#6 task 2\n"), "{}", first.text);
    // A reminder has one number, the one that "cancel reminder 7" takes.
    assert!(!first.text.contains(" · #"), "{}", first.text);
    let keyboard = &first.reply_markup.as_ref().unwrap()["inline_keyboard"];
    assert_eq!(keyboard[0][0]["text"], "#7 · Run now");
    assert_eq!(keyboard[0][1]["text"], "⏸ Pause");
    assert!(!first.text.contains("task 6"));
    assert_eq!(first.buttons().len(), 5 * 3 + 1);
    assert_eq!(first.buttons()[15], "p:1");
    let (notice, second) = change(&bot, &first, "p:1", |text| text.contains("task 7")).await;
    assert_eq!(notice, "");
    assert!(second.text.starts_with("Reminders: 7\n\n#2 task 6"));
    assert_eq!(second.buttons()[6..], ["p:0"]);
    // The last page loses its entries, and with them goes the page.
    let (_, one) = change(&bot, &first, "j:2:cancel:1", |t| t.contains("s: 6")).await;
    assert!(one.text.contains("#1 task 7"));
    let (_, none) = change(&bot, &first, "j:1:cancel:1", |t| t.contains("s: 5")).await;
    assert!(none.text.starts_with("Reminders: 5\n\n#7 task 1"));
    assert_eq!(none.buttons().len(), 15);
    bot.finish().await;
}

#[tokio::test]
async fn a_reminder_is_paused_resumed_run_and_cancelled() {
    let bot = TestBot::new().await;
    let arguments = json!({
        "content": "standup", "recurrence_type": "interval", "recurrence_interval_seconds": 3600,
    });
    bot.model([
        Reply::tools([("schedule_prompt", arguments)]),
        Reply::text("Set."),
    ]);
    bot.says("remind me").await.replies("Set.").await;
    let card = list(&bot).await;
    let (notice, paused) = change(&bot, &card, "j:1:pause:0", |t| t.contains("paused")).await;
    assert_eq!(notice, "Paused");
    assert_eq!(
        paused.buttons(),
        ["j:1:run:0", "j:1:resume:0", "j:1:cancel:0"]
    );
    // Nothing comes while it is paused, and nothing is made up for afterwards.
    bot.advance(TimeDelta::minutes(150));
    let (notice, again) = change(&bot, &card, "j:1:resume:0", |t| !t.contains("paused")).await;
    assert_eq!(notice, "Resumed");
    assert!(
        again.text.contains("every hour, next today at 13:00"),
        "{}",
        again.text
    );
    assert_eq!(
        press(&bot, ALICE, ALICE, card.id, "j:1:run:0").await,
        "On its way"
    );
    let extra = bot.alice().replies_with("standup").await;
    assert_eq!(extra.text, "standup");
    assert_eq!(
        press(&bot, ALICE, ALICE, extra.id, &extra.buttons()[0]).await,
        "Done"
    );
    let (notice, _) = change(&bot, &card, "j:1:cancel:0", |t| t.starts_with("No rem")).await;
    assert_eq!(notice, "Cancelled");
    for data in ["j:1:run:0", "j:1:pause:0", "j:1:resume:0"] {
        let notice = press(&bot, ALICE, ALICE, card.id, data).await;
        assert_eq!(notice, "This reminder is over", "{data}");
    }
    bot.finish().await;
}

#[tokio::test]
async fn another_chat_cannot_touch_it() {
    let bot = TestBot::new().await;
    remind(&bot, "standup", 3_600).await;
    bot.model([Reply::text("Hello Bob.")]);
    bot.bob().says("hi").await.replies("Hello Bob.").await;
    let bobs = bot.bob().messages()[0].id;
    for action in ["run", "pause", "resume", "cancel"] {
        let notice = press(&bot, BOB, BOB, bobs, &format!("j:1:{action}:0")).await;
        assert_eq!(notice, "This reminder is no longer there", "{action}");
    }
    assert!(list(&bot).await.text.contains("#1 standup\ntoday at"));
    bot.finish().await;
}
