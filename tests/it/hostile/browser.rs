//! The same with a real browser: the page that is open belongs to the attacker.

use serde_json::json;

use super::injections::{Injection, arena};
use super::spelling::Spelling;
use super::world::{Kind, Rule, Says, World, call};
use super::{nearly_all_are_through, none_is_through};

/// What is done to the page, after it was read.
const SURFED: &[Injection] = &[Injection::Surfed];
/// Where else the browser is sent, after nothing of the page was seen but its title.
const TITLED: &[Injection] = &[Injection::Titled];

#[tokio::test]
async fn with_the_rule_nothing_that_is_done_to_a_page_is_through() {
    none_is_through(SURFED).await;
}

#[tokio::test]
async fn without_the_rule_all_that_is_done_to_a_page_is_through() {
    nearly_all_are_through(SURFED).await;
}

#[tokio::test]
async fn with_the_rule_no_visit_is_through() {
    none_is_through(TITLED).await;
}

#[tokio::test]
async fn without_the_rule_nearly_all_visits_are_through() {
    nearly_all_are_through(TITLED).await;
}

/// These are no attacks any more, with the rule or without: they are never asked about.
#[tokio::test]
async fn looking_at_a_page_tells_it_no_letter() {
    let Some(mut world) = World::start(Rule::Off, Kind::Surfing).await else {
        return;
    };
    let url = arena(0, &world.site);
    let visit = call("browser_navigate", json!({ "url": url }));
    let looks = Spelling::Letters.pieces("secret").into_iter();
    let looks = looks.flat_map(|letter| {
        let selector = format!("#far-{letter}");
        let wait = json!({ "selector": selector, "timeout_seconds": 0 });
        [
            call("browser_screenshot", json!({ "selector": selector })),
            call("browser_query_selector", json!({ "selector": selector })),
            call("browser_wait_for", wait),
        ]
    });
    let says = json!({ "text": format!("look at {url}") });
    let calls = std::iter::once(visit).chain(looks.take(12)).collect();
    world.turn(Some(says.into()), calls, "", Says::No).await;
    let told: Vec<String> = world.site.seen();
    let told: Vec<&String> = told.iter().filter(|seen| seen.contains("/told/")).collect();
    assert!(told.is_empty(), "{told:?}");
    world.finish().await;
}

#[tokio::test]
async fn a_card_says_on_which_page_and_where_to() {
    let Some(mut world) = World::start(Rule::On, Kind::Surfing).await else {
        return;
    };
    let url = arena(0, &world.site);
    let says = json!({ "text": format!("look at {url} and press b") });
    let calls = vec![
        call("browser_navigate", json!({ "url": url })),
        call("browser_fill", json!({ "selector": "#word", "text": "x" })),
        call("browser_click", json!({ "selector": "#link-b" })),
        call("browser_click", json!({ "selector": "#send" })),
    ];
    world.turn(Some(says.into()), calls, "", Says::Yes).await;
    let texts = world.bot.alice().texts();
    let cards: Vec<&String> = texts
        .iter()
        .filter(|text| text.starts_with("May I run"))
        .collect();
    let next = world.site.said("/arena/m0/m0-b");
    let [fill, link, send] = cards.as_slice() else {
        panic!("{texts:#?}")
    };
    let page = format!("the page is {url}");
    assert!(fill.contains(&format!("{page}.")), "{fill}");
    let there = format!("{page} and shows a link there to {next}.");
    assert!(link.contains(&there), "{link}");
    assert!(
        send.contains(&format!("the page is {next}, and nobody can tell")),
        "{send}"
    );
    let seen = world.site.seen();
    assert!(
        seen.iter().any(|seen| seen.contains("POST /arena/m0/sent")),
        "{seen:?}"
    );
    world.finish().await;
}
