//! Firing jobs: receipts, what follows from them, and the next runs.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, InsertStatement, OnConflict, Query};
use serde::Serialize;
use sqlx::SqliteConnection;

use super::super::iden::{Inbox, Occurrences};
use super::super::outbox;
use super::super::statement::{execute, fetch_all, insert, word};
use super::super::values::{self, millis};
use super::row::{occurrence_state, read_chat_kind};
use crate::core::card;
use crate::core::channel::{ChatKind, ChatTarget, Sender};
use crate::core::error::StoreResult;
use crate::core::ids::{JobId, OccurrenceId};
use crate::core::jobs::{FiredAction, FiredSlot, Firing, Job};
use crate::core::message::{Incoming, IncomingContent, ScheduledPrompt};

/// Rows of one statement: SQLite takes 32,766 values (SQLite, "Limits").
const ROWS: usize = 500;

/// Carries the firings out, at most one for each job. Returns the targets with a new row in the
/// inbox. Thousands can be due at once, so each statement takes as many as it can.
pub(super) async fn fire(
    connection: &mut SqliteConnection,
    firings: Vec<Firing>,
    now: DateTime<Utc>,
) -> StoreResult<Vec<ChatTarget>> {
    let mut seen = HashSet::new();
    let firings: Vec<_> = firings
        .into_iter()
        .filter(|firing| seen.insert(firing.job))
        .collect();
    // Whoever moved a job on before us has fired it, or it is to run no more.
    let jobs = move_on(&mut *connection, &firings, now).await?;
    let slots: Vec<(JobId, FiredSlot)> = firings
        .into_iter()
        .filter(|firing| jobs.contains_key(&firing.job))
        .flat_map(|firing| firing.slots.into_iter().map(move |slot| (firing.job, slot)))
        .collect();
    carry_out(connection, slots, &jobs, now).await
}

/// Fires one slot of a job besides its schedule.
pub(super) async fn fire_besides(
    connection: &mut SqliteConnection,
    job: &Job,
    slot: FiredSlot,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let beneficiary = Beneficiary {
        target: job.details.target.clone(),
        chat_kind: job.details.chat_kind,
        creator: job.details.creator.clone(),
    };
    let jobs = HashMap::from([(job.id, beneficiary)]);
    carry_out(connection, vec![(job.id, slot)], &jobs, now).await?;
    Ok(())
}

/// Writes the receipts and does what follows from them.
async fn carry_out(
    connection: &mut SqliteConnection,
    slots: Vec<(JobId, FiredSlot)>,
    jobs: &HashMap<JobId, Beneficiary>,
    now: DateTime<Utc>,
) -> StoreResult<Vec<ChatTarget>> {
    let slots = hold_up(&mut *connection, slots).await?;
    let mut receipts = record(&mut *connection, &slots, now).await?;
    let (mut targets, mut deliveries) = (BTreeSet::new(), Vec::new());
    for (id, slot) in slots {
        // A slot that had a receipt has had its action.
        let receipt = receipts.remove(&(id, millis(slot.slot)));
        let (Some(job), Some(occurrence)) = (jobs.get(&id), receipt) else {
            continue;
        };
        match slot.action {
            FiredAction::Nothing => {}
            FiredAction::Deliver(mut row) => {
                row.content = card::with_answers(row.content, occurrence);
                deliveries.push(*row);
            }
            FiredAction::Prompt {
                content,
                remark,
                labels,
            } => {
                let prompt = ScheduledPrompt {
                    occurrence,
                    content,
                    due_at: slot.slot,
                    remark,
                    attempt: 1,
                    labels,
                };
                ask(&mut *connection, occurrence, job.incoming(prompt, now)).await?;
                targets.insert(job.target.clone());
            }
        }
    }
    outbox::insert_all(connection, &deliveries, None, now).await?;
    Ok(targets.into_iter().collect())
}

/// Skips the runs of jobs that have one on the way.
async fn hold_up(
    connection: &mut SqliteConnection,
    slots: Vec<(JobId, FiredSlot)>,
) -> StoreResult<Vec<(JobId, FiredSlot)>> {
    let is_prompt = |slot: &FiredSlot| matches!(slot.action, FiredAction::Prompt { .. });
    let asked = slots.iter().filter(|(_, slot)| is_prompt(slot));
    let asked: BTreeSet<i64> = asked.map(|(job, _)| job.0).collect();
    if asked.is_empty() {
        return Ok(slots);
    }
    let busy = Query::select()
        .column(Occurrences::Job)
        .from(Occurrences::Table)
        .and_where(Expr::col(Occurrences::State).eq(word("running")))
        .and_where(Expr::col(Occurrences::Job).is_in(asked))
        .take();
    let busy: Vec<(i64,)> = fetch_all(connection, &busy).await?;
    let busy: HashSet<JobId> = busy.into_iter().map(|(job,)| JobId(job)).collect();
    let held_up = slots.into_iter().map(|(job, slot)| {
        let slot = if is_prompt(&slot) && busy.contains(&job) {
            slot.held_up()
        } else {
            slot
        };
        (job, slot)
    });
    Ok(held_up.collect())
}

