//! The inbox: what arrived, and where its handling stands.

mod add;
mod held;
mod row;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_query::{Cond, Condition, Expr, ExprTrait, Func, Order, Query, UpdateStatement};

pub(super) use self::row::{StoredRow, select};
use super::change;
use super::database::Database;
use super::iden::Inbox;
use super::outbox;
use super::statement::{at, execute, fetch_all, fetch_one, fetch_optional, word};
use super::values::{self, millis};
use super::writer::Durability;
use crate::core::change::ChangeOutcome;
use crate::core::channel::ChatTarget;
use crate::core::clock::Clock;
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::{InboxId, UserId};
use crate::core::inbox::{Arrival, AskedByRow, InboxRow, InboxStore, Stored};
use crate::core::outbox::NewOutbox;

/// The columns that tell where something was said.
const PLACE: [Inbox; 3] = [Inbox::Channel, Inbox::Chat, Inbox::Thread];

/// The inbox in the database.
#[derive(Debug, Clone)]
pub struct SqliteInboxStore {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl SqliteInboxStore {
    /// The inbox of a database; `clock` says when things arrive.
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    /// The oldest waiting row of a target, and with it the other parts of its album.
    async fn first_waiting(&self, target: &ChatTarget) -> StoreResult<Vec<StoredRow>> {
        let waiting = Cond::all().add(at(PLACE, target)).add(is_waiting());
        let first = select(waiting.clone()).limit(1).take();
        let first: Option<StoredRow> = fetch_optional(self.database.reader(), &first).await?;
        match first {
            None => Ok(Vec::new()),
            Some(first) => match first.album() {
                None => Ok(vec![first]),
                Some(album) => {
                    let album = waiting.add(Expr::col(Inbox::Album).eq(album));
                    fetch_all(self.database.reader(), &select(album)).await
                }
            },
        }
    }

    /// The oldest rows for which this holds.
    async fn readable(&self, condition: Condition, limit: u32) -> StoreResult<Vec<InboxRow>> {
        let rows = select(condition).limit(limit.into()).take();
        let rows: Vec<StoredRow> = fetch_all(self.database.reader(), &rows).await?;
        // One that does not read is set aside when its turn comes.
        Ok(rows
            .into_iter()
            .filter_map(|row| row.try_into().ok())
            .collect())
    }

    /// Takes rows out of the line that do not read: they must not hold back their chat for ever.
    async fn set_aside(&self, rows: Vec<(i64, StoreError)>) -> StoreResult<()> {
        let now = millis(self.clock.now());
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    for (id, error) in rows {
                        tracing::error!(inbox.id = id, %error, "a message cannot be read");
                        let update = Query::update()
                            .table(Inbox::Table)
                            .values([
                                (Inbox::State, word("unreadable")),
                                (Inbox::Error, Expr::val(error.to_string())),
                                (Inbox::DoneAt, Expr::val(now)),
                            ])
                            .and_where(Expr::col(Inbox::Id).eq(id))
                            .cond_where(is_waiting())
                            .take();
                        execute(&mut *connection, &update).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

#[async_trait]
impl InboxStore for SqliteInboxStore {
    async fn add(&self, batch: Vec<Arrival>) -> StoreResult<Vec<Stored>> {
        let now = self.clock.now();
        if let [arrival] = batch.as_slice()
            && let Some(statement) = add::alone(arrival, now)?
        {
            let ids = self.database.run(Durability::Disk, statement).await?;
            return Ok(vec![add::stored_alone(arrival, ids.first().copied())]);
        }
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let mut stored = Vec::with_capacity(batch.len());
                    for arrival in batch {
                        stored.push(add::add(&mut *connection, arrival, now).await?);
                    }
                    Ok(stored)
                })
            })
            .await
    }

    async fn forget_held(&self, until: DateTime<Utc>) -> StoreResult<u64> {
        self.database
            .write(move |connection| Box::pin(held::forget(connection, until)))
            .await
    }

