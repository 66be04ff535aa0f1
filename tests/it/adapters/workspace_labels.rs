//! What is known of the files of a workspace: it goes wherever they go, and is never lost.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use minibot::adapters::sqlite::SqliteFileLabelStore;
use minibot::core::error::StoreResult;
use minibot::core::file_labels::{FileLabelStore, FileRecord};
use minibot::core::files::{EntryKind, Overwrite, WorkspaceFiles, Workspaces};
use minibot::core::label::Labels;

use super::workspace_fixture::{Folder, chat, kind, named, path, web};
use crate::support::gate::Gate;

#[tokio::test]
async fn labels_stay_with_a_file_wherever_it_goes() {
    let folder = Folder::new().await;
    folder.write("own.txt", "mine").await.unwrap();
    let page = folder.write_labelled("page.txt", "theirs", web());
    page.await.unwrap();
    let to = "shared/deep/page.txt";
    let moved = folder.rename("page.txt", to, Overwrite::Never);
    moved.await.unwrap();
    assert_eq!(folder.labels("shared/deep/page.txt").await, web());
    assert_eq!(folder.labels("own.txt").await, Labels::default());
    let listed = folder.list("8", "shared");
    assert_eq!(listed.await.unwrap().entries[0].labels, web());
}

#[tokio::test]
async fn what_a_program_wrote_may_hold_all_that_it_could_read() {
    let folder = Folder::new().await;
    let dir = folder.chat().await;
    std::fs::write(dir.join("by hand.txt"), "hello").unwrap();
    assert_eq!(folder.labels("by hand.txt").await, Labels::default());
    folder.write("own.txt", "mine").await.unwrap();
    let page = folder.write_labelled("page.txt", "theirs", web());
    page.await.unwrap();
    assert_eq!(folder.labels("own.txt").await, Labels::default());
    // A program copies, appends, renames over.
    std::fs::copy(dir.join("page.txt"), dir.join("copy.txt")).unwrap();
    assert_eq!(folder.labels("copy.txt").await, web());
    std::fs::rename(dir.join("copy.txt"), dir.join("own.txt")).unwrap();
    assert_eq!(folder.labels("own.txt").await, web());
    let moved = folder.rename("own.txt", "shared/own.txt", Overwrite::Never);
    moved.await.unwrap();
    assert_eq!(folder.labels("shared/own.txt").await, web());
}

#[tokio::test]
async fn what_a_program_was_told_is_remembered_after_its_files_are_gone() {
    let folder = Folder::new().await;
    folder
        .files
        .expose(&chat("7"), &Labels::default())
        .await
        .unwrap();
    folder.write("own.txt", "mine").await.unwrap();
    folder.files.expose(&chat("7"), &web()).await.unwrap();
    let dir = folder.chat().await;
    std::fs::write(dir.join("made.txt"), "by the program").unwrap();
    assert_eq!(folder.labels("made.txt").await, web());
    assert_eq!(folder.labels("own.txt").await, Labels::default());
}

#[tokio::test]
async fn what_two_programs_are_told_at_the_same_time_is_all_remembered() {
    let folder = Folder::new().await;
    let (chat, page, other) = (chat("7"), web(), named("page"));
    let (one, two) = tokio::join!(
        folder.files.expose(&chat, &page),
        folder.files.expose(&chat, &other)
    );
    one.and(two).unwrap();
    let dir = folder.chat().await;
    std::fs::write(dir.join("made.txt"), "by a program").unwrap();
    let mut both = web();
    both.join(&named("page"));
    assert_eq!(folder.labels("made.txt").await, both);
}

#[tokio::test]
async fn a_new_name_has_what_had_been_read_by_whoever_chose_it() {
    let folder = Folder::new().await;
    folder.write("own.txt", "mine").await.unwrap();
    let read = web();
    let moved = folder.rename_labelled("own.txt", "told.txt", Overwrite::Never, &read);
    moved.await.unwrap();
    assert_eq!(folder.labels("told.txt").await, web());
    // The file itself brings its own.
    let page = folder.write_labelled("page.txt", "theirs", named("page"));
    page.await.unwrap();
    let moved = folder.rename_labelled("page.txt", "named.txt", Overwrite::Never, &read);
    moved.await.unwrap();
    let mut both = named("page");
    both.join(&web());
    assert_eq!(folder.labels("named.txt").await, both);
}

