//! What http_request sends, and what it makes of answers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::too_many_lines)]

mod world;

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use self::world::{World, answer, context};
use super::config::{HttpClientConfig, ResponseProcessing};
use super::family;
use crate::core::action::{Action, Plainness};
use crate::core::egress::{BodyEnding, FetchError, FetchMethod, Fetched, Refusal, parse_url};
use crate::core::label::{Labels, Source};
use crate::core::tool::ToolOutcome;

#[tokio::test]
async fn each_kind_of_answer_is_made_readable() {
    let png: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let table: &[(&str, &[u8], &str, &str)] = &[
        (
            "text/html",
            b"<h1>A</h1><a href=b>c</a>",
            "html_to_markdown",
            "# A\n\n[c](https://a.org/dir/b)",
        ),
        (
            "text/html; charset=iso-8859-1",
            b"<p>caf\xe9",
            "html_to_markdown",
            "café",
        ),
        (
            "application/json",
            b"{\"a\":  [1]}",
            "json",
            "{\"a\":  [1]}",
        ),
        ("text/plain", b"a   b \n\n\n\n  c", "text", "a b\n\n  c"),
        (
            "text/plain",
            b"```\na   b\n\n\nc\n```",
            "text",
            "```\na   b\n\n\nc\n```",
        ),
        ("text/plain", b"", "text", ""),
        (
            "image/png",
            png,
            "binary",
            "(not text: image/png, 16 bytes; give save_as to keep it as a file)",
        ),
        (
            "text/html",
            png,
            "binary",
            "(not text: image/png, 16 bytes; give save_as to keep it as a file)",
        ),
    ];
    for (content_type, body, processor, expected) in table {
        let result = World::answering(content_type, *body).get().await;
        assert_eq!(result["body"], *expected, "{content_type}");
        assert_eq!(result["processor_used"], *processor, "{content_type}");
        assert_eq!(result["content_type"], *content_type);
        assert_eq!(result["truncated"], false);
        assert_eq!(result["status"], 200);
        assert_eq!(result["headers"], json!({ "etag": "\"1\"" }));
        assert_eq!(result["url"], "https://a.org/dir/page");
    }
}

#[tokio::test]
async fn the_settings_decide_what_is_shown() {
    let page = || Ok(answer("text/html", "<p>ééé</p>  \n\n\n x"));
    let short = World::new(page(), |config| config.max_chars = 2.try_into().unwrap())
        .get()
        .await;
    assert_eq!(
        (&short["body"], &short["truncated"]),
        (&json!("éé"), &json!(true))
    );
    let raw = World::new(page(), |config| {
        config.response_processing_mode = ResponseProcessing::None;
    });
    let raw = raw.get().await;
    assert_eq!(raw["body"], "<p>ééé</p>  \n\n\n x");
    assert_eq!(raw["processor_used"], "none");
    for ending in [BodyEnding::Limit, BodyEnding::BrokenOff] {
        let cut = Fetched {
            ending,
            ..answer("text/plain", "x")
        };
        assert_eq!(World::new(Ok(cut), |_| {}).get().await["truncated"], true);
    }
}

