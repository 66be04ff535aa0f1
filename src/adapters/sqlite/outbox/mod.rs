//! The outbox: what is to be sent, and how each attempt went.

mod files;
mod finish;
mod heads;
mod moved;
mod row;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sea_query::{
    Alias, Condition, Expr, ExprTrait, Func, InsertStatement, OnConflict, Query, SelectStatement,
    UpdateStatement,
};
use sqlx::SqliteConnection;

pub(super) use self::files::send_file;
use self::row::StoredRow;
use super::database::Database;
use super::iden::Outbox;
use super::statement::{Batch, execute, fetch_all, fetch_one, fetch_optional, word};
use super::values::{self, millis};
use super::writer::Durability;
use crate::core::channel::Urgency;
use crate::core::clock::Clock;
use crate::core::delivery::{DeliveryOutcome, LONGEST_LIMIT};
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::{ChannelName, ChatId, MessageId, OutboxId, TurnId};
use crate::core::label::Labels;
use crate::core::outbox::{NewOutbox, OutboxRow, OutboxStore, Outgoing};

/// Rows of one statement: SQLite takes 32,766 values (SQLite, "Limits").
const ROWS: usize = 500;

/// The outbox in the database.
#[derive(Debug, Clone)]
pub struct SqliteOutboxStore {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl SqliteOutboxStore {
    /// The outbox of a database; `clock` says when rows are added and what is not yet due.
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    /// A row that cannot be read can never be sent: it must not hold back its chat for ever.
    async fn give_up(&self, id: i64, error: &StoreError) -> StoreResult<()> {
        tracing::error!(outbox.id = id, %error, "a message is lost: its row is unreadable");
        let failed = finish::failed(id, &error.to_string(), self.clock.now());
        self.database
            .write(move |connection| {
                Box::pin(async move { execute(connection, &failed).await.map(|_| ()) })
            })
            .await
    }
}

/// Adds a row; `None` when one with its key has been written before.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    row: &NewOutbox,
    turn: Option<TurnId>,
    now: DateTime<Utc>,
) -> StoreResult<Option<OutboxId>> {
    let ids = insert_all(connection, std::slice::from_ref(row), turn, now).await?;
    Ok(ids.first().copied())
}

/// Adds rows; those whose key has been written before are left out.
pub(super) async fn insert_all(
    connection: &mut SqliteConnection,
    rows: &[NewOutbox],
    turn: Option<TurnId>,
    now: DateTime<Utc>,
) -> StoreResult<Vec<OutboxId>> {
    let mut ids = Vec::with_capacity(rows.len());
    for rows in rows.chunks(ROWS) {
        let statement = insertion(rows, turn, now)?;
        let inserted: Vec<(i64,)> = fetch_all(&mut *connection, &statement).await?;
        ids.extend(inserted.into_iter().map(|(id,)| OutboxId(id)));
    }
    ids.sort_unstable();
    Ok(ids)
}

fn insertion(
    rows: &[NewOutbox],
    turn: Option<TurnId>,
    now: DateTime<Utc>,
) -> StoreResult<InsertStatement> {
    let mut statement = Query::insert();
    statement
        .into_table(Outbox::Table)
        .columns([
            Outbox::Channel,
            Outbox::Chat,
            Outbox::Thread,
            Outbox::Urgency,
            Outbox::State,
            Outbox::Content,
            Outbox::ReplyTo,
            Outbox::Message,
            Outbox::DedupeKey,
            Outbox::Turn,
            Outbox::CreatedAt,
            Outbox::Labels,
        ])
        .on_conflict(
            OnConflict::column(Outbox::DedupeKey)
                .do_nothing()
                .to_owned(),
        )
        .returning_col(Outbox::Id);
    for row in rows {
        // It can only panic when there are not as many values as columns.
        statement.values_panic([
            Expr::val(row.target.channel.as_str()),
            Expr::val(row.target.chat.as_str()),
            Expr::val(values::thread(&row.target)),
            Expr::val(urgency(row.urgency)),
            word("pending"),
            Expr::val(values::to_json(&row.content)?),
            Expr::val(row.reply_to.as_ref().map(|id| id.as_str().to_owned())),
            Expr::val(row.edits.as_ref().map(|id| id.as_str().to_owned())),
            Expr::val(row.dedupe_key.clone()),
            Expr::val(turn.map(|turn| turn.0)),
            Expr::val(millis(now)),
            Expr::val(labels(row)?),
        ]);
    }
    Ok(statement)
}

/// The labels of a row as their column has them.
pub(super) fn labels(row: &NewOutbox) -> StoreResult<Option<String>> {
    row.labels.as_ref().map(values::to_json).transpose()
}

/// An urgency as its column has it: what is smaller goes first.
pub(super) fn urgency(urgency: Urgency) -> i64 {
    match urgency {
        Urgency::Interactive => 0,
        Urgency::Background => 1,
    }
}