/// The labels of the folders of chat 7.
async fn folders(folder: &Folder) -> Vec<(String, Labels)> {
    let entries = folder.list("7", "").await.unwrap().entries;
    let folders = entries
        .into_iter()
        .filter(|one| one.kind == EntryKind::Folder);
    folders
        .map(|one| (one.path.as_str().to_owned(), one.labels))
        .collect()
}

#[tokio::test]
async fn a_folder_that_was_made_keeps_its_labels_when_it_is_empty_again() {
    let folder = Folder::new().await;
    folder.write("kept/own.txt", "mine").await.unwrap();
    let page = folder.write_labelled("made/deep/page.txt", "theirs", web());
    page.await.unwrap();
    let kept = folder.write_labelled("kept/page.txt", "theirs", web());
    kept.await.unwrap();
    for (from, to) in [("made/deep/page.txt", "a.txt"), ("kept/page.txt", "b.txt")] {
        folder.rename(from, to, Overwrite::Never).await.unwrap();
    }
    folder.delete("a.txt").await.unwrap();
    folder.delete("b.txt").await.unwrap();
    let none = Labels::default();
    let expected = [("kept", &none), ("made", &web()), ("made/deep", &web())];
    let found = folders(&folder).await;
    let found: Vec<(&str, &Labels)> = found.iter().map(|(at, l)| (at.as_str(), l)).collect();
    assert_eq!(found, expected);
    // Made anew for something of the person's own, it is another folder.
    folder.delete("made/deep").await.unwrap();
    folder.delete("made").await.unwrap();
    folder.write("made/own.txt", "mine").await.unwrap();
    assert_eq!(folders(&folder).await[1].1, none);
    // The same by a move, and by a tool that only makes it.
    let read = web();
    let moved = folder.rename_labelled("made/own.txt", "new/own.txt", Overwrite::Never, &read);
    moved.await.unwrap();
    let files = &folder.files;
    files
        .make_folder(&chat("7"), &path("plots/new"), &web())
        .await
        .unwrap();
    folder
        .rename("new/own.txt", "own.txt", Overwrite::Never)
        .await
        .unwrap();
    let found = folders(&folder).await;
    for made in ["new", "plots", "plots/new"] {
        let labels = found.iter().find(|(at, _)| at == made).map(|(_, l)| l);
        assert_eq!(labels, Some(&web()), "{made}");
    }
}

#[tokio::test]
async fn a_move_that_has_no_room_changes_nothing_of_what_is_known() {
    let folder = Folder::new().await;
    let large = "x".repeat(700_000);
    let page = folder.write_labelled("shared/page.txt", "theirs", web());
    page.await.unwrap();
    folder.write("shared/large.txt", &large).await.unwrap();
    folder.write("own.txt", &large).await.unwrap();
    let moved = folder.rename("own.txt", "shared/page.txt", Overwrite::Replace);
    assert_eq!(kind(&moved.await), "too large");
    assert_eq!(folder.labels("shared/page.txt").await, web());
    assert_eq!(folder.labels("own.txt").await, Labels::default());
    assert_eq!(folder.labels("shared/large.txt").await, Labels::default());
}

#[tokio::test]
async fn a_chat_that_cannot_move_loses_nothing_of_what_is_known() {
    let folder = Folder::new().await;
    folder.write("page.txt", "mine").await.unwrap();
    folder.files.directory(&chat("8")).await.unwrap();
    let content = minibot::core::files::FileContent {
        bytes: b"theirs".to_vec(),
        labels: web(),
    };
    let (other, at) = (chat("8"), path("page.txt"));
    let written = folder.files.write(&other, &at, content, Overwrite::Never);
    written.await.unwrap();
    let moved = folder.files.move_chat(&chat("7"), &other).await;
    assert_eq!(kind(&moved), "exists");
    let read = folder.files.read(&other, &at, 99).await.unwrap();
    assert_eq!(
        (read.bytes.as_slice(), read.labels),
        (b"theirs".as_slice(), web())
    );
}