#[tokio::test]
async fn what_is_asked_is_what_was_meant() {
    let world = World::new(Ok(answer("text/plain", "x")), |config| {
        config.user_agent = Some("own/1".into());
        config.max_redirects = 2;
    });
    for arguments in [
        json!({ "url": "https://a.org/", "method": null, "headers": null, "body": null, "json": null, "save_as": null }),
        json!({ "url": "https://a.org/", "method": "post", "json": { "a": 1 } }),
        json!({ "url": "https://a.org/", "method": "PUT", "json": [1], "headers": { "content-type": "a/b" } }),
        json!({ "url": "https://a.org/", "method": "PATCH", "body": "text", "headers": { "User-Agent": "mine" } }),
    ] {
        world.call(arguments).await;
    }
    let asked = world.web.asked.lock().unwrap();
    let seen = |at: usize| {
        let request = &asked[at];
        let headers: Vec<String> = request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let body = String::from_utf8(request.body.clone().unwrap_or_default()).unwrap();
        format!(
            "{} [{}] {body}",
            request.method.as_str(),
            headers.join(", ")
        )
    };
    assert_eq!(seen(0), "GET [User-Agent: own/1] ");
    assert_eq!(
        seen(1),
        "POST [Content-Type: application/json, User-Agent: own/1] {\"a\":1}"
    );
    assert_eq!(seen(2), "PUT [content-type: a/b, User-Agent: own/1] [1]");
    assert_eq!(
        seen(3),
        "PATCH [User-Agent: mine, Content-Type: text/plain; charset=utf-8] text"
    );
    let limits = asked[0].limits;
    assert_eq!((limits.bytes, limits.redirects), (1_000_000, 2));
    assert_eq!(limits.time, Duration::from_secs(10));
}

