//! Results that are too large for a request.

use axum::Router;
use minibot::app::large_results::{Keeping, LargeResults};
use minibot::core::channel::ChatTarget;
use minibot::core::files::{FileContent, Overwrite, WorkspaceId, WorkspacePath};
use minibot::core::ids::{ChannelName, ChatId};
use minibot::core::label::{Labels, Source};
use minibot::core::tool::{FinishedCall, ToolResult, largest_result};
use serde_json::{Value, json};

use crate::support::fake_model::Reply;
use crate::support::test_bot::TestBot;
use crate::support::wire::Server;

fn called(body: &str) -> FinishedCall {
    FinishedCall {
        result: ToolResult::ok(json!({ "body": body })),
        labels: Labels::of(Source::Many),
    }
}

#[tokio::test]
async fn a_large_result_is_kept_whole_and_shown_in_part() {
    let bot = TestBot::new().await;
    let target = ChatTarget {
        channel: ChannelName::new("telegram"),
        chat: ChatId::new("7"),
        thread: None,
    };
    let files = bot.ports().files.clone();
    let most_bytes = largest_result(128_000);
    let kept = LargeResults {
        most_bytes,
        keeping: Keeping::InWorkspace(files.clone()),
    };
    let small = called("ü");
    let shown = kept.fitted("http_request", &target, small.clone()).await;
    assert_eq!(shown, small);
    let large = called(&format!("begin{}end", "ü".repeat(40_000)));
    let part = kept.fitted("http_request", &target, large.clone()).await;
    assert_eq!(part.labels, large.labels);
    let value = part.result.value();
    assert_eq!(value["truncated"], true);
    assert_eq!(value["size_bytes"], large.result.to_text().len());
    let text = |field: &str| value[field].as_str().unwrap().to_owned();
    assert!(text("head").starts_with("{\"body\":\"begin"));
    assert!(text("tail").ends_with("end\"}"));
    let size = part.result.to_text().len();
    assert!((8000..=16_384).contains(&size), "a third: {size}");
    let path = WorkspacePath::parse(&text("path")).unwrap();
    let saved = files.read(&WorkspaceId::of(&target), &path, 1 << 20).await;
    let saved = saved.unwrap();
    assert_eq!(saved.bytes, large.result.to_text().into_bytes());
    assert_eq!(saved.labels, large.labels, "the file is as little trusted");
    let cut = LargeResults {
        most_bytes: largest_result(8000),
        keeping: Keeping::Nowhere,
    };
    let cut = cut.fitted("http_request", &target, large).await;
    assert!(cut.result.to_text().len() < 1400, "for a small window");
    assert_eq!(cut.result.value().get("path"), None::<&Value>);
    assert_eq!(cut.result.value()["truncated"], true);
    bot.finish().await;
}

/// What the model was last shown of a call.
fn shown(bot: &TestBot) -> Value {
    let request = bot.provider.requests().pop().unwrap();
    let text = request.last_text("tool").unwrap();
    let inside = text.lines().find(|line| line.starts_with('{'));
    serde_json::from_str(inside.unwrap()).unwrap()
}

#[tokio::test]
async fn a_result_is_cut_to_the_models_window_whatever_kind_of_tool_it_is_of() {
    let body = "0123456789 ".repeat(450);
    let page = body.clone();
    let site = Server::start(Router::new().fallback(|| async { page })).await;
    let allowed = format!("[\"{}/32\"]", site.address().ip());
    let port = site.address().port();
    let bot = TestBot::with(&[
        ("llm.context_tokens", "9000"),
        ("tools.file_storage.enabled", "true"),
        ("tools.http_client.enabled", "true"),
        ("egress.allow_http", "true"),
        ("egress.allow_private", &allowed),
    ])
    .await;
    let url = format!("http://site.example:{port}/");
    let chat = ChatTarget {
        channel: ChannelName::new("telegram"),
        chat: ChatId::new("1001"),
        thread: None,
    };
    let path = WorkspacePath::parse("a.txt").unwrap();
    let content = FileContent {
        bytes: body.clone().into_bytes(),
        labels: Labels::default(),
    };
    let (files, workspace) = (bot.ports().files.clone(), WorkspaceId::of(&chat));
    let written = files.write(&workspace, &path, content, Overwrite::Never);
    written.await.unwrap();
    let calls = [
        ("read_file", json!({ "path": "a.txt" })),
        ("http_request", json!({ "url": url })),
    ];
    for (tool, arguments) in calls {
        bot.model([Reply::tools([(tool, arguments)]), Reply::text("Long.")]);
        let asked = format!("look at {url}, please, with {tool}");
        bot.says(&asked).await.replies("Long.").await;
        let shown = shown(&bot);
        assert_eq!(shown["path"], format!("results/{tool}.json"), "{shown}");
        assert!(shown["size_bytes"].as_u64() > Some(4900), "{shown}");
        assert!(shown.to_string().len() <= 1500, "{shown}");
    }
    bot.finish().await;
}
