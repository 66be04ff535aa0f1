//! What a click would do is told before it is made, as far as anybody can tell.

use minibot::core::action::ClickLeads;
use minibot::core::browser::{Browser, BrowserError, Click, Filling};

use crate::world::{PATIENCE, World, chat};

async fn leads(world: &World, selector: &str) -> ClickLeads {
    let preview = world.browser.preview(&chat(1), selector).await;
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
    let selector = "#a".to_owned();
    let seen = world.browser.preview(&chat(1), "#a").await.unwrap();
    world.click("#swap").await.unwrap();
    let old = Click { selector, seen };
    let moved = world.browser.click(&chat(1), old, PATIENCE).await;
    assert_eq!(moved, Err(BrowserError::Changed));
    assert_eq!(leads(&world, "#a").await, to("/next?x=2"));
    let page = world.click("#a").await.unwrap();
    assert_eq!(page.url.query(), Some("x=2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_to_another_page_than_was_looked_at() {
    let Some(world) = World::start().await else {
        return;
    };
    let browser = &world.browser;
    for (other, is_another) in [("/twin?two", true), ("/twin?one#part", false)] {
        world.open("/twin?one").await.unwrap();
        let seen = browser.preview(&chat(1), "#word").await.unwrap();
        world.open(other).await.unwrap();
        let field = Filling {
            selector: "#word".to_owned(),
            text: "typed".to_owned(),
            seen,
        };
        let filled = browser.fill(&chat(1), field, PATIENCE).await;
        let title = browser.info(&chat(1)).await.unwrap().title;

        world.open("/twin?one").await.unwrap();
        let seen = browser.preview(&chat(1), "#go").await.unwrap();
        world.open(other).await.unwrap();
        let selector = "#go".to_owned();
        let click = Click { selector, seen };
        let clicked = browser.click(&chat(1), click, PATIENCE).await;
        if is_another {
            assert_eq!(filled, Err(BrowserError::Changed));
            assert_eq!(clicked, Err(BrowserError::Changed));
            assert_eq!(title, "Twin");
            let title = browser.info(&chat(1)).await.unwrap().title;
            assert_eq!(title, "Twin");
        } else {
            assert_eq!(
                (filled.unwrap().title, title.as_str()),
                ("typed".to_owned(), "typed")
            );
            assert_eq!(clicked.unwrap().title, "clicked");
        }
    }
}
