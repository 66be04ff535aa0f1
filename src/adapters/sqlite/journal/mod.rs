//! The turn journal: each step of a turn is one transaction.

mod answer;
mod begin;
mod end;
mod facts;
mod load;
mod reopen;
mod step;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub(super) use self::load::TurnPlace;
use super::database::Database;
use crate::core::channel::ChatTarget;
use crate::core::error::StoreResult;
use crate::core::ids::{InboxId, TurnId};
use crate::core::journal::{
    AskedChange, JournalEntry, OpenAnswer, RunningTurn, TurnEnd, TurnJournal,
};
use crate::core::tool::FinishedCall;

/// The journal in the database.
#[derive(Debug, Clone)]
pub struct SqliteTurnJournal {
    database: Database,
}

impl SqliteTurnJournal {
    /// The journal of a database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl TurnJournal for SqliteTurnJournal {
    async fn begin(
        &self,
        inbox: &[InboxId],
        now: DateTime<Utc>,
    ) -> StoreResult<Option<RunningTurn>> {
        let inbox = inbox.to_vec();
        // Lost, it leaves a message that waits, as it did before.
        self.database
            .mark(move |connection| Box::pin(begin::begin(connection, inbox, now)))
            .await
    }

    async fn unfinished(&self) -> StoreResult<Vec<RunningTurn>> {
        load::unfinished(&self.database).await
    }

    async fn append(
        &self,
        turn: TurnId,
        entry: JournalEntry,
        now: DateTime<Utc>,
    ) -> StoreResult<OpenAnswer> {
        self.database
            .write(move |connection| Box::pin(step::append(connection, turn, entry, now)))
            .await
    }

    async fn apply(
        &self,
        turn: TurnId,
        asked: AskedChange,
        now: DateTime<Utc>,
    ) -> StoreResult<FinishedCall> {
        self.database
            .write(move |connection| Box::pin(step::apply(connection, turn, asked, now)))
            .await
    }

    async fn end(&self, turn: TurnId, end: TurnEnd, now: DateTime<Utc>) -> StoreResult<()> {
        self.database
            .write(move |connection| Box::pin(end::end(connection, turn, end, now)))
            .await
    }

    async fn running(&self, turn: TurnId) -> StoreResult<Option<RunningTurn>> {
        load::running(&self.database, turn).await
    }

    async fn reopen(
        &self,
        target: &ChatTarget,
        said_in: InboxId,
        now: DateTime<Utc>,
    ) -> StoreResult<Option<RunningTurn>> {
        let target = target.clone();
        self.database
            .write(move |connection| Box::pin(reopen::reopen(connection, target, said_in, now)))
            .await
    }
}
