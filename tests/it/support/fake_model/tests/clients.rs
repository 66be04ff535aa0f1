//! A real client library understands what the fake says.

use async_openai::Client as OpenAi;
use async_openai::config::OpenAIConfig;
use async_openai::types::chat::{
    CreateChatCompletionResponse, CreateChatCompletionStreamResponse, FinishReason,
};
use futures::StreamExt;
use serde_json::json;

use super::super::Reply;
use super::*;

#[tokio::test]
async fn whole_and_streamed() {
    let bench = Bench::new().await;
    let config = OpenAIConfig::new()
        .with_api_base(bench.model.url())
        .with_api_key(bench.model.api_key());
    let client = OpenAi::with_config(config);
    let tools = || Reply::tools([("time", json!({ "zone": "UTC" }))]).saying("Let me see.");
    bench.model.replies([tools(), tools()]);
    let mut body = request(json!([user("What time is it?")]));
    let whole: CreateChatCompletionResponse =
        client.chat().create_byot(body.clone()).await.unwrap();
    assert!(whole.usage.is_some());
    assert_eq!(
        whole.choices[0].message.content.as_deref(),
        Some("Let me see.")
    );
    body["stream"] = true.into();
    body["stream_options"] = json!({ "include_usage": true });
    let chat = client.chat();
    let stream = chat
        .create_stream_byot::<_, CreateChatCompletionStreamResponse>(body)
        .await;
    let chunks: Vec<_> = stream.unwrap().map(Result::unwrap).collect().await;
    assert!(chunks.last().unwrap().usage.is_some());
    let choices = chunks.iter().flat_map(|chunk| &chunk.choices);
    let finish: Vec<_> = choices.filter_map(|choice| choice.finish_reason).collect();
    assert_eq!(finish, [FinishReason::ToolCalls]);
}
