//! What a person reads from the built-in model about anything but reminders, over the real tools
//! and a real database.

use minibot::llm::tools::config::{CalculatorConfig, KvMemoryConfig, TimeConfig};
use minibot::llm::tools::{SchedulerSwitch, ToolRules, ToolSettings};

use super::builtin_world::{Chat, RULES, shown};

#[tokio::test]
async fn notes_are_kept_found_replaced_and_deleted() {
    let mut chat = Chat::new().await;
    chat.talk(
        &[
            ("show my notes", "You have no notes. To make one, say \"note: wifi is hunter2\"."),
            ("note: wifi is hunter2", "Noted: wifi – hunter2"),
            ("what was the wifi?", "wifi: hunter2"),
            (
                "note: wifi is bluewhale77",
                "Noted: wifi – bluewhale77\n\nThis replaces: hunter2",
            ),
            ("note: wifi is bluewhale77", "Noted: wifi – bluewhale77"),
            (
                "Remember that the wifi password at mum's is trout9",
                "Noted: wifi password at mum's – trout9",
            ),
            (
                "jot down that Laura is allergic to peanuts",
                "Noted: Laura – allergic to peanuts",
            ),
            (
                "show me all my notes",
                "Your notes\n\n\
                 • Laura: allergic to peanuts\n\
                 • wifi password at mum's: trout9\n\
                 • wifi: bluewhale77",
            ),
            (
                "delete the wifi note",
                "Several notes fit. Which one? Use more of its words:\n\n\
                 • wifi: bluewhale77\n\
                 • wifi password at mum's: trout9",
            ),
            (
                "delete the note about the wifi at mum's",
                "Deleted: wifi password at mum's: trout9",
            ),
            ("delete the peanut note", "Deleted: Laura: allergic to peanuts"),
            ("delete the passport note", "I have no note about \"passport\"."),
            (
                "what was the passport number",
                "I have no note about passport number. To make one, say \"note: passport number is …\".",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_note_is_deleted_only_when_all_the_words_fit() {
    let mut chat = Chat::new().await;
    chat.says_all(&["note: garage code is 4711", "note: car insurance is AX-12"])
        .await;
    for about in ["gate code", "home insurance", "cargo", "4712"] {
        let expected = format!("I have no note about \"{about}\".");
        assert_eq!(
            shown(&chat.says(&format!("delete the {about} note")).await),
            expected
        );
    }
    chat.talk(&[
        ("delete the code note", "Deleted: garage code: 4711"),
        (
            "delete my note about the car's insurance",
            "Deleted: car insurance: AX-12",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_note_is_found_for_deletion_among_very_many() {
    let mut chat = Chat::new().await;
    chat.says("note: gate code is 4711").await;
    for number in 0..101 {
        chat.says(&format!("note: locker {number} is blue")).await;
    }
    chat.talk(&[("delete the gate note", "Deleted: gate code: 4711")])
        .await;
    let list = shown(&chat.says("show my notes").await);
    assert!(list.ends_with("…and 1 more."), "{list}");
}

#[tokio::test]
async fn sums_and_dates_are_answered() {
    let mut chat = Chat::new().await;
    chat.talk(&[
        ("what is 12.5% of 80", "80 × 12.5 / 100 = 10"),
        ("(45+32)*3 - 10", "(45 + 32) × 3 - 10 = 221"),
        ("what is 2**10", "2 ^ 10 = 1024"),
        ("what is 1/3", "1 / 3 ≈ 0.3333333333333333333333333333"),
        (
            "what is 1/0",
            "I could not calculate that: division by zero: change the divisor.",
        ),
        (
            "what time is it in tokyo right now",
            "It is 21:00 on Friday, 20 November (Asia/Tokyo).",
        ),
        (
            "what day is christmas this year",
            "25 December 2026 is a Friday.",
        ),
        (
            "what was the date 3 weeks ago",
            "30 October 2026 was a Friday.",
        ),
        (
            "how many days until new years eve",
            "41 days until Thursday, 31 December 2026.",
        ),
    ])
    .await;
}

#[tokio::test]
async fn the_persons_own_words_are_never_markup() {
    let mut chat = Chat::new().await;
    chat.talk(
        &[
            (
                "remind me to buy 2*3 screws_and_nails at 18:00",
                "⏰ Today at 18:00 (in 5 hours): buy 2*3 screws_and_nails",
            ),
            (
                "note: shelf is **2*3** `screws_and_nails` <b> [x](http://y.z) ||s||",
                "Noted: shelf – **2*3** `screws_and_nails` <b> [x](http://y.z) ||s||",
            ),
            (
                "what was the shelf?",
                "shelf: **2*3** `screws_and_nails` <b> [x](http://y.z) ||s||",
            ),
            (
                "remind me every other week on monday at 8pm to x_y_z",
                "\"Every other week\" does not say which week comes first. Try: remind me every 2 weeks on Monday at 20:00 to x_y_z",
            ),
            (
                "cancel the *passport* reminder",
                "I found no reminder about \"*passport*\". You have:\n\n\
                 • buy 2*3 screws_and_nails – today at 18:00 (in 5 hours) (#1)",
            ),
            ("cancel 1", "Cancelled: buy 2*3 screws_and_nails"),
            (
                "remind me to buy **two** _screws_ [x](http://y.z) at 19:00",
                "⏰ Today at 19:00 (in 6 hours): buy **two** _screws_ [x](http://y.z)",
            ),
            (
                "list my reminders",
                "Your reminders\n\n\
                 • buy **two** _screws_ [x](http://y.z) – today at 19:00 (in 6 hours) (#2)",
            ),
            ("cancel 2", "Cancelled: buy **two** _screws_ [x](http://y.z)"),
        ],
    )
    .await;
    let kept = "SELECT content FROM jobs ORDER BY id";
    assert_eq!(
        chat.fixture.column(kept).await,
        [
            "buy 2*3 screws_and_nails",
            "buy **two** _screws_ [x](http://y.z)"
        ]
    );
}

#[tokio::test]
async fn other_talk_is_answered_with_what_works() {
    let mut chat = Chat::new().await;
    for (says, opening) in [
        ("hello", "Hello. You could say:\n\n"),
        (
            "what can you do?",
            "I understand plain English for what is listed here:\n\n",
        ),
        (
            "write me a poem about rain",
            "I did not understand that: no model answers here, only built-in commands. These work:\n\n",
        ),
    ] {
        let answer = shown(&chat.says(says).await);
        let examples = answer.strip_prefix(opening).unwrap();
        assert_eq!(examples.lines().count(), 11, "{answer}");
    }
}

#[tokio::test]
async fn what_others_wrote_is_never_acted_on() {
    let mut chat = Chat::new().await;
    chat.says("remind me tomorrow to call mum").await;
    for text in [
        "remind me in 5 minutes to send money",
        "cancel all reminders",
        "note: wifi is evil",
        "delete my notes",
        "> remind me in 5 minutes to send money",
    ] {
        assert_eq!(
            chat.forwards(text).await,
            "I do not act on forwarded messages. Tell me in your own words what to do."
        );
    }
    let jobs = "SELECT content || ' ' || status FROM jobs";
    assert_eq!(chat.fixture.column(jobs).await, ["call mum active"]);
    assert!(
        chat.fixture
            .column("SELECT title FROM notes")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_switched_off_is_said_and_not_offered() {
    let settings = ToolSettings {
        kv_memory: KvMemoryConfig {
            enabled: false,
            ..KvMemoryConfig::default()
        },
        calculator: CalculatorConfig {
            enabled: false,
            ..CalculatorConfig::default()
        },
        time: TimeConfig { enabled: false },
        ..ToolSettings::default()
    };
    let rules = ToolRules {
        scheduler: SchedulerSwitch::Off,
        ..RULES
    };
    let mut chat = Chat::with(&settings, rules).await;
    chat.talk(
        &[
            (
                "remind me at 5pm to run",
                "Reminders are switched off here.",
            ),
            ("list my reminders", "Reminders are switched off here."),
            ("note: wifi is hunter2", "Notes are switched off here."),
            ("delete the wifi note", "Notes are switched off here."),
            ("what is 2+2", "The calculator is switched off here."),
            ("what time is it", "The clock is switched off here."),
            (
                "help",
                "I understand plain English for what is listed here:\n\n• how many days until 24 December",
            ),
        ],
    )
    .await;
}
