//! Where the content of files comes from.

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, OnConflict, Query, SelectStatement};

use super::database::Database;
use super::iden::FileLabels;
use super::statement::{execute, fetch_all, fetch_optional, insert};
use super::values;
use crate::core::error::StoreResult;
use crate::core::file_labels::{FileLabelStore, FileRecord, FileStamp};

/// The labels of files in the database.
#[derive(Debug, Clone)]
pub struct SqliteFileLabelStore {
    database: Database,
}

impl SqliteFileLabelStore {
    /// The labels of a database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

type Row = (String, i64, i64, String);

fn of_area(area: &str) -> SelectStatement {
    Query::select()
        .columns([
            FileLabels::Path,
            FileLabels::SizeBytes,
            FileLabels::ModifiedNs,
            FileLabels::Labels,
        ])
        .from(FileLabels::Table)
        .and_where(Expr::col(FileLabels::Area).eq(area))
        .take()
}

fn record(area: &str, (path, size, modified_ns, labels): Row) -> FileRecord {
    FileRecord {
        area: area.to_owned(),
        stamp: FileStamp {
            size_bytes: size.unsigned_abs(),
            modified_ns,
        },
        labels: values::labels(&labels, ("file_labels", &path)),
        path,
    }
}

#[async_trait]
impl FileLabelStore for SqliteFileLabelStore {
    async fn get(&self, area: &str, path: &str) -> StoreResult<Option<FileRecord>> {
        let select = of_area(area)
            .and_where(Expr::col(FileLabels::Path).eq(path))
            .take();
        let row = fetch_optional(self.database.reader(), &select).await?;
        Ok(row.map(|row| record(area, row)))
    }

    async fn list(&self, area: &str) -> StoreResult<Vec<FileRecord>> {
        let rows = fetch_all(self.database.reader(), &of_area(area)).await?;
        Ok(rows.into_iter().map(|row| record(area, row)).collect())
    }

    async fn add(&self, record: FileRecord) -> StoreResult<()> {
        let size = i64::try_from(record.stamp.size_bytes).unwrap_or(i64::MAX);
        let replaced = OnConflict::columns([FileLabels::Area, FileLabels::Path])
            .update_columns([
                FileLabels::SizeBytes,
                FileLabels::ModifiedNs,
                FileLabels::Labels,
            ])
            .to_owned();
        let mut row = insert(
            FileLabels::Table,
            [
                (FileLabels::Area, Expr::val(record.area)),
                (FileLabels::Path, Expr::val(record.path)),
                (FileLabels::SizeBytes, Expr::val(size)),
                (FileLabels::ModifiedNs, Expr::val(record.stamp.modified_ns)),
                (
                    FileLabels::Labels,
                    Expr::val(values::to_json(&record.labels)?),
                ),
            ],
        );
        row.on_conflict(replaced);
        self.database
            .write(move |connection| {
                Box::pin(async move { execute(connection, &row).await.map(|_| ()) })
            })
            .await
    }

    async fn delete(&self, area: &str, path: &str) -> StoreResult<()> {
        let delete = Query::delete()
            .from_table(FileLabels::Table)
            .and_where(Expr::col(FileLabels::Area).eq(area))
            .and_where(Expr::col(FileLabels::Path).eq(path))
            .take();
        self.database
            .write(move |connection| {
                Box::pin(async move { execute(connection, &delete).await.map(|_| ()) })
            })
            .await
    }
}
