//! `/status` and `/whoami`: each line, and what it says.

use chrono::TimeDelta;

use super::cards::{press, remind};
use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, BOB, Chat, TestBot};

const GROUP: i64 = -100_556;

async fn lines(chat: Chat<'_>, command: &str, first: &str) -> Vec<String> {
    let answer = chat.says(command).await.replies_with(first).await;
    answer.text.lines().map(str::to_owned).collect()
}

/// The numbers in a line.
fn numbers(line: &str) -> Vec<u64> {
    let words = line.split(|c: char| !c.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

#[tokio::test]
async fn the_status_tells_version_uptime_model_queue_next_reminder_and_size() {
    let bot = TestBot::new().await;
    remind(&bot, "standup", 4 * 3_600).await;
    let idle = lines(bot.alice(), "/status", "minibot ").await;
    bot.advance(TimeDelta::hours(3));
    let gate = Gate::new();
    bot.model([Reply::text("One.").held(&gate), Reply::text("Two.")]);
    bot.says("one").await;
    gate.wait_for_arrivals(1).await;
    bot.says("two").await;
    let busy = lines(bot.alice(), "/status", "minibot ").await;
    gate.open();
    bot.alice().replies("One.").await.replies("Two.").await;
    assert_eq!(busy.len(), 6, "{busy:?}");
    assert_eq!(busy[0], format!("minibot {}", env!("CARGO_PKG_VERSION")));
    assert!(busy[1].starts_with("Up for 3 hours"), "{busy:?}");
    assert!(
        busy[2].starts_with("Model: ") && busy[2].contains("fake"),
        "{busy:?}"
    );
    assert!(busy[3].starts_with("Waiting: "), "{busy:?}");
    let (before, now) = (numbers(&idle[3]), numbers(&busy[3]));
    assert!(now[0] > before[0], "what waits: {idle:?} {busy:?}");
    assert_eq!((before[2], now[2]), (0, 1), "what works: {idle:?} {busy:?}");
    // Nine hours in Greenwich are ten in Madrid.
    assert!(
        busy[4].starts_with("Next reminder: today at 14:00"),
        "{busy:?}"
    );
    assert!(
        busy[5].starts_with("Database: ") && busy[5].ends_with("B"),
        "{busy:?}"
    );
    // With what still stands in the log: the schema alone is more than this.
    let is_large = busy[5].ends_with("MB") || numbers(&busy[5])[0] > 50;
    assert!(is_large, "{busy:?}");
    // What others have planned is theirs.
    let bobs = lines(bot.bob(), "/status", "minibot ").await;
    assert_eq!(bobs[4], "Next reminder: none");
    bot.finish().await;
}

#[tokio::test]
async fn the_next_reminder_is_one_that_comes() {
    let bot = TestBot::new().await;
    remind(&bot, "standup", 3_600).await;
    remind(&bot, "lunch", 4 * 3_600).await;
    let list = bot.says("/reminders").await.replies_with("Reminders").await;
    assert_eq!(
        press(&bot, ALICE, ALICE, list.id, "j:1:pause:0").await,
        "Paused"
    );
    let one = lines(bot.alice(), "/status", "minibot ").await;
    assert!(
        one[4].starts_with("Next reminder: today at 14:00"),
        "{one:?}"
    );
    press(&bot, ALICE, ALICE, list.id, "j:2:pause:0").await;
    let none = lines(bot.alice(), "/status", "minibot ").await;
    assert_eq!(none[4], "Next reminder: none");
    bot.finish().await;
}

#[tokio::test]
async fn whoami_tells_ids_who_the_owner_is_and_which_tools_ask() {
    let bot = TestBot::with(&[
        ("approvals.tools.user_memory_save", "ask"),
        ("approvals.tools.schedule_prompt", "deny"),
        ("approvals.tools.user_memory_*", "allow"),
        ("approvals.tools.*", "allow"),
    ])
    .await;
    let alices = lines(bot.alice(), "/whoami", "You are Alice").await;
    let wanted = [
        "You are Alice, user id 1001",
        "This is a private chat, chat id 1001",
        "Time zone: Europe/Madrid",
        "You are the owner, and may talk to me here",
        "Tools that I ask about first: user_memory_save",
        "Tools that are refused: schedule_prompt",
    ];
    assert_eq!(alices, wanted);
    bot.telegram.add_group(GROUP, "Friends");
    let bobs = lines(bot.at(GROUP, BOB), "/whoami", "You are Bob").await;
    assert_eq!(bobs[1], format!("This is a group, chat id {GROUP}"));
    assert_eq!(
        bobs[3],
        "You may talk to me here; only the owner can change the budget"
    );
    let at = bot.at(ALICE, ALICE);
    assert_eq!(lines(at, "/whoami", "You are").await, alices);
    bot.finish().await;
}

#[tokio::test]
async fn whoami_says_when_no_tool_asks() {
    let bot = TestBot::with(&[("approvals.tools.*", "allow")]).await;
    let alices = lines(bot.alice(), "/whoami", "You are Alice").await;
    let last = alices.last().unwrap();
    assert_eq!(last, "Tools: all that I have run without a question");
    bot.finish().await;
}