/// The process ended between the move of the folder and the end of what was remembered of the old one.
#[tokio::test]
async fn a_move_that_is_made_again_takes_no_labels_of_what_was_written_since() {
    let (folder, store) = held().await;
    folder.write("page.txt", "mine").await.unwrap();
    let old = store.list("chats/7").await.unwrap();
    let (this, other, at) = (chat("7"), chat("8"), path("page.txt"));
    let moved = folder.files.move_chat(&this, &other);
    moved.await.unwrap();
    for record in old {
        store.add(record).await.unwrap();
    }
    let content = minibot::core::files::FileContent {
        bytes: b"theirs".to_vec(),
        labels: web(),
    };
    let written = folder.files.write(&other, &at, content, Overwrite::Replace);
    written.await.unwrap();
    let moved = folder.files.move_chat(&this, &other);
    moved.await.unwrap();
    let read = folder.files.read(&other, &at, 99).await.unwrap();
    assert_eq!(read.labels, web());
    assert_eq!(store.list("chats/7").await.unwrap(), []);
}

/// Remembers, and then does not come back until the gate opens, when it is told so.
#[derive(Debug)]
struct Held {
    store: SqliteFileLabelStore,
    after_add: Mutex<Option<Gate>>,
}

impl Held {
    fn hold(&self) -> Gate {
        let gate = Gate::new();
        *self.after_add.lock().unwrap() = Some(gate.clone());
        gate
    }
}

#[async_trait]
impl FileLabelStore for Held {
    async fn get(&self, area: &str, path: &str) -> StoreResult<Option<FileRecord>> {
        self.store.get(area, path).await
    }

    async fn list(&self, area: &str) -> StoreResult<Vec<FileRecord>> {
        self.store.list(area).await
    }

    async fn add(&self, record: FileRecord) -> StoreResult<()> {
        self.store.add(record).await?;
        let gate = self.after_add.lock().unwrap().take();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        Ok(())
    }

    async fn delete(&self, area: &str, path: &str) -> StoreResult<()> {
        self.store.delete(area, path).await
    }
}

async fn held() -> (Folder, Arc<Held>) {
    let mut held = None;
    let folder = Folder::with(tempfile::tempdir().unwrap(), |store| {
        let after_add = Mutex::default();
        let store = Arc::new(Held { store, after_add });
        held = Some(store.clone());
        store
    });
    (folder.await, held.unwrap())
}

#[tokio::test]
async fn a_write_that_is_broken_off_does_not_take_the_labels_of_what_is_there() {
    let (folder, store) = held().await;
    let page = folder.write_labelled("page.txt", "theirs", web());
    page.await.unwrap();
    folder.write("own.txt", "mine").await.unwrap();
    let gate = store.hold();
    let write = folder.write("page.txt", "mine now");
    tokio::select! {
        _ = write => panic!("it is held"),
        () = gate.wait_for_arrivals(1) => {}
    }
    assert_eq!(folder.read("page.txt").await.unwrap(), "theirs");
    assert_eq!(folder.labels("page.txt").await, web());
    assert_eq!(folder.labels("own.txt").await, Labels::default());
    // Once it is done, the new content has only its own.
    folder.write("page.txt", "mine now").await.unwrap();
    assert_eq!(folder.labels("page.txt").await, Labels::default());
}

#[tokio::test]
async fn the_sweep_waits_for_whoever_writes_there() {
    let (folder, store) = held().await;
    // The folders are the person's own: only the file itself has the labels.
    folder.write("uploads/temp/own.txt", "mine").await.unwrap();
    let old = folder.write_labelled("uploads/temp/a.txt", "old", web());
    old.await.unwrap();
    let gate = store.hold();
    let write = folder.write_labelled("uploads/temp/a.txt", "theirs", web());
    #[allow(clippy::disallowed_methods)]
    let soon = Utc::now() + TimeDelta::hours(1);
    let sweep = folder.files.sweep("uploads/temp", soon);
    tokio::pin!(write, sweep);
    tokio::select! {
        _ = &mut write => panic!("it is held"),
        () = gate.wait_for_arrivals(1) => {}
    }
    let early = tokio::time::timeout(Duration::from_millis(100), &mut sweep).await;
    gate.open();
    write.await.unwrap();
    if early.is_err() {
        sweep.await.unwrap();
    }
    // Whichever of them was last: what is there is known.
    match folder.read("uploads/temp/a.txt").await {
        Ok(_) => assert_eq!(folder.labels("uploads/temp/a.txt").await, web()),
        gone => assert_eq!(kind(&gone), "not found"),
    }
}
