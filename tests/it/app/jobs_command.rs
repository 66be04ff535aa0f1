//! `minibot jobs`, the real program, beside a bot that runs and without one.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use chrono::TimeDelta;
use minibot::core::ids::JobId;
use minibot::core::jobs::JobStatus;
use serde_json::{Value, json};

use super::cards::remind;
use crate::support::fake_model::Reply;
use crate::support::test_bot::TestBot;

/// Runs the program on the data of a bot.
async fn minibot(bot: &TestBot, arguments: &[&str]) -> Output {
    let data = &bot.settings.runtime.data_dir;
    let config = data.join("config.toml");
    let text = format!(
        "[runtime]\ndata_dir = {:?}\ntimezone = \"Europe/Madrid\"\n",
        data
    );
    std::fs::write(&config, text).unwrap();
    std::fs::set_permissions(&config, Permissions::from_mode(0o600)).unwrap();
    tokio::process::Command::new(env!("CARGO_BIN_EXE_minibot"))
        .env_clear()
        .arg("--config")
        .arg(&config)
        .arg("jobs")
        .args(arguments)
        .output()
        .await
        .unwrap()
}

fn text(output: &Output) -> (Option<i32>, String, String) {
    let read = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code(),
        read(&output.stdout),
        read(&output.stderr),
    )
}

async fn status(bot: &TestBot) -> JobStatus {
    let job = bot.ports().jobs.get(JobId(1)).await.unwrap();
    job.unwrap().status
}

#[tokio::test]
async fn a_change_beside_a_running_bot_takes_effect_at_once() {
    let bot = TestBot::new().await;
    remind(&bot, "stretch", 3_600).await;
    let (code, out, err) = text(&minibot(&bot, &["run", "1"]).await);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out, "On its way: #1 stretch\n");
    bot.alice().replies("stretch").await;
    for (command, words, expected) in [
        ("pause", "Paused", JobStatus::Paused),
        ("cancel", "Cancelled", JobStatus::Cancelled),
    ] {
        let (code, out, err) = text(&minibot(&bot, &[command, "1"]).await);
        assert_eq!((code, err.as_str()), (Some(0), ""));
        assert_eq!(out, format!("{words}: #1 stretch\n"));
        assert_eq!(status(&bot).await, expected);
    }
    let (code, _, err) = text(&minibot(&bot, &["resume", "1"]).await);
    assert_eq!(code, Some(1));
    assert_eq!(err, "minibot: job 1 is over (cancelled)\n");
    bot.finish().await;
}

#[tokio::test]
async fn a_task_that_is_run_by_hand_begins_at_once() {
    let bot = TestBot::new().await;
    let arguments = json!({ "content": "look", "role": "user", "delay_seconds": 86_400 });
    bot.model([
        Reply::tools([("schedule_prompt", arguments)]),
        Reply::text("Set."),
        Reply::text("All is well."),
    ]);
    bot.says("do it").await.replies("Set.").await;
    minibot(&bot, &["run", "1"]).await;
    bot.alice().replies("All is well.").await;
    bot.finish().await;
}

#[tokio::test]
async fn without_a_bot_it_says_when() {
    let mut bot = TestBot::new().await;
    remind(&bot, "stretch\u{1b}[31m", 3_600).await;
    bot.stop().await;
    let (code, out, _) = text(&minibot(&bot, &[]).await);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("#1  active  "), "{out}");
    assert!(out.contains("  telegram:1001  stretch"), "{out}");
    assert!(!out.contains('\u{1b}'), "{out:?}");
    let (_, out, err) = text(&minibot(&bot, &["pause", "1", "--json"]).await);
    let job: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&job["id"], &job["status"]), (&json!(1), &json!("paused")));
    assert_eq!(
        err,
        "The bot is not running; it takes it up when it starts.\n"
    );
    let (_, out, _) = text(&minibot(&bot, &["list", "--json"]).await);
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(listed["count"], 1);
    assert_eq!(listed["jobs"][0]["content"], "stretch\u{1b}[31m");
    let (_, out, _) = text(&minibot(&bot, &["show", "1"]).await);
    assert!(out.contains("has not run yet\n"), "{out}");
    let (code, _, err) = text(&minibot(&bot, &["show", "7"]).await);
    assert_eq!(code, Some(1));
    assert!(err.starts_with("minibot: there is no job 7;"), "{err}");
    let (_, out, _) = text(&minibot(&bot, &["show", "1", "--json"]).await);
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&shown["status"], &shown["last_occurrence"]),
        (&json!("paused"), &Value::Null)
    );
    bot.start().await;
    bot.advance(TimeDelta::hours(2));
    assert_eq!(status(&bot).await, JobStatus::Paused);
    let (code, out, err) = text(&minibot(&bot, &["resume", "1"]).await);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("#1 stretch"), "{out}");
    // What fell due while it was paused comes late.
    bot.alice().replies_with("was due").await;
    bot.finish().await;
}

#[tokio::test]
async fn another_schema_is_left_alone() {
    let mut bot = TestBot::new().await;
    bot.stop().await;
    let path = bot.settings.database();
    let change = |sql: &'static str| {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path.clone());
        async move {
            let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        }
    };
    for (sql, expected) in [
        (
            "UPDATE _sqlx_migrations SET version = 99 \
             WHERE version = (SELECT max(version) FROM _sqlx_migrations)",
            "has schema 99",
        ),
        (
            "DELETE FROM _sqlx_migrations WHERE version = 99",
            "has schema ",
        ),
        ("DROP TABLE _sqlx_migrations", "has schema 0 "),
    ] {
        change(sql).await;
        let (code, _, err) = text(&minibot(&bot, &["list"]).await);
        assert_eq!(code, Some(1));
        assert!(
            err.starts_with("minibot: the database ") && err.contains(expected),
            "{err}"
        );
        assert_eq!(err.lines().count(), 1, "{err}");
    }
    std::fs::remove_file(bot.settings.database()).unwrap();
    let (code, _, err) = text(&minibot(&bot, &["list"]).await);
    assert_eq!(code, Some(1));
    assert!(err.contains("does not exist yet"), "{err}");
    assert!(!bot.settings.database().exists());
}
