//! A job as it is stored, with its newest receipt.

use sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement};

use super::super::iden::{Jobs, Occurrences};
use super::super::statement::in_row;
use super::super::values;
use crate::core::channel::ChatKind;
use crate::core::error::{StoreError, StoreResult};
use crate::core::exits::Links;
use crate::core::ids::{JobId, OccurrenceId};
use crate::core::jobs::{Job, JobRole, JobStatus, NewJob, Occurrence, OccurrenceState};
use crate::core::outbox::{NewOutbox, Outgoing};
use crate::core::reminder;

/// The row; the columns of the receipt are all there or none is.
#[derive(sqlx::FromRow)]
pub(super) struct StoredJob {
    id: i64,
    channel: String,
    chat: String,
    thread: String,
    chat_kind: String,
    creator: String,
    title: Option<String>,
    content: String,
    role: String,
    schedule: String,
    metadata: Option<String>,
    status: String,
    next_run: Option<i64>,
    created_at: i64,
    labels: String,
    occurrence: Option<i64>,
    slot: Option<i64>,
    occurrence_state: Option<String>,
    reason: Option<String>,
    recorded_at: Option<i64>,
    reaction: Option<String>,
}

impl StoredJob {
    /// Its id, readable even where the rest is not.
    pub(super) fn id(&self) -> i64 {
        self.id
    }

    /// What is said where it would have come, in words that need none of the rest.
    pub(super) fn unreadable(&self) -> NewOutbox {
        let target = values::target(self.channel.clone(), self.chat.clone(), self.thread.clone());
        let labels = values::labels(&self.labels, ("jobs", self.id));
        let words = Outgoing::plain(reminder::unreadable_text(self.id, &self.content));
        let mut row = NewOutbox::notice(target, words.with_links(&Links::under(&labels)));
        // Each time when it is tried again it is the same.
        row.dedupe_key = Some(format!("unreadable job {}", self.id));
        row.labelled(labels)
    }

    fn read(self) -> StoreResult<Job> {
        let last_occurrence = self.last_occurrence()?;
        let status = read_status(&self.status)?;
        // A paused job keeps the time it would have run at, for when it goes on.
        let next_run = self.next_run.filter(|_| status == JobStatus::Active);
        let next_run = next_run.map(values::moment).transpose()?;
        let created_at = values::moment(self.created_at)?;
        let schedule: crate::core::schedule::Schedule = values::from_json(&self.schedule)?;
        let first_run = schedule.first_run().unwrap_or(created_at);
        Ok(Job {
            id: JobId(self.id),
            details: NewJob {
                target: values::target(self.channel, self.chat, self.thread),
                chat_kind: read_chat_kind(&self.chat_kind)?,
                creator: values::from_json(&self.creator)?,
                title: self.title,
                content: self.content,
                role: read_role(&self.role)?,
                schedule,
                next_run: first_run,
                metadata: self
                    .metadata
                    .as_deref()
                    .map(values::from_json)
                    .transpose()?,
                created_at,
                labels: values::labels(&self.labels, ("jobs", self.id)),
            },
            status,
            next_run,
            last_occurrence,
        })
    }

    fn last_occurrence(&self) -> StoreResult<Option<Occurrence>> {
        let (Some(id), Some(slot), Some(state), Some(recorded_at)) = (
            self.occurrence,
            self.slot,
            &self.occurrence_state,
            self.recorded_at,
        ) else {
            return Ok(None);
        };
        Ok(Some(Occurrence {
            id: OccurrenceId(id),
            slot: values::moment(slot)?,
            state: read_occurrence_state(state)?,
            reason: self.reason.clone(),
            recorded_at: values::moment(recorded_at)?,
            reaction: self
                .reaction
                .as_deref()
                .map(values::from_json)
                .transpose()?,
        }))
    }
}

impl TryFrom<StoredJob> for Job {
    type Error = StoreError;

    fn try_from(row: StoredJob) -> StoreResult<Self> {
        let id = row.id;
        row.read().map_err(in_row("jobs", id))
    }
}