#[tokio::test]
async fn what_must_not_be_asked_is_refused_with_a_reason() {
    let world = World::answering("text/plain", "x");
    let many: serde_json::Map<String, Value> =
        (0..21).map(|n| (format!("X-{n}"), json!("y"))).collect();
    for (arguments, code, words) in [
        (
            json!({ "url": "https://a.org/", "headers": { "Cookie": "a=b" } }),
            "bad_arguments",
            "\"Cookie\" is refused: requests carry no cookies",
        ),
        (
            json!({ "url": "https://a.org/", "headers": { "Authorization": "x" } }),
            "bad_arguments",
            "credentials; leave it out",
        ),
        (
            json!({ "url": "https://a.org/", "headers": { "Host": "x" } }),
            "bad_arguments",
            "belongs to the connection",
        ),
        (
            json!({ "url": "https://a.org/", "headers": { "X": "a\r\nb" } }),
            "bad_arguments",
            "not one that a request can carry",
        ),
        (
            json!({ "url": "https://a.org/", "headers": many }),
            "bad_arguments",
            "at most 20 headers",
        ),
        (
            json!({ "url": "https://a.org/", "body": "x" }),
            "bad_arguments",
            "GET sends no body; use POST",
        ),
        (
            json!({ "url": "https://a.org/", "method": "POST", "body": "x", "json": {} }),
            "bad_arguments",
            "not both",
        ),
        (
            json!({ "url": "https://a.org/", "method": "POST", "body": "x".repeat(300_000) }),
            "too_large",
            "262144 bytes",
        ),
        (
            json!({ "url": "https://a.org/", "method": "TRACE" }),
            "bad_arguments",
            "unknown variant",
        ),
        (
            json!({ "url": "https://a.org/", "timeout": 5 }),
            "bad_arguments",
            "unknown field",
        ),
        (
            json!({ "url": "file:///etc/passwd" }),
            "egress_refused",
            "refused: only https and http",
        ),
        (
            json!({ "url": "a.org" }),
            "egress_refused",
            "not an absolute URL",
        ),
        (
            json!({ "url": "https://u:p@a.org/" }),
            "egress_refused",
            "user name",
        ),
    ] {
        let (result, labels) = world.call(arguments.clone()).await;
        assert_eq!(result.value()["code"], code, "{arguments}");
        let text = result.error_text().unwrap();
        assert!(text.contains(words), "{text}");
        assert!(!labels.is_untrusted());
    }
    assert!(world.web.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn failures_are_told_in_their_own_code() {
    let ten = Duration::from_secs(10);
    for (error, code, words) in [
        (
            FetchError::Refused(Refusal::Address),
            "egress_refused",
            "refused: this address is not public",
        ),
        (
            FetchError::Refused(Refusal::LeadsInside),
            "egress_refused",
            "not public",
        ),
        (
            FetchError::UnknownHost,
            "not_found",
            "not found: the host name",
        ),
        (FetchError::Timeout(ten), "timeout", "within 10 s"),
        (
            FetchError::TooManyRedirects(5),
            "failed",
            "more than 5 times",
        ),
        (FetchError::Bomb, "too_large", "compressed"),
        (
            FetchError::Failed("the server takes no connection"),
            "failed",
            "takes no connection",
        ),
    ] {
        let result = World::new(Err(error), |_| {}).get().await;
        assert_eq!(result["code"], code);
        assert!(
            result["error"].as_str().unwrap().contains(words),
            "{result}"
        );
    }
}

#[tokio::test]
async fn what_comes_back_is_labelled_with_the_host_that_answered() {
    let mut redirected = answer("text/plain", "x");
    redirected.url = Url::parse("https://other.org/").unwrap();
    let world = World::new(Ok(redirected), |_| {});
    let (_, labels) = world.call(json!({ "url": "https://a.org/" })).await;
    let host = "other.org".to_owned();
    assert_eq!(labels, Labels::of(Source::Web { host }));
}

#[tokio::test]
async fn an_answer_is_saved_as_it_came() {
    let world = World::answering("image/png", *b"\x89PNG\r\n\x1a\n\0");
    let save = |name: &str| json!({ "url": "https://a.org/x.png", "save_as": name });
    let (result, _) = world.call(save("cat.png")).await;
    let saved = json!({ "path": "downloads/cat.png", "size_bytes": 9 });
    assert_eq!(result.value()["saved"], saved, "{result:?}");
    assert_eq!(result.value()["body"], "(not text: image/png, 9 bytes)");
    let (result, _) = world.call(save("../cat.png")).await;
    assert_eq!(result.value()["code"], "bad_arguments");
    {
        let shelf = world.shelf.saved.lock().unwrap();
        let (path, content) = &shelf[0];
        assert_eq!((path.as_str(), shelf.len()), ("5/downloads/cat.png", 1));
        assert!(content.labels.is_untrusted());
    }
    let cut = Fetched {
        ending: BodyEnding::Limit,
        ..answer("image/png", "x")
    };
    let world = World::new(Ok(cut), |_| {});
    let (result, _) = world.call(save("cat.png")).await;
    assert_eq!(result.value()["code"], "too_large");
    assert!(world.shelf.saved.lock().unwrap().is_empty());
    let tool = family(world.web.clone(), None, &HttpClientConfig::default())
        .tools
        .remove(0);
    let ToolOutcome::Finished(result) = tool.run(&context(), save("cat.png")).await else {
        panic!("there is nothing to save to");
    };
    assert_eq!(result.value()["code"], "unavailable");
}

#[tokio::test]
async fn rules_see_what_a_call_is_about_to_do() {
    let world = World::answering("text/plain", "x");
    let url = || parse_url("https://a.org/x").unwrap();
    let fetch = |plain| Action::Fetch { url: url(), plain };
    let carries = |method| fetch(Plainness::Carries(method));
    let at = "https://a.org./x";
    for (arguments, expected) in [
        (json!({ "url": at }), fetch(Plainness::Plain)),
        (json!({ "url": at, "headers": {} }), fetch(Plainness::Plain)),
        (
            json!({ "url": at, "save_as": "x" }),
            fetch(Plainness::Plain),
        ),
        (
            json!({ "url": at, "method": "GET", "headers": { "A": "b" } }),
            carries(FetchMethod::Get),
        ),
        (
            json!({ "url": at, "method": "HEAD" }),
            carries(FetchMethod::Head),
        ),
        (
            json!({ "url": at, "method": "POST" }),
            carries(FetchMethod::Post),
        ),
        (json!({ "url": at, "body": "x" }), carries(FetchMethod::Get)),
        (json!({ "url": at, "json": {} }), carries(FetchMethod::Get)),
        (json!({ "url": "file:///x" }), Action::Inside),
        (json!({ "url": 5 }), Action::Inside),
    ] {
        assert_eq!(
            world.tool.action(&context(), &arguments).await,
            expected,
            "{arguments}"
        );
    }
}
