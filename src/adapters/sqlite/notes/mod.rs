//! The notes: found by name, or by what they say.

mod row;
mod search;
mod write;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_query::{Condition, Expr, ExprTrait, Func, Order, Query};
use sqlx::{Executor, Sqlite};

use self::row::StoredNote;
pub(super) use self::write::{delete, save};
use super::database::Database;
use super::iden::Notes;
use super::statement::{fetch_all, fetch_optional, word};
use super::values::millis;
use crate::core::error::StoreResult;
use crate::core::ids::NoteId;
use crate::core::notes::{Note, NoteOwner, NotePage, NoteSearch, NoteSelector, NoteStore, OwnNote};

/// The notes in the database.
#[derive(Debug, Clone)]
pub struct SqliteNoteStore {
    database: Database,
}

impl SqliteNoteStore {
    /// The notes of a database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl NoteStore for SqliteNoteStore {
    async fn get(
        &self,
        owner: &NoteOwner,
        selector: &NoteSelector,
        now: DateTime<Utc>,
    ) -> StoreResult<Option<Note>> {
        let alive = alive(owner, now);
        let Some(id) = find_id(self.database.reader(), &alive, selector).await? else {
            return Ok(None);
        };
        let one = row::columns()
            .from(Notes::Table)
            .cond_where(alive.add(Expr::col(Notes::Id).eq(id.0)))
            .take();
        let row: Option<StoredNote> = fetch_optional(self.database.reader(), &one).await?;
        row.map(Note::try_from).transpose()
    }

    async fn search(&self, search: NoteSearch) -> StoreResult<NotePage> {
        search::search(self.database.reader(), &search).await
    }

    async fn newest_own(&self, owner: &NoteOwner, now: DateTime<Utc>) -> StoreResult<Vec<OwnNote>> {
        let ends = [Expr::val(1), Expr::val(OwnNote::LONGEST)];
        let beginning = [Expr::col(Notes::Data)].into_iter().chain(ends);
        let newest = Query::select()
            .column(Notes::Title)
            .expr(Func::cust("substr").args(beginning))
            .from(Notes::Table)
            .cond_where(alive(owner, now))
            .and_where(Expr::col(Notes::Labels).eq(word("[]")))
            .order_by(Notes::UpdatedAt, Order::Desc)
            .order_by(Notes::Id, Order::Desc)
            .limit(OwnNote::MOST.into())
            .take();
        let rows: Vec<(String, String)> = fetch_all(self.database.reader(), &newest).await?;
        let note = |(title, data)| OwnNote { title, data };
        Ok(rows.into_iter().map(note).collect())
    }
}

/// An owner as the column has it.
pub(super) fn owner_key(owner: &NoteOwner) -> String {
    match owner {
        NoteOwner::Person { channel, user } => format!("person:{channel}:{user}"),
        NoteOwner::Chat { channel, chat } => format!("chat:{channel}:{chat}"),
    }
}

/// That a note belongs to an owner and has not expired.
fn alive(owner: &NoteOwner, now: DateTime<Utc>) -> Condition {
    let expires_at = || Expr::col((Notes::Table, Notes::ExpiresAt));
    Condition::all()
        .add(Expr::col((Notes::Table, Notes::Owner)).eq(owner_key(owner)))
        .add(expires_at().is_null().or(expires_at().gt(millis(now))))
}

/// The note that is meant among those for which `condition` holds.
async fn find_id<'c>(
    executor: impl Executor<'c, Database = Sqlite> + 'c,
    condition: &Condition,
    selector: &NoteSelector,
) -> StoreResult<Option<NoteId>> {
    let title = match selector {
        NoteSelector::Id(id) => return Ok(Some(*id)),
        NoteSelector::Saved(id, at) => {
            let saved = row::titles()
                .cond_where(condition.clone())
                .and_where(Expr::col(Notes::Id).eq(id.0))
                .and_where(Expr::col(Notes::UpdatedAt).eq(millis(*at)))
                .take();
            let saved: Option<(i64, String)> = fetch_optional(executor, &saved).await?;
            return Ok(saved.map(|_| *id));
        }
        NoteSelector::Title(title) => title,
    };
    // SQLite compares only ASCII letters without their case; for the others all are read.
    let same = title
        .is_ascii()
        .then(|| Expr::col(Notes::Title).eq(title.as_str()));
    let titles = row::titles()
        .cond_where(condition.clone())
        .cond_where(Condition::all().add_option(same))
        .order_by(Notes::Id, Order::Asc)
        .take();
    let titles: Vec<(i64, String)> = fetch_all(executor, &titles).await?;
    let title = title.to_lowercase();
    Ok(titles
        .into_iter()
        .find(|(_, candidate)| candidate.to_lowercase() == title)
        .map(|(id, _)| NoteId(id)))
}
