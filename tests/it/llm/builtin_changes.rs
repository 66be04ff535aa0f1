//! What becomes of reminders that a person cancels, moves or snoozes without a model.

use chrono::TimeZone;
use chrono_tz::Europe::Madrid;
use minibot::core::jobs::JobLimits;
use minibot::llm::providers::builtin::grammar::{Intent, Shift, When, parse};
use minibot::llm::tools::{ToolRules, ToolSettings};
use serde_json::json;

use super::builtin_world::{Chat, RULES, shown};

const JOBS: &str = "SELECT content || ' ' || status || ' ' || role FROM jobs ORDER BY id";

/// A reminder that is not meant must never go: whoever says a number again, or names one that is not
/// there, is asked.
#[tokio::test]
async fn nothing_is_cancelled_or_moved_that_was_not_named_in_full() {
    let mut chat = Chat::new().await;
    chat.says_all(&[
        "remind me in 2 hours to call mum",
        "remind me in 3 days to water the cactus",
        "remind me tomorrow at 10:00 to go to the dentist appointment",
        "every day at 9 remind me to buy cards",
    ])
    .await;
    let cancelled = "Cancelled: water the cactus";
    assert_eq!(shown(&chat.says("cancel #2").await), cancelled);
    let listed = "You have:\n\n\
                  • call mum – today at 15:00 (in 2 hours) (#1)\n\
                  • buy cards – every day at 09:00, next tomorrow (#4)\n\
                  • go to the dentist appointment – tomorrow at 10:00 (in 21 hours) (#3)";
    for (says, found_no) in [
        ("cancel #2", "2"),
        ("cancel reminder 2", "2"),
        ("cancel number 2", "2"),
        ("move reminder 2 to 18:00", "2"),
        ("snooze reminder 2 for 10 minutes", "2"),
    ] {
        let expected = format!("I found no reminder {found_no}. {listed}");
        assert_eq!(shown(&chat.says(says).await), expected, "{says}");
    }
    for (says, about) in [
        ("cancel #1 and #2", "#1 and #2"),
        ("cancel the gym tomorrow", "gym tomorrow"),
        (
            "cancel the doctor appointment reminder",
            "doctor appointment",
        ),
        (
            "move the doctor appointment reminder to 5pm",
            "doctor appointment",
        ),
        ("cancel the 9am dentist reminder", "9am dentist"),
        ("cancel the car reminder", "car"),
        ("cancel the next reminder", "next"),
    ] {
        let expected = format!("I found no reminder about \"{about}\". {listed}");
        assert_eq!(shown(&chat.says(says).await), expected, "{says}");
    }
    chat.talk(&[
        (
            "cancel the dentist appointment tomorrow",
            "Cancelled: go to the dentist appointment",
        ),
        ("cancel the 3pm reminder", "Cancelled: call mum"),
        ("cancel my daily card reminder", "Cancelled: buy cards"),
    ])
    .await;
}

