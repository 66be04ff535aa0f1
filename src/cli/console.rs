//! `minibot console`: the assistant in the terminal.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::{runtime, say, settings};
use crate::adapters::config::WhenMissing;
use crate::adapters::console::{self, ConsoleChannel, Editor, Line, Screen};
use crate::adapters::system::SystemClock;
use crate::adapters::telemetry;
use crate::app::dispatcher::Rest;
use crate::core::channel::{Asking, ChatKind};
use crate::core::inbox::{Arrival, Arrived};
use crate::core::message::{Incoming, IncomingContent, Message};
use crate::llm::config::Provider;
use crate::wiring::lifecycle::{Running, Store};
use crate::wiring::settings::Settings;

/// Time between two frames of the spinner.
const FRAME: Duration = Duration::from_millis(150);

pub(super) fn run(config: Option<PathBuf>, once: Option<String>) -> anyhow::Result<ExitCode> {
    let settings = settings(config, WhenMissing::UseDefaults)?.settings;
    let level = quieter(&settings.runtime.log_level);
    let _log = telemetry::start(&settings.logging, level, Arc::new(SystemClock))?;
    let runtime = runtime()?;
    let result = runtime.block_on(talk(&settings, once));
    // The editor's thread may still wait for a key.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result.map(|()| ExitCode::SUCCESS)
}

/// What is worth a line of a server's log would only disturb a conversation.
fn quieter(level: &str) -> &str {
    if level == "info" { "warn" } else { level }
}

async fn talk(settings: &Settings, once: Option<String>) -> anyhow::Result<()> {
    let screen = Arc::new(Screen::stdout(telemetry::plain_wanted()));
    let store = Store::open(settings).await?;
    let asking = match once {
        Some(_) => Asking::Impossible,
        None => Asking::Possible,
    };
    let channel = Arc::new(ConsoleChannel::new(screen.clone(), asking));
    let running = Running::start(settings, &store, vec![channel]).await?;
    let console = Console {
        screen,
        running,
        store,
    };
    let result = match once {
        Some(text) => console.answer(text).await.map(|_| ()),
        None => console.converse(settings).await,
    };
    let left = console.leave().await;
    result.and(left)
}

/// Each Ctrl-C from now on.
fn interrupts() -> anyhow::Result<Signal> {
    signal(SignalKind::interrupt()).context("Ctrl-C cannot be awaited")
}

struct Console {
    screen: Arc<Screen>,
    running: Running,
    store: Store,
}

impl Console {
    async fn converse(&self, settings: &Settings) -> anyhow::Result<()> {
        if settings.llm.provider == Provider::Builtin {
            say("No model is configured: built-in commands only. \"minibot setup\" adds one.");
        }
        self.screen
            .say("I am minibot. /help shows what I can do; Ctrl-C stops me, Ctrl-D leaves.")?;
        let history = settings.runtime.data_dir.join("console_history");
        let editor = Editor::start(self.screen.clone(), Some(history))?;
        let mut rest = Rest::Idle;
        loop {
            self.screen.finish_line()?;
            match editor.read().await {
                Line::Text(text) if text.trim().is_empty() => {}
                Line::Text(text) => rest = self.answer(text).await?,
                Line::Interrupted if rest == Rest::Asking => {
                    let interrupts = interrupts()?;
                    self.interrupt();
                    rest = self.until_done(interrupts).await?;
                }
                Line::Interrupted => self.screen.say("Ctrl-D leaves.")?,
                Line::End => return Ok(()),
            }
        }
    }

    /// Hands over a message and waits until everything about it is said.
    async fn answer(&self, text: String) -> anyhow::Result<Rest> {
        let arrival = self.arrival(text)?;
        // One for the whole wait: what comes between two looks is not lost.
        let interrupts = interrupts()?;
        self.running.app.intake.accept(vec![arrival]).await?;
        self.until_done(interrupts).await
    }

    /// Returns when nothing moves any more. Ctrl-C stops the turn.
    async fn until_done(&self, mut interrupts: Signal) -> anyhow::Result<Rest> {
        let mut frames = interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let done = self.done();
        tokio::pin!(done);
        loop {
            tokio::select! {
                result = &mut done => return result,
                reason = self.screen.broken() => {
                    bail!("the answer cannot be printed: {reason}; it is kept for the next console")
                }
                _ = frames.tick() => self.screen.spin()?,
                _ = interrupts.recv() => self.interrupt(),
            }
        }
    }

    fn interrupt(&self) {
        self.running.app.dispatcher.interrupt(&console::target());
    }

    /// Returns when the worker is gone, or its turn asks something, and everything is printed.
    async fn done(&self) -> anyhow::Result<Rest> {
        let target = console::target();
        let rest = self.running.app.dispatcher.at_rest(&target).await;
        loop {
            let delivered = self.running.app.signals.delivered();
            if self
                .store
                .ports
                .outbox
                .count_waiting(Some(&target.channel))
                .await?
                == 0
            {
                return Ok(rest);
            }
            delivered.await;
        }
    }

    fn arrival(&self, text: String) -> anyhow::Result<Arrival> {
        let now = self.store.ports.clock.now();
        let message = Message {
            text,
            ..Message::default()
        };
        let incoming = Incoming {
            target: console::target(),
            chat_kind: ChatKind::Private,
            sender: console::person("you"),
            sent_at: now,
            content: IncomingContent::Message(message),
        };
        Ok(Arrival {
            source: console::CHANNEL.into(),
            external_id: now
                .timestamp_nanos_opt()
                .context("the clock is out of range")?,
            kind: "message".into(),
            content: Arrived::Welcome {
                raw: serde_json::to_string(&incoming)?,
                incoming: Box::new(incoming),
            },
        })
    }

    async fn leave(self) -> anyhow::Result<()> {
        let ended = self.screen.finish_line();
        self.running.stop().await;
        self.store.close().await;
        Ok(ended?)
    }
}