    async fn next(&self, target: &ChatTarget) -> StoreResult<Vec<InboxRow>> {
        loop {
            let mut rows = Vec::new();
            let mut unreadable = Vec::new();
            for row in self.first_waiting(target).await? {
                let id = row.id();
                match InboxRow::try_from(row) {
                    Ok(row) => rows.push(row),
                    Err(error) => unreadable.push((id, error)),
                }
            }
            if unreadable.is_empty() {
                return Ok(rows);
            }
            self.set_aside(unreadable).await?;
        }
    }

    async fn waiting(&self, target: &ChatTarget, limit: u32) -> StoreResult<Vec<InboxRow>> {
        let waiting = Cond::all().add(at(PLACE, target)).add(is_waiting());
        self.readable(waiting, limit).await
    }

    async fn waiting_of(
        &self,
        target: &ChatTarget,
        (sender, since): (&UserId, DateTime<Utc>),
        limit: u32,
    ) -> StoreResult<Vec<InboxRow>> {
        let theirs = Cond::all()
            .add(at(PLACE, target))
            .add(is_waiting())
            .add(Expr::col(Inbox::Sender).eq(sender.as_str()))
            .add(Expr::col(Inbox::ReceivedAt).gte(millis(since)));
        self.readable(theirs, limit).await
    }

    async fn get(&self, id: InboxId) -> StoreResult<Option<InboxRow>> {
        let one = Cond::all()
            .add(Expr::col(Inbox::Id).eq(id.0))
            .add(is_waiting());
        let row: Option<StoredRow> = fetch_optional(self.database.reader(), &select(one)).await?;
        row.map(InboxRow::try_from).transpose()
    }

    async fn waiting_targets(&self) -> StoreResult<Vec<ChatTarget>> {
        let targets = Query::select()
            .columns(PLACE)
            .from(Inbox::Table)
            .cond_where(is_waiting())
            .group_by_columns(PLACE)
            .order_by_expr(Func::min(Expr::col(Inbox::Id)).into(), Order::Asc)
            .take();
        let rows: Vec<(String, String, String)> =
            fetch_all(self.database.reader(), &targets).await?;
        Ok(rows
            .into_iter()
            .map(|(channel, chat, thread)| values::target(channel, chat, thread))
            .collect())
    }

    async fn finish(&self, id: InboxId, replies: Vec<NewOutbox>) -> StoreResult<bool> {
        let now = self.clock.now();
        let done = done(id, now);
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    if execute(&mut *connection, &done).await? == 0 {
                        return Ok(false);
                    }
                    for reply in &replies {
                        outbox::insert(&mut *connection, reply, None, now).await?;
                    }
                    Ok(true)
                })
            })
            .await
    }

    async fn finish_with(
        &self,
        id: InboxId,
        asked: AskedByRow,
    ) -> StoreResult<Option<ChangeOutcome>> {
        let now = self.clock.now();
        let done = done(id, now);
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    if execute(&mut *connection, &done).await? == 0 {
                        return Ok(None);
                    }
                    let outcome = change::apply(&mut *connection, asked.change, now).await?;
                    let replies = (asked.replies)(&outcome);
                    outbox::insert_all(connection, &replies, None, now).await?;
                    Ok(Some(outcome))
                })
            })
            .await
    }

    async fn count_waiting(&self) -> StoreResult<u64> {
        let count = Query::select()
            .expr(Func::count(Expr::col(Inbox::Id)))
            .from(Inbox::Table)
            .cond_where(is_waiting())
            .take();
        let (count,): (i64,) = fetch_one(self.database.reader(), &count).await?;
        Ok(count.unsigned_abs())
    }
}

/// Ends a row that waits.
fn done(id: InboxId, now: DateTime<Utc>) -> UpdateStatement {
    Query::update()
        .table(Inbox::Table)
        .values([
            (Inbox::State, word("done")),
            (Inbox::DoneAt, Expr::val(millis(now))),
        ])
        .and_where(Expr::col(Inbox::Id).eq(id.0))
        .cond_where(is_waiting())
        .take()
}

/// That a row waits.
fn is_waiting() -> Condition {
    Cond::all().add(Expr::col(Inbox::State).eq(word("waiting")))
}
