//! Telegram, from its settings to a poller that feeds the intake.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use sd_notify::NotifyState;
use tracing::{info, warn};

use super::lifecycle::{Running, Store};
use super::settings::Settings;
use crate::adapters::telegram::config::UpdateMode;
use crate::adapters::telegram::{
    ApiError, BotIdentity, Poller, TelegramChannel, TelegramSettings, UpdateReader,
};
use crate::app::commands::Commands;
use crate::core::channel::Channel;
use crate::core::clock::Clock;

/// The first wait when Telegram cannot be reached at the start.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest one.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Telegram as a part of this process.
#[derive(Debug)]
pub struct Telegram {
    settings: TelegramSettings,
    channel: Arc<TelegramChannel>,
    heartbeat: PathBuf,
}

impl Telegram {
    /// Telegram as configured; `None` when it is switched off.
    pub fn configured(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let config = &settings.channels.telegram;
        if !config.enabled {
            return Ok(None);
        }
        if config.mode == UpdateMode::Webhook {
            bail!("channels.telegram.mode: this version has no webhook yet; use \"long_polling\"");
        }
        let token = config
            .bot_token
            .clone()
            .context("channels.telegram.bot_token is missing")?;
        let settings_of_bot = TelegramSettings::new(config, token);
        let channel = Arc::new(TelegramChannel::new(&settings_of_bot)?);
        let heartbeat = heartbeat_file(settings);
        Ok(Some(Self {
            settings: settings_of_bot,
            channel,
            heartbeat,
        }))
    }

    /// The way out.
    pub fn channel(&self) -> Arc<dyn Channel> {
        self.channel.clone()
    }

    /// Adds the poller to the running parts. It finds out by itself whose token it has, and waits
    /// for a network that is not there yet.
    pub fn start(self, store: &Store, running: &mut Running) {
        let clock = store.ports.clock.clone();
        let intake = running.app.intake.clone();
        let stop = running.stop_token();
        running.add(async move {
            let Some(bot) = (tokio::select! {
                () = stop.cancelled() => return Ok(()),
                bot = self.identify(clock.as_ref()) => bot?,
            }) else {
                return Ok(());
            };
            info!(bot = %bot.username, "talking on Telegram");
            self.publish_menu().await;
            let reader = UpdateReader::new(bot, &self.settings);
            let heartbeat = self.heartbeat;
            let poller = Poller::new(self.settings, reader, clock)?
                .on_completed_poll(move || beat(&heartbeat));
            poller.run(stop, |batch| intake.accept(batch)).await?;
            Ok(())
        });
    }

    async fn identify(&self, clock: &dyn Clock) -> anyhow::Result<Option<BotIdentity>> {
        let mut wait = FIRST_WAIT;
        loop {
            match self.channel.identify().await {
                Ok(bot) => return Ok(Some(bot)),
                Err(ApiError::Refused(refusal)) if refusal.refuses_token() => {
                    bail!(
                        "channels.telegram.bot_token: Telegram does not know this token ({refusal})"
                    )
                }
                Err(error) => warn!(%error, "Telegram cannot be reached yet"),
            }
            clock
                .sleep_until(clock.now() + chrono::TimeDelta::from_std(wait)?)
                .await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn publish_menu(&self) {
        let menu: Vec<(&str, &str)> = Commands::menu().collect();
        if let Err(error) = self.channel.set_commands(&menu).await {
            warn!(%error, "the menu of commands was not accepted");
        }
    }
}

/// The file whose time of change is that of the last completed poll.
pub fn heartbeat_file(settings: &Settings) -> PathBuf {
    settings.runtime.data_dir.join("heartbeat")
}

/// Tells the service manager and the health check that polling works.
fn beat(file: &std::path::Path) {
    if let Err(error) = std::fs::write(file, b"") {
        warn!(%error, "the heartbeat file cannot be written");
    }
    // Not being under systemd is fine.
    let _ = sd_notify::notify(&[NotifyState::Watchdog]);
}
