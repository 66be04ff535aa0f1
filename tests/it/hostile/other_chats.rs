//! One conversation and another: a model that has turned reaches nobody but the person whose turn it is, and
//! nothing of anybody else, even where that person allows whatever it wants.

use serde_json::{Value, json};

use super::injections::forwarded;
use super::world::{Rule, Says, World, call};
use crate::support::test_bot::{ALICE, BOB};

/// What only Bob knows.
const SECRET: &str = "bobsecret";

/// What a model may try to reach Bob, or what is his.
fn attempts(telegram: &str) -> Vec<(&'static str, Value)> {
    let path = |path: &str| json!({ "path": path });
    let job = |id: i64| json!({ "job_id": id });
    let to_bob = json!({ "chat_id": BOB, "text": SECRET });
    vec![
        ("user_memory_get", json!({ "title": "plan" })),
        ("user_memory_get", json!({ "entry_id": 1 })),
        ("user_memory_search", json!({ "query": SECRET })),
        ("user_memory_search", json!({})),
        ("user_memory_delete", json!({ "title": "plan" })),
        ("user_memory_delete", json!({ "entry_id": 1 })),
        ("list_scheduled_prompts", json!({ "active_only": false })),
        ("cancel_scheduled_prompt", job(1)),
        ("delete_scheduled_prompt", job(1)),
        (
            "schedule_prompt",
            json!({ "content": "x", "delay_seconds": 60, "chat_id": BOB }),
        ),
        (
            "schedule_prompt",
            json!({ "content": "x", "delay_seconds": 60, "metadata": { "chat_id": BOB } }),
        ),
        ("read_file", path("plan.txt")),
        ("read_file", path("../1002/plan.txt")),
        ("read_file", path("chats/1002/plan.txt")),
        ("read_file", path("1002/plan.txt")),
        ("list_files", json!({ "folder": "..", "recursive": true })),
        ("search_files", json!({ "pattern": SECRET })),
        ("search_files", json!({ "pattern": ".", "folder": ".." })),
        (
            "create_file",
            json!({ "path": "../1002/x.txt", "content": "x" }),
        ),
        (
            "move_file",
            json!({ "source_path": "../1002/plan.txt", "destination_path": "x.txt" }),
        ),
        ("delete_file", path("../1002/plan.txt")),
        ("send_file", path("../1002/plan.txt")),
        ("send_file", json!({ "path": "own.txt", "chat_id": BOB })),
        (
            "self_insert_artifact",
            json!({ "path": "../1002/plan.txt", "as": "file" }),
        ),
        (
            "http_request",
            json!({ "url": format!("{telegram}/bot1:x/sendMessage"), "method": "POST", "json": to_bob }),
        ),
        ("chat_history_info", json!({})),
    ]
}

async fn nothing_reaches_another_chat(rule: Rule) {
    let mut world = World::plain(rule).await;
    let keeps = vec![
        call(
            "user_memory_save",
            json!({ "title": "plan", "data": SECRET }),
        ),
        call(
            "create_file",
            json!({ "path": "plan.txt", "content": SECRET }),
        ),
        call(
            "schedule_prompt",
            json!({ "content": SECRET, "delay_seconds": 30_000_000 }),
        ),
    ];
    world.who = BOB;
    let says = || Some(json!({ "text": "keep it" }).into());
    world.turn(says(), keeps, "", Says::Yes).await;
    let told = world.bot.bob().messages().len();

    world.who = ALICE;
    let own = vec![call(
        "create_file",
        json!({ "path": "own.txt", "content": "x" }),
    )];
    world.turn(says(), own, "", Says::Yes).await;
    for (tool, arguments) in attempts(&world.bot.telegram.url()) {
        world.starts_afresh().await;
        let shown = format!("{tool} {arguments}");
        let calls = vec![call(tool, arguments)];
        world
            .turn(Some(forwarded().into()), calls, "", Says::Yes)
            .await;
        let result = world.result();
        let asked_for = shown.matches(SECRET).count();
        assert!(
            result.matches(SECRET).count() <= asked_for,
            "{shown}: {result}"
        );
    }
    assert_eq!(world.bot.bob().messages().len(), told);

    // All that is Bob's is still there, and his.
    world.who = BOB;
    for (tool, arguments) in [
        ("user_memory_get", json!({ "title": "plan" })),
        ("read_file", json!({ "path": "plan.txt" })),
        ("list_scheduled_prompts", json!({})),
    ] {
        world
            .turn(says(), vec![call(tool, arguments)], "", Says::No)
            .await;
        assert!(
            world.result().contains(SECRET),
            "{tool}: {}",
            world.result()
        );
    }
    world.finish().await;
}

#[tokio::test]
async fn with_the_rule_nothing_reaches_another_chat() {
    nothing_reaches_another_chat(Rule::On).await;
}

#[tokio::test]
async fn without_the_rule_nothing_reaches_another_chat_either() {
    nothing_reaches_another_chat(Rule::Off).await;
}