impl SqliteOutboxStore {
    /// Begins a row that says something else by now, and returns what, if that can be read.
    async fn start_changed(&self, id: OutboxId) -> StoreResult<Option<Outgoing>> {
        let start = started(id).returning_col(Outbox::Content).take();
        let begun: Option<(Option<String>,)> = self
            .database
            .mark(move |connection| Box::pin(fetch_optional(connection, &start)))
            .await?;
        // The caller must not make a call that is not written down.
        let Some((content,)) = begun else {
            return Err(StoreError::Failed(format!("outbox {id} does not wait")));
        };
        let read = content.as_deref().map(values::from_json).transpose();
        Ok(read.unwrap_or_else(|error| {
            tracing::warn!(outbox.id = %id, %error, "what a message says by now cannot be read");
            None
        }))
    }
}

/// The beginning of a call for a row that waits.
fn started(id: OutboxId) -> UpdateStatement {
    let state = Expr::case(Expr::col(Outbox::State).eq(word("open")), word("open"))
        .finally(word("sending"));
    Query::update()
        .table(Outbox::Table)
        .value(Outbox::State, state)
        .value(Outbox::Attempts, Expr::col(Outbox::Attempts).add(1))
        .and_where(Expr::col(Outbox::Id).eq(id.0))
        .and_where(Expr::col(Outbox::State).is_in([word("open"), word("pending")]))
        .take()
}

#[async_trait]
impl OutboxStore for SqliteOutboxStore {
    async fn add(&self, rows: Vec<NewOutbox>) -> StoreResult<Vec<OutboxId>> {
        let now = self.clock.now();
        self.database
            .write(move |connection| {
                Box::pin(async move { insert_all(connection, &rows, None, now).await })
            })
            .await
    }

