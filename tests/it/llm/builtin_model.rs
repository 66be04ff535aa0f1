//! What a person reads from the built-in model about reminders, over the real tools and a real
//! database.

use chrono::TimeDelta;
use minibot::core::jobs::JobLimits;
use minibot::llm::tools::{ToolRules, ToolSettings};

use super::builtin_world::{Chat, RULES, shown};

#[tokio::test]
async fn reminders_are_confirmed_in_words() {
    let mut chat = Chat::new().await;
    chat.talk(&[
        (
            "Remind me in 30 minutes to check my email.",
            "⏰ In 30 minutes (13:30, Europe/Madrid): check my email",
        ),
        (
            "ping me in 90 seconds to check the eggs",
            "⏰ In 1 minute 30 seconds (13:01, Europe/Madrid): check the eggs",
        ),
        (
            "remind me in 3 days to water the cactus",
            "⏰ In 3 days (Mon 23 Nov, 13:00, Europe/Madrid): water the cactus",
        ),
        (
            "At 7:00 AM tomorrow, ask me for my daily priorities.",
            "⏰ Tomorrow at 07:00 (in 18 hours): What are your daily priorities?",
        ),
        (
            "Every day at 9 AM, remind me to send standup.",
            "⏰ Every day at 09:00, next tomorrow: send standup",
        ),
        (
            "remind me every monday at 18:30 to take out the bins",
            "⏰ Every Monday at 18:30, next on Mon 23 Nov 2026: take out the bins",
        ),
        (
            "Remind me to call the dentist on 24 December 2027 at 10:15",
            "⏰ Fri 24 Dec 2027 at 10:15 (in 399 days): call the dentist",
        ),
        (
            "every 2 hours remind me to drink water",
            "⏰ Every 2 hours, next today at 15:00: drink water",
        ),
    ])
    .await;
}

#[tokio::test]
async fn the_last_day_of_a_month_and_of_february_are_days_like_others() {
    let mut chat = Chat::new().await;
    chat.talk(&[
        (
            "on the last day of every month remind me to pay rent",
            "⏰ On the last day of every month at 09:00, next on Mon 30 Nov 2026: pay rent",
        ),
        (
            "remind me yearly on 29 February to jump",
            "⏰ Every year on 29 February at 09:00, next on Tue 29 Feb 2028: jump",
        ),
    ])
    .await;
}

/// In the second pass of the hour that comes twice.
#[tokio::test]
async fn a_time_in_the_repeated_hour_is_still_to_come() {
    let mut chat = Chat::new().await;
    chat.wait(TimeDelta::minutes(496_180));
    chat.talk(&[
        (
            "what time is it",
            "It is 02:40 on Sunday, 31 October (Europe/Madrid).",
        ),
        (
            "remind me at 02:50 to look",
            "⏰ Today at 02:50 (in 10 minutes): look",
        ),
    ])
    .await;
}

#[tokio::test]
async fn the_list_rounds_what_is_left_to_whole_minutes() {
    let mut chat = Chat::new().await;
    chat.talk(&[("List my active reminders.", "You have no reminders.")])
        .await;
    chat.says_all(&[
        "remind me in 30 minutes to check my email",
        "every day at 9 remind me to send standup",
    ])
    .await;
    chat.wait(TimeDelta::seconds(21));
    chat.talk(&[(
        "List my active reminders.",
        "Your reminders\n\n\
             • check my email – today at 13:30 (in 30 minutes) (#1)\n\
             • send standup – every day at 09:00, next tomorrow (#2)",
    )])
    .await;
}

