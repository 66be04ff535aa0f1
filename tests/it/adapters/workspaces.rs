//! The workspaces: what is written is there whole, within the quota, with its labels.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use minibot::adapters::files::clean;
use minibot::core::files::{
    FileContent, FileEdit, FileError, NewPlace, Overwrite, WorkspaceFiles, Workspaces,
};
use minibot::core::label::Labels;
use minibot::core::media::{Blob, InMemory, MediaError};

use super::workspace_fixture::{Folder, chat, kind, named, path, web};
use crate::support::gate::Gate;
use crate::support::machine::SmallDisk;

#[tokio::test]
async fn files_are_written_listed_moved_and_deleted() {
    let folder = Folder::new().await;
    folder.write("notes/a.txt", "one").await.unwrap();
    folder.write("b.txt", "four").await.unwrap();
    let listed = folder.list("7", "").await;
    let listed = listed.unwrap().entries;
    let paths: Vec<&str> = listed.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["b.txt", "notes", "notes/a.txt"]);
    let moved = folder.rename("b.txt", "notes/a.txt", Overwrite::Never);
    assert_eq!(kind(&moved.await), "exists");
    let moved = folder.rename("b.txt", "new/c.txt", Overwrite::Never);
    assert_eq!(moved.await.unwrap().size_bytes, 4);
    assert_eq!(kind(&folder.read("b.txt").await), "not found");
    assert_eq!(folder.read("new/c.txt").await.unwrap(), "four");
    let delete = async |at: &str| kind(&folder.delete(at).await);
    assert_eq!(delete("notes").await, "refused");
    assert_eq!(delete("notes/a.txt").await, "ok");
    assert_eq!(delete("notes").await, "ok");
    assert_eq!(delete("notes").await, "not found");
}

#[tokio::test]
async fn folders_and_files_are_private() {
    let folder = Folder::new().await;
    folder.write("notes/a.txt", "one").await.unwrap();
    let root = folder.outside().join("files");
    for (below, mode) in [
        ("", 0o700),
        ("chats", 0o700),
        ("chats/7", 0o700),
        ("chats/7/notes", 0o700),
        ("chats/7/notes/a.txt", 0o600),
        ("staging", 0o700),
    ] {
        let found = std::fs::metadata(root.join(below)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, mode, "{below}");
    }
}

#[tokio::test]
async fn no_chat_sees_the_files_of_another_but_all_see_the_shared_ones() {
    let folder = Folder::new().await;
    folder.write("a.txt", "mine").await.unwrap();
    folder.write("shared/b.txt", "ours").await.unwrap();
    let other = async |at: &str| folder.read_in("8", at).await;
    assert_eq!(kind(&other("a.txt").await), "not found");
    assert_eq!(kind(&other("chats/7/a.txt").await), "not found");
    assert_eq!(other("shared/b.txt").await.unwrap(), b"ours");
    let listed = folder.list("8", "shared");
    assert_eq!(listed.await.unwrap().entries[0].path, path("shared/b.txt"));
    for id in ["..", ".", "", "a/b", "7/..", "7\0"] {
        let read = folder.read_in(id, "a.txt").await;
        assert_eq!(kind(&read), "bad path", "{id:?}");
    }
}

#[tokio::test]
async fn uploads_of_one_name_get_numbers_however_close_they_come() {
    let folder = Folder::new().await;
    let save = || {
        let content = FileContent {
            bytes: b"x".to_vec(),
            labels: web(),
        };
        let files = folder.files.clone();
        async move {
            let own = chat("7");
            let saved = files.save_new(&own, "uploads", "../a/report.pdf", content);
            saved.await.unwrap().path.as_str().to_owned()
        }
    };
    let (one, two, three) = tokio::join!(save(), save(), save());
    let mut names = vec![one, two, three];
    names.sort();
    assert_eq!(
        names,
        [
            "uploads/report (2).pdf",
            "uploads/report (3).pdf",
            "uploads/report.pdf"
        ]
    );
    let long = format!("{}.jpeg", "語".repeat(100));
    for _ in 0..2 {
        let content = FileContent {
            bytes: b"x".to_vec(),
            labels: web(),
        };
        let saved = folder.files.save_new(&chat("7"), "", &long, content).await;
        assert!(saved.unwrap().path.name().len() <= 255);
    }
}

