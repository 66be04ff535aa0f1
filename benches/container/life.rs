//! The bot's life in its container: start, confinement, health, ends, and what outlives it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::fake_model::Reply;
use crate::{ALICE, PATIENCE, World, compose, done};

/// How long after it was asked for the reminder is due: longer than the bot takes to stop.
const DELAY: Duration = Duration::from_secs(15);

/// Docker looks at the health for the first time after a minute.
const FIRST_LOOK: Duration = Duration::from_secs(150);

async fn says(world: &World, words: &str, answer: &str) {
    world.provider.replies([Reply::text(answer)]);
    world.telegram.user_sends(ALICE, ALICE, words);
    world.telegram.wait_for_text(ALICE, answer).await;
}

pub async fn it_starts_and_answers(world: &World) {
    compose::run(&["up", "-d"]);
    says(world, "hi", "Hello Alice.").await;
    compose::follow_log_until("talking on Telegram");
    assert_eq!(
        compose::run(&["ps", "-q"]).lines().count(),
        1,
        "only the bot"
    );
    done("it starts and answers");
}

pub fn it_cannot_do_what_it_need_not() {
    let status = compose::said(&compose::inside(&["cat", "/proc/self/status"]));
    let value = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_else(|| panic!("{status}")).trim().to_owned()
    };
    for capabilities in ["CapEff:", "CapPrm:", "CapBnd:"] {
        assert_eq!(value(capabilities), "0000000000000000", "{capabilities}");
    }
    assert_eq!(value("NoNewPrivs:"), "1");
    assert_eq!(value("Uid:"), "10001\t10001\t10001\t10001");
    for (path, writable) in [
        ("/config/x", false),
        ("/usr/local/bin/x", false),
        ("/x", false),
        ("/tmp/x", true),
        ("/data/x", true),
    ] {
        let touched = compose::inside(&["touch", path]);
        assert_eq!(touched.status.success(), writable, "{path}");
    }
    done("no capabilities, no new privileges, nobody special, nothing to write but /data and /tmp");
}

pub async fn commands_work_beside_it(world: &World) {
    let arguments = json!({ "content": "stretch", "delay_seconds": 86_400 });
    world.provider.replies([
        Reply::tools([("schedule_prompt", arguments)]),
        Reply::text("Set."),
    ]);
    world
        .telegram
        .user_sends(ALICE, ALICE, "remind me tomorrow");
    world.telegram.wait_for_text(ALICE, "Set.").await;
    let listed: Value =
        serde_json::from_str(&compose::minibot(&["jobs", "list", "--json"])).unwrap();
    assert_eq!(listed["jobs"][0]["content"], "stretch");
    let ran = compose::inside(&["minibot", "jobs", "run", "1"]);
    assert!(ran.status.success(), "{}", compose::said(&ran));
    world.telegram.wait_for_text(ALICE, "stretch").await;
    // From another container the bot cannot be told, and must not be taken for a process there.
    let paused = compose::minibot(&["jobs", "pause", "1"]);
    assert!(paused.contains("Paused"), "{paused}");
    let cancelled = compose::inside(&["minibot", "jobs", "cancel", "1"]);
    assert!(cancelled.status.success(), "{}", compose::said(&cancelled));
    done("commands work beside it, in its container and in one of their own");
}

pub async fn its_health_is_known(world: &World) {
    let command: Vec<String> =
        serde_json::from_str(&compose::inspect("{{json .Config.Healthcheck.Test}}")).unwrap();
    assert_eq!(command[0], "CMD", "a shell");
    let command: Vec<&str> = command[1..].iter().map(String::as_str).collect();
    let becomes = async |code: i32| {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = compose::inside(&command);
            if found.status.code() == Some(code) {
                break;
            }
            assert!(Instant::now() < until, "{}", compose::said(&found));
            sleep(Duration::from_secs(1)).await;
        }
    };
    becomes(0).await;
    world.telegram.go_offline();
    becomes(1).await;
    world.telegram.go_online();
    becomes(0).await;
    let until = Instant::now() + FIRST_LOOK;
    while compose::inspect("{{.State.Health.Status}}") != "healthy" {
        assert!(
            Instant::now() < until,
            "{}",
            compose::inspect("{{json .State.Health}}")
        );
        sleep(Duration::from_secs(2)).await;
    }
    done("its health command tells an outage, and docker calls it healthy");
}

fn stop() {
    compose::run(&["stop"]);
    assert_eq!(
        compose::inspect("{{.State.ExitCode}}"),
        "0",
        "it was killed"
    );
}

pub async fn a_reminder_outlives_the_container(world: &World) {
    let arguments = json!({ "content": "water the plants", "delay_seconds": DELAY.as_secs() });
    world.provider.replies([
        Reply::tools([("schedule_prompt", arguments)]),
        Reply::text("I will."),
    ]);
    world.telegram.user_sends(ALICE, ALICE, "remind me soon");
    world.telegram.wait_for_text(ALICE, "I will.").await;
    let due = Instant::now() + DELAY;
    stop();
    compose::run(&["down"]);
    assert!(Instant::now() < due, "the bot took too long to stop");
    tokio::time::sleep_until(due).await;
    compose::run(&["up", "-d"]);
    world
        .telegram
        .wait_for_text(ALICE, "water the plants")
        .await;
    says(world, "thanks", "You are welcome.").await;
    let messages = world.telegram.messages(ALICE);
    let cards = messages
        .iter()
        .filter(|message| message.text.contains("water the plants"));
    assert_eq!(cards.count(), 1);
    done("a reminder outlives its container, and comes once");
}

pub async fn a_copy_is_put_back(world: &World) {
    let copied = compose::inside(&["minibot", "backup", "/data/copy.db"]);
    assert!(copied.status.success(), "{}", compose::said(&copied));
    let outside = compose::inside(&["cat", "/data/copy.db"]).stdout;
    assert!(outside.starts_with(b"SQLite format 3\0"));
    compose::inside(&["rm", "/data/copy.db"]);
    says(world, "one more", "This goes again.").await;
    stop();
    compose::other("tee", &["/data/copy.db"], &outside);
    let restored = compose::minibot(&["restore", "/data/copy.db"]);
    assert!(restored.contains("is restored"), "{restored}");
    compose::run(&["up", "-d"]);
    says(world, "still there?", "Yes.").await;
    compose::run(&["restart"]);
    says(world, "and now?", "Yes again.").await;
    let shown = compose::minibot(&["history", "--chat", &ALICE.to_string()]);
    assert!(shown.contains("You are welcome."), "{shown}");
    assert!(!shown.contains("This goes again."), "{shown}");
    stop();
    done("a copy is made beside it, and put back");
}
