//! How long an answer is waited for that its server has called finished, by a clock that leaps.

#![allow(clippy::unwrap_used)]

use std::convert::Infallible;

use axum::http;
use futures::{Stream, StreamExt, stream};
use reqwest::Body as Sent;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::*;
use crate::core::http_url::HttpUrl;
use crate::core::usage::UsageEntry;
use crate::llm::providers::http::answer::{Counted, Said};
use crate::llm::providers::http::{Pdfs, StrictTools};

/// Text that is finished as soon as some of it has come.
#[derive(Debug, Default)]
struct Text(String);

impl Answer for Text {
    fn take(&mut self, part: &Value, _: &dyn ReplySink) -> Result<(), Failure> {
        self.0.push_str(part["text"].as_str().unwrap_or_default());
        Ok(())
    }

    fn close(&mut self, _: &dyn ReplySink) {}

    fn has_begun(&self) -> bool {
        self.is_finished()
    }

    fn is_flowing(&self) -> bool {
        self.is_finished()
    }

    fn is_finished(&self) -> bool {
        !self.0.is_empty()
    }

    fn counted(&self) -> Counted {
        Counted::default()
    }

    fn size(&self) -> usize {
        self.0.len()
    }

    fn into_reply(self) -> Result<Said, Failure> {
        Err(Failure::malformed("nobody asks"))
    }
}

struct Unheard;

impl ReplySink for Unheard {
    fn push(&self, _: &str) {}

    fn restart(&self) {}

    fn lost(&self, _: Vec<UsageEntry>) {}
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = ServerSettings {
        provider_name: "openai".into(),
        base_url: HttpUrl::parse("http://localhost/v1").unwrap(),
        api_key: None,
        model: "m".into(),
        request_timeout: Duration::from_secs(180),
        stall_timeout: Duration::from_secs(60),
        temperature: None,
        max_new_tokens: None,
        reasoning_effort: None,
        top_p: None,
        pdfs: Pdfs::AsFiles,
        strict_tools: StrictTools::Never,
    };
    Client::new(&settings, "/chat/completions").unwrap()
}

/// One event after each rest, in milliseconds.
fn events(parts: Vec<(u64, Value)>) -> impl Stream<Item = Result<String, Infallible>> + Send {
    stream::iter(parts).then(async |(rest, part)| {
        sleep(Duration::from_millis(rest)).await;
        Ok(format!("data: {part}\n\n"))
    })
}

async fn read(body: impl Stream<Item = Result<String, Infallible>> + Send + 'static) -> String {
    let response = Response::from(http::Response::new(Sent::wrap_stream(body)));
    let mut text = Text::default();
    client().read(response, &mut text, &Unheard).await.unwrap();
    text.0
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_goes_on_after_its_end_is_read_on() {
    let letters = ["a", "b", "c", "d", "e"];
    let parts = letters.map(|letter| (700, json!({ "text": letter })));
    let body = events(parts.to_vec()).chain(stream::pending());
    let begun = Instant::now();
    assert_eq!(read(body).await, "abcde");
    assert_eq!(begun.elapsed(), Duration::from_millis(5 * 700) + REST);
}

#[tokio::test(start_paused = true)]
async fn what_adds_nothing_does_not_make_the_end_begin_anew() {
    let parts = [
        json!({ "text": "a" }),
        json!({}),
        json!({}),
        json!({ "text": "b" }),
    ];
    let body = events(parts.map(|part| (400, part)).to_vec());
    let begun = Instant::now();
    assert_eq!(read(body).await, "a");
    assert_eq!(begun.elapsed(), Duration::from_millis(400) + REST);
}
