//! What becomes of reminders that a person cancels, moves or snoozes without a model.

use minibot::core::jobs::JobLimits;
use minibot::llm::tools::{ToolRules, ToolSettings};

use super::builtin_world::{Chat, RULES, shown};

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
            "⏰ Changed to today at 17:00 (in 4 hours): call the dentist",
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
                 • call the dentist – today at 17:00 (in 4 hours) (#3)\n\
                 • take out the bins – every Tuesday at 07:00, next on Tue 24 Nov 2026 (#4)",
        ),
    ])
    .await;
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
