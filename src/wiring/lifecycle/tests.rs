//! Ends of the process: what is waited for, and what is not.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;

use anyhow::bail;
use tempfile::TempDir;

use super::*;

/// Longer than an end takes, with all its grace.
const PATIENCE: Duration = Duration::from_secs(20);

/// A bot without a channel.
async fn started() -> (TempDir, Store, Running) {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.runtime.data_dir = folder.path().to_owned();
    let store = Store::open_at(&settings, Arc::new(SystemClock))
        .await
        .unwrap();
    let running = Running::start(&settings, &store, Vec::new()).await.unwrap();
    (folder, store, running)
}

#[tokio::test]
async fn the_data_folder_is_made_also_where_the_database_lies_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new/data");
    let mut settings = Settings::default();
    settings.runtime.data_dir.clone_from(&data);
    settings.storage.path = Some(folder.path().join("db/minibot.db"));
    let store = Store::open_at(&settings, Arc::new(SystemClock))
        .await
        .unwrap();
    assert!(store.ports.scratch.create().await.is_ok());
    let mode = std::fs::metadata(data).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    store.close().await;
}

/// Why it has ended by itself.
async fn failure(running: Running) -> String {
    let ended = tokio::time::timeout(PATIENCE, running.until_stopped()).await;
    let ended = ended.unwrap_or_else(|_| panic!("it goes on as if nothing were"));
    format!("{:#}", ended.unwrap_err())
}

#[tokio::test]
async fn a_bot_whose_writer_is_gone_ends() {
    let (_folder, store, running) = started().await;
    store.writer.abort();
    assert_eq!(failure(running).await, "the database writer broke down");
}

#[tokio::test]
async fn a_bot_whose_sender_is_gone_ends() {
    let (_folder, _store, running) = started().await;
    running.sender.abort();
    let failure = failure(running).await;
    assert!(failure.starts_with("the outbox ended"), "{failure}");
}

#[tokio::test]
async fn a_bot_of_which_a_part_fails_or_breaks_down_ends() {
    let (_folder, _store, mut running) = started().await;
    running.add(async { Ok(()) });
    running.add(async { bail!("no more updates") });
    assert_eq!(failure(running).await, "no more updates");
    let (_folder, _store, mut running) = started().await;
    running.add(async { panic!("as a test") });
    let failure = failure(running).await;
    assert!(failure.starts_with("a part broke down"), "{failure}");
}
