//! The world around the bot: fake servers on loopback, a folder on the disk, a config.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::process::Bot;
use crate::support::fake_model::{FakeModel, Options as ModelOptions, Reply};
use crate::support::fake_telegram::{FakeTelegram, Options as TelegramOptions};

/// The id of the first person, and of their private chat; the others follow.
pub const FIRST: i64 = 1_001;
/// So many people there are.
pub const PEOPLE: i64 = 600;
/// Longer than anything may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Fake servers, and a folder for the bot.
#[derive(Debug)]
pub struct World {
    pub telegram: FakeTelegram,
    pub model: FakeModel,
    folder: TempDir,
}

impl World {
    /// With a model that answers at once, a level of logging, and limits that hold nothing up.
    pub async fn new(log_level: &str) -> Result<Self> {
        Self::within(Limits::Raised, log_level).await
    }

    /// The same with every setting as it is when nobody changes it.
    pub async fn with_defaults() -> Result<Self> {
        Self::within(Limits::Default, "info").await
    }

    async fn within(limits: Limits, log_level: &str) -> Result<Self> {
        let telegram = FakeTelegram::start_with(TelegramOptions {
            longest_poll: Duration::from_secs(50),
            wait_timeout: PATIENCE,
            ..TelegramOptions::default()
        });
        let telegram = telegram.await;
        for person in FIRST..FIRST + PEOPLE {
            telegram.add_private_chat(person, "Somebody");
        }
        let model = FakeModel::start_with(ModelOptions {
            wait_timeout: PATIENCE,
            ..ModelOptions::default()
        });
        let model = model.await;
        model.respond_with(|_| Reply::text("Done."));
        // Not on a file system in memory: commits must reach a disk.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let text = config(&telegram, &model, log_level, limits);
        fs::write(folder.path().join("config.toml"), text)?;
        Ok(Self {
            telegram,
            model,
            folder,
        })
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data/minibot.db")
    }

    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Starts the bot and waits until it polls; with the time that took.
    pub async fn start(&self) -> Result<(Bot, Duration)> {
        let polls = self.telegram.calls("getUpdates").len();
        let started = Instant::now();
        let bot = Bot::start(self.folder.path(), &self.log())?;
        let calls = self.telegram.wait_for_calls("getUpdates", polls + 1).await;
        Ok((bot, calls[polls].at - started))
    }

    /// Sends a message and waits until it is answered; how long that took.
    pub async fn turn(&self, person: i64) -> Result<Duration> {
        let answers = self.answers(person).await;
        let sent = Instant::now();
        self.telegram.user_sends(person, person, "How are you?");
        self.answered(person, answers + 1).await?;
        Ok(sent.elapsed())
    }

    /// One turn after the other, each with a pause before it; how long each took, in milliseconds.
    pub async fn turns(&self, person: i64, count: usize) -> Result<Vec<f64>> {
        let mut took = Vec::with_capacity(count);
        for _ in 0..count {
            sleep(Duration::from_millis(10)).await;
            took.push(crate::figure::milliseconds(self.turn(person).await?));
        }
        Ok(took)
    }

    /// How many messages of the bot there are in a chat.
    pub async fn answers(&self, person: i64) -> usize {
        let count = self.telegram.find(person, |messages| Some(messages.len()));
        count.await.unwrap_or_default()
    }

    /// Waits until there are so many messages of the bot in a chat.
    pub async fn answered(&self, person: i64, count: usize) -> Result<()> {
        let enough = self
            .telegram
            .find(person, |messages| (messages.len() >= count).then_some(()));
        enough.await.with_context(|| {
            let log = tail(&self.log());
            format!("{count} answers never came\n{log}")
        })
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// How many turns run at once, and how much may be sent.
#[derive(Debug, Clone, Copy)]
enum Limits {
    Default,
    /// They would be what is measured.
    Raised,
}

const RAISED: &str = "
[channels.telegram.rate_limit]
global_per_second = 1000000
chat_per_second = 1000000
chat_burst = 1000
group_per_minute = 1000000
";

/// Defaults but for who may talk, and the limits.
fn config(telegram: &FakeTelegram, model: &FakeModel, log_level: &str, limits: Limits) -> String {
    let people: Vec<i64> = (FIRST..FIRST + PEOPLE).collect();
    let (turns, rate) = match limits {
        Limits::Default => ("", ""),
        Limits::Raised => ("max_parallel_turns = 300", RAISED),
    };
    format!(
        r#"
[runtime]
log_level = "{log_level}"
data_dir = "data"
{turns}

[channels.telegram]
enabled = true
bot_token = "{token}"
api_url = "{api_url}"
allowed_user_ids = {people:?}
{rate}
[llm]
provider = "openai"
base_url = "{base_url}"
api_key = "{key}"
model = "fake"
"#,
        token = telegram.token(),
        api_url = telegram.url(),
        base_url = model.url(),
        key = model.api_key(),
    )
}
