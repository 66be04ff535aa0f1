//! Saving and deleting notes.

use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Query};
use sqlx::SqliteConnection;

use super::super::iden::Notes;
use super::super::statement::{execute, fetch_one, insert};
use super::super::values::{self, millis};
use super::row::{COLUMNS, StoredNote};
use super::{alive, find_id, owner_key};
use crate::core::change::Deleted;
use crate::core::error::StoreResult;
use crate::core::notes::{NewNote, Note, NoteOwner, NoteSelector};

/// Saves a note in place of the one with its title, if there is one; that one's age stays. What
/// has expired is forgotten before.
pub(in super::super) async fn save(
    connection: &mut SqliteConnection,
    note: NewNote,
    now: DateTime<Utc>,
) -> StoreResult<Note> {
    let expired = Query::delete()
        .from_table(Notes::Table)
        .and_where(Expr::col(Notes::Owner).eq(owner_key(&note.owner)))
        .and_where(Expr::col(Notes::ExpiresAt).lte(millis(now)))
        .take();
    execute(&mut *connection, &expired).await?;
    let selector = NoteSelector::Title(note.title.clone());
    let same = find_id(&mut *connection, &alive(&note.owner, now), &selector).await?;
    let saved_at = millis(note.saved_at);
    let owner = owner_key(&note.owner);
    let contents = [
        (Notes::Title, Expr::val(note.title)),
        (Notes::Data, Expr::val(note.data)),
        (
            Notes::Metadata,
            Expr::val(note.metadata.as_ref().map(values::to_json).transpose()?),
        ),
        (Notes::Source, Expr::val(note.source)),
        (Notes::UpdatedAt, Expr::val(saved_at)),
        (Notes::ExpiresAt, Expr::val(note.expires_at.map(millis))),
        (Notes::Labels, Expr::val(values::to_json(&note.labels)?)),
    ];
    let returning = Query::returning().columns(COLUMNS);
    let row: StoredNote = match same {
        Some(id) => {
            let update = Query::update()
                .table(Notes::Table)
                .values(contents)
                .and_where(Expr::col(Notes::Id).eq(id.0))
                .returning(returning)
                .take();
            fetch_one(connection, &update).await?
        }
        None => {
            let [
                title,
                data,
                metadata,
                source,
                updated_at,
                expires_at,
                labels,
            ] = contents;
            let owner = (Notes::Owner, Expr::val(owner));
            let created_at = (Notes::CreatedAt, Expr::val(saved_at));
            let row = [
                owner, title, data, metadata, source, created_at, updated_at, expires_at, labels,
            ];
            fetch_one(connection, insert(Notes::Table, row).returning(returning)).await?
        }
    };
    row.try_into()
}

/// Deletes a note of an owner.
pub(in super::super) async fn delete(
    connection: &mut SqliteConnection,
    owner: &NoteOwner,
    selector: &NoteSelector,
    now: DateTime<Utc>,
) -> StoreResult<Deleted> {
    let alive = alive(owner, now);
    let Some(id) = find_id(&mut *connection, &alive, selector).await? else {
        return Ok(Deleted::NotFound);
    };
    let delete = Query::delete()
        .from_table(Notes::Table)
        .cond_where(alive.add(Expr::col(Notes::Id).eq(id.0)))
        .take();
    match execute(connection, &delete).await? {
        0 => Ok(Deleted::NotFound),
        _ => Ok(Deleted::Gone),
    }
}
