//! What the browser makes of pages: scripts, late content, forms, frames, windows, dialogs, downloads.

use std::time::Duration;

use minibot::core::browser::{
    Browser, BrowserError, ElementState, Frame, Milestone, Rest, View, Visit, Waited,
};
use minibot::core::tool::ErrorCode;

use crate::world::{PATIENCE, World, chat, visit};

#[tokio::test(flavor = "multi_thread")]
async fn scripts_redirects_and_frames_run() {
    let Some(world) = World::start().await else {
        return;
    };
    let arrival = world.open("/script").await.unwrap();
    assert_eq!(arrival.page.title, "Set by script");
    assert!(world.text().await.contains("made by script"));

    for path in ["/redirect", "/forward"] {
        let arrival = world.open(path).await.unwrap();
        assert_eq!(arrival.page.title, "Next", "{path}");
        assert_eq!(arrival.rest, Rest::Settled);
        let by = format!(
            "by={}",
            if path == "/redirect" {
                "redirect"
            } else {
                "script"
            }
        );
        assert_eq!(arrival.page.url.query(), Some(by.as_str()));
    }
    let endless = world.open("/endless").await.unwrap_err();
    assert!(
        endless.to_string().contains("TOO_MANY_REDIRECTS"),
        "{endless}"
    );

    world.open("/frames").await.unwrap();
    let article = world
        .browser
        .read(&chat(1), View::Article)
        .await
        .unwrap()
        .content;
    assert!(
        article.contains("outer") && article.contains("in=frame"),
        "{article}"
    );
    assert!(article.contains("http://other.test:1/"), "{article}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_read_without_its_noise() {
    let Some(world) = World::start().await else {
        return;
    };
    world.open("/article").await.unwrap();
    let read = async |view| world.browser.read(&chat(1), view).await.unwrap().content;
    let article = read(View::Article).await;
    for kept in [
        "<h1>The   heading</h1>",
        "<b>bold</b>",
        "/relative/page?a=1&amp;b=2\">a link</a>",
        "<li>one",
        "<th>Name",
        "code  here",
        "[image: a picture]",
        "&lt;script&gt; is text",
        "in the shadow",
        "http://site.test:",
    ] {
        assert!(article.contains(kept), "{kept}: {article}");
    }
    for noise in [
        "navigation noise",
        "footer noise",
        "script noise",
        "hidden instruction",
        "invisible",
        "see-through",
        "gone",
        "decoration",
        "javascript:",
        "no script",
        "<script",
        "<style",
    ] {
        assert!(!article.contains(noise), "{noise}: {article}");
    }
    let links = read(View::Links).await;
    assert!(links.contains("/a\">navigation noise</a>"), "{links}");
    assert!(!links.contains("javascript:"));
    assert!(read(View::Text).await.contains("First bold and a link."));
    let html = read(View::RawHtml).await;
    assert!(html.starts_with("<html") && html.contains("script noise"));
}

#[tokio::test(flavor = "multi_thread")]
async fn elements_are_found_waited_for_and_shown() {
    let Some(world) = World::start().await else {
        return;
    };
    world.open("/late").await.unwrap();
    let browser = &world.browser;
    let wait = async |selector, state, within| {
        browser
            .wait_for(&chat(1), selector, state, Duration::from_millis(within))
            .await
    };
    assert_eq!(
        wait("#never", ElementState::Visible, 0).await,
        Ok(Waited::TimedOut)
    );
    assert_eq!(
        wait("#late", ElementState::Visible, 9000).await,
        Ok(Waited::Reached)
    );
    assert_eq!(
        wait("#late", ElementState::Attached, 0).await,
        Ok(Waited::Reached)
    );
    assert_eq!(
        wait("#here", ElementState::Hidden, 9000).await,
        Ok(Waited::Reached)
    );
    let bad = wait("p[", ElementState::Visible, 0).await.unwrap_err();
    assert_eq!(bad.code(), ErrorCode::BadArguments);
    assert_eq!(
        browser.query(&chat(1), "p[", 5).await.unwrap_err().code(),
        ErrorCode::BadArguments
    );

    world.open("/form").await.unwrap();
    let found = browser.query(&chat(1), "input", 2).await.unwrap();
    assert_eq!((found.total, found.elements.len()), (5, 2));
    assert_eq!(found.elements[0].attributes["placeholder"], "Your name");

    world.open("/tall").await.unwrap();
    let size = async |frame: Frame| {
        let shot = browser.screenshot(&chat(1), frame).await.unwrap();
        let picture = image::load_from_memory(&shot.png).unwrap();
        (picture.width(), picture.height())
    };
    let window = size(Frame::Window).await;
    assert!(window.0 >= 800 && window.1 < 1000, "{window:?}");
    let whole = size(Frame::FullPage).await;
    assert!(whole.1 > 3000, "{whole:?}");
    assert_eq!(size(Frame::Element("#box".to_owned())).await, (120, 60));
    let missing = browser
        .screenshot(&chat(1), Frame::Element("#no".to_owned()))
        .await;
    assert_eq!(missing.unwrap_err().code(), ErrorCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_are_filled_and_sent() {
    let Some(world) = World::start().await else {
        return;
    };
    world.open("/form").await.unwrap();
    let browser = &world.browser;
    let read = browser.read(&chat(1), View::Article).await.unwrap();
    for control in [
        "<code>[field #name: Your name]</code>",
        "<code>[choice select[name=&quot;colour&quot;]: *Red | Green]</code>",
        "<code>[button #send: Send]</code>",
    ] {
        assert!(
            read.content.contains(control),
            "{control}: {}",
            read.content
        );
    }
    for (selector, text) in [
        ("#name", "Zoë & co"),
        ("[name=word]", "pass"),
        ("[name=text]", "two\nlines"),
        ("select", "Green"),
        ("[name=yes]", "true"),
    ] {
        world.fill(selector, text, PATIENCE).await.unwrap();
    }
    assert_eq!(browser.info(&chat(1)).await.unwrap().title, "heard");
    for (selector, code) in [
        ("[type=file]", ErrorCode::Failed),
        ("#fixed", ErrorCode::Failed),
        ("p", ErrorCode::Failed),
        ("#nothing", ErrorCode::NotFound),
        ("p[", ErrorCode::BadArguments),
    ] {
        let short = Duration::from_millis(100);
        let refused = world.fill(selector, "x", short).await;
        assert_eq!(refused.unwrap_err().code(), code, "{selector}");
    }
    let covered = world.click("#under").await.unwrap_err();
    assert!(
        covered.to_string().contains("under something else"),
        "{covered}"
    );
    world.click("#plain").await.unwrap();
    assert_eq!(browser.info(&chat(1)).await.unwrap().title, "pressed");
    let page = world.click("#send").await.unwrap();
    assert_eq!(page.title, "Sent");
    assert_eq!(
        world.text().await,
        "name=Zo%C3%AB+%26+co&word=pass&text=two%0D%0Alines&colour=g&yes=on&file="
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_followed_and_dialogs_dismissed() {
    let Some(world) = World::start().await else {
        return;
    };
    let browser = &world.browser;
    for (selector, by) in [("#link", "by=link"), ("#script", "by=popup")] {
        world.open("/popup").await.unwrap();
        let page = world.click(selector).await.unwrap();
        assert_eq!(page.url.query(), Some(by));
        assert!(world.text().await.contains(by));
    }
    world.open("/popup").await.unwrap();
    world.click("#closing").await.unwrap();
    let mut title = String::new();
    for _ in 0..600 {
        title = browser
            .info(&chat(1))
            .await
            .map(|page| page.title)
            .unwrap_or_default();
        if title == "Opener" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(title, "Opener");

    world.open("/dialogs").await.unwrap();
    assert!(world.text().await.contains("false null"));
    world.click("#b").await.unwrap();
    assert_eq!(browser.info(&chat(1)).await.unwrap().title, "after alert");
    // It asks whether to stay; nobody is asked.
    assert_eq!(world.open("/").await.unwrap().page.title, "Front");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_downloaded() {
    let Some(world) = World::start().await else {
        return;
    };
    let refused = world.open("/download").await.unwrap_err();
    assert!(matches!(refused, BrowserError::Failed(_)), "{refused:?}");
    world.open("/downloads").await.unwrap();
    world.click("#a").await.unwrap();
    let mut folders = vec![world.root.path().to_owned()];
    while let Some(folder) = folders.pop() {
        // The browser still makes and removes folders of its own.
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
            let name = entry.file_name().into_string().unwrap();
            let is_download =
                name.contains("evil") || name.contains("blob.txt") || name.ends_with("crdownload");
            assert!(!is_download, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_never_settles_is_taken_as_it_is() {
    let Some(world) = World::start().await else {
        return;
    };
    // Enough for the first bytes, beside whatever else this machine does.
    let short = |path: &str, wait_until| Visit {
        wait_until,
        within: Duration::from_secs(5),
        ..visit(&world.site.url(path))
    };
    let browser = &world.browser;
    for (path, wait_until) in [
        ("/unsettled", Milestone::Load),
        ("/unsettled", Milestone::NetworkIdle),
        ("/busy", Milestone::Load),
    ] {
        let arrival = browser
            .navigate(&chat(1), short(path, wait_until))
            .await
            .unwrap();
        assert_eq!(arrival.rest, Rest::CutOff, "{path}");
        assert!(world.text().await.contains("what is there"), "{path}");
    }
    let early = Visit {
        within: PATIENCE,
        ..short("/unsettled", Milestone::DomContentLoaded)
    };
    assert_eq!(
        browser.navigate(&chat(1), early).await.unwrap().rest,
        Rest::Settled
    );
    let silent = browser
        .navigate(&chat(1), short("/hang", Milestone::Load))
        .await;
    assert_eq!(silent.unwrap_err().code(), ErrorCode::Timeout);
    assert_eq!(world.open("/").await.unwrap().page.title, "Front");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_are_what_pages_see() {
    let seen = World::with(|config| {
        config.user_agent = Some("Probe/1".to_owned());
        config.viewport_width = 777.try_into().ok();
        config.viewport_height = 555.try_into().ok();
        config.locale = Some("fr-FR".to_owned());
        config.timezone_id = Some("Asia/Tokyo".to_owned());
        config.geolocation = toml::from_str("latitude = 12.5\nlongitude = 3").ok();
        config.permissions = vec!["geolocation".to_owned()];
        let header = ("X-Probe".to_owned(), "from the settings".to_owned().into());
        config.extra_http_headers = [header].into();
    });
    let Some(world) = seen.await else { return };
    world.open("/where").await.unwrap();
    let text = world.text().await;
    for part in ["777x", "fr-FR", "Probe/1", "Asia/Tokyo"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    world.open("/headers").await.unwrap();
    let text = world.text().await;
    for part in ["from the settings", "Probe/1", "fr-FR"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("proxy-authorization"), "{text}");
}
