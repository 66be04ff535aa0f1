//! The sign that updates can arrive, for the service manager and for health checks.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sd_notify::NotifyState;
use tokio::time::interval;
use tracing::warn;

use crate::adapters::telegram::config::UpdateMode;
use crate::core::clock::Clock;
use crate::wiring::settings::Settings;

/// A listener has no rhythm of its own, as polls have.
const LISTENER_PERIOD: Duration = Duration::from_secs(30);

/// Beats that may fail in a row.
const MISSED: u32 = 3;

/// The file is written this often at most: polls that bring messages come many times a second.
const SPARED: TimeDelta = TimeDelta::seconds(1);

/// A file that holds the time of the last beat.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    clock: Arc<dyn Clock>,
    file: PathBuf,
    period: Duration,
    last: Arc<Mutex<DateTime<Utc>>>,
}

impl Heartbeat {
    /// The one of this installation.
    pub fn of(settings: &Settings, clock: Arc<dyn Clock>) -> Self {
        let telegram = &settings.channels.telegram;
        Self {
            clock,
            last: Arc::default(),
            file: settings.runtime.data_dir.join("heartbeat"),
            period: match telegram.mode {
                UpdateMode::LongPolling => telegram.poll_timeout_seconds.get(),
                UpdateMode::Webhook => LISTENER_PERIOD,
            },
        }
    }

    /// Tells the service manager and the health check that updates can arrive.
    pub fn beat(&self) {
        let now = self.clock.now();
        if self.is_due(now)
            && let Err(error) = std::fs::write(&self.file, now.to_rfc3339())
        {
            warn!(%error, "the heartbeat file cannot be written");
        }
        self.alive();
    }

    /// Whether the last one is long ago, or the clock was set back since.
    fn is_due(&self, now: DateTime<Utc>) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = (now - *last).abs() >= SPARED;
        if due {
            *last = now;
        }
        due
    }

    /// Tells the service manager that this process works, whether or not anybody answers it: a
    /// network that is down is no reason to be killed.
    pub fn alive(&self) {
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
    pub fn age(&self) -> Option<Duration> {
        let text = std::fs::read_to_string(&self.file).ok()?;
        let last = DateTime::parse_from_rfc3339(text.trim()).ok()?;
        let age = self.clock.now() - last.with_timezone(&Utc);
        Some(age.to_std().unwrap_or(Duration::ZERO))
    }

    /// An older beat means that something is wrong.
    pub fn longest_age(&self) -> Duration {
        self.period * MISSED
    }
}
