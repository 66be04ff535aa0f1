//! The scheduler: sleeps until the next job is due, then turns each due slot into a receipt and
//! what follows from it, in one transaction. It asks nothing of the database in between.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::intake::Intake;
use super::rest::rest_until;
use super::signals::Signals;
use super::store_trouble::tell;
use crate::core::clock::Clock;
use crate::core::error::StoreResult;
use crate::core::ids::ChannelName;
use crate::core::jobs::{Firing, Job, JobStore};
use crate::core::reminder;
use crate::core::schedule::DueRules;

/// How long the scheduler waits when the database fails.
const STORE_PAUSE: TimeDelta = TimeDelta::seconds(1);

/// Settings of the scheduler.
#[derive(Debug, Clone)]
pub struct SchedulerSettings {
    /// Without anything due, the table is looked at this often: a safety net.
    pub poll_interval: TimeDelta,
    /// A run that began longer ago, and of which nothing is left, is lost.
    pub lease_timeout: TimeDelta,
    /// Jobs in one transaction.
    pub batch_size: u32,
    /// What happens to slots that were missed.
    pub due: DueRules,
    /// The person's zone.
    pub zone: Tz,
    /// Jobs of other channels are left for a process in which those run.
    pub channels: Vec<ChannelName>,
}

/// The scheduler.
#[derive(Debug)]
pub struct Scheduler {
    /// The jobs.
    pub jobs: Arc<dyn JobStore>,
    /// Where prompts go on from.
    pub intake: Arc<Intake>,
    /// Rings when jobs have changed, and for what is to be sent.
    pub signals: Arc<Signals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The settings.
    pub settings: SchedulerSettings,
}

impl Scheduler {
    /// Fires jobs until `stop`.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        while !stop.is_cancelled() {
            let now = self.clock.now();
            let wake_at = match self.fire_due(now).await {
                Ok(next) => next,
                Err(error) => {
                    tell(&error, "due jobs cannot be read or written");
                    now + STORE_PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.signals.scheduler_woken() => {}
                () = rest_until(self.clock.as_ref(), now, wake_at) => {}
            }
        }
        Ok(())
    }

    /// Fires one batch of what is due, and says when to look again.
    async fn fire_due(&self, now: DateTime<Utc>) -> StoreResult<DateTime<Utc>> {
        let channels = &self.settings.channels;
        let due = self
            .jobs
            .list_due(channels, now, self.settings.batch_size)
            .await?;
        if due.is_empty() {
            // What could not be read is told.
            self.signals.wake_outbox();
            self.look_after_runs(now).await?;
            let latest = now + self.settings.poll_interval;
            let next = self.jobs.next_due_at(channels).await?;
            return Ok(next.map_or(latest, |at| at.min(latest)));
        }
        let firings: Vec<Firing> = due.iter().map(|job| self.plan(job, now)).collect();
        info!(jobs = firings.len(), "due");
        for target in self.jobs.fire(firings, now).await? {
            self.intake.nudge(target);
        }
        self.signals.wake_outbox();
        Ok(now)
    }

    /// Tries again what has failed and whose time has come, and settles what was lost.
    async fn look_after_runs(&self, now: DateTime<Utc>) -> StoreResult<()> {
        for target in self.jobs.retry_due(&self.settings.channels, now).await? {
            self.intake.nudge(target);
        }
        let lost = self
            .jobs
            .settle_lost(now - self.settings.lease_timeout)
            .await?;
        if lost > 0 {
            warn!(runs = lost, "scheduled runs had no end; they have one now");
        }
        Ok(())
    }

    fn plan(&self, job: &Job, now: DateTime<Utc>) -> Firing {
        reminder::plan(job, now, &self.settings.due, self.settings.zone)
    }
}
