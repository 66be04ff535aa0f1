//! Copies of the database: made while it is in use, checked, and put back.
//!
//! A copy is made with `VACUUM INTO`, one read transaction: what was committed before it began is in
//! it, and nothing of what came later (SQLite, "VACUUM").

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::database;
use super::error::OpenError;
use super::files::{create_new_private, open_private};

/// Why a copy could not be made or put back.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is something at the place of the copy.
    #[error("{} exists already; name another file", .0.display())]
    Exists(PathBuf),
    /// There is nothing to copy.
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    /// It is no database of ours, or a damaged one.
    #[error("{} is not a whole database of minibot: {reason}", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// It was written by a newer version.
    #[error(
        "{} was written by a newer minibot (schema {found}, this one knows {known})",
        .path.display()
    )]
    TooNew {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest that this version knows.
        known: i64,
    },
    /// A file could not be written or moved.
    #[error("{}: {error}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The database could not be read.
    #[error("the database could not be copied: {0}")]
    Sqlite(#[from] sqlx::Error),
    /// The copy could not be made private.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Copies the database to `to`, which must not exist. The copy is checked before it gets its name,
/// and only its owner can read it.
pub async fn back_up(database: &Path, to: &Path) -> Result<(), CopyError> {
    if to.exists() {
        return Err(CopyError::Exists(to.to_owned()));
    }
    back_up_over(database, to).await
}

/// As [`back_up`], in the place of an older copy, which stays until the new one is whole.
pub(super) async fn back_up_over(database: &Path, to: &Path) -> Result<(), CopyError> {
    if !database.exists() {
        return Err(CopyError::Missing(database.to_owned()));
    }
    let partial = with_suffix(to, ".partial");
    let made = copy_to(database, &partial).await;
    if made.is_err() {
        // What is left of it helps nobody.
        let _ = fs::remove_file(&partial);
    }
    made?;
    rename(&partial, to)?;
    sync_folder(to)
}

/// Puts a copy in the place of the database and says where the old one is now. The caller holds
/// the lock of the database.
pub async fn put_back(copy: &Path, database: &Path, stamp: &str) -> Result<Kept, CopyError> {
    if !copy.exists() {
        return Err(CopyError::Missing(copy.to_owned()));
    }
    check(copy).await?;
    let fresh = with_suffix(database, ".restoring");
    remove_if_there(&fresh)?;
    let copied = copy_to(copy, &fresh).await;
    let made = copied.and_then(|()| give_to_owner(database, &fresh));
    if made.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    made?;
    let kept = keep_old(database, stamp).await?;
    rename(&fresh, database)?;
    sync_folder(database)?;
    Ok(kept)
}

/// What became of the database that a copy has replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is there.
    At(PathBuf),
    /// There was none.
    None,
}

/// Whether a file is a whole database of ours that this version can read.
async fn check(path: &Path) -> Result<(), CopyError> {
    let damaged = |reason: String| CopyError::Damaged {
        path: path.to_owned(),
        reason,
    };
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let opened = options.connect().await;
    let mut connection = opened.map_err(|error| damaged(error.to_string()))?;
    let verdict = verdict(&mut connection).await;
    let _ = connection.close().await;
    let found = verdict.map_err(damaged)?;
    let known = database::newest_known();
    if found > known {
        let path = path.to_owned();
        return Err(CopyError::TooNew { path, found, known });
    }
    Ok(())
}

/// The schema of a whole database, or what is wrong with it.
async fn verdict(connection: &mut SqliteConnection) -> Result<i64, String> {
    let words: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| error.to_string())?;
    if words != "ok" {
        return Err(words);
    }
    match database::schema(connection).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err("it holds no tables of minibot".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Copies, checks, and waits until it is on the disk.
async fn copy_to(from: &Path, to: &Path) -> Result<(), CopyError> {
    remove_if_there(to)?;
    // VACUUM INTO takes an empty file, and the file keeps its mode.
    create_new_private(to)?;
    let options = SqliteConnectOptions::new().filename(from).read_only(true);
    let mut connection = options.connect().await?;
    let copied = sqlx::query("VACUUM INTO ?")
        .bind(to.to_string_lossy().into_owned())
        .execute(&mut connection)
        .await;
    let _ = connection.close().await;
    copied?;
    check(to).await?;
    let file = File::open(to).map_err(at(to))?;
    file.sync_all().map_err(at(to))
}

/// What root has made here is of no use to the bot's own user: the fresh file and that of the lock go to whom the old
/// database belongs, or, where there is none or root's, the folder.
fn give_to_owner(database: &Path, fresh: &Path) -> Result<(), CopyError> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let of = match fs::metadata(database) {
        Ok(old) if old.uid() != 0 => old,
        Ok(_) | Err(_) => fs::metadata(folder_of(database)).map_err(at(database))?,
    };
    for path in [fresh, &with_suffix(database, ".lock")] {
        let file = open_private(path)?;
        fchown(&file, Some(of.uid()), Some(of.gid())).map_err(at(path))?;
    }
    Ok(())
}

/// Gives the old database a second name. A crash behind it leaves the old one in its place.
async fn keep_old(database: &Path, stamp: &str) -> Result<Kept, CopyError> {
    let kept = free_name(database, &format!(".before-restore-{stamp}"));
    let mut kept_one = false;
    if database.exists() {
        fold_log(database).await;
        fs::hard_link(database, &kept).map_err(at(&kept))?;
        kept_one = true;
    }
    // Only a database too damaged to be opened, or gone, still has its log. It belongs to the old
    // file: the new one must not be read with it.
    for log in ["-wal", "-shm"] {
        let path = with_suffix(database, log);
        if path.exists() {
            rename(&path, &with_suffix(&kept, log))?;
            kept_one = true;
        }
    }
    if !kept_one {
        return Ok(Kept::None);
    }
    Ok(Kept::At(kept))
}

/// Folds the log into the file, as far as the file can be opened at all. SQLite would delete the log
/// of an empty one.
async fn fold_log(database: &Path) {
    if fs::metadata(database).is_ok_and(|file| file.len() == 0) {
        return;
    }
    let options = SqliteConnectOptions::new().filename(database);
    if let Ok(mut connection) = options.connect().await {
        let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut connection)
            .await;
        let _ = connection.close().await;
    }
}

/// The path with the suffix, and with a number behind it while there is something of that name.
pub fn free_name(path: &Path, suffix: &str) -> PathBuf {
    let plain = with_suffix(path, suffix);
    let numbered = (2_u32..).map(|number| with_suffix(path, &format!("{suffix}-{number}")));
    std::iter::once(plain)
        .chain(numbered)
        .find(|path| fs::symlink_metadata(path).is_err())
        .unwrap_or_else(|| with_suffix(path, suffix))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove_if_there(path: &Path) -> Result<(), CopyError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), CopyError> {
    fs::rename(from, to).map_err(at(to))
}

/// A new name is durable when its folder is.
fn sync_folder(path: &Path) -> Result<(), CopyError> {
    let folder = folder_of(path);
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(at(folder))
}

fn folder_of(path: &Path) -> &Path {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn at(path: &Path) -> impl Fn(io::Error) -> CopyError + use<'_> {
    move |error| CopyError::File {
        path: path.to_owned(),
        error,
    }
}
