//! What can go wrong with the database, told so that the reader knows what to do.

use std::io;
use std::path::PathBuf;

use crate::core::error::StoreError;

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses it.
    #[error("already running, {holder}; stop it first, or use another storage.path")]
    AlreadyRunning {
        /// Who.
        holder: String,
    },
    /// Two processes could not be kept apart there.
    #[error(
        "{}: this file system has no working file locks ({reason}); put storage.path on a local disk",
        .path.display()
    )]
    NoLocks {
        /// The lock file.
        path: PathBuf,
        /// What did not work.
        reason: String,
    },
    /// A file cannot be used.
    #[error("{}: {error}; check that the folder exists and belongs to this user", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It was written by a newer version.
    #[error(
        "the database was written by a newer minibot (schema {found}, this one knows {known}); \
         run that version, or restore a backup made before the upgrade"
    )]
    TooNew {
        /// Its schema.
        found: i64,
        /// The newest that this version knows.
        known: i64,
    },
    /// There is none yet.
    #[error("{} does not exist yet; the first start makes it", .0.display())]
    Missing(PathBuf),
    /// Its schema is another than this version's, and this is not the place to change it.
    #[error(
        "the database has schema {found} and this minibot knows {known}; start the bot of this \
         version once, or use the version that is running"
    )]
    OtherSchema {
        /// Its schema.
        found: i64,
        /// That of this version.
        known: i64,
    },
    /// The copy that is made before an upgrade could not be made.
    #[error(
        "the database needs an upgrade, and no copy could be made before: {0}; make room, or copy it by hand"
    )]
    NoCopy(Box<super::copy::CopyError>),
    /// It could not be brought up to date.
    #[error("the database could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// Anything else.
    #[error("the database could not be opened: {0}; restore a backup if it is damaged")]
    Sqlite(#[from] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|db| db.code());
        // SQLite result codes (https://sqlite.org/rescode.html): the low byte is the primary one.
        let primary = code
            .and_then(|code| code.parse::<u32>().ok())
            .map(|code| code & 0xff);
        match (primary, &error) {
            (Some(13), _) => Self::Full(error.to_string()),
            (Some(11 | 26), _) | (_, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}