#[tokio::test]
async fn what_somebody_sent_is_kept_once_and_within_the_quota() {
    let folder = Folder::new().await;
    let keep = async |name: &str, bytes: &[u8]| {
        let place = NewPlace {
            folder: "uploads",
            name,
        };
        let content = InMemory::holding(bytes.to_vec());
        let kept = folder.files.keep(&chat("7"), place, &content, &web()).await;
        kept.map(|kept| kept.path.as_str().to_owned())
    };
    let large = vec![7; 400_000];
    assert_eq!(keep("a.bin", &large).await.unwrap(), "uploads/a.bin");
    // The same again takes no second name; another of the same length does.
    assert_eq!(keep("a.bin", &large).await.unwrap(), "uploads/a.bin");
    let mut other = large.clone();
    *other.last_mut().unwrap() = 8;
    assert_eq!(keep("a.bin", &other).await.unwrap(), "uploads/a (2).bin");
    assert_eq!(keep("a.bin", &other).await.unwrap(), "uploads/a (2).bin");
    assert_eq!(folder.labels("uploads/a (2).bin").await, web());
    // Neither a folder of that name nor a link is such a file.
    let dir = folder.chat().await.join("uploads");
    std::fs::create_dir(dir.join("d")).unwrap();
    std::os::unix::fs::symlink(dir.join("a.bin"), dir.join("l")).unwrap();
    assert_eq!(keep("d", b"x").await.unwrap(), "uploads/d (2)");
    assert_eq!(keep("l", b"x").await.unwrap(), "uploads/l (2)");
    // The quota of a megabyte has no room for another one.
    let third = keep("b.bin", &large).await;
    assert_eq!(kind(&third), "too large");
    // What is known of a file that it takes the place of is not forgotten.
    folder.write("uploads/own.txt", "mine").await.unwrap();
    let page = folder.write_labelled("uploads/page.txt", "x", named("page"));
    page.await.unwrap();
    assert_eq!(keep("page.txt", b"x").await.unwrap(), "uploads/page.txt");
    let mut both = named("page");
    both.join(&web());
    assert_eq!(folder.labels("uploads/page.txt").await, both);
}

#[tokio::test]
async fn an_open_file_is_read_piece_by_piece() {
    let folder = Folder::new().await;
    let page = folder.write_labelled("a.txt", "one two", web());
    page.await.unwrap();
    let open = async |at: &str, most| folder.files.open(&chat("7"), &path(at), most).await;
    let file = open("a.txt", 7).await.unwrap();
    assert_eq!((file.content.size(), &file.labels), (7, &web()));
    assert_eq!(file.content.read_at(4, 99).await.unwrap(), b"two");
    assert_eq!(file.content.read_at(7, 1).await.unwrap(), b"");
    assert_eq!(kind(&open("a.txt", 6).await), "too large");
    std::os::unix::fs::symlink("a.txt", folder.chat().await.join("link")).unwrap();
    assert_eq!(kind(&open("link", 99).await), "refused");
    // What was deleted is there for whoever has it open; what was cut off is not.
    std::fs::remove_file(folder.chat().await.join("a.txt")).unwrap();
    assert_eq!(file.content.read_at(0, 3).await.unwrap(), b"one");
    folder.write("b.txt", "three").await.unwrap();
    let file = open("b.txt", 99).await.unwrap();
    let place = folder.chat().await.join("b.txt");
    std::fs::File::options()
        .write(true)
        .open(place)
        .unwrap()
        .set_len(2)
        .unwrap();
    assert!(file.content.read_at(0, 5).await.is_err());
}

#[tokio::test]
async fn edits_at_one_time_do_not_undo_each_other() {
    let folder = Folder::new().await;
    folder.write("shared/a.txt", "0").await.unwrap();
    let edit = async |number: u32| {
        let own = chat(&number.to_string());
        let edit: FileEdit<'_> = Box::new(move |file| {
            let text = String::from_utf8(file.bytes).unwrap();
            let bytes = format!("{text},{number}").into_bytes();
            Some(FileContent { bytes, ..file })
        });
        let at = path("shared/a.txt");
        folder.files.edit(&own, &at, 99, edit).await.unwrap();
    };
    futures::future::join_all((1..=9).map(edit)).await;
    let text = folder.read("shared/a.txt").await.unwrap();
    let mut numbers: Vec<&str> = text.split(',').collect();
    numbers.sort_unstable();
    assert_eq!(numbers, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    let leave: FileEdit<'_> = Box::new(|_| None);
    let own = chat("7");
    let at = path("shared/a.txt");
    folder.files.edit(&own, &at, 99, leave).await.unwrap();
    assert_eq!(folder.read("shared/a.txt").await.unwrap(), text);
}

