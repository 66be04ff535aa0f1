//! What can go wrong with the database, told so that the reader knows what to do.

use std::io;
use std::path::PathBuf;

use sqlx::migrate::MigrateError;

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
    #[error("{}: {error}; {}", .path.display(), advice(error))]
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
    /// The file of the database is gone or empty, and its log is still there: SQLite would take the
    /// log for a leftover and delete it.
    #[error(
        "{} is gone or empty, but its log {}-wal holds something: put the file back, or a backup \
         with \"minibot restore FILE\"; to begin with nothing, move the log away",
        .0.display(), .0.display()
    )]
    Lost(PathBuf),
    /// It does not read as a database any more.
    #[error(
        "the database is damaged ({0}); restore a backup with \"minibot restore FILE\": the damaged file \
         is kept beside it"
    )]
    Damaged(String),
    /// It could not be brought up to date.
    #[error("the database could not be brought up to date: {0}")]
    Migration(String),
    /// Anything else.
    #[error("the database could not be opened: {0}")]
    Sqlite(String),
}

/// What to do about a file that cannot be used.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on its disk",
        io::ErrorKind::ReadOnlyFilesystem => {
            "make its disk writable, or choose another runtime.data_dir"
        }
        io::ErrorKind::PermissionDenied => "check that it belongs to this user",
        _ => "check that the folder exists and belongs to this user",
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        let words = match error.as_database_error() {
            Some(error) => error.message().to_owned(),
            None => error.to_string(),
        };
        match primary_code(&error) {
            Some(CORRUPT | NOT_A_DATABASE) => Self::Damaged(words),
            Some(FULL) => Self::Sqlite(format!("{words}; make room on its disk")),
            Some(IO) => Self::Sqlite(format!(
                "{words}; make room on its disk, or see whether it fails"
            )),
            Some(BUSY | LOCKED) => Self::Sqlite(format!("{words}; end the program that holds it")),
            _ => Self::Sqlite(words),
        }
    }
}

impl From<MigrateError> for OpenError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                match Self::from(error) {
                    Self::Sqlite(words) => Self::Migration(words),
                    other => other,
                }
            }
            error => Self::Migration(error.to_string()),
        }
    }
}

// SQLite, "Result and Error Codes": the low byte is the primary one.
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const IO: u32 = 10;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const NOT_A_DATABASE: u32 = 26;

// SQLite calls a disk full where a write ends with ENOSPC. A quota that is used up is a write that
// failed (SQLITE_IOERR_WRITE), and no room for the index of the log is SQLITE_IOERR_SHMSIZE.
const WRITE: u32 = IO | (3 << 8);
const INDEX_SIZE: u32 = IO | (19 << 8);

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    extended_code(error).map(|code| code & 0xff)
}

fn extended_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error().and_then(|db| db.code());
    code.and_then(|code| code.parse().ok())
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let Some(WRITE | INDEX_SIZE) = extended_code(&error) {
            return Self::Full(error.to_string());
        }
        match (primary_code(&error), &error) {
            (Some(FULL), _) => Self::Full(error.to_string()),
            (Some(BUSY | LOCKED), _) => Self::Busy(error.to_string()),
            (Some(CORRUPT | NOT_A_DATABASE), _)
            | (_, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error;

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    /// What SQLite says with this extended code.
    #[derive(Debug, thiserror::Error)]
    #[error("as a test")]
    struct Coded(u32);

    impl DatabaseError for Coded {
        fn message(&self) -> &str {
            "as a test"
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.to_string().into())
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }
    }

    #[test]
    fn a_full_disk_is_known_by_each_of_its_codes() {
        // SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE; then SQLITE_IOERR_READ and SQLITE_IOERR_FSYNC.
        for (code, is_full) in [
            (13, true),
            (778, true),
            (4874, true),
            (266, false),
            (1034, false),
        ] {
            let error = StoreError::from(sqlx::Error::Database(Box::new(Coded(code))));
            assert_eq!(
                matches!(error, StoreError::Full(_)),
                is_full,
                "{code}: {error}"
            );
        }
    }
}
