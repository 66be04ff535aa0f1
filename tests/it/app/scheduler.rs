//! The scheduler under load, at rest, and under clocks that jump.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use minibot::adapters::sqlite::{Database, SqliteJobStore};
use minibot::app::scheduler::Scheduler;
use minibot::core::channel::ChatTarget;
use minibot::core::clock::Clock;
use minibot::core::error::StoreResult;
use minibot::core::ids::{ChannelName, JobId};
use minibot::core::jobs::{Firing, Job, JobAction, JobFilter, JobPage, JobStore};
use minibot::core::reminder;
use minibot::core::schedule::{DueRules, MissedPolicy, Recurrence, Schedule};
use proptest::prelude::*;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::time::{Duration, timeout};
use tokio_util::sync::CancellationToken;

use super::cards::remind;
use crate::support::fake_model::Reply;
use crate::support::test_bot::{ALICE, TestBot};

/// Counts the questions to the store that it stands before.
#[derive(Debug)]
struct Counted {
    store: Arc<dyn JobStore>,
    questions: AtomicUsize,
}

impl Counted {
    fn count(&self) -> &dyn JobStore {
        self.questions.fetch_add(1, Ordering::SeqCst);
        self.store.as_ref()
    }

    fn questions(&self) -> usize {
        self.questions.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl JobStore for Counted {
    async fn next_due_at(&self, channels: &[ChannelName]) -> StoreResult<Option<DateTime<Utc>>> {
        self.count().next_due_at(channels).await
    }

    async fn list_due(
        &self,
        channels: &[ChannelName],
        now: DateTime<Utc>,
        limit: u32,
    ) -> StoreResult<Vec<Job>> {
        let due = self.count().list_due(channels, now, limit).await?;
        assert!(due.len() <= limit as usize);
        Ok(due)
    }

    async fn fire(&self, firings: Vec<Firing>, now: DateTime<Utc>) -> StoreResult<Vec<ChatTarget>> {
        self.count().fire(firings, now).await
    }

    async fn get(&self, id: JobId) -> StoreResult<Option<Job>> {
        self.count().get(id).await
    }

    async fn list(&self, filter: JobFilter) -> StoreResult<JobPage> {
        self.count().list(filter).await
    }

    async fn act(
        &self,
        target: Option<&ChatTarget>,
        id: JobId,
        action: JobAction,
    ) -> StoreResult<Option<Job>> {
        self.count().act(target, id, action).await
    }

    async fn retry_due(
        &self,
        channels: &[ChannelName],
        now: DateTime<Utc>,
    ) -> StoreResult<Vec<ChatTarget>> {
        self.count().retry_due(channels, now).await
    }

    async fn settle_lost(&self, before: DateTime<Utc>) -> StoreResult<u64> {
        self.count().settle_lost(before).await
    }
}

/// Lets every task run until all of them wait.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
}