#[tokio::test]
async fn changing_leaves_one_reminder_with_the_new_time() {
    let mut chat = Chat::new().await;
    chat.says_all(&[
        "remind me to call the dentist on 24 December 2027 at 10:15",
        "every monday at 18:30 remind me to take out the bins",
    ])
    .await;
    chat.talk(&[
        (
            "actually move my dentist reminder to 5pm",
            "⏰ Changed to Fri 24 Dec 2027 at 17:00 (in 399 days): call the dentist",
        ),
        (
            "change the bins reminder to every tuesday at 7:00",
            "⏰ Changed to every Tuesday at 07:00, next on Tue 24 Nov 2026: take out the bins",
        ),
        (
            "move the bins reminder to today at 10:00",
            "10:00 today is in the past. Try: move the bins reminder to tomorrow at 10:00",
        ),
        (
            "list my reminders",
            "Your reminders\n\n\
                 • take out the bins – every Tuesday at 07:00, next on Tue 24 Nov 2026 (#4)\n\
                 • call the dentist – Fri 24 Dec 2027 at 17:00 (in 399 days) (#3)",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_repeat_that_is_moved_goes_on_at_the_new_time() {
    let mut chat = Chat::new().await;
    chat.says_all(&[
        "every weekday at 9 remind me to send standup",
        "every other day at 8:30 remind me to water the plants",
        "every day at 8 until 1 March remind me to take vitamins",
    ])
    .await;
    chat.talk(&[
        (
            "move the standup reminder to 10",
            "⏰ Changed to every weekday at 10:00, next on Mon 23 Nov 2026: send standup",
        ),
        (
            "change the plants reminder to 7:15am",
            "⏰ Changed to every 2 days at 07:15, next tomorrow: water the plants",
        ),
        (
            "make the vitamins reminder 2pm",
            "⏰ Changed to every day at 14:00 until Mon 1 Mar 2027 at 23:59, next today at 14:00: take vitamins",
        ),
        (
            "list my reminders",
            "Your reminders\n\n\
                 • take vitamins – every day at 14:00 until Mon 1 Mar 2027 at 23:59, next today at 14:00 (#6)\n\
                 • water the plants – every 2 days at 07:15, next tomorrow (#5)\n\
                 • send standup – every weekday at 10:00, next on Mon 23 Nov 2026 (#4)",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_repeat_that_is_snoozed_stays_beside_what_comes_once_more() {
    let mut chat = Chat::new().await;
    chat.says("every weekday at 9 remind me to send standup")
        .await;
    let stays = "It still comes every weekday at 09:00, next on Mon 23 Nov 2026 (#1).";
    chat.talk(&[
        (
            "snooze the standup reminder for 10 minutes",
            &format!("⏰ Once more today at 13:10 (in 10 minutes): send standup\n\n{stays}"),
        ),
        (
            "snooze reminder 1 until tomorrow at 17:00",
            &format!("⏰ Once more tomorrow at 17:00 (in 1 day 4 hours): send standup\n\n{stays}"),
        ),
    ])
    .await;
    let active = "send standup active assistant";
    assert_eq!(chat.fixture.column(JOBS).await, [active; 3]);
}

/// Whether a repeat is to change for good, or only this once, is not guessed.
#[tokio::test]
async fn what_could_end_a_repeat_is_asked_back_with_sentences_that_work() {
    let mut chat = Chat::new().await;
    chat.says_all(&[
        "every weekday at 9 remind me to send standup",
        "every monday at 18:30 remind me to take out the bins",
        "every 2 hours remind me to drink water",
        "every day at 9 and 18 remind me to feed the cat",
        "on the 1st of every month remind me to pay rent",
        "every 2 weeks on monday at 9 remind me to order food",
    ])
    .await;
    for (says, once, for_good) in [
        (
            "move the standup reminder to tomorrow at 10",
            "snooze reminder 1 until 21 November 2026 at 10:00",
            "change reminder 1 to every weekday at 10:00",
        ),
        (
            "postpone the standup reminder to 17:00",
            "snooze reminder 1 until 20 November 2026 at 17:00",
            "change reminder 1 to every weekday at 17:00",
        ),
        (
            "move #2 to tuesday at 7:00",
            "snooze reminder 2 until 24 November 2026 at 7:00",
            "change reminder 2 to every Tuesday at 7:00",
        ),
        (
            "reschedule the water reminder in 90 minutes",
            "snooze reminder 3 for 1 hour 30 minutes",
            "change reminder 3 to every day at 14:30",
        ),
        (
            "move the cat reminder to 10am",
            "snooze reminder 4 until 21 November 2026 at 10:00",
            "change reminder 4 to every day at 10:00",
        ),
        (
            "move the rent reminder to 2 December at 10:00",
            "snooze reminder 5 until 2 December 2026 at 10:00",
            "change reminder 5 to every month on the 2nd at 10:00",
        ),
        (
            "move the food reminder to wednesday at 9:30",
            "snooze reminder 6 until 25 November 2026 at 9:30",
            "change reminder 6 to every 2 weeks on Wednesday at 9:30",
        ),
    ] {
        let answer = shown(&chat.says(says).await);
        let expected = format!(
            "To hear of it once more, say \"{once}\". To change it for good, say \"{for_good}\"."
        );
        assert!(answer.ends_with(&expected), "{says}: {answer}");
        assert!(answer.starts_with("That one repeats: "), "{says}: {answer}");
        let now = Madrid.with_ymd_and_hms(2026, 11, 20, 13, 0, 0).unwrap();
        let Some(Intent::ChangeReminder { shift, .. }) = parse(once, now) else {
            panic!("{once}")
        };
        assert_eq!(shift, Shift::OnceMore, "{once}");
        let Some(Intent::ChangeReminder { when, .. }) = parse(for_good, now) else {
            panic!("{for_good}")
        };
        let repeats = matches!(when, When::Cron { .. } | When::Every { .. });
        assert!(repeats, "{for_good}: {when:?}");
    }
    let active = "SELECT content FROM jobs WHERE status = 'active'";
    assert_eq!(chat.fixture.column(active).await.len(), 6);
    chat.talk(&[(
        "change reminder 2 to every Tuesday at 7:00",
        "⏰ Changed to every Tuesday at 07:00, next on Tue 24 Nov 2026: take out the bins",
    )])
    .await;
    assert_eq!(chat.fixture.column(active).await.len(), 6);
}

/// A task that came back as a card would show its text and do nothing.
#[tokio::test]
async fn what_is_moved_or_snoozed_keeps_what_it_is() {
    let mut chat = Chat::new().await;
    for recurrence in [
        json!({ "recurrence_cron": "0 9 * * mon-fri" }),
        json!({ "run_at": "2026-11-21T09:00" }),
    ] {
        let mut arguments = json!({
            "content": "sum up the news", "role": "user", "title": "News", "metadata": { "from": "web" },
        });
        let fields = recurrence.as_object().unwrap().clone();
        arguments.as_object_mut().unwrap().extend(fields);
        chat.calls("schedule_prompt", &arguments).await;
    }
    chat.talk(&[
        (
            "move reminder 1 to 10am",
            "⏰ Changed to every weekday at 10:00, next on Mon 23 Nov 2026: sum up the news",
        ),
        (
            "move reminder 2 to tomorrow at 11am",
            "⏰ Changed to tomorrow at 11:00 (in 22 hours): sum up the news",
        ),
        (
            "snooze reminder 3 for 1 hour",
            "⏰ Once more today at 14:00 (in 1 hour): sum up the news\n\n\
             It still comes every weekday at 10:00, next on Mon 23 Nov 2026 (#3).",
        ),
    ])
    .await;
    let kept =
        "SELECT role || ' ' || title || ' ' || metadata || ' ' || status FROM jobs ORDER BY id";
    let row = |status: &str| format!("user News {{\"from\":\"web\"}} {status}");
    let expected = ["cancelled", "cancelled", "active", "active", "active"].map(row);
    assert_eq!(chat.fixture.column(kept).await, expected);
}

/// The new time is one of the person's zone; which of the two is meant is not guessed.
#[tokio::test]
async fn a_repeat_in_another_zone_is_not_moved_by_its_hour_alone() {
    let mut chat = Chat::new().await;
    let arguments = json!({ "content": "call Kenji", "recurrence_cron": "0 9 * * 1", "timezone": "Asia/Tokyo" });
    chat.calls("schedule_prompt", &arguments).await;
    let answer = shown(&chat.says("move the Kenji reminder to 10am").await);
    assert!(
        answer.starts_with("That one repeats: call Kenji – "),
        "{answer}"
    );
    assert_eq!(
        chat.fixture.column(JOBS).await,
        ["call Kenji active assistant"]
    );
}

#[tokio::test]
async fn a_change_that_fails_keeps_the_old_reminder() {
    let rules = ToolRules {
        jobs: JobLimits {
            max_active_per_chat: 2,
        },
        ..RULES
    };
    let mut chat = Chat::with(&ToolSettings::default(), rules).await;
    chat.says_all(&[
        "remind me tomorrow at 10:00 to call the dentist",
        "remind me tomorrow at 11:00 to call mum",
    ])
    .await;
    chat.talk(
        &[
            (
                "move the dentist reminder to 5pm",
                "I could not change that reminder: this chat already has 2 active reminders; cancel some first.",
            ),
            (
                "list my reminders",
                "Your reminders\n\n• call the dentist – tomorrow at 10:00 (in 21 hours) (#1)\n\
                 • call mum – tomorrow at 11:00 (in 22 hours) (#2)",
            ),
        ],
    )
    .await;
}
