//! A note as it is stored.

use sea_query::{Query, SelectStatement};

use super::super::iden::Notes;
use super::super::statement::in_row;
use super::super::values;
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::NoteId;
use crate::core::notes::Note;

/// The columns of a `StoredNote`.
pub(super) const COLUMNS: [Notes; 9] = [
    Notes::Id,
    Notes::Title,
    Notes::Data,
    Notes::Metadata,
    Notes::Source,
    Notes::CreatedAt,
    Notes::UpdatedAt,
    Notes::ExpiresAt,
    Notes::Labels,
];

/// The row.
#[derive(sqlx::FromRow)]
pub(super) struct StoredNote {
    id: i64,
    title: String,
    data: String,
    metadata: Option<String>,
    source: Option<String>,
    created_at: i64,
    updated_at: i64,
    expires_at: Option<i64>,
    labels: String,
}

/// Selects the columns of a `StoredNote`, from wherever notes come.
pub(super) fn columns() -> SelectStatement {
    let columns = COLUMNS.map(|column| (Notes::Table, column));
    Query::select().columns(columns).take()
}

/// Selects ids and titles.
pub(super) fn titles() -> SelectStatement {
    Query::select()
        .columns([Notes::Id, Notes::Title])
        .from(Notes::Table)
        .take()
}

impl TryFrom<StoredNote> for Note {
    type Error = StoreError;

    fn try_from(row: StoredNote) -> StoreResult<Self> {
        let id = row.id;
        let read = || {
            Ok(Self {
                id: NoteId(id),
                title: row.title,
                data: row.data,
                metadata: row.metadata.as_deref().map(values::from_json).transpose()?,
                source: row.source,
                created_at: values::moment(row.created_at)?,
                updated_at: values::moment(row.updated_at)?,
                expires_at: row.expires_at.map(values::moment).transpose()?,
                labels: values::labels(&row.labels, ("notes", id)),
            })
        };
        read().map_err(in_row("notes", id))
    }
}
