//! Words that mean one time of a reminder that repeats, and not the whole of it.

use super::builtin_world::{Chat, shown};

const ACTIVE: &str = "SELECT content FROM jobs WHERE status = 'active' ORDER BY id";

/// Whoever does not want to hear of it tomorrow may want to on every other day.
#[tokio::test]
async fn one_time_of_a_repeat_never_ends_the_repeat() {
    let mut chat = Chat::new().await;
    chat.says_all(&[
        "every day at 8 remind me to take pills",
        "every monday at 18:00 remind me to go to yoga",
        "every weekday at 9 remind me to send standup",
        "on the 1st of every month remind me to pay rent",
        "every day at 20:00 remind me to pack for tomorrow",
    ])
    .await;
    let before = chat.fixture.column(ACTIVE).await;
    for (says, number) in [
        ("don't remind me to take pills tomorrow", 1),
        ("don't remind me tomorrow to take pills", 1),
        ("cancel tomorrow's pills reminder", 1),
        ("cancel the pills reminder today", 1),
        ("cancel the next pills reminder", 1),
        ("cancel the pills reminder just this once", 1),
        ("cancel the pills reminder this friday", 1),
        ("cancel the pills reminder next week", 1),
        ("cancel the pills reminder on monday", 1),
        ("cancel the pills reminder on 24 December", 1),
        ("cancel #1 tomorrow", 1),
        ("cancel yoga next monday", 2),
        ("cancel yoga on monday", 2),
        ("cancel monday's yoga", 2),
        ("cancel the standup reminder tomorrow", 3),
        ("cancel the monday standup reminder", 3),
        ("cancel the rent reminder on the 1st", 4),
        ("cancel tomorrows pills reminder", 1),
        ("cancel the december rent reminder", 4),
        ("move tomorrow's pills reminder to 9", 1),
    ] {
        let answer = shown(&chat.says(says).await);
        assert!(answer.starts_with("That one repeats: "), "{says}: {answer}");
        let whole = match says.starts_with("move") {
            true => format!("change reminder {number} to"),
            false => format!("cancel reminder {number}\""),
        };
        assert!(answer.contains(&whole), "{says}: {answer}");
        assert_eq!(chat.fixture.column(ACTIVE).await, before, "{says}");
    }
    chat.talk(&[
        (
            "cancel tomorrow's pills reminder",
            "That one repeats: take pills – every day at 08:00, next tomorrow (#1). I cannot leave \
             out a single time. To pause it until you resume it, use its button in /reminders, or \
             run \"minibot jobs pause 1\". To cancel it for good, say \"cancel reminder 1\".",
        ),
        ("cancel reminder 1", "Cancelled: take pills"),
        ("cancel yoga every monday", "Cancelled: go to yoga"),
        (
            "every tuesday at 18:00 remind me to swim",
            "⏰ Every Tuesday at 18:00, next on Tue 24 Nov 2026: swim",
        ),
        ("cancel the tuesday swim reminder", "Cancelled: swim"),
        (
            "cancel the reminder to pack for tomorrow",
            "Cancelled: pack for tomorrow",
        ),
        ("cancel my monthly rent reminder", "Cancelled: pay rent"),
    ])
    .await;
}

#[tokio::test]
async fn a_day_still_says_which_single_reminder_goes() {
    let mut chat = Chat::new().await;
    chat.says_all(&[
        "remind me tomorrow at 8 to take pills",
        "remind me on monday at 10 to water the cactus",
        "remind me on friday at 10 to pay rent",
        "remind me on 24 December at 20:00 to wrap presents",
        "set a timer for 10 minutes",
    ])
    .await;
    chat.talk(&[
        ("cancel the friday reminder", "Cancelled: pay rent"),
        (
            "cancel the 24 december reminder",
            "Cancelled: wrap presents",
        ),
        ("cancel the timer", "Cancelled: Timer"),
        (
            "don't remind me to take pills tomorrow",
            "Cancelled: take pills",
        ),
        (
            "cancel monday's cactus reminder",
            "Cancelled: water the cactus",
        ),
    ])
    .await;
}

/// Where there is only one reminder, its time alone says which one.
#[tokio::test]
async fn a_time_alone_names_one_time_as_well() {
    let mut chat = Chat::new().await;
    chat.says("every day at 8 remind me to take pills").await;
    for says in [
        "don't remind me tomorrow",
        "cancel tomorrow's reminder",
        "cancel the saturday reminder",
    ] {
        let answer = shown(&chat.says(says).await);
        assert!(!answer.starts_with("Cancelled"), "{says}: {answer}");
        assert_eq!(chat.fixture.column(ACTIVE).await, ["take pills"], "{says}");
    }
}

#[tokio::test]
async fn one_of_several_times_of_a_day_is_not_all_of_them() {
    let mut chat = Chat::new().await;
    chat.says_all(&[
        "every day at 9 and 18 remind me to take pills",
        "every day at 20:00 remind me to pack",
    ])
    .await;
    let answer = shown(&chat.says("cancel the 18:00 pills reminder").await);
    assert!(answer.starts_with("That one repeats: "), "{answer}");
    chat.talk(&[("cancel the 20:00 packing reminder", "Cancelled: pack")])
        .await;
    assert_eq!(chat.fixture.column(ACTIVE).await, ["take pills"]);
}
