//! Scheduled jobs, and the receipts of their runs.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::card::Reaction;
use super::channel::{ChatKind, ChatTarget, Sender};
use super::error::StoreResult;
use super::ids::{ChannelName, JobId, OccurrenceId};
use super::label::Labels;
use super::outbox::NewOutbox;
use super::schedule::Schedule;

/// What a job does when its time comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobRole {
    /// Its content is sent as it is; no model is asked.
    Assistant,
    /// Its content is run as a turn.
    User,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// It has a next run.
    Active,
    /// It keeps its schedule but does not run.
    Paused,
    /// It has run for the last time.
    Completed,
    /// A person or a model ended it.
    Cancelled,
}

/// A job that is to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Where it delivers.
    pub target: ChatTarget,
    /// Whether others read along there.
    pub chat_kind: ChatKind,
    /// Who asked for it.
    pub creator: Sender,
    /// A short name for lists.
    pub title: Option<String>,
    /// What is sent or asked.
    pub content: String,
    /// What it does.
    pub role: JobRole,
    /// When.
    pub schedule: Schedule,
    /// The first run.
    pub next_run: DateTime<Utc>,
    /// Free data of the model.
    pub metadata: Option<Value>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// What had been read by whoever wrote its content.
    pub labels: Labels,
}

/// A stored job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it is.
    pub details: NewJob,
    /// Where it stands.
    pub status: JobStatus,
    /// When it runs next; `None` when it does not.
    pub next_run: Option<DateTime<Utc>>,
    /// The newest receipt.
    pub last_occurrence: Option<Occurrence>,
}

/// What a person can do to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobAction {
    /// One more run at once; the schedule stays as it is.
    RunNow,
    /// It keeps its schedule and does not run.
    Pause,
    /// It runs again, from its next time on.
    Resume,
    /// It runs no more and stays listed.
    Cancel,
}

/// The limits that a new job must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLimits {
    /// Active jobs of one chat.
    pub max_active_per_chat: u32,
}

/// How one slot of a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OccurrenceState {
    /// Its turn is on the way.
    Running,
    /// In time.
    Ran,
    /// After its time, because the bot was not running.
    Late,
    /// Not at all, on purpose.
    Skipped,
    /// Tried, in vain.
    Failed,
}

/// The receipt of one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Its id.
    pub id: OccurrenceId,
    /// The time it was due.
    pub slot: DateTime<Utc>,
    /// How it ended.
    pub state: OccurrenceState,
    /// Why, where that needs a word.
    pub reason: Option<String>,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// What a person has said to its card.
    pub reaction: Option<Reaction>,
}

/// What is done about the due slots of one job, in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// The job.
    pub job: JobId,
    /// The next run that the decision was made on: when the job has another one by now, nothing
    /// is done.
    pub decided_on: DateTime<Utc>,
    /// The receipts, oldest first.
    pub slots: Vec<FiredSlot>,
    /// The next run; `None` completes the job.
    pub next_run: Option<DateTime<Utc>>,
}

/// One slot of a firing.
#[derive(Debug, Clone, PartialEq)]
pub struct FiredSlot {
    /// The time it was due.
    pub slot: DateTime<Utc>,
    /// How it ends (for a turn: `Running`, until the turn ends).
    pub state: OccurrenceState,
    /// Why.
    pub reason: Option<String>,
    /// What follows from it.
    pub action: FiredAction,
}

/// What follows from a slot.
#[derive(Debug, Clone, PartialEq)]
pub enum FiredAction {
    /// Nothing but the receipt.
    Nothing,
    /// A message, with the answers of a card below it.
    Deliver(Box<NewOutbox>),
    /// A turn: a row of the inbox with the job's content. While another run of the same job is on
    /// the way it is skipped instead.
    Prompt {
        /// What the model is asked.
        content: String,
        /// How late it is, in words.
        remark: Option<String>,
        /// What had been read by whoever wrote the content.
        labels: Labels,
    },
}

impl FiredSlot {
    /// The same while another run of its job is still on the way.
    #[must_use]
    pub fn held_up(self) -> Self {
        Self {
            slot: self.slot,
            state: OccurrenceState::Skipped,
            reason: Some("previous run still going".into()),
            action: FiredAction::Nothing,
        }
    }
}

/// Which jobs a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFilter {
    /// Only of this chat.
    pub target: Option<ChatTarget>,
    /// Only those in these states.
    pub status: JobStatusFilter,
    /// At most so many.
    pub limit: u32,
    /// After so many.
    pub offset: u32,
}

/// Which states a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatusFilter {
    /// Active ones: those that run by themselves.
    Active,
    /// Active and paused ones.
    Open,
    /// All.
    Any,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct JobPage {
    /// How many there are in all.
    pub total: u64,
    /// The jobs of this page, by next run.
    pub jobs: Vec<Job>,
}

/// The tables of jobs and occurrences.
#[async_trait]
pub trait JobStore: Send + Sync + std::fmt::Debug {
    /// When the next active job of one of these channels is due, or the next attempt at a failed
    /// run.
    async fn next_due_at(&self, channels: &[ChannelName]) -> StoreResult<Option<DateTime<Utc>>>;

    /// The active jobs of these channels that are due, in the order of their due times, at most
    /// `limit`.
    async fn list_due(
        &self,
        channels: &[ChannelName],
        now: DateTime<Utc>,
        limit: u32,
    ) -> StoreResult<Vec<Job>>;

    /// Writes receipts, deliveries and next runs in one transaction, each firing whole or not at
    /// all. Says which targets have something new in the inbox.
    async fn fire(&self, firings: Vec<Firing>, now: DateTime<Utc>) -> StoreResult<Vec<ChatTarget>>;

    /// A job.
    async fn get(&self, id: JobId) -> StoreResult<Option<Job>>;

    /// Lists jobs, by next run.
    async fn list(&self, filter: JobFilter) -> StoreResult<JobPage>;

    /// Does something to a job, where that is still possible, and returns it as it is then; `None`
    /// when there is none (in this chat, if one is named).
    async fn act(
        &self,
        target: Option<&ChatTarget>,
        id: JobId,
        action: JobAction,
    ) -> StoreResult<Option<Job>>;

    /// Puts the runs whose next attempt is due back into the inbox; says where.
    async fn retry_due(
        &self,
        channels: &[ChannelName],
        now: DateTime<Utc>,
    ) -> StoreResult<Vec<ChatTarget>>;

    /// Gives a receipt to the runs that began before `before` and of which nothing is left that
    /// could end them; says how many.
    async fn settle_lost(&self, before: DateTime<Utc>) -> StoreResult<u64>;
}