#[tokio::test]
async fn writers_at_one_time_do_not_share_the_room_that_one_has_left() {
    let folder = Folder::new().await;
    let half = "x".repeat(400_000);
    let write = |at: &'static str| {
        let write = folder.write(at, &half);
        async move { kind(&write.await) }
    };
    let (a, b, c, d) = tokio::join!(write("a"), write("b"), write("c"), write("d"));
    let mut found = [a, b, c, d];
    found.sort_unstable();
    assert_eq!(found, ["ok", "ok", "too large", "too large"]);
    // What takes the place of a file needs only the difference.
    assert_eq!(kind(&folder.write("a", &"y".repeat(500_000)).await), "ok");
    // Another chat has its own room.
    let content = FileContent {
        bytes: half.into_bytes(),
        labels: Labels::default(),
    };
    let (own, at) = (chat("8"), path("a"));
    let other = folder.files.write(&own, &at, content, Overwrite::Never);
    assert_eq!(kind(&other.await), "ok");
}

#[tokio::test]
async fn what_was_only_there_for_a_day_is_swept() {
    let folder = Folder::new().await;
    folder.write("uploads/temp/old.txt", "x").await.unwrap();
    folder.write("uploads/kept.txt", "x").await.unwrap();
    let sweep = async |at| folder.files.sweep("uploads/temp", at).await.unwrap();
    #[allow(clippy::disallowed_methods)]
    let now = Utc::now();
    assert_eq!(sweep(now - TimeDelta::days(1)).await, 0);
    assert_eq!(sweep(now + TimeDelta::hours(1)).await, 1);
    assert_eq!(
        kind(&folder.read("uploads/temp/old.txt").await),
        "not found"
    );
    assert_eq!(kind(&folder.read("uploads/kept.txt").await), "ok");
}

#[tokio::test]
async fn what_a_dead_process_left_half_written_goes_at_the_start() {
    let folder = Folder::new().await;
    let root = folder.outside().join("files");
    clean(root.clone()).await.unwrap();
    folder.write("a.txt", "x").await.unwrap();
    let staging = root.join("staging");
    std::fs::write(staging.join("1-1"), "half").unwrap();
    clean(root).await.unwrap();
    assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0);
    assert_eq!(kind(&folder.read("a.txt").await), "ok");
}

