//! The sign that updates can arrive, for the service manager and for health checks.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sd_notify::NotifyState;
use tokio::time::interval;
use tracing::warn;

use crate::adapters::telegram::config::UpdateMode;
use crate::wiring::settings::Settings;

/// A listener has no rhythm of its own, as polls have.
const LISTENER_PERIOD: Duration = Duration::from_secs(30);

/// Beats that may fail in a row.
const MISSED: u32 = 3;

/// A file whose time of change is that of the last beat.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    file: PathBuf,
    period: Duration,
}

impl Heartbeat {
    /// The one of this installation.
    pub fn of(settings: &Settings) -> Self {
        let telegram = &settings.channels.telegram;
        Self {
            file: settings.runtime.data_dir.join("heartbeat"),
            period: match telegram.mode {
                UpdateMode::LongPolling => telegram.poll_timeout_seconds.get(),
                UpdateMode::Webhook => LISTENER_PERIOD,
            },
        }
    }

    /// Tells the service manager and the health check that updates can arrive.
    pub fn beat(&self) {
        if let Err(error) = std::fs::write(&self.file, b"") {
            warn!(%error, "the heartbeat file cannot be written");
        }
        // Not being under systemd is fine.
        let _ = sd_notify::notify(&[NotifyState::Watchdog]);
    }

    /// Beats for as long as it is awaited.
    pub async fn keep_beating(&self) {
        let mut ticks = interval(self.period);
        loop {
            ticks.tick().await;
            self.beat();
        }
    }

    /// How long ago the last beat was; `None` before the first.
    pub fn age(&self, now: DateTime<Utc>) -> Option<Duration> {
        let changed = self.file.metadata().and_then(|file| file.modified()).ok()?;
        let age = now - DateTime::<Utc>::from(changed);
        Some(age.to_std().unwrap_or(Duration::ZERO))
    }

    /// An older beat means that something is wrong.
    pub fn longest_age(&self) -> Duration {
        self.period * MISSED
    }
}
