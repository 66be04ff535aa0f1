//! What a click would do is told before it is made, as far as anybody can tell.

use minibot::core::action::ClickLeads;
use minibot::core::browser::Browser;

use crate::world::{PATIENCE, World, chat};

async fn leads(world: &World, selector: &str) -> ClickLeads {
    let preview = world.browser.preview_click(&chat(1), selector).await;
    preview.unwrap().leads
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_is_told_before_it_is_made() {
    let Some(world) = World::start().await else {
        return;
    };
    world.open("/clicks").await.unwrap();
    let to = |path: &str| ClickLeads::To(world.site.url(path).parse().unwrap());
    for selector in [
        "#link",
        "#link b",
        "#svg",
        "#outer-link",
        "#below",
        "#in-form",
    ] {
        let found = leads(&world, selector).await;
        let path = if selector == "#below" {
            "/clicks#end"
        } else {
            "/next?x=link"
        };
        assert_eq!(found, to(path), "{selector}");
    }
    for selector in [
        // The mouse hits something inside, or something above.
        "#holder",
        "#shadow",
        "#closed",
        "#slotted",
        "#frame",
        "#under",
        "#far-holder",
        "#maps",
        // It acts by a script, by a form, or by another program.
        "#send",
        "#send i",
        "#label",
        "#plain",
        "#scripted",
        "#in-scripted",
        "#trap",
        "#mail",
        "#summary",
        // It is not there, is not to be seen, or does nothing that shows.
        "#nothing",
        "#gone",
        "p",
    ] {
        assert_eq!(
            leads(&world, selector).await,
            ClickLeads::Unknown,
            "{selector}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_leads_elsewhere_by_now_is_not_clicked() {
    let Some(world) = World::start().await else {
        return;
    };
    world.open("/changing").await.unwrap();
    let to = |path: &str| ClickLeads::To(world.site.url(path).parse().unwrap());
    assert_eq!(leads(&world, "#a").await, to("/next?x=1"));
    let swap = world.browser.click(&chat(1), "#swap", PATIENCE).await;
    swap.unwrap();
    let moved = world.browser.click(&chat(1), "#a", PATIENCE).await;
    assert!(moved.unwrap_err().to_string().contains("changed"));
    assert_eq!(leads(&world, "#a").await, to("/next?x=2"));
    let page = world.browser.click(&chat(1), "#a", PATIENCE).await.unwrap();
    assert_eq!(page.url.query(), Some("x=2"));
}
