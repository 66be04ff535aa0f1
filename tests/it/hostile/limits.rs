//! What is asked about that is no way out by itself, and what the rule does not hold back, so that
//! nobody believes that it does.

use serde_json::json;

use super::injections::forwarded;
use super::world::{Rule, Says, World, call};

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
