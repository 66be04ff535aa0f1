//! An OpenAI-compatible server on loopback that refuses illegal requests in OpenAI's words.
//!
//! It answers from a queue of replies, then from a responder, and else echoes the last user text.

mod completion;
mod history;
mod openrouter;
mod refusal;
mod reply;
mod responses;
mod server;
mod state;
mod template;
#[cfg(test)]
mod tests;
mod tools;
mod transcription;
mod validation;

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

pub use reply::{Quirk, Reply};
pub use state::Request;
pub use validation::Dialect;

use crate::support::wire::Server;
use state::Shared;

#[derive(Debug, Clone)]
pub struct Options {
    pub api_key: String,
    /// What `/v1/models` lists; other models are refused. Empty: any model is taken.
    pub models: Vec<String>,
    pub dialect: Dialect,
    /// Requests above this many tokens (bytes of the body / 4) are refused as too long.
    pub context_limit: Option<u64>,
    /// How long `wait_for_requests` waits before it fails.
    pub wait_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_key: "sk-fake-0123456789".to_owned(),
            models: Vec::new(),
            dialect: Dialect::OpenAi,
            context_limit: None,
            wait_timeout: Duration::from_secs(30),
        }
    }
}

/// The running server. Clones share it; the last one to go stops it.
#[derive(Debug, Clone)]
pub struct FakeModel {
    shared: Arc<Shared>,
    server: Arc<Server>,
}

impl FakeModel {
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// Serves on a free loopback port, on a task of its own.
    pub async fn start_with(options: Options) -> Self {
        let shared = Arc::new(Shared::new(options));
        let server = Server::start(server::router(Arc::clone(&shared))).await;
        Self {
            shared,
            server: Arc::new(server),
        }
    }

    /// The base URL for a client, ending in `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.server.address())
    }

    pub fn api_key(&self) -> String {
        self.shared.options.api_key.clone()
    }

    /// Adds replies to the queue; each legal request takes one.
    pub fn replies(&self, replies: impl IntoIterator<Item = Reply>) -> &Self {
        self.shared.script(replies);
        self
    }

    /// Answers the requests for which the queue has no reply.
    pub fn respond_with(
        &self,
        responder: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> &Self {
        self.shared.respond_with(Arc::new(responder));
        self
    }

    /// What is answered to the next recordings; without, each says "hello".
    pub fn hears(&self, answers: impl IntoIterator<Item = transcription::Answer>) -> &Self {
        self.shared.transcriptions.script(answers);
        self
    }

    /// The recordings that came.
    pub fn heard(&self) -> Vec<transcription::Heard> {
        self.shared.transcriptions.heard()
    }

    /// Changes the size above which requests are refused as too long.
    pub fn set_context_limit(&self, limit: Option<u64>) -> &Self {
        self.shared.set_context_limit(limit);
        self
    }

    /// Every request with the right key, refused ones included, in the order they came.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests()
    }

    /// Why requests were refused; a well-behaved client leaves this empty.
    pub fn refusals(&self) -> Vec<String> {
        self.requests()
            .into_iter()
            .filter_map(|request| request.refused)
            .collect()
    }

    /// How many scripted replies no request has taken.
    pub fn unused_replies(&self) -> usize {
        self.shared.unused_replies()
    }

    /// How many requests were echoed although there had been scripted replies.
    pub fn unscripted_requests(&self) -> usize {
        self.shared.unscripted()
    }

    /// Waits until there were `count` requests; answers them all.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize) -> impl Future<Output = Vec<Request>> + use<> {
        let caller = Location::caller();
        let model = self.clone();
        async move {
            let mut asked = model.shared.asked.subscribe();
            let limit = model.shared.options.wait_timeout;
            let enough = asked.wait_for(|asked| *asked >= count);
            let in_time = tokio::time::timeout(limit, enough).await.is_ok();
            assert!(
                in_time,
                "{caller}: never came: {count} requests\n{}",
                model.dump()
            );
            model.requests()
        }
    }

    /// All that a failure's reader wants to know.
    pub fn dump(&self) -> String {
        let requests = self.requests();
        let mut lines = vec![format!(
            "{} requests, {} scripted replies unused",
            requests.len(),
            self.unused_replies()
        )];
        lines.extend(
            requests
                .iter()
                .map(|request| format!("  {}", request.summary())),
        );
        lines.join("\n")
    }

    /// Cuts every connection and refuses new ones until [`FakeModel::go_online`].
    pub fn go_offline(&self) {
        self.server.go_offline();
    }

    pub fn go_online(&self) {
        self.server.go_online();
    }
}
