//! A look at the database from beside a running bot: it reads and changes nothing.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::Mutex;

use super::error::OpenError;
use crate::core::error::{StoreError, StoreResult};

/// An open look at a database.
#[derive(Debug)]
pub struct Health {
    connection: Mutex<SqliteConnection>,
    schema: i64,
}

impl Health {
    /// Opens the file for reading and reads its schema version.
    pub async fn read(path: &Path) -> StoreResult<Self> {
        if !path.exists() {
            let words = format!(
                "{} does not exist yet; the first start makes it",
                path.display()
            );
            return Err(StoreError::Failed(words));
        }
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut connection = options.connect().await?;
        let schema: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
            .fetch_one(&mut connection)
            .await?;
        Ok(Self {
            connection: Mutex::new(connection),
            schema: schema.unwrap_or_default(),
        })
    }

    /// The version of the schema.
    pub fn schema(&self) -> i64 {
        self.schema
    }

    /// The newest that this version knows.
    pub fn newest_known() -> i64 {
        super::database::newest_known()
    }

    /// Looks through the whole file for damage.
    pub async fn check_integrity(&self) -> StoreResult<()> {
        let mut connection = self.connection.lock().await;
        match find_damage(&mut connection).await {
            Ok(()) => Ok(()),
            Err(OpenError::Damaged(found)) => Err(StoreError::Corrupt(found)),
            Err(error) => Err(StoreError::Failed(error.to_string())),
        }
    }
}

/// A database up to this size is looked through in a few milliseconds.
const SMALL: u64 = 8 * 1024 * 1024;

/// Whether a start looks through all of it.
pub fn is_small(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() <= SMALL)
}

/// Looks through the whole file; an error says what is wrong with it.
pub(super) async fn find_damage(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(connection)
        .await?;
    if found == "ok" {
        Ok(())
    } else {
        Err(OpenError::Damaged(found))
    }
}

/// Looks through a database beside the process that runs on it, which should end with the error.
pub async fn look_through(path: &Path) -> Result<(), OpenError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    find_damage(&mut options.connect().await?).await
}
