//! Results that are too large for a request.

use minibot::app::large_results::{Keeping, LargeResults};
use minibot::core::channel::ChatTarget;
use minibot::core::files::{WorkspaceId, WorkspacePath};
use minibot::core::ids::{ChannelName, ChatId};
use minibot::core::label::{Labels, Source};
use minibot::core::tool::{FinishedCall, ToolResult, largest_result};
use serde_json::{Value, json};

use crate::support::test_bot::TestBot;

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