/// For whom a job runs.
struct Beneficiary {
    target: ChatTarget,
    chat_kind: ChatKind,
    creator: Sender,
}

impl Beneficiary {
    fn incoming(&self, prompt: ScheduledPrompt, now: DateTime<Utc>) -> Incoming {
        Incoming {
            target: self.target.clone(),
            chat_kind: self.chat_kind,
            sender: self.creator.clone(),
            sent_at: now,
            content: IncomingContent::Scheduled(prompt),
        }
    }
}

#[derive(sqlx::FromRow)]
struct StoredBeneficiary {
    id: i64,
    channel: String,
    chat: String,
    thread: String,
    chat_kind: String,
    creator: String,
}

/// How a job moves on, for `MOVE_ON`.
#[derive(Serialize)]
struct Move {
    job: JobId,
    decided_on: i64,
    next_run: Option<i64>,
}

/// Sets the next runs of the jobs that are as the decisions found them: ?1 are the moves, as JSON.
const MOVE_ON: &str = "
    UPDATE jobs
    SET next_run = move.value ->> 'next_run',
        status = CASE WHEN move.value ->> 'next_run' IS NULL THEN 'completed' ELSE 'active' END,
        updated_at = ?2
    FROM json_each(?1) AS move
    WHERE jobs.id = move.value ->> 'job'
        AND jobs.status = 'active'
        AND jobs.next_run = move.value ->> 'decided_on'
    RETURNING id, channel, chat, thread, chat_kind, creator";

/// Sets the next runs; returns the jobs that were as the decisions found them.
async fn move_on(
    connection: &mut SqliteConnection,
    firings: &[Firing],
    now: DateTime<Utc>,
) -> StoreResult<HashMap<JobId, Beneficiary>> {
    let moves: Vec<Move> = firings
        .iter()
        .map(|firing| Move {
            job: firing.job,
            decided_on: millis(firing.decided_on),
            next_run: firing.next_run.map(millis),
        })
        .collect();
    let rows: Vec<StoredBeneficiary> = sqlx::query_as(MOVE_ON)
        .bind(values::to_json(&moves)?)
        .bind(millis(now))
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|row| {
            let job = Beneficiary {
                chat_kind: read_chat_kind(&row.chat_kind)?,
                creator: values::from_json(&row.creator)?,
                target: values::target(row.channel, row.chat, row.thread),
            };
            Ok((JobId(row.id), job))
        })
        .collect()
}

/// Writes receipts for the slots that have none; returns them by job and slot.
async fn record(
    connection: &mut SqliteConnection,
    slots: &[(JobId, FiredSlot)],
    now: DateTime<Utc>,
) -> StoreResult<HashMap<(JobId, i64), OccurrenceId>> {
    let mut receipts = HashMap::with_capacity(slots.len());
    for slots in slots.chunks(ROWS) {
        let rows: Vec<(i64, i64, i64)> = fetch_all(&mut *connection, &receipt(slots, now)).await?;
        let rows = rows
            .into_iter()
            .map(|(id, job, slot)| ((JobId(job), slot), OccurrenceId(id)));
        receipts.extend(rows);
    }
    Ok(receipts)
}

fn receipt(slots: &[(JobId, FiredSlot)], now: DateTime<Utc>) -> InsertStatement {
    let once = OnConflict::columns([Occurrences::Job, Occurrences::Slot])
        .do_nothing()
        .to_owned();
    let mut statement = Query::insert();
    statement
        .into_table(Occurrences::Table)
        .columns([
            Occurrences::Job,
            Occurrences::Slot,
            Occurrences::State,
            Occurrences::Reason,
            Occurrences::RecordedAt,
        ])
        .on_conflict(once)
        .returning(Query::returning().columns([
            Occurrences::Id,
            Occurrences::Job,
            Occurrences::Slot,
        ]));
    for (job, slot) in slots {
        // It can only panic when there are not as many values as columns.
        statement.values_panic([
            Expr::val(job.0),
            Expr::val(millis(slot.slot)),
            Expr::val(occurrence_state(slot.state)),
            Expr::val(slot.reason.clone()),
            Expr::val(millis(now)),
        ]);
    }
    statement
}

/// Puts a prompt into the inbox.
async fn ask(
    connection: &mut SqliteConnection,
    occurrence: OccurrenceId,
    incoming: Incoming,
) -> StoreResult<()> {
    let row = insert(
        Inbox::Table,
        [
            (Inbox::Source, word("job")),
            (Inbox::ExternalId, Expr::val(occurrence.0)),
            (Inbox::Kind, word("scheduled")),
            (Inbox::Channel, Expr::val(incoming.target.channel.as_str())),
            (Inbox::Chat, Expr::val(incoming.target.chat.as_str())),
            (Inbox::Thread, Expr::val(values::thread(&incoming.target))),
            (Inbox::Sender, Expr::val(incoming.sender.user.as_str())),
            (Inbox::State, word("waiting")),
            (Inbox::Incoming, Expr::val(values::to_json(&incoming)?)),
            (Inbox::ReceivedAt, Expr::val(millis(incoming.sent_at))),
        ],
    );
    execute(connection, &row).await?;
    Ok(())
}
