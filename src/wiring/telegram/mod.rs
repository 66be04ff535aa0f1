//! Telegram, from its settings to the poller or the webhook that feeds the intake.

mod heartbeat;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

pub use self::heartbeat::Heartbeat;
use self::webhook::Entrance;
use super::lifecycle::{Running, Store};
use super::settings::Settings;
use crate::adapters::telegram::config::UpdateMode;
use crate::adapters::telegram::{
    ApiError, BotIdentity, CHANNEL, Poller, TelegramChannel, TelegramSettings, UpdateReader,
    Webhook,
};
use crate::app::intake::Intake;
use crate::core::channel::{Channel, ChatTarget};
use crate::core::clock::Clock;
use crate::core::ids::{ChannelName, ChatId};
use crate::core::outbox::{NewOutbox, Outgoing};
use crate::core::schedule::describe_delay;

/// The first wait when Telegram cannot be reached at the start.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest one.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Telegram as a part of this process.
#[derive(Debug)]
pub struct Telegram {
    settings: TelegramSettings,
    channel: Arc<TelegramChannel>,
    heartbeat: Heartbeat,
    owner: Option<i64>,
    way_in: WayIn,
}

/// A downtime so long that messages are lost: Telegram keeps updates for 24 hours (Bot API, getUpdates).
const KEPT_BY_TELEGRAM: Duration = Duration::from_secs(24 * 60 * 60);

/// How updates arrive.
#[derive(Debug)]
enum WayIn {
    Polling,
    Webhook(Entrance),
}

/// What a way in works with.
struct Receiving {
    reader: UpdateReader,
    clock: Arc<dyn Clock>,
    intake: Arc<Intake>,
    stop: CancellationToken,
}

impl Telegram {
    /// Telegram as configured; `None` when it is switched off.
    pub fn configured(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Option<Self>> {
        let config = &settings.channels.telegram;
        if !config.enabled {
            return Ok(None);
        }
        let way_in = match config.mode {
            UpdateMode::LongPolling => WayIn::Polling,
            UpdateMode::Webhook => WayIn::Webhook(Entrance::configured(config)?),
        };
        let token = config
            .bot_token
            .clone()
            .context("channels.telegram.bot_token is missing")?;
        let settings_of_bot = TelegramSettings::new(config, token);
        let channel = Arc::new(TelegramChannel::new(&settings_of_bot)?);
        Ok(Some(Self {
            settings: settings_of_bot,
            channel,
            heartbeat: Heartbeat::of(settings, clock.clone()),
            owner: settings.owner_user_id(),
            way_in,
        }))
    }

    /// The way out.
    pub fn channel(&self) -> Arc<dyn Channel> {
        self.channel.clone()
    }

    /// Adds the way in to the running parts. It finds out by itself whose token it has, and waits
    /// for a network that is not there yet.
    pub fn start(self, store: &Store, running: &mut Running) {
        let clock = store.ports.clock.clone();
        let (intake, menu) = (running.app.intake.clone(), running.app.menu.clone());
        let stop = running.stop_token();
        let (outbox, signals) = (store.ports.outbox.clone(), running.app.signals.clone());
        running.add(async move {
            if let Some(notice) = self.absence_notice(clock.now()) {
                outbox.add(vec![notice]).await?;
                signals.wake_outbox();
            }
            let Some(bot) = (tokio::select! {
                () = stop.cancelled() => return Ok(()),
                bot = self.identify(clock.as_ref()) => bot?,
            }) else {
                return Ok(());
            };
            info!(bot = %bot.username, "talking on Telegram");
            self.publish_menu(&menu).await;
            let receiving = Receiving {
                reader: UpdateReader::new(bot, &self.settings),
                clock,
                intake,
                stop,
            };
            self.receive(receiving).await
        });
    }

    async fn receive(self, receiving: Receiving) -> anyhow::Result<()> {
        let Receiving {
            reader,
            clock,
            intake,
            stop,
        } = receiving;
        let heartbeat = self.heartbeat;
        match self.way_in {
            WayIn::Polling => {
                let alive = heartbeat.clone();
                let poller = Poller::new(self.settings, reader, clock)?
                    .on_attempt(move || alive.alive())
                    .on_completed_poll(move || heartbeat.beat());
                poller.run(stop, |batch| intake.accept(batch)).await?;
            }
            WayIn::Webhook(entrance) => {
                let listener = entrance.open().await?;
                let webhook = Webhook::new(entrance.settings, &self.settings, reader, clock)?;
                let sink = move |batch| {
                    let intake = intake.clone();
                    async move { intake.accept(batch).await }
                };
                tokio::select! {
                    ended = webhook.run(listener, stop, sink) => ended?,
                    () = heartbeat.keep_beating() => {}
                }
            }
        }
        Ok(())
    }

    /// One line for the owner after a downtime in which messages were lost.
    fn absence_notice(&self, now: DateTime<Utc>) -> Option<NewOutbox> {
        let age = self.heartbeat.age().filter(|age| *age > KEPT_BY_TELEGRAM)?;
        let target = ChatTarget {
            channel: ChannelName::new(CHANNEL),
            chat: ChatId::new(self.owner?.to_string()),
            thread: None,
        };
        let text = format!(
            "I was away for {}. Telegram keeps messages for 24 hours: what was sent before that did not reach me.",
            describe_delay(TimeDelta::from_std(age).ok()?)
        );
        Some(NewOutbox {
            dedupe_key: Some(format!("absence:{}", now.date_naive())),
            ..NewOutbox::notice(target, Outgoing::plain(text))
        })
    }

    async fn identify(&self, clock: &dyn Clock) -> anyhow::Result<Option<BotIdentity>> {
        let mut wait = FIRST_WAIT;
        let mut told = false;
        loop {
            match self.channel.identify().await {
                Ok(bot) => return Ok(Some(bot)),
                Err(ApiError::Refused(refusal)) if refusal.refuses_token() => {
                    bail!(
                        "channels.telegram.bot_token: Telegram does not know this token ({refusal})"
                    )
                }
                Err(error) if told => debug!(%error, "Telegram cannot be reached yet"),
                Err(error) => {
                    warn!(%error, "Telegram cannot be reached yet; trying on");
                    told = true;
                }
            }
            self.heartbeat.alive();
            clock.sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn publish_menu(&self, menu: &[(&str, &str)]) {
        if let Err(error) = self.channel.set_commands(menu).await {
            warn!(%error, "the menu of commands was not accepted");
        }
    }
}
