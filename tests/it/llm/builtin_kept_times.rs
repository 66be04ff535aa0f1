//! What a reminder keeps of its own time where only a part of a new one is said.

use super::builtin_world::{Chat, shown};

/// Each pair on a reminder of its own, which must end as the list then shows it.
async fn changes(cases: &[(&str, &str, &str)]) {
    for (set, says, expected) in cases {
        let mut chat = Chat::new().await;
        chat.says(set).await;
        let answer = shown(&chat.says(says).await);
        assert!(answer.contains(expected), "{set}; {says}: {answer}");
    }
}

/// It is Friday, 20 November 2026, 13:00.
#[tokio::test]
async fn a_time_alone_keeps_the_day() {
    let rent = "remind me on friday at 10:00 to pay rent";
    let (mom, wake) = ("remind me at 13:30 to call mom", "wake me at 7");
    changes(&[
        (wake, "move the wake up alarm to 8", "Changed to tomorrow at 08:00"),
        (rent, "change the rent reminder to 11", "Fri 27 Nov 2026 at 11:00"),
        (rent, "change the rent reminder to 6pm", "Fri 27 Nov 2026 at 18:00"),
        (rent, "move the rent reminder to 7 in the evening", "Fri 27 Nov 2026 at 19:00"),
        (rent, "snooze the rent reminder until 11", "Fri 27 Nov 2026 at 11:00"),
        (
            "remind me on 24 December at 20:00 to wrap presents",
            "move the presents reminder to 18:00",
            "Thu 24 Dec 2026 at 18:00",
        ),
        (
            "remind me on 24 December at 20:00 to wrap presents",
            "move the presents reminder to midnight",
            "Fri 25 Dec 2026 at 00:00",
        ),
        (
            "every day at 20:00 remind me to read",
            "move the reading reminder to 9",
            "every day at 21:00",
        ),
        (
            "every friday at 20:00 remind me to lock up",
            "move the lock up reminder to midnight",
            "That one repeats: ",
        ),
        (
            "every day at 20:00 remind me to lock up",
            "move the lock up reminder to midnight",
            "every day at 00:00",
        ),
        (
            "every day at 8:00 remind me to take pills",
            "snooze the pills reminder until saturday",
            "tomorrow at 08:00",
        ),
        (rent, "snooze the rent reminder to 2 hours from now", "today at 15:00"),
        (
            "remind me tomorrow at 14:00 to nap",
            "move the nap reminder to 8",
            "In which half of the day? Say \"move reminder 1 to 08:00\" or \"move reminder 1 to 20:00\".",
        ),
        (
            mom,
            "move the mom reminder to 9am",
            "20 November 2026 at 9:00 is in the past. Say the day and the time, for example \
             \"move reminder 1 to tomorrow at 9:00\".",
        ),
        (mom, "move the mom reminder to 9am UTC", "On which day? "),
    ])
    .await;
}

#[tokio::test]
async fn a_day_alone_keeps_the_time() {
    let rent = "remind me on friday at 16:30 to pay rent";
    let yoga = "every monday at 18:00 remind me to go to yoga";
    changes(&[
        (
            rent,
            "move the rent reminder to saturday",
            "Changed to tomorrow at 16:30",
        ),
        (
            rent,
            "move the rent reminder to today",
            "Changed to today at 16:30",
        ),
        (
            "remind me tomorrow at 8:00 to nap",
            "move the nap reminder to today",
            "20 November 2026 at 8:00 is in the past. ",
        ),
        (
            yoga,
            "move the yoga reminder to tuesdays",
            "Changed to every Tuesday at 18:00",
        ),
        (
            yoga,
            "change the yoga reminder to every day",
            "Changed to every day at 18:00",
        ),
        (
            yoga,
            "change the yoga reminder to every 2 weeks on tuesday",
            "Changed to every 2 weeks on Tuesday at 18:00",
        ),
        (
            yoga,
            "move the yoga reminder to tuesday",
            "To hear of it once more, say \"snooze reminder 1 until 24 November 2026 at 18:00\".",
        ),
        (
            rent,
            "change the rent reminder to every friday",
            "Changed to every Friday at 16:30",
        ),
        (
            "every day at 9 and 18 remind me to feed the cat",
            "move the cat reminder to mondays",
            "Changed to every Monday at 09:00 and 18:00",
        ),
    ])
    .await;
}

/// Whoever snoozes wants to hear of it later.
#[tokio::test]
async fn snoozing_never_brings_one_forward() {
    let mom = "remind me at 16:03 to call mom";
    changes(&[
        (
            mom,
            "snooze the mom reminder for 30 minutes",
            "Changed to today at 16:33",
        ),
        (
            mom,
            "snooze the mom reminder until tomorrow",
            "Changed to tomorrow at 16:03",
        ),
        (
            mom,
            "snooze the mom reminder until 15:00",
            "That is not later than its own time: call mom – today at 16:03 (in 3 hours 3 minutes) (#1). \
             To have it then, say \"move reminder 1 to 20 November 2026 at 15:00\".",
        ),
    ])
    .await;
}
