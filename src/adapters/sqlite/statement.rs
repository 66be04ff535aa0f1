//! Running statements that sea-query built.

use std::future::Future;

use sea_query::{
    Condition, Expr, ExprTrait, InsertStatement, IntoIden, IntoTableRef, Query, SelectStatement,
    SqliteQueryBuilder, Value, Values,
};
use sea_query_sqlx::{SqlxBinder, SqlxValues};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Executor, FromRow, Sqlite, SqliteConnection};

use super::values;
use crate::core::channel::ChatTarget;
use crate::core::error::{StoreError, StoreResult};

/// A word that stands in the SQL itself. SQLite uses a partial index only where the text of the
/// statement shows that the index holds all it needs; a bound value does not show that.
pub(super) fn word(word: &'static str) -> Expr {
    Expr::Constant(word.into())
}

/// That a row belongs to a target; `columns` are the channel, the chat and the thread.
pub(super) fn at<C: IntoIden>(columns: [C; 3], target: &ChatTarget) -> Condition {
    let [channel, chat, thread] = columns.map(IntoIden::into_iden);
    Condition::all()
        .add(Expr::col(channel).eq(target.channel.as_str()))
        .add(Expr::col(chat).eq(target.chat.as_str()))
        .add(Expr::col(thread).eq(values::thread(target)))
}

/// An insertion of one row, each column beside its value.
pub(super) fn insert<T, C, const N: usize>(table: T, row: [(C, Expr); N]) -> InsertStatement
where
    T: IntoTableRef,
    C: IntoIden,
{
    let (columns, values): (Vec<C>, Vec<Expr>) = row.into_iter().unzip();
    let mut statement = Query::insert();
    // It can only panic when there are not as many values as columns.
    statement
        .into_table(table)
        .columns(columns)
        .values_panic(values);
    statement
}

/// Runs a statement and says how many rows it changed.
pub(super) fn execute<'c, S: SqlxBinder>(
    connection: &'c mut SqliteConnection,
    statement: &S,
) -> impl Future<Output = StoreResult<u64>> + Send + use<'c, S> {
    let (sql, values) = build(statement);
    async move {
        let done = sqlx::query_with(sql, values).execute(connection).await?;
        Ok(done.rows_affected())
    }
}

/// Runs a statement and returns its rows.
pub(super) fn fetch_all<'c, R, E, S>(
    executor: E,
    statement: &S,
) -> impl Future<Output = StoreResult<Vec<R>>> + Send + use<'c, R, E, S>
where
    R: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    E: Executor<'c, Database = Sqlite> + 'c,
    S: SqlxBinder,
{
    let (sql, values) = build(statement);
    async move { Ok(sqlx::query_as_with(sql, values).fetch_all(executor).await?) }
}

/// Runs a statement that selects an id and a text, and returns both of each row, in the order of
/// the ids. They come as one piece: otherwise each row wakes its reader.
pub(super) async fn fetch_texts<'c, E>(
    executor: E,
    statement: &SelectStatement,
) -> StoreResult<Vec<(i64, String)>>
where
    E: Executor<'c, Database = Sqlite> + 'c,
{
    let (sql, values) = build(statement);
    let AssertSqlSafe(sql) = sql;
    let whole = format!(
        "WITH found (id, text) AS ({sql}) SELECT json_group_array(json_array(id, text)) FROM found"
    );
    let whole: String = sqlx::query_scalar_with(AssertSqlSafe(whole), values)
        .fetch_one(executor)
        .await?;
    let mut rows: Vec<(i64, String)> = values::from_json(&whole)?;
    rows.sort_unstable_by_key(|(id, _)| *id);
    Ok(rows)
}

/// Runs a statement and returns its first row, if it has any.
pub(super) fn fetch_optional<'c, R, E, S>(
    executor: E,
    statement: &S,
) -> impl Future<Output = StoreResult<Option<R>>> + Send + use<'c, R, E, S>
where
    R: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    E: Executor<'c, Database = Sqlite> + 'c,
    S: SqlxBinder,
{
    let (sql, values) = build(statement);
    async move {
        Ok(sqlx::query_as_with(sql, values)
            .fetch_optional(executor)
            .await?)
    }
}

/// Runs a statement and returns its first row.
pub(super) fn fetch_one<'c, R, E, S>(
    executor: E,
    statement: &S,
) -> impl Future<Output = StoreResult<R>> + Send + use<'c, R, E, S>
where
    R: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    E: Executor<'c, Database = Sqlite> + 'c,
    S: SqlxBinder,
{
    let (sql, values) = build(statement);
    async move { Ok(sqlx::query_as_with(sql, values).fetch_one(executor).await?) }
}

/// Statements that need nothing of each other's results. The connection works on a thread of its
/// own: together they are one way there and back.
#[derive(Default)]
pub(super) struct Batch {
    sql: String,
    values: Vec<Value>,
}

impl Batch {
    /// Adds a statement; they run in the order in which they were added.
    pub(super) fn add<S: SqlxBinder>(&mut self, statement: &S) {
        let (sql, SqlxValues(values)) = statement.build_sqlx(SqliteQueryBuilder);
        tracing::trace!(sql);
        if !self.sql.is_empty() {
            self.sql.push_str("; ");
        }
        self.sql.push_str(&sql);
        self.values.extend(values);
    }

    /// Runs them all; the first that fails is the last that ran.
    pub(super) async fn execute(self, connection: &mut SqliteConnection) -> StoreResult<()> {
        if self.sql.is_empty() {
            return Ok(());
        }
        let values = SqlxValues(Values(self.values));
        sqlx::query_with(AssertSqlSafe(self.sql), values)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Runs them all and returns the ids that they return.
    pub(super) async fn ids(self, connection: &mut SqliteConnection) -> StoreResult<Vec<i64>> {
        let values = SqlxValues(Values(self.values));
        let ids = sqlx::query_scalar_with(AssertSqlSafe(self.sql), values);
        Ok(ids.fetch_all(connection).await?)
    }

    /// The same as a transaction.
    pub(super) fn in_transaction(self) -> Self {
        Self {
            sql: format!("BEGIN IMMEDIATE; {}; COMMIT", self.sql),
            values: self.values,
        }
    }
}

impl<S: SqlxBinder> From<&S> for Batch {
    fn from(statement: &S) -> Self {
        let mut batch = Self::default();
        batch.add(statement);
        batch
    }
}

/// The text and the values of a statement.
fn build<S: SqlxBinder>(statement: &S) -> (AssertSqlSafe<String>, SqlxValues) {
    let (sql, values) = statement.build_sqlx(SqliteQueryBuilder);
    tracing::trace!(sql);
    (AssertSqlSafe(sql), values)
}

/// Adds to an error of a row which row it is.
pub(super) fn in_row(table: &'static str, id: i64) -> impl FnOnce(StoreError) -> StoreError {
    move |error| match error {
        StoreError::Corrupt(reason) => StoreError::Corrupt(format!("{table} {id}: {reason}")),
        StoreError::Full(_) | StoreError::Busy(_) | StoreError::Failed(_) => error,
    }
}
