//! What the tests of models share: requests, a sink that remembers, a clock that stands still.

use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use minibot::core::clock::Clock;
use minibot::core::conversation::Item;
use minibot::core::http_url::HttpUrl;
use minibot::core::ids::{CallId, TurnId};
use minibot::core::label::Labels;
use minibot::core::model::{ModelErrorKind, ModelReply, ModelRequest, ReplySink};
use minibot::core::tool::{ToolCall, ToolResult};
use minibot::core::usage::UsageEntry;
use minibot::llm::providers::openai::OpenAiModel;
use minibot::llm::providers::openai_responses::ResponsesModel;
use minibot::llm::providers::{Pdfs, ServerSettings, StrictTools};
use serde_json::Value;

use crate::support::fake_model::FakeModel;
use crate::support::wire::Server;

/// A request in which the person says `user`, and nothing else.
pub fn request(user: &str) -> ModelRequest {
    ModelRequest {
        turn: Some(TurnId(7)),
        system: "You are Minibot.".into(),
        user: user.into(),
        cache_key: "conversation-7".into(),
        ..ModelRequest::default()
    }
}

pub fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall {
        id: CallId::new(id),
        name: name.into(),
        arguments: arguments.into(),
    }
}

pub fn says(text: &str, calls: Vec<ToolCall>) -> Item {
    Item::Assistant {
        text: text.into(),
        calls,
        continuation: None,
        labels: Labels::default(),
    }
}

pub const fn overloaded(status: u16) -> ModelErrorKind {
    ModelErrorKind::Overloaded {
        status,
        retry_after: None,
    }
}

pub fn result(id: &str, name: &str, value: Value) -> Item {
    Item::Tool {
        call: CallId::new(id),
        name: name.into(),
        result: ToolResult::ok(value),
        labels: Labels::default(),
    }
}

pub fn settings(base_url: &str, api_key: Option<&str>) -> ServerSettings {
    ServerSettings {
        provider_name: "openai".into(),
        base_url: HttpUrl::parse(base_url).unwrap(),
        api_key: api_key.map(Into::into),
        model: "gpt-test".into(),
        request_timeout: Duration::from_secs(20),
        stall_timeout: Duration::from_secs(10),
        temperature: None,
        max_new_tokens: None,
        reasoning_effort: None,
        top_p: None,
        pdfs: Pdfs::AsFiles,
        strict_tools: StrictTools::WhereKnown,
    }
}

pub fn model(settings: ServerSettings) -> OpenAiModel {
    install_crypto();
    OpenAiModel::new(settings).unwrap()
}

pub fn responses_model(mut settings: ServerSettings) -> ResponsesModel {
    install_crypto();
    settings.provider_name = "openai_responses".into();
    ResponsesModel::new(settings).unwrap()
}

pub fn install_crypto() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

pub fn settings_of(fake: &FakeModel) -> ServerSettings {
    settings(&fake.url(), Some(&fake.api_key()))
}

/// A server that answers everything with the same bytes, as `answer` makes them.
pub async fn server_of<F>(answer: F) -> (Server, String)
where
    F: Fn() -> Response<Body> + Clone + Send + Sync + 'static,
{
    let server = Server::start(Router::new().fallback(move || {
        let response = answer();
        async move { response }
    }))
    .await;
    let url = format!("http://{}/v1", server.address());
    (server, url)
}

/// Everything that was pushed, with `|` for each restart.
#[derive(Debug, Default)]
pub struct RecordingSink {
    heard: Mutex<String>,
    lost: Mutex<Vec<UsageEntry>>,
}

impl RecordingSink {
    pub fn heard(&self) -> String {
        self.heard.lock().unwrap().clone()
    }

    /// What nobody was left to be told of.
    pub fn lost(&self) -> Vec<UsageEntry> {
        self.lost.lock().unwrap().clone()
    }
}

impl ReplySink for RecordingSink {
    fn push(&self, text: &str) {
        self.heard.lock().unwrap().push_str(text);
    }

    fn restart(&self) {
        self.heard.lock().unwrap().push('|');
    }

    fn lost(&self, usage: Vec<UsageEntry>) {
        self.lost.lock().unwrap().extend(usage);
    }
}

pub fn calls_of(reply: &ModelReply) -> Vec<(&str, &str)> {
    reply
        .calls
        .iter()
        .map(|call| (call.name.as_str(), call.arguments.as_str()))
        .collect()
}

/// A clock whose time moves only by waiting for it, which takes no time.
#[derive(Debug)]
pub struct LeapingClock {
    now: Mutex<DateTime<Utc>>,
    waits: Mutex<Vec<Duration>>,
}

impl LeapingClock {
    pub fn new() -> Arc<Self> {
        let start = Utc.with_ymd_and_hms(2026, 11, 20, 12, 0, 0).unwrap();
        Arc::new(Self {
            now: Mutex::new(start),
            waits: Mutex::default(),
        })
    }

    pub fn advance(&self, by: TimeDelta) {
        *self.now.lock().unwrap() += by;
    }

    /// How long each wait was.
    pub fn waits(&self) -> Vec<Duration> {
        self.waits.lock().unwrap().clone()
    }
}

#[async_trait]
impl Clock for LeapingClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    async fn sleep_until(&self, moment: DateTime<Utc>) {
        let wait = (moment - self.now()).to_std().unwrap_or_default();
        self.waits.lock().unwrap().push(wait);
        *self.now.lock().unwrap() = moment;
    }
}