    async fn heads(
        &self,
        channels: &[ChannelName],
        least: Urgency,
        now: DateTime<Utc>,
        limit: u32,
    ) -> StoreResult<Vec<OutboxRow>> {
        let heads = heads::select(channels, least, now, limit);
        let rows: Vec<StoredRow> = fetch_all(self.database.reader(), &heads).await?;
        let mut heads = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id();
            match OutboxRow::try_from(row) {
                Ok(row) => heads.push(row),
                Err(error) => self.give_up(id, &error).await?,
            }
        }
        Ok(heads)
    }

    async fn head(
        &self,
        channel: &ChannelName,
        chat: &ChatId,
        now: DateTime<Utc>,
    ) -> StoreResult<Option<OutboxRow>> {
        let head = heads::of_chat(channel, chat, now);
        loop {
            let row: Option<StoredRow> = fetch_optional(self.database.reader(), &head).await?;
            let Some(row) = row else { return Ok(None) };
            let id = row.id();
            match OutboxRow::try_from(row) {
                Ok(row) => return Ok(Some(row)),
                Err(error) => self.give_up(id, &error).await?,
            }
        }
    }

    async fn next_attempt_at(&self) -> StoreResult<Option<DateTime<Utc>>> {
        let next = Query::select()
            .expr(Func::min(Expr::col(Outbox::NextAttemptAt)))
            .from(Outbox::Table)
            .cond_where(is_waiting())
            .and_where(Expr::col(Outbox::State).eq(word("pending")))
            .and_where(Expr::col(Outbox::NextAttemptAt).gt(millis(self.clock.now())))
            .take();
        let (next,): (Option<i64>,) = fetch_one(self.database.reader(), &next).await?;
        next.map(values::moment).transpose()
    }

    async fn start(&self, id: OutboxId, known: Option<&Outgoing>) -> StoreResult<Option<Outgoing>> {
        let mut start = started(id);
        if let Some(known) = known {
            start.and_where(Expr::col(Outbox::Content).eq(values::to_json(known)?));
        }
        start.returning_col(Outbox::Id);
        // Lost, it leaves a row that waits and is sent again, as one in doubt is.
        let begun = self
            .database
            .run(Durability::Process, Batch::from(&start))
            .await?;
        if begun.is_empty() {
            return self.start_changed(id).await;
        }
        Ok(None)
    }

    async fn finish(
        &self,
        id: OutboxId,
        outcome: DeliveryOutcome,
        now: DateTime<Utc>,
    ) -> StoreResult<usize> {
        if let DeliveryOutcome::Sent { message } = &outcome {
            let mut sent = Batch::from(&finish::sent(id, message, now));
            sent.add(&finish::reached(id, now));
            let jobs = self.database.run(Durability::Disk, sent).await?;
            return Ok(jobs.len());
        }
        self.database
            .write(move |connection| Box::pin(finish::finish(connection, id, outcome, now)))
            .await
    }

    async fn attach(&self, id: OutboxId, message: &MessageId) -> StoreResult<()> {
        let attach = Query::update()
            .table(Outbox::Table)
            .value(Outbox::Message, message.as_str())
            .and_where(Expr::col(Outbox::Id).eq(id.0))
            .take();
        let attach = Batch::from(&attach);
        self.database
            .run(Durability::Disk, attach)
            .await
            .map(|_| ())
    }

    async fn is_behind(&self, id: OutboxId) -> StoreResult<bool> {
        let row: Option<(i64,)> = fetch_optional(self.database.reader(), &before(id)).await?;
        Ok(row.is_some())
    }

    async fn recover(&self) -> StoreResult<u64> {
        let recover = Query::update()
            .table(Outbox::Table)
            .value(Outbox::State, word("pending"))
            .value(Outbox::Ambiguous, Expr::col(Outbox::Ambiguous).add(1))
            .cond_where(is_waiting())
            .and_where(Expr::col(Outbox::State).eq(word("sending")))
            .take();
        // The clock of the last process may have been another.
        let now = self.clock.now();
        let is_later = Condition::any()
            .add(Expr::col(Outbox::CreatedAt).gt(millis(now)))
            .add(Expr::col(Outbox::NextAttemptAt).gt(millis(now + LONGEST_LIMIT)));
        let hasten = put_off()
            .value(Outbox::NextAttemptAt, 0)
            .cond_where(is_later)
            .take();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let recovered = execute(&mut *connection, &recover).await?;
                    execute(connection, &hasten).await?;
                    Ok(recovered)
                })
            })
            .await
    }

    async fn hasten(&self, by: TimeDelta) -> StoreResult<()> {
        let earlier = Expr::col(Outbox::NextAttemptAt).sub(by.num_milliseconds());
        let hasten = put_off().value(Outbox::NextAttemptAt, earlier).take();
        self.database
            .write(move |connection| {
                Box::pin(async move { execute(connection, &hasten).await.map(|_| ()) })
            })
            .await
    }

    async fn labels(
        &self,
        channel: &ChannelName,
        chat: &ChatId,
        message: &MessageId,
    ) -> StoreResult<Option<Labels>> {
        let said = Query::select()
            .columns([Outbox::Id, Outbox::Labels])
            .from(Outbox::Table)
            .and_where(Expr::col(Outbox::Channel).eq(channel.as_str()))
            .and_where(Expr::col(Outbox::Chat).eq(chat.as_str()))
            .and_where(Expr::col(Outbox::Message).eq(message.as_str()))
            .take();
        let rows: Vec<(i64, Option<String>)> = fetch_all(self.database.reader(), &said).await?;
        let labels = |(id, labels): (i64, Option<String>)| {
            labels.map(|labels| values::labels(&labels, ("outbox", id)))
        };
        let known: Option<Vec<Labels>> = rows.into_iter().map(labels).collect();
        let known = known.filter(|known| !known.is_empty());
        Ok(known.map(|known| known.iter().collect()))
    }

    async fn count_waiting(&self, channel: Option<&ChannelName>) -> StoreResult<u64> {
        let here = channel.map(|channel| Expr::col(Outbox::Channel).eq(channel.as_str()));
        let count = Query::select()
            .expr(Func::count(Expr::col(Outbox::Id)))
            .from(Outbox::Table)
            .cond_where(is_waiting().add_option(here))
            .take();
        let (count,): (i64,) = fetch_one(self.database.reader(), &count).await?;
        Ok(count.unsigned_abs())
    }
}

/// Changes what waits for its next attempt.
fn put_off() -> UpdateStatement {
    Query::update()
        .table(Outbox::Table)
        .cond_where(is_waiting())
        .and_where(Expr::col(Outbox::State).eq(word("pending")))
        .and_where(Expr::col(Outbox::NextAttemptAt).gt(0))
        .take()
}

/// That a row waits for delivery. These words are those of the index `outbox_waiting`.
pub(super) fn is_waiting() -> Condition {
    Condition::all().add(Expr::col(Outbox::State).is_in([word("pending"), word("sending")]))
}

/// Selects a row of the same chat that waits and is older than `id`.
fn before(id: OutboxId) -> SelectStatement {
    let own = Alias::new("own");
    let own = |column| Expr::col((own.clone(), column));
    let other = |column| Expr::col((Outbox::Table, column));
    Query::select()
        .column((Outbox::Table, Outbox::Id))
        .from_as(Outbox::Table, "own")
        .inner_join(
            Outbox::Table,
            Condition::all()
                .add(other(Outbox::State).is_in([word("pending"), word("sending")]))
                .add(other(Outbox::Channel).eq(own(Outbox::Channel)))
                .add(other(Outbox::Chat).eq(own(Outbox::Chat)))
                .add(other(Outbox::Id).lt(id.0)),
        )
        .and_where(own(Outbox::Id).eq(id.0))
        .limit(1)
        .take()
}
