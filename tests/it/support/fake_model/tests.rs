//! The fake refuses what it should, and its replies look like those of the real servers.

mod clients;
mod refusals;
mod replies;

use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::{FakeModel, Options};

struct Bench {
    model: FakeModel,
    client: Client,
}

impl Bench {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            model: FakeModel::start_with(options).await,
            client: Client::new(),
        }
    }

    async fn post(&self, body: &Value) -> reqwest::Result<Response> {
        let address = format!("{}/chat/completions", self.model.url());
        self.client
            .post(address)
            .bearer_auth(self.model.api_key())
            .json(body)
            .send()
            .await
    }

    async fn ask(&self, body: Value) -> (u16, Value) {
        let answer = self.post(&body).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// The data of every event of a stream that must end well.
    async fn stream(&self, body: Value) -> Vec<String> {
        let answer = self.post(&body).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        events(&answer.text().await.unwrap())
    }
}

fn events(text: &str) -> Vec<String> {
    let blocks = text.split("\n\n").filter(|block| !block.is_empty());
    blocks
        .map(|block| block.strip_prefix("data: ").unwrap_or(block).to_owned())
        .collect()
}

fn user(text: &str) -> Value {
    json!({ "role": "user", "content": text })
}

fn request(messages: Value) -> Value {
    json!({ "model": "gpt-fake", "messages": messages })
}
