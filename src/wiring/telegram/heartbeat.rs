//! The sign that updates can arrive, for the service manager and for health checks.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// The last one could not be written: told once.
    failing: Arc<AtomicBool>,
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
            failing: Arc::default(),
        }
    }

    /// Tells the service manager and the health check that updates can arrive.
    pub fn beat(&self) {
        let now = self.clock.now();
        if self.is_due(now) {
            let written = self.write(now);
            let was_failing = self.failing.swap(written.is_err(), Ordering::Relaxed);
            if let Err(error) = written
                && !was_failing
            {
                warn!(%error, "the heartbeat file cannot be written; doctor will see an old one");
            }
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

    /// Whole or not at all: on a full disk the old one stays.
    fn write(&self, now: DateTime<Utc>) -> std::io::Result<()> {
        let fresh = self.file.with_extension("new");
        std::fs::write(&fresh, now.to_rfc3339())?;
        std::fs::rename(fresh, &self.file)
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
