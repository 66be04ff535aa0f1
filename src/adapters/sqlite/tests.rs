//! The database itself: one holder, private files, writes that succeed or fail alone.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::*;
use crate::core::error::StoreError;

async fn open(folder: &tempfile::TempDir) -> Database {
    let path = folder.path().join("deep/minibot.db");
    let (database, writer) = Database::open(&path, Duration::from_secs(5)).await.unwrap();
    tokio::spawn(writer.run());
    database
}

async fn count(database: &Database) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM usage")
        .fetch_one(database.reader())
        .await
        .unwrap()
}

async fn insert(
    database: &Database,
    provider: &'static str,
    fails: Option<StoreError>,
) -> Result<(), StoreError> {
    database
        .write(move |connection| {
            Box::pin(async move {
                sqlx::query("INSERT INTO usage (at, provider, model, input, cached_input, output) VALUES (0, ?, '', 0, 0, 0)")
                    .bind(provider)
                    .execute(connection)
                    .await?;
                fails.map_or(Ok(()), Err)
            })
        })
        .await
}

#[tokio::test]
async fn a_failing_write_takes_no_other_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder).await;
    let failure = StoreError::Failed("on purpose".into());
    let (good, bad, also_good) = tokio::join!(
        insert(&database, "a", None),
        insert(&database, "b", Some(failure.clone())),
        insert(&database, "c", None),
    );
    assert_eq!((good, bad, also_good), (Ok(()), Err(failure), Ok(())));
    assert_eq!(count(&database).await, 2);
}

#[tokio::test]
async fn a_failing_write_that_is_alone_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder).await;
    let failure = StoreError::Failed("on purpose".into());
    let refused = insert(&database, "a", Some(failure.clone())).await;
    assert_eq!(refused, Err(failure));
    assert_eq!(count(&database).await, 0);
    insert(&database, "b", None).await.unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_panicking_write_is_undone_and_the_writer_lives() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder).await;
    insert(&database, "there before", None).await.unwrap();
    let lost = database
        .write(|connection| {
            Box::pin(async move {
                sqlx::query("DELETE FROM usage").execute(connection).await?;
                panic!("on purpose") as Result<(), StoreError>
            })
        })
        .await;
    assert!(lost.is_err());
    insert(&database, "a", None).await.unwrap();
    assert_eq!(count(&database).await, 2);
}

#[tokio::test]
async fn a_write_that_cannot_begin_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("minibot.db");
    let at_once = Duration::from_millis(1);
    let (database, writer) = Database::open(&path, at_once).await.unwrap();
    tokio::spawn(writer.run());
    insert(&database, "a", None).await.unwrap();
    let options = SqliteConnectOptions::new().filename(&path);
    let mut holder = options.connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut holder)
        .await
        .unwrap();
    let is_busy = |result: &Result<(), StoreError>| matches!(result, Err(StoreError::Busy(_)));
    let alone = insert(&database, "b", None).await;
    assert!(is_busy(&alone), "{alone:?}");
    let together = tokio::join!(
        insert(&database, "c", None),
        insert(&database, "d", None),
        insert(&database, "e", None),
    );
    let all = [together.0, together.1, together.2];
    assert!(all.iter().all(is_busy), "{all:?}");
    holder.close().await.unwrap();
    insert(&database, "f", None).await.unwrap();
    assert_eq!(count(&database).await, 2);
}

