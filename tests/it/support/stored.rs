//! The bot's database, changed behind its back.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

/// Runs statements on the file, beside the bot or while it does not run.
pub async fn tamper(database: &Path, script: &str) {
    let options = SqliteConnectOptions::new().filename(database);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(script.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// A database that nobody else can write for now.
pub struct Held(SqliteConnection);

impl Held {
    pub async fn take(database: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(database);
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await
            .unwrap();
        Self(connection)
    }

    pub async fn release(self) {
        self.0.close().await.unwrap();
    }
}