#[tokio::test]
async fn cancelling_takes_words_or_a_number_and_asks_when_several_fit() {
    let mut chat = Chat::new().await;
    chat.says_all(&[
        "every day at 9 remind me to send standup",
        "remind me tomorrow at 10:00 to call the dentist",
        "remind me tomorrow at 11:00 to call mum",
        "remind me tomorrow at 12:00 to call the bank",
    ])
    .await;
    chat.talk(&[
        ("Cancel the standup reminder.", "Cancelled: send standup"),
        (
            "cancel the call reminder",
            "Several reminders fit. Which one? Use its words or number:\n\n\
                 • call the dentist – tomorrow at 10:00 (in 21 hours) (#2)\n\
                 • call mum – tomorrow at 11:00 (in 22 hours) (#3)\n\
                 • call the bank – tomorrow at 12:00 (in 23 hours) (#4)",
        ),
        ("cancel the mum one", "Cancelled: call mum"),
        ("cancel reminder #2", "Cancelled: call the dentist"),
        (
            "cancel the passport reminder",
            "I found no reminder about \"passport\". You have:\n\n\
                 • call the bank – tomorrow at 12:00 (in 23 hours) (#4)",
        ),
        ("cancel 4", "Cancelled: call the bank"),
        ("cancel the bank reminder", "You have no reminders."),
    ])
    .await;
}

#[tokio::test]
async fn all_reminders_can_be_cancelled_at_once() {
    let mut chat = Chat::new().await;
    chat.talk(&[("cancel all my reminders", "You have no reminders.")])
        .await;
    chat.says_all(&[
        "remind me tomorrow to call mum",
        "every 2 hours remind me to drink water",
    ])
    .await;
    chat.talk(&[
        ("cancel all my reminders", "Cancelled 2 reminders."),
        ("list my reminders", "You have no reminders."),
    ])
    .await;
}

/// The list has fifty places.
#[tokio::test]
async fn more_reminders_than_a_list_holds_are_told() {
    let rules = ToolRules {
        jobs: JobLimits {
            max_active_per_chat: 100,
        },
        ..RULES
    };
    let mut chat = Chat::with(&ToolSettings::default(), rules).await;
    for number in 0..52 {
        chat.says(&format!("remind me tomorrow to call client {number}"))
            .await;
    }
    let list = shown(&chat.says("list my reminders").await);
    assert!(list.ends_with("\n\n…and 2 more."), "{list}");
    let unknown = shown(&chat.says("cancel 99").await);
    assert!(unknown.starts_with("I found no reminder 99. "), "{unknown}");
    assert!(unknown.ends_with("(#50)\n\n…and 2 more."), "{unknown}");
    chat.talk(&[
        ("cancel 52", "Cancelled: call client 51"),
        ("cancel the client 50 reminder", "Cancelled: call client 50"),
    ])
    .await;
    chat.says_all(&[
        "remind me tomorrow to call client 50",
        "remind me tomorrow to call client 51",
    ])
    .await;
    chat.talk(&[
        (
            "cancel all reminders",
            "Cancelled 50 reminders. 2 left: say it again to cancel more.",
        ),
        ("cancel all reminders", "Cancelled 2 reminders."),
    ])
    .await;
}

#[tokio::test]
async fn what_a_tool_refuses_is_told_and_nothing_is_claimed() {
    let rules = ToolRules {
        jobs: JobLimits {
            max_active_per_chat: 2,
        },
        ..RULES
    };
    let mut chat = Chat::with(&ToolSettings::default(), rules).await;
    chat.talk(
        &[
            (
                "remind me every 30 seconds to blink",
                "I could not set that reminder: this would run too often: leave at least 60 seconds between two runs.",
            ),
            ("remind me tomorrow to call mum", "⏰ Tomorrow at 09:00 (in 20 hours): call mum"),
            ("remind me tomorrow to call dad", "⏰ Tomorrow at 09:00 (in 20 hours): call dad"),
            (
                "remind me tomorrow to call Bob",
                "I could not set that reminder: this chat already has 2 active reminders; cancel some first.",
            ),
        ],
    )
    .await;
    let long = format!("note: {} is 1", "x".repeat(101));
    assert_eq!(
        shown(&chat.says(&long).await),
        "I could not save that note: the title must have 1 to 100 characters, this has 101."
    );
    let jobs = "SELECT content FROM jobs ORDER BY id";
    assert_eq!(chat.fixture.column(jobs).await, ["call mum", "call dad"]);
}
