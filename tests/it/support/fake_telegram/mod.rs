//! A Bot API server on loopback that refuses what the real one refuses and forgets nothing.
//!
//! It lives in the test process and so survives restarts of the bot. Where it is stricter or
//! simpler than the real server, the module that does so says it.

mod albums;
mod chat;
mod editing;
mod entities;
mod fault;
mod html;
mod markup;
mod message;
mod methods;
mod observe;
mod options;
mod params;
mod refusal;
mod sending;
mod server;
mod state;
#[cfg(test)]
mod tests;
mod text;
mod updates;
mod users;
mod webhook;
mod world;

use std::sync::Arc;

pub use chat::{ChatAction, ChatKind};
pub use fault::Fault;
pub use message::{Author, FakeFile, FakeMessage, FileKind, Version};
pub use options::{FloodLimit, Options};
pub use state::Call;
pub use users::{PressedButton, SentUpdate, UserFile};

use crate::support::wire::Server;
use state::{Shared, State};

/// The running server. Clones share it; the last one to go stops it.
#[derive(Debug, Clone)]
pub struct FakeTelegram {
    shared: Arc<Shared>,
    server: Arc<Server>,
}

impl FakeTelegram {
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

    /// The base address: calls go to `<url>/bot<token>/<method>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    pub fn token(&self) -> String {
        self.with(|state| state.options.token.clone())
    }

    pub fn bot_username(&self) -> String {
        self.with(|state| state.options.bot_username.clone())
    }

    pub fn bot_id(&self) -> i64 {
        self.with(|state| state.options.bot_id)
    }

    /// The next calls of `method` (`"*"`: of any, `"download"`: of files) meet these faults, one
    /// each, in order.
    pub fn fail(&self, method: &str, faults: impl IntoIterator<Item = Fault>) -> &Self {
        let method = match method {
            "*" => "*",
            name => methods::observed(name).expect("a method of the fake"),
        };
        self.with(|state| {
            state
                .faults
                .entry(method.to_owned())
                .or_default()
                .extend(faults);
        });
        self
    }

    /// The next `count` calls of `method` meet the same fault.
    pub fn fail_times(&self, method: &str, count: usize, fault: Fault) -> &Self {
        self.fail(method, std::iter::repeat_n(fault, count))
    }

    /// Forgets the faults that no call has met.
    pub fn clear_faults(&self) {
        self.with(|state| state.faults.clear());
    }

    /// How many calls of a method are under way.
    pub fn calls_without_answer(&self, method: &str) -> usize {
        let calls = self.calls(method);
        calls.iter().filter(|call| call.outcome.is_none()).count()
    }

    /// How many scripted faults no call has met yet.
    pub fn unused_faults(&self) -> usize {
        self.with(|state| state.faults.values().map(|faults| faults.len()).sum())
    }

    /// Turns flood control on (or, with `None`, off).
    pub fn set_flood_limit(&self, limit: Option<FloodLimit>) {
        self.with(|state| state.options.flood_limit = limit);
    }

    /// Cuts every connection and refuses new ones until [`FakeTelegram::go_online`].
    pub fn go_offline(&self) {
        self.server.go_offline();
    }

    pub fn go_online(&self) {
        self.server.go_online();
    }

    fn with<T>(&self, use_state: impl FnOnce(&mut State) -> T) -> T {
        self.shared.with(use_state)
    }

    fn announce(&self) {
        self.shared.announce();
    }
}