/// Selects jobs as `StoredJob`s, each with the receipt of its latest slot.
pub(super) fn select() -> SelectStatement {
    let newest = Expr::col((Occurrences::Table, Occurrences::Id)).in_subquery(newest());
    columns().left_join(Occurrences::Table, newest).take()
}

/// Selects the job of a slot as a `StoredJob`, with the receipt of that slot.
pub(super) fn select_by_occurrence(id: OccurrenceId) -> SelectStatement {
    let receipt = |column| Expr::col((Occurrences::Table, column));
    columns()
        .inner_join(
            Occurrences::Table,
            receipt(Occurrences::Job).equals((Jobs::Table, Jobs::Id)),
        )
        .and_where(receipt(Occurrences::Id).eq(id.0))
        .take()
}

fn columns() -> SelectStatement {
    let columns = [
        Jobs::Id,
        Jobs::Channel,
        Jobs::Chat,
        Jobs::Thread,
        Jobs::ChatKind,
        Jobs::Creator,
        Jobs::Title,
        Jobs::Content,
        Jobs::Role,
        Jobs::Schedule,
        Jobs::Metadata,
        Jobs::Status,
        Jobs::NextRun,
        Jobs::CreatedAt,
        Jobs::Labels,
    ];
    let receipt = |column| Expr::col((Occurrences::Table, column));
    Query::select()
        .columns(columns.map(|column| (Jobs::Table, column)))
        .expr_as(receipt(Occurrences::Id), "occurrence")
        .columns([
            (Occurrences::Table, Occurrences::Slot),
            (Occurrences::Table, Occurrences::Reason),
            (Occurrences::Table, Occurrences::RecordedAt),
            (Occurrences::Table, Occurrences::Reaction),
        ])
        .expr_as(receipt(Occurrences::State), "occurrence_state")
        .from(Jobs::Table)
        .take()
}

/// Selects the receipt of a job's latest slot.
fn newest() -> SelectStatement {
    let newest = |column| (Alias::new("newest"), column);
    Query::select()
        .column(newest(Occurrences::Id))
        .from_as(Occurrences::Table, "newest")
        .and_where(Expr::col(newest(Occurrences::Job)).equals((Jobs::Table, Jobs::Id)))
        .order_by(newest(Occurrences::Slot), Order::Desc)
        .limit(1)
        .take()
}

/// The state of a receipt as its column has it.
pub(super) fn occurrence_state(state: OccurrenceState) -> &'static str {
    match state {
        OccurrenceState::Running => "running",
        OccurrenceState::Ran => "ran",
        OccurrenceState::Late => "late",
        OccurrenceState::Skipped => "skipped",
        OccurrenceState::Failed => "failed",
    }
}

fn read_occurrence_state(word: &str) -> StoreResult<OccurrenceState> {
    match word {
        "running" => Ok(OccurrenceState::Running),
        "ran" => Ok(OccurrenceState::Ran),
        "late" => Ok(OccurrenceState::Late),
        "skipped" => Ok(OccurrenceState::Skipped),
        "failed" => Ok(OccurrenceState::Failed),
        _ => Err(unknown(word)),
    }
}

fn read_status(word: &str) -> StoreResult<JobStatus> {
    match word {
        "active" => Ok(JobStatus::Active),
        "paused" => Ok(JobStatus::Paused),
        "completed" => Ok(JobStatus::Completed),
        "cancelled" => Ok(JobStatus::Cancelled),
        _ => Err(unknown(word)),
    }
}

fn read_role(word: &str) -> StoreResult<JobRole> {
    match word {
        "assistant" => Ok(JobRole::Assistant),
        "user" => Ok(JobRole::User),
        _ => Err(unknown(word)),
    }
}

/// What `chat_kind` says.
pub(super) fn read_chat_kind(word: &str) -> StoreResult<ChatKind> {
    match word {
        "private" => Ok(ChatKind::Private),
        "group" => Ok(ChatKind::Group),
        _ => Err(unknown(word)),
    }
}

fn unknown(word: &str) -> StoreError {
    StoreError::Corrupt(format!("it says \"{word}\", which means nothing"))
}
