//! What the tools answer on a real database, and each error among it.

use chrono::{DateTime, TimeDelta, Utc};
use minibot::core::jobs::JobLimits;
use minibot::core::tool::TurnOrigin;
use minibot::llm::tools::{ToolRules, ToolSettings};
use serde_json::{Value, json};

use super::builtin_world::{Chat, RULES};

/// Tool, arguments, code, and words of the message.
type Refusal = (&'static str, Value, &'static str, &'static str);

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn refused(chat: &mut Chat, table: Vec<Refusal>) {
    for (tool, arguments, code, words) in table {
        let result = chat.calls(tool, &arguments).await;
        let text = result.error_text().unwrap_or_default();
        assert_eq!(result.value()["code"], code, "{tool} {arguments}: {text}");
        assert!(text.contains(words), "{tool} {arguments}: {text}");
    }
}

#[tokio::test]
async fn schedules_that_cannot_be_are_refused_with_a_way_out() {
    let mut chat = Chat::new().await;
    let bad = |mut arguments: Value, words| {
        let fields = arguments.as_object_mut().unwrap();
        fields.entry("content").or_insert("tea".into());
        ("schedule_prompt", arguments, "bad_arguments", words)
    };
    let table = vec![
        bad(
            json!({ "content": " " }),
            "1 to 2000 characters, this has 0",
        ),
        bad(json!({ "content": "x".repeat(2001) }), "this has 2001"),
        bad(json!({ "content": 7 }), "do not fit"),
        bad(json!({ "when": "soon" }), "unknown field `when`"),
        bad(json!({ "role": "system" }), "unknown variant `system`"),
        bad(json!({ "delay_seconds": -5 }), "do not fit"),
        bad(json!({}), "say when"),
        bad(json!({ "run_at": "", "recurrence_cron": " " }), "say when"),
        bad(
            json!({ "run_at": "2027-01-01T09:00", "delay_seconds": 60 }),
            "not both",
        ),
        bad(json!({ "run_at": "soon" }), "\"soon\" is not a time"),
        bad(
            json!({ "run_at": "2026-11-20T12:00" }),
            "that time has passed, it is now",
        ),
        bad(json!({ "run_at": "2300-01-01T09:00" }), "within 100 years"),
        bad(json!({ "delay_seconds": u64::MAX }), "too far away"),
        bad(
            json!({ "run_at": "2027-01-01T09:00", "timezone": "Madrid" }),
            "did you mean Europe/Madrid?",
        ),
        bad(
            json!({ "run_at": "2027-01-01T09:00", "timezone": "Nowhere" }),
            "is not a time zone",
        ),
        bad(
            json!({ "recurrence_type": "interval" }),
            "needs recurrence_interval_seconds",
        ),
        bad(
            json!({ "recurrence_type": "cron" }),
            "needs recurrence_cron",
        ),
        bad(
            json!({ "recurrence_interval_seconds": 59 }),
            "at least 60 seconds",
        ),
        bad(
            json!({ "recurrence_interval_seconds": 600, "recurrence_cron": "0 9 * * *" }),
            "not both",
        ),
        bad(
            json!({ "recurrence_type": "none", "recurrence_cron": "0 9 * * *" }),
            "recurrence_type is \"none\"",
        ),
        bad(
            json!({ "recurrence_cron": "0 9 * * *", "run_at": "2027-01-01T09:00" }),
            "leave run_at and delay_seconds null",
        ),
        bad(json!({ "recurrence_cron": "0 0 9 * * *" }), "five fields"),
        bad(json!({ "recurrence_cron": "0 25 * * *" }), "not valid"),
        bad(json!({ "recurrence_cron": "0 9 30 2 *" }), "never run"),
        bad(json!({ "recurrence_cron": "0".repeat(201) }), "too long"),
        bad(
            json!({ "recurrence_cron": "0 9 * * *", "recurrence_end_at": "2026-11-20T14:00" }),
            "the end lies before the first run",
        ),
        bad(
            json!({ "recurrence_cron": "0 9 * * *", "recurrence_end_at": "later" }),
            "recurrence_end_at \"later\" is not a time",
        ),
    ];
    refused(&mut chat, table).await;
    assert!(chat.fixture.column("SELECT id FROM jobs").await.is_empty());
}

/// The first run and the next ones, as they are told.
async fn scheduled_at(chat: &mut Chat, arguments: Value) -> (Value, Value) {
    let mut arguments = arguments;
    arguments["content"] = "tea".into();
    let result = chat.calls("schedule_prompt", &arguments).await;
    let value = result.value();
    assert_eq!(value["scheduled"], true, "{result:?}");
    (value["run_at"].clone(), value["human"].clone())
}

#[tokio::test]
async fn whole_days_from_now_are_counted_on_the_calendar() {
    let mut chat = Chat::new().await;
    let days = json!({ "recurrence_interval_seconds": 200 * 86_400 });
    let (run_at, human) = scheduled_at(&mut chat, days).await;
    assert_eq!(run_at, "2027-06-08T13:00:00+02:00");
    assert_eq!(human, "every 200 days at 13:00, next on Tue 8 Jun 2027");
}

/// As its description says.
#[tokio::test]
async fn every_other_week_is_an_interval_with_a_first_run() {
    let mut chat = Chat::new().await;
    let other_week = json!({
        "recurrence_type": "interval",
        "recurrence_interval_seconds": 1_209_600,
        "run_at": "2026-11-24T09:00",
    });
    let (run_at, _) = scheduled_at(&mut chat, other_week).await;
    assert_eq!(run_at, "2026-11-24T09:00:00+01:00");
    let tools = chat.tools().iter();
    let mut specs = tools.map(|tool| tool.spec().clone());
    let spec = specs.find(|spec| spec.name == "schedule_prompt").unwrap();
    assert!(spec.description.contains("1209600"), "{}", spec.description);
    assert!(
        !spec.description.contains("not possible"),
        "{}",
        spec.description
    );
}

/// On 31 October 2027 the clocks of Madrid show 02:00 to 03:00 twice.
#[tokio::test]
async fn a_time_that_comes_twice_is_the_one_that_is_still_to_come() {
    for (minutes_past_one, run_at, expected) in [
        (-20, "2027-10-31T02:50", "2027-10-31T02:50:00+02:00"),
        (40, "2027-10-31T02:50", "2027-10-31T02:50:00+01:00"),
        (-5, "2027-10-31T02:50", "2027-10-31T02:50:00+01:00"),
    ] {
        let mut chat = Chat::new().await;
        let changed_at = utc("2027-10-31T01:00:00Z") + TimeDelta::minutes(minutes_past_one);
        chat.wait(changed_at - utc("2026-11-20T12:00:00Z"));
        let (found, _) = scheduled_at(&mut chat, json!({ "run_at": run_at })).await;
        assert_eq!(found, expected, "{minutes_past_one}");
        let ends = json!({
            "recurrence_interval_seconds": 60,
            "recurrence_end_at": "2027-10-31T02:59",
        });
        scheduled_at(&mut chat, ends).await;
        let gone = json!({ "content": "tea", "run_at": "2027-10-31T01:59" });
        let gone = chat.calls("schedule_prompt", &gone).await;
        assert!(
            gone.error_text()
                .unwrap()
                .starts_with("that time has passed")
        );
    }
}

#[tokio::test]
async fn a_scheduled_run_schedules_nothing() {
    let mut chat = Chat::new().await;
    let arguments = json!({ "content": "tea", "delay_seconds": 60 });
    let result = chat
        .calls_from("schedule_prompt", &arguments, TurnOrigin::Schedule)
        .await;
    assert_eq!(result.value()["code"], "denied");
    assert!(chat.fixture.column("SELECT id FROM jobs").await.is_empty());
}

#[tokio::test]
async fn a_chat_has_only_so_many_reminders() {
    let rules = ToolRules {
        jobs: JobLimits {
            max_active_per_chat: 2,
        },
        ..RULES
    };
    let mut chat = Chat::with(&ToolSettings::default(), rules).await;
    let tea = json!({ "content": "tea", "delay_seconds": 60 });
    for _ in 0..2 {
        let result = chat.calls("schedule_prompt", &tea).await;
        assert_eq!(result.value()["scheduled"], true, "{result:?}");
    }
    let table = vec![(
        "schedule_prompt",
        tea.clone(),
        "too_large",
        "2 active reminders",
    )];
    refused(&mut chat, table).await;
    chat.calls("cancel_scheduled_prompt", &json!({ "job_id": 1 }))
        .await;
    let result = chat.calls("schedule_prompt", &tea).await;
    assert_eq!(result.value()["scheduled"], true, "{result:?}");
}

#[tokio::test]
async fn what_is_scheduled_is_listed_cancelled_and_deleted() {
    let mut chat = Chat::new().await;
    let added = chat
        .calls(
            "schedule_prompt",
            &json!({ "content": " tea ", "recurrence_cron": "0 9 * * mon-fri", "title": "Tea" }),
        )
        .await;
    let expected = json!({
        "scheduled": true,
        "job_id": 1,
        "status": "active",
        "run_at": "2026-11-23T09:00:00+01:00",
        "human": "every weekday at 09:00, next on Mon 23 Nov 2026",
    });
    assert_eq!(*added.value(), expected);
    let list = chat
        .calls("list_scheduled_prompts", &json!({ "limit": 999 }))
        .await;
    let row = &list.value()["jobs"][0];
    assert_eq!(
        (&list.value()["count"], &row["text"]),
        (&json!(1), &json!("tea"))
    );
    assert_eq!(row["recurrence"]["cron"], "0 9 * * mon-fri");
    assert_eq!(row["role"], "assistant");
    let id = json!({ "job_id": "1" });
    let cancelled = chat.calls("cancel_scheduled_prompt", &id).await;
    assert_eq!(cancelled.value()["cancelled"], true, "{cancelled:?}");
    let open = chat.calls("list_scheduled_prompts", &json!({})).await;
    assert_eq!(open.value()["count"], 0);
    let all = json!({ "active_only": false });
    let all = chat.calls("list_scheduled_prompts", &all).await;
    assert_eq!(all.value()["jobs"][0]["status"], "cancelled");
    let deleted = chat.calls("delete_scheduled_prompt", &id).await;
    assert_eq!(deleted.value()["deleted"], true, "{deleted:?}");
    let missing = |tool| {
        (
            tool,
            json!({ "job_id": 1 }),
            "not_found",
            "list_scheduled_prompts",
        )
    };
    let unread = |tool, arguments| (tool, arguments, "bad_arguments", "");
    let table = vec![
        missing("cancel_scheduled_prompt"),
        missing("delete_scheduled_prompt"),
        unread("cancel_scheduled_prompt", json!({})),
        unread("cancel_scheduled_prompt", json!({ "job_id": "tea" })),
        unread("delete_scheduled_prompt", json!({ "job_id": null })),
        unread("list_scheduled_prompts", json!({ "limit": -1 })),
        unread("list_scheduled_prompts", json!({ "all": true })),
    ];
    refused(&mut chat, table).await;
}

#[tokio::test]
async fn notes_are_refused_where_they_do_not_fit() {
    let mut chat = Chat::new().await;
    let save = |arguments, code, words| ("user_memory_save", arguments, code, words);
    let table = vec![
        save(
            json!({ "title": " ", "data": "x" }),
            "bad_arguments",
            "this has 0",
        ),
        save(
            json!({ "title": "é".repeat(101), "data": "x" }),
            "bad_arguments",
            "this has 101",
        ),
        save(
            json!({ "title": "x" }),
            "bad_arguments",
            "missing field `data`",
        ),
        save(
            json!({ "title": "x", "data": "y".repeat(64 * 1024 + 1) }),
            "too_large",
            "save it in parts",
        ),
        save(
            json!({ "title": "x", "data": "y", "metadata": [1] }),
            "bad_arguments",
            "do not fit",
        ),
        save(
            json!({ "title": "x", "data": "y", "expires_at": "tomorrow" }),
            "bad_arguments",
            "is not RFC 3339",
        ),
        save(
            json!({ "title": "x", "data": "y", "expires_at": "2026-11-20T12:00:00Z" }),
            "bad_arguments",
            "has passed",
        ),
        (
            "user_memory_get",
            json!({}),
            "bad_arguments",
            "give entry_id or title",
        ),
        (
            "user_memory_get",
            json!({ "title": " " }),
            "bad_arguments",
            "give entry_id or title",
        ),
        (
            "user_memory_get",
            json!({ "entry_id": "x" }),
            "bad_arguments",
            "is not an id",
        ),
        (
            "user_memory_get",
            json!({ "title": "wifi" }),
            "not_found",
            "no such note",
        ),
        (
            "user_memory_get",
            json!({ "entry_id": 9 }),
            "not_found",
            "no such note",
        ),
        (
            "user_memory_delete",
            json!({}),
            "bad_arguments",
            "give entry_id or title",
        ),
        (
            "user_memory_delete",
            json!({ "title": "wifi" }),
            "not_found",
            "no such note",
        ),
        (
            "user_memory_search",
            json!({ "limit": "many" }),
            "bad_arguments",
            "do not fit",
        ),
    ];
    refused(&mut chat, table).await;
    assert!(chat.fixture.column("SELECT id FROM notes").await.is_empty());
}

#[tokio::test]
async fn a_note_comes_back_as_it_went_in_until_it_expires() {
    let mut chat = Chat::new().await;
    let note = json!({
        "title": "wifi",
        "data": "hunter2",
        "metadata": { "floor": 2 },
        "source": "Ada",
        "expires_at": "2026-11-20T13:00:00Z",
    });
    let saved = chat.calls("user_memory_save", &note).await;
    let got = chat
        .calls("user_memory_get", &json!({ "entry_id": "1", "title": "" }))
        .await;
    assert_eq!(saved, got);
    for key in ["title", "data", "metadata", "source", "expires_at"] {
        assert_eq!(got.value()[key], note[key], "{key}");
    }
    let found = chat
        .calls(
            "user_memory_search",
            &json!({ "query": "hunter2", "limit": 0 }),
        )
        .await;
    let page = found.value();
    assert_eq!((&page["total"], &page["limit"]), (&json!(1), &json!(1)));
    chat.wait(TimeDelta::hours(2));
    let gone = chat
        .calls("user_memory_get", &json!({ "title": "wifi" }))
        .await;
    assert_eq!(gone.value()["code"], "not_found");
}

#[tokio::test]
async fn the_clock_and_the_calculator_refuse_what_they_cannot_read() {
    let mut chat = Chat::new().await;
    let table = vec![
        (
            "current_datetime",
            json!({ "timezone": "tokyo" }),
            "bad_arguments",
            "did you mean Asia/Tokyo?",
        ),
        (
            "current_datetime",
            json!({ "timezone": "Moon" }),
            "bad_arguments",
            "IANA",
        ),
        (
            "current_datetime",
            json!({ "format": "%Q" }),
            "bad_arguments",
            "strftime",
        ),
        (
            "current_datetime",
            json!({ "format": "x".repeat(201) }),
            "bad_arguments",
            "strftime",
        ),
        (
            "current_datetime",
            json!({ "zone": "UTC" }),
            "bad_arguments",
            "unknown field",
        ),
        (
            "calculate_expression",
            json!({}),
            "bad_arguments",
            "missing field",
        ),
        (
            "calculate_expression",
            json!({ "expression": "1/0" }),
            "bad_arguments",
            "zero",
        ),
        (
            "calculate_expression",
            json!({ "expression": "1", "scale": -1 }),
            "bad_arguments",
            "do not fit",
        ),
    ];
    refused(&mut chat, table).await;
    let here = chat.calls("current_datetime", &json!({})).await;
    let expected = json!({
        "utc": "2026-11-20T12:00:00Z",
        "local": "2026-11-20T13:00:00+01:00",
        "timezone": "Europe/Madrid",
        "weekday": "Friday",
        "unix": 1_795_176_000,
    });
    assert_eq!(*here.value(), expected);
}

#[tokio::test]
async fn the_history_is_counted_and_trimmed() {
    let mut chat = Chat::new().await;
    chat.says_all(&["hello", "thanks"]).await;
    let info = chat.calls("chat_history_info", &json!({})).await;
    let expected = json!({ "total_messages": 4, "max_history_messages": 0, "window": 32 });
    assert_eq!(*info.value(), expected);
    let table = vec![
        (
            "chat_history_trim",
            json!({}),
            "bad_arguments",
            "missing field",
        ),
        (
            "chat_history_trim",
            json!({ "keep_latest": -1 }),
            "bad_arguments",
            "do not fit",
        ),
        (
            "chat_history_info",
            json!({ "chat": 7 }),
            "bad_arguments",
            "unknown field",
        ),
    ];
    refused(&mut chat, table).await;
    let trimmed = chat
        .calls("chat_history_trim", &json!({ "keep_latest": 2 }))
        .await;
    let expected = json!({ "removed_messages": 2, "remaining_messages": 2 });
    assert_eq!(*trimmed.value(), expected);
}
