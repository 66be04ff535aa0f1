//! The browser tools before a browser that only writes down what it is asked.

#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use url::Url;

use super::*;
use crate::core::action::{Action, ClickLeads, Plainness};
use crate::core::browser::Waited;
use crate::core::ids::ThreadId;
use world::{Desk, RecordingBrowser, context, example_org, page};

#[tokio::test]
async fn a_refused_address_reaches_no_browser() {
    let desk = Desk::new(RecordingBrowser::default());
    for (url, code) in [
        ("https://inside.example/", "egress_refused"),
        ("not an address", "egress_refused"),
        ("https://unknown.example/", "not_found"),
        ("file:///etc/passwd", "egress_refused"),
        ("view-source:https://example.org", "egress_refused"),
        ("chrome://settings", "egress_refused"),
        ("data:text/html,hello", "egress_refused"),
        ("javascript:alert(1)", "egress_refused"),
        ("https://me:secret@example.org", "egress_refused"),
    ] {
        let (result, _) = desk.call("browser_navigate", json!({ "url": url })).await;
        assert_eq!(result["code"], code, "{url}");
    }
    assert_eq!(desk.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_visit_tells_where_it_ended() {
    let desk = Desk::new(RecordingBrowser::default());
    let arguments = json!({ "url": "https://example.org/", "timeout_seconds": 99 });
    let (result, labels) = desk.call("browser_navigate", arguments).await;
    let there = json!({ "ok": true, "url": "https://example.org/page", "title": "A page" });
    assert_eq!((result, labels), (there, example_org()));
    let arguments = json!({ "url": "https://example.org/endless", "timeout_seconds": 3.5 });
    let (result, _) = desk.call("browser_navigate", arguments).await;
    assert_eq!(result["still_loading"], true);
    assert_eq!(
        desk.calls(),
        [
            "navigate 7 https://example.org/ 20",
            "navigate 7 https://example.org/endless 3"
        ]
    );
}

#[tokio::test]
async fn a_page_is_read_in_parts() {
    let content = format!("<h1>Title</h1><p>{}</p>", "é".repeat(400));
    let desk = Desk::new(RecordingBrowser {
        content,
        ..RecordingBrowser::default()
    });
    let (first, labels) = desk.call("browser_get_data", json!({})).await;
    assert_eq!(labels, example_org());
    assert_eq!(first["total_chars"], 409);
    assert_eq!(first["truncated"], true);
    let (second, _) = desk
        .call("browser_get_data", json!({ "offset": 300, "limit": 5000 }))
        .await;
    assert_eq!(second["truncated"], false);
    let whole = format!(
        "{}{}",
        first["data"].as_str().unwrap(),
        second["data"].as_str().unwrap()
    );
    assert_eq!(whole, format!("# Title\n\n{}", "é".repeat(400)));
    let (html, _) = desk
        .call(
            "browser_get_data",
            json!({ "type": "raw_html", "limit": 9 }),
        )
        .await;
    assert_eq!(html["data"], "<h1>Title");
    let (beyond, _) = desk
        .call("browser_get_data", json!({ "offset": 999_999 }))
        .await;
    assert_eq!(
        (&beyond["data"], &beyond["truncated"]),
        (&json!(""), &json!(false))
    );
}

#[tokio::test]
async fn elements_fit_into_the_limit() {
    let desk = Desk::new(RecordingBrowser::default());
    let (result, labels) = desk
        .call(
            "browser_query_selector",
            json!({ "selector": "p", "limit": 7000 }),
        )
        .await;
    assert_eq!(labels, example_org());
    let matches = result["matches"].as_array().unwrap().len();
    assert!((2..10).contains(&matches), "{matches}");
    assert_eq!(
        (&result["truncated"], &result["total"]),
        (&json!(true), &json!(500))
    );
    assert_eq!(desk.calls(), ["query p 100"]);
}

#[tokio::test]
async fn a_wait_that_is_over_is_no_error() {
    let desk = Desk::new(RecordingBrowser {
        waited: Some(Waited::TimedOut),
        ..RecordingBrowser::default()
    });
    let arguments = json!({ "selector": "p", "state": "hidden", "timeout_seconds": -1 });
    let (result, labels) = desk.call("browser_wait_for", arguments).await;
    assert_eq!(result, json!({ "ok": false, "timed_out": true }));
    // The page decides when it is over.
    assert_eq!(labels, example_org());
    assert_eq!(desk.calls(), ["wait p Hidden 10", "info"]);
}

#[tokio::test]
async fn a_picture_goes_to_the_workspace_with_its_source() {
    let desk = Desk::new(RecordingBrowser::default());
    let (result, labels) = desk
        .call("browser_screenshot", json!({ "full_page": true }))
        .await;
    assert_eq!(
        result,
        json!({ "ok": true, "path": "screenshots/example.org.png" })
    );
    assert_eq!(labels, example_org());
    let saved = desk.files.saved.lock().unwrap();
    assert_eq!(saved[0].0, "7/screenshots/example.org.png");
    assert_eq!(saved[0].1.labels, example_org());
}

#[tokio::test]
async fn what_a_call_does_is_told_before_it_is_done() {
    let desk = Desk::new(RecordingBrowser::default());
    let url = Url::parse("https://example.org/a").unwrap();
    let visit = desk.action("browser_navigate", json!({ "url": url }));
    let plain = Plainness::Plain;
    let visited = Action::Fetch { url, plain };
    assert_eq!(visit.await, visited);
    // As it is counted, and as it is visited.
    for written in ["https://example.org./a", " https://EXAMPLE.org/a"] {
        let visit = desk.action("browser_navigate", json!({ "url": written }));
        assert_eq!(visit.await, visited, "{written}");
    }
    let page = Some(page().url);
    let fill = json!({ "selector": "#q", "text": "x" });
    let filled = desk.action("browser_fill", fill.clone()).await;
    assert_eq!(filled, Action::FillField { page: page.clone() });
    let click = json!({ "selector": "#go" });
    let clicked = desk.action("browser_click", click.clone()).await;
    let leads = ClickLeads::To(Url::parse("https://example.org/next").unwrap());
    assert_eq!(clicked, Action::Click { page, leads });
    desk.call("browser_fill", fill).await;
    desk.call("browser_click", click).await;
    assert_eq!(
        desk.calls(),
        [
            "preview #q",
            "preview #go",
            "fill #q x at https://example.org/page",
            "click #go 10 at https://example.org/page"
        ]
    );
    for tool in &desk.tools {
        let name = tool.spec().name;
        let is_once = tool.effect() == crate::core::tool::ToolEffect::OutsideOnce;
        assert_eq!(
            is_once,
            matches!(name, "browser_click" | "browser_fill"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_click_that_nobody_can_judge_leads_nobody_knows_where() {
    let desk = Desk::new(RecordingBrowser {
        fails: Some(BrowserError::NoPage),
        ..RecordingBrowser::default()
    });
    let click = desk
        .action("browser_click", json!({ "selector": "#go" }))
        .await;
    let (page, leads) = (None, ClickLeads::Unknown);
    assert_eq!(click, Action::Click { page, leads });
    let (result, _) = desk
        .call("browser_click", json!({ "selector": "#go" }))
        .await;
    assert_eq!(result["code"], "unavailable");
    let (result, _) = desk.call("browser_info", json!({})).await;
    assert_eq!(result["code"], "unavailable");
}

#[tokio::test]
async fn what_was_looked_at_is_what_is_done_and_only_once() {
    let desk = Desk::new(RecordingBrowser::default());
    for (tool, arguments) in [
        ("browser_click", json!({ "selector": "#go" })),
        ("browser_fill", json!({ "selector": "#go", "text": "x" })),
    ] {
        let never = desk.call(tool, arguments.clone()).await.0;
        assert!(
            never["error"].as_str().unwrap().contains("changed"),
            "{never}"
        );
        desk.action(tool, arguments.clone()).await;
        // Another topic of the chat, which has the same browser.
        let mut elsewhere = context();
        elsewhere.target.thread = Some(ThreadId::new("5"));
        let other = desk.tool(tool).run(&elsewhere, arguments.clone()).await;
        assert!(format!("{other:?}").contains("changed"), "{other:?}");
        let done = desk.call(tool, arguments.clone()).await.0;
        assert_eq!(done["ok"], true);
        let again = desk.call(tool, arguments.clone()).await.0;
        assert!(
            again["error"].as_str().unwrap().contains("changed"),
            "{again}"
        );
        let another = json!({ "selector": "#other", "text": "x" });
        desk.action(tool, arguments).await;
        let another = match tool {
            "browser_click" => json!({ "selector": "#other" }),
            _ => another,
        };
        let another = desk.call(tool, another).await.0;
        assert!(
            another["error"].as_str().unwrap().contains("changed"),
            "{another}"
        );
    }
    assert_eq!(desk.calls().len(), 6);
}