#[tokio::test]
async fn a_program_of_another_user_can_use_what_is_put_there() {
    use std::os::unix::fs::{MetadataExt, chown};
    let folder = Folder::new().await;
    let dir = folder.chat().await;
    if chown(&dir, Some(65532), Some(65532)).is_err() {
        return; // Only root gives folders away.
    }
    folder.write("new/a.txt", "x").await.unwrap();
    for below in ["new", "new/a.txt"] {
        let found = std::fs::metadata(dir.join(below)).unwrap();
        assert_eq!((found.uid(), found.gid()), (65532, 65532), "{below}");
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_what_was_there() {
    let Some(disk) = SmallDisk::mount(256) else {
        return;
    };
    let folder = Folder::below(tempfile::tempdir_in(disk.path()).unwrap()).await;
    folder.write("a.txt", "before").await.unwrap();
    let written = folder.write("a.txt", &"x".repeat(900_000)).await;
    let Err(FileError::TooLarge(why)) = written else {
        panic!("{written:?}")
    };
    assert!(why.contains("the disk is full"), "{why}");
    assert_eq!(folder.read("a.txt").await.unwrap(), "before");
    let staging = folder.outside().join("files/staging");
    assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0);
    assert_eq!(kind(&folder.write("b.txt", "small").await), "ok");
}

#[tokio::test]
async fn a_chat_that_gets_another_id_keeps_its_files_and_what_is_known_of_them() {
    let folder = Folder::new().await;
    let page = folder.write_labelled("page.txt", "theirs", web());
    page.await.unwrap();
    folder.write("own.txt", "mine").await.unwrap();
    let move_chat = async |from: &str, to: &str| {
        let moved = folder.files.move_chat(&chat(from), &chat(to)).await;
        kind(&moved)
    };
    assert_eq!(move_chat("7", "-1007").await, "ok");
    assert_eq!(move_chat("7", "-1007").await, "ok");
    assert_eq!(folder.read_in("-1007", "own.txt").await.unwrap(), b"mine");
    let listed = folder.list("-1007", "").await.unwrap().entries;
    let labels: Vec<Labels> = listed.into_iter().map(|entry| entry.labels).collect();
    assert_eq!(labels, [Labels::default(), web()]);
    // What is there already is not written over.
    folder.write("new.txt", "x").await.unwrap();
    assert_eq!(move_chat("7", "-1007").await, "exists");
    assert_eq!(folder.read("new.txt").await.unwrap(), "x");
}

/// A file whose bytes come when a gate opens.
#[derive(Debug)]
struct Slow(Gate);

#[async_trait]
impl Blob for Slow {
    fn size(&self) -> u64 {
        3
    }

    async fn read_at(&self, offset: u64, _: usize) -> Result<Vec<u8>, MediaError> {
        self.0.pass().await;
        Ok(b"new"[offset.min(3) as usize..].to_vec())
    }
}

#[tokio::test]
async fn a_file_that_moves_between_areas_waits_for_who_writes_in_either() {
    let folder = Folder::new().await;
    for (from, to) in [("a.txt", "shared/a.txt"), ("shared/a.txt", "b.txt")] {
        folder.write("a.txt", "one").await.unwrap();
        let gate = Gate::new();
        let slow: Arc<dyn Blob> = Arc::new(Slow(gate.clone()));
        let (here, labels) = (chat("7"), Labels::default());
        let place = NewPlace {
            folder: "",
            name: "slow.txt",
        };
        let keeping = folder.files.keep(&here, place, &slow, &labels);
        let moving = folder.rename(from, to, Overwrite::Replace);
        tokio::pin!(keeping, moving);
        tokio::select! {
            biased;
            kept = &mut keeping => panic!("it is not there yet: {kept:?}"),
            () = gate.wait_for_arrivals(1) => {}
        }
        // The common folder is free, and whoever moves into it waits all the same.
        for number in 0..20 {
            assert!(futures::poll!(&mut moving).is_pending(), "{from} {number}");
            let other = format!("shared/{number}.txt");
            folder.write(&other, "x").await.unwrap();
        }
        assert!(futures::poll!(&mut moving).is_pending(), "{from}");
        gate.open();
        keeping.await.unwrap();
        moving.await.unwrap();
        assert_eq!(kind(&folder.read(from).await), "not found");
        assert_eq!(folder.read(to).await.unwrap(), "one");
    }
}

/// A file that is read byte by byte, all but the first behind a gate.
#[derive(Debug)]
struct ByteByByte(Gate);

#[async_trait]
impl Blob for ByteByByte {
    fn size(&self) -> u64 {
        3
    }

    async fn read_at(&self, offset: u64, _: usize) -> Result<Vec<u8>, MediaError> {
        if offset > 0 {
            self.0.pass().await;
        }
        Ok(vec![b"own"[offset as usize]])
    }
}

#[tokio::test]
async fn what_a_program_writes_while_a_file_comes_again_is_not_the_persons() {
    let folder = Folder::new().await;
    folder.write("a.txt", "own").await.unwrap();
    let page = folder.write_labelled("page.txt", "theirs", web());
    page.await.unwrap();
    let gate = Gate::new();
    let again: Arc<dyn Blob> = Arc::new(ByteByByte(gate.clone()));
    let (here, labels) = (chat("7"), Labels::default());
    let (at, name) = ("", "a.txt");
    let place = NewPlace { folder: at, name };
    let keeping = folder.files.keep(&here, place, &again, &labels);
    tokio::pin!(keeping);
    tokio::select! {
        kept = &mut keeping => panic!("it is not there yet: {kept:?}"),
        () = gate.wait_for_arrivals(1) => {}
    }
    let path = folder.chat().await.join(name);
    std::fs::write(&path, "Own").unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    gate.open();
    keeping.await.unwrap();
    assert_eq!(folder.read(name).await.unwrap(), "Own");
    assert_eq!(folder.labels(name).await, web());
}