/// Fails as on a disk that is full, which ends the transaction by itself (SQLite, "Response To Errors Within A
/// Transaction").
async fn fill(database: &Database) -> Result<(), StoreError> {
    database
        .write(|connection| {
            Box::pin(async move {
                sqlx::query("PRAGMA max_page_count = 1")
                    .execute(&mut *connection)
                    .await?;
                sqlx::query("INSERT INTO usage (at, provider, model, input, cached_input, output) VALUES (0, ?, '', 0, 0, 0)")
                    .bind("x".repeat(1_000_000))
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
}

async fn make_room(database: &Database) {
    let more = database.write(|connection| {
        Box::pin(async move {
            sqlx::query("PRAGMA max_page_count = 1000000")
                .execute(connection)
                .await?;
            Ok(())
        })
    });
    more.await.unwrap();
}

#[tokio::test]
async fn a_disk_that_gets_full_is_told_to_all_who_are_written_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder).await;
    let is_full = |result: &Result<(), StoreError>| matches!(result, Err(StoreError::Full(_)));
    let together = tokio::join!(
        insert(&database, "a", None),
        fill(&database),
        insert(&database, "b", None),
    );
    let all = [together.0, together.1, together.2];
    assert!(all.iter().all(is_full), "{all:?}");
    make_room(&database).await;
    assert_eq!(count(&database).await, 0);
    let alone = fill(&database).await;
    assert!(is_full(&alone), "{alone:?}");
    make_room(&database).await;
    insert(&database, "c", None).await.unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn files_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder).await;
    insert(&database, "a", None).await.unwrap();
    let mode = |name: &str| {
        folder
            .path()
            .join(name)
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("deep"), 0o700);
    assert_eq!(mode("deep/minibot.db"), 0o600);
    assert_eq!(mode("deep/minibot.db-wal"), 0o600);
}

#[tokio::test]
async fn an_older_program_refuses_a_newer_database() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder).await;
    database
        .write(|connection| {
            Box::pin(async move {
                sqlx::query("UPDATE _sqlx_migrations SET version = version + 9998")
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    let path = folder.path().join("deep/minibot.db");
    let refused = Database::open(&path, Duration::from_secs(1))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, OpenError::TooNew { found: 9999.., .. }),
        "{refused}"
    );
}

/// Containers on the machine's own network share its name, and each counts from 1.
#[test]
fn the_same_number_in_another_container_is_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("minibot.db");
    let pid = std::process::id();
    let _lock = DatabaseLock::acquire(&path, chrono::DateTime::UNIX_EPOCH).unwrap();
    assert_eq!(DatabaseLock::holder_place(&path), HolderPlace::Here { pid });
    let file = folder.path().join("minibot.db.lock");
    let written = std::fs::read_to_string(&file).unwrap();
    let (holder, numbering) = written.split_once('\n').unwrap();
    assert!(numbering.starts_with("pid:["), "{written}");
    std::fs::write(&file, format!("{holder}\npid:[1]\n")).unwrap();
    assert_eq!(DatabaseLock::holder_place(&path), HolderPlace::Elsewhere);
    assert_eq!(DatabaseLock::holder(&path).as_deref(), Some(holder));
}

#[test]
fn the_second_process_is_told_who_is_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("minibot.db");
    let now = chrono::DateTime::UNIX_EPOCH;
    assert_eq!(DatabaseLock::holder(&path), None);
    let first = DatabaseLock::acquire(&path, now).unwrap();
    let refused = DatabaseLock::acquire(&path, now).unwrap_err().to_string();
    assert!(
        refused.contains(&format!("already running, pid {}", std::process::id())),
        "{refused}"
    );
    assert!(DatabaseLock::holder(&path).unwrap().starts_with("pid "));
    drop(first);
    assert_eq!(DatabaseLock::holder(&path), None);
    DatabaseLock::acquire(&path, now).unwrap();
}

#[tokio::test]
async fn what_is_bound_to_a_statement_does_not_decide_its_plan() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder).await;
    let options: Vec<String> = sqlx::query_scalar("PRAGMA compile_options")
        .fetch_all(database.reader())
        .await
        .unwrap();
    // Where this fails, .cargo/config.toml was not read: every statement with a LIMIT would be
    // compiled anew each time.
    assert!(options.iter().any(|option| option == "ENABLE_QPSG"));
}

#[tokio::test]
async fn what_counts_is_on_the_disk_and_marks_are_with_the_kernel() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder).await;
    let written = || database.write(|connection| Box::pin(setting(connection)));
    let marked = || database.mark(|connection| Box::pin(setting(connection)));
    // SQLite, "PRAGMA synchronous": 1 is NORMAL, 2 is FULL.
    for _ in 0..2 {
        assert_eq!(written().await, Ok(2));
        assert_eq!(marked().await, Ok(1));
    }
    let (first, second, third) = tokio::join!(marked(), written(), marked());
    let together = [first.unwrap(), second.unwrap(), third.unwrap()];
    assert!(
        together == [1, 2, 2] || together == [2; 3],
        "a mark that is committed with what counts is on the disk with it: {together:?}"
    );
}

async fn setting(connection: &mut sqlx::SqliteConnection) -> Result<i64, StoreError> {
    let setting = sqlx::query_scalar("PRAGMA synchronous").fetch_one(connection);
    Ok(setting.await?)
}
