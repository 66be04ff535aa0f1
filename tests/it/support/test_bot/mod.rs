//! The whole bot in the process of a test: real wiring and database, fake servers, a clock that can leap.
//!
//!     TestBot::new().await.model([Reply::text("Hello")]).says("hi").await.replies("Hello").await;

mod browser;
mod chat;
mod clock;
mod process;
mod verdict;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use minibot::wiring::Ports;
use minibot::wiring::settings::Settings;
use tempfile::TempDir;

use browser::TestBrowser;
pub use chat::Chat;
pub use clock::FakeClock;
pub use process::Process;

use super::fake_model::{FakeModel, Reply};
use super::fake_telegram::{FakeTelegram, Options};
use super::wire::lock;

/// A person whom the bot knows; the id of their private chat too.
pub const ALICE: i64 = 1_001;
/// Another one.
pub const BOB: i64 = 1_002;
/// A person whom it does not know.
pub const STRANGER: i64 = 6_666;

/// A bot and the world around it.
#[derive(Debug)]
pub struct TestBot {
    pub telegram: FakeTelegram,
    pub provider: FakeModel,
    pub clock: Arc<FakeClock>,
    pub settings: Settings,
    process: Option<Process>,
    browser: Option<TestBrowser>,
    /// How many messages of each chat were looked at.
    read: Mutex<HashMap<i64, usize>>,
    refusals: Refusals,
    _folder: TempDir,
}

/// What refusals of the fakes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusals {
    /// A fault of the bot.
    Forbidden,
    /// What the test is about.
    Allowed,
}

impl TestBot {
    /// A bot with a model, known to Alice and Bob, that has started.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// As [`TestBot::new`], with these keys of the configuration changed.
    pub async fn with(overrides: &[(&str, &str)]) -> Self {
        let mut bot = Self::stopped(overrides, Options::default()).await;
        bot.start().await;
        bot
    }

    /// As [`TestBot::with`], with a real browser. `None` where there is none, which only a machine outside
    /// CI may have.
    pub async fn with_browser(overrides: &[(&str, &str)]) -> Option<Self> {
        if !TestBrowser::is_here() {
            return None;
        }
        // Pages take their time on a machine that is busy.
        let patient = Options {
            wait_timeout: Duration::from_secs(50),
            ..Options::default()
        };
        let mut bot = Self::stopped(overrides, patient).await;
        bot.browser = Some(TestBrowser::start(&bot.settings).await);
        bot.start().await;
        Some(bot)
    }

    async fn stopped(overrides: &[(&str, &str)], options: Options) -> Self {
        let telegram = FakeTelegram::start_with(options).await;
        telegram
            .add_private_chat(ALICE, "Alice")
            .add_private_chat(BOB, "Bob")
            .add_private_chat(STRANGER, "Mallory");
        let provider = FakeModel::start().await;
        let folder = tempfile::tempdir().unwrap();
        let overrides = overrides
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let text = config(&telegram, &provider);
        let settings = process::settings(&text, folder.path(), &overrides);
        Self {
            telegram,
            provider,
            clock: Arc::new(FakeClock::new()),
            settings,
            process: None,
            browser: None,
            read: Mutex::default(),
            refusals: Refusals::Forbidden,
            _folder: folder,
        }
    }

    /// What the model answers next.
    pub fn model(&self, replies: impl IntoIterator<Item = Reply>) -> &Self {
        self.provider.replies(replies);
        self
    }

    /// Alice's private chat.
    pub fn alice(&self) -> Chat<'_> {
        self.at(ALICE, ALICE)
    }

    /// Bob's private chat.
    pub fn bob(&self) -> Chat<'_> {
        self.at(BOB, BOB)
    }

    /// A person in a chat.
    pub fn at(&self, chat: i64, user: i64) -> Chat<'_> {
        Chat {
            bot: self,
            chat,
            user,
            thread: None,
        }
    }

    /// A person in a topic.
    pub fn in_topic(&self, chat: i64, thread: i64, user: i64) -> Chat<'_> {
        Chat {
            thread: Some(thread),
            ..self.at(chat, user)
        }
    }

    /// Alice writes.
    pub async fn says(&self, text: &str) -> Chat<'_> {
        self.alice().says(text).await
    }

    /// Makes it later.
    pub fn advance(&self, by: chrono::TimeDelta) -> &Self {
        self.clock.advance(by);
        self
    }

    /// Lets so much time pass for everything that waits, the limits of calls and turns included.
    pub async fn time_passes(&self, time: std::time::Duration) -> &Self {
        tokio::time::pause();
        tokio::time::advance(time).await;
        tokio::time::resume();
        self
    }

    /// The ports of the running bot.
    pub fn ports(&self) -> &Ports {
        &self.process().store.ports
    }

    /// The running bot.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("the bot runs")
    }

    /// Ends the bot as SIGTERM does; the world around it stays.
    pub async fn stop(&mut self) -> &mut Self {
        if let Some(process) = self.process.take() {
            process.stop().await;
        }
        self
    }

    /// Starts it again, on the same database.
    pub async fn start(&mut self) -> &mut Self {
        let (settings, clock) = (&self.settings, self.clock.clone());
        self.process = Some(Process::start(settings, clock, self.browser.as_ref()).await);
        self
    }

    /// Ends it and starts it again.
    pub async fn restart(&mut self) -> &mut Self {
        self.stop().await;
        self.start().await
    }

    /// For tests about refusals by the fakes, which otherwise fail a test.
    #[must_use]
    pub fn expecting_refusals(mut self) -> Self {
        self.refusals = Refusals::Allowed;
        self
    }

    fn read(&self) -> MutexGuard<'_, HashMap<i64, usize>> {
        lock(&self.read)
    }
}

fn config(telegram: &FakeTelegram, provider: &FakeModel) -> String {
    format!(
        r#"
[runtime]
data_dir = "data"
timezone = "Europe/Madrid"
shutdown_grace_seconds = 5

[channels.telegram]
enabled = true
bot_token = "{token}"
api_url = "{api_url}"
allowed_user_ids = [{ALICE}, {BOB}]
album_settle_ms = 300

[channels.telegram.rate_limit]
global_per_second = 1000
chat_per_second = 1000
chat_burst = 1000
group_per_minute = 60000

# Who scripts a model wants no request but those of the turns.
[memory]
compaction = false

[llm]
provider = "openai"
base_url = "{base_url}"
api_key = "{key}"
model = "fake"
retry_delay_seconds = 0.001
"#,
        token = telegram.token(),
        api_url = telegram.url(),
        base_url = provider.url(),
        key = provider.api_key(),
    )
}
