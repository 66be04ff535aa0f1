//! What a page notices of being looked at: not at what.

use std::time::Duration;

use minibot::core::browser::{Browser, BrowserError, ElementState, Frame, Waited};

use crate::world::{World, chat};

/// What the page noticed since it was opened.
async fn noticed(world: &World) -> Vec<String> {
    // What a page notices it is told before the next picture of it is drawn.
    let beats = |seen: &[String]| seen.iter().filter(|line| line.contains("/beat")).count();
    let drawn = beats(&world.site.requests()) + 3;
    world.site.until(|seen| beats(seen) >= drawn).await;
    let title = world.browser.info(&chat(1)).await.unwrap().title;
    let seen = world.site.requests().into_iter();
    let seen = seen.filter(|line| line.contains("noticed"));
    let words = title.split(' ').filter(|word| *word != "quiet");
    words.map(str::to_owned).chain(seen).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_does_not_learn_which_element_was_looked_at() {
    let Some(world) = World::start().await else {
        return;
    };
    world.open("/watched").await.unwrap();
    let browser = &world.browser;
    let (mut read, mut seen) = (Vec::new(), Vec::new());
    for selector in [
        "#auto",
        "#hidden b",
        "#closed a",
        "#found",
        "#none",
        "#last",
    ] {
        let found = browser.query(&chat(1), selector, 5).await.unwrap();
        let wait = async |state| {
            let waited = browser
                .wait_for(&chat(1), selector, state, Duration::ZERO)
                .await;
            waited.unwrap() == Waited::Reached
        };
        let is_visible = wait(ElementState::Visible).await;
        let is_there = wait(ElementState::Attached).await;
        browser.preview(&chat(1), selector).await.unwrap();
        assert_eq!(found.total, 1, "{selector}");
        read.push(!found.elements[0].text.is_empty());
        seen.push((is_visible, is_there));
    }
    assert_eq!(noticed(&world).await, Vec::<String>::new());
    assert_eq!(read, [true; 6]);
    let hidden = [(false, true); 5];
    assert_eq!(seen, [hidden.as_slice(), &[(true, true)]].concat());
    let size = async |frame| {
        let shot = browser.screenshot(&chat(1), frame).await?;
        let picture = image::load_from_memory(&shot.png).unwrap().to_rgb8();
        let middle = picture.get_pixel(picture.width() / 2, picture.height() / 2);
        Ok::<_, BrowserError>((picture.width(), picture.height(), middle.0))
    };
    let element = |selector: &str| Frame::Element(selector.to_owned());
    let shots = [size(element("#box")).await, size(element("#tall")).await];
    let mut unseen = Vec::new();
    for selector in ["#scrolled-out", "#auto", "#none"] {
        unseen.push(size(element(selector)).await);
    }
    assert_eq!(noticed(&world).await, Vec::<String>::new());
    assert_eq!(
        shots,
        [Ok((120, 60, [0, 0, 255])), Ok((90, 1500, [0, 128, 0]))]
    );
    let is_not_there = |shot: &Result<_, _>| matches!(shot, Err(BrowserError::NotFound(_)));
    assert!(unseen.iter().all(is_not_there), "{unseen:?}");
    assert!(size(Frame::FullPage).await.unwrap().1 > 8000);
    size(Frame::Window).await.unwrap();
    assert_eq!(noticed(&world).await, Vec::<String>::new());
    // It does notice what is done to it.
    world.click("#last").await.unwrap();
    assert!(noticed(&world).await.iter().any(|word| word == "scroll"));
}
