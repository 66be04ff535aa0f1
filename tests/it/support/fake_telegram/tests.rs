//! The fake refuses what it should: a table of refusals, and the behaviours that others rest on.

mod clients;
mod delivery;
mod formatting;
mod messages;
mod refusals;

use reqwest::Client;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{FakeTelegram, Options};

const ALICE: i64 = 1001;
const BOB: i64 = 1002;
const GROUP: i64 = -500;
const FORUM: i64 = -1_000_700;
const TOPIC: i64 = 77;

/// A fake with a person, a group and a forum, and a client that calls it.
struct Bench {
    telegram: FakeTelegram,
    client: Client,
}

impl Bench {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let telegram = FakeTelegram::start_with(options).await;
        telegram
            .add_private_chat(ALICE, "Alice")
            .add_private_chat(BOB, "Bob")
            .add_group(GROUP, "Family")
            .add_forum(FORUM, "Club", &[(TOPIC, "Chess")]);
        Self {
            telegram,
            client: Client::new(),
        }
    }

    fn address(&self, method: &str) -> String {
        format!(
            "{}/bot{}/{method}",
            self.telegram.url(),
            self.telegram.token()
        )
    }

    /// Status and body of a call with a JSON body.
    async fn call(&self, method: &str, params: Value) -> (u16, Value) {
        let answer = self
            .client
            .post(self.address(method))
            .json(&params)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// The result of a call that must succeed.
    async fn ok(&self, method: &str, params: Value) -> Value {
        let (status, body) = self.call(method, params).await;
        assert_eq!(
            (status, &body["ok"]),
            (200, &json!(true)),
            "{method}: {body}"
        );
        body["result"].clone()
    }

    async fn upload(&self, method: &str, form: Form) -> (u16, Value) {
        let answer = self
            .client
            .post(self.address(method))
            .multipart(form)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn sends(&self, chat: i64, text: &str) -> i64 {
        let sent = self
            .ok("sendMessage", json!({ "chat_id": chat, "text": text }))
            .await;
        sent["message_id"].as_i64().unwrap()
    }
}

fn part(name: &'static str, bytes: impl Into<Vec<u8>>) -> Part {
    Part::bytes(bytes.into()).file_name(name)
}

/// The reason of a refusal, without its "Bad Request: ".
fn reason(body: &Value) -> String {
    let description = body["description"].as_str().unwrap_or_default();
    description
        .strip_prefix("Bad Request: ")
        .unwrap_or(description)
        .to_owned()
}

/// Calls `method` for each row and compares status and reason; an empty reason means success.
async fn check(bench: &Bench, method: &str, rows: Vec<(Value, u16, &str)>) {
    for (params, status, wanted) in rows {
        let (given, body) = bench.call(method, params.clone()).await;
        assert_eq!(given, status, "{method} {params}: {body}");
        let matches = body["ok"] == (status == 200) && reason(&body).contains(wanted);
        assert!(matches, "{method} {params}: wanted {wanted:?}, got {body}");
        if status != 200 {
            assert_eq!(body["error_code"], status, "{body}");
        }
    }
}

fn text(text: &str) -> Value {
    json!({ "chat_id": ALICE, "text": text })
}

fn with(mut params: Value, name: &str, value: Value) -> Value {
    params[name] = value;
    params
}
