//! Workspaces with a program in them that means harm.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minibot::core::files::{
    Depth, EntryKind, FileContent, FileError, Overwrite, WorkspaceFiles, WorkspacePath, Workspaces,
};
use minibot::core::label::Labels;

use super::workspace_fixture::{Folder, chat, kind, path};

const SECRET: &str = "the secret of another";

#[test]
fn paths_that_are_no_names_are_refused() {
    for written in [
        "/etc/passwd",
        "../8/a.txt",
        "a/../../8/a.txt",
        "..",
        "~/.ssh/id",
        "a\\..\\b",
        "a\0.txt",
        "a\n.txt",
        "\u{202e}txt.exe",
        "pay\u{200d}pal.txt",
        "",
        "/",
    ] {
        let parsed = WorkspacePath::parse(written);
        assert!(matches!(parsed, Err(FileError::BadPath(_))), "{written:?}");
    }
}

#[tokio::test]
async fn planted_links_lead_nowhere() {
    let folder = Folder::new().await;
    let (dir, outside) = (folder.chat().await, folder.outside());
    std::fs::write(outside.join("secret"), SECRET).unwrap();
    folder.write("own/a.txt", "own").await.unwrap();
    symlink(outside.join("secret"), dir.join("absolute")).unwrap();
    symlink("../../../secret", dir.join("relative")).unwrap();
    symlink(&outside, dir.join("folder")).unwrap();
    symlink("own", dir.join("inside")).unwrap();
    symlink("own/a.txt", dir.join("inside.txt")).unwrap();
    symlink("loop", dir.join("loop")).unwrap();
    symlink("/proc/self/root", dir.join("magic")).unwrap();
    std::fs::hard_link(outside.join("secret"), dir.join("hard")).unwrap();
    for at in [
        "absolute",
        "relative",
        "folder/secret",
        "inside/a.txt",
        "inside.txt",
        "loop",
        "loop/a",
        "magic/etc/passwd",
        "hard",
    ] {
        assert_eq!(kind(&folder.read(at).await), "refused", "{at}");
        let listed = folder.list("7", at);
        assert_eq!(kind(&listed.await), "refused", "{at}");
    }
    for at in ["folder/new.txt", "inside/new.txt", "magic/tmp/new.txt"] {
        assert_eq!(kind(&folder.write(at, "x").await), "refused", "{at}");
        let deleted = folder.delete(at).await;
        assert_eq!(kind(&deleted), "refused", "{at}");
    }
    let listed = folder.list("7", "").await;
    let listed = listed.unwrap().entries;
    let kind_of = |at: &str| listed.iter().find(|e| e.path == path(at)).map(|e| e.kind);
    assert_eq!(kind_of("folder"), Some(EntryKind::Other));
    assert_eq!(kind_of("folder/secret"), None);
    assert_eq!(kind_of("hard"), Some(EntryKind::Other));
    // Writing where a link stands replaces the link, not what it leads to.
    folder.write("absolute", "new").await.unwrap();
    folder.write("hard", "new").await.unwrap();
    let kept = std::fs::read_to_string(outside.join("secret")).unwrap();
    assert_eq!(kept, SECRET);
    folder.delete("relative").await.unwrap();
    assert!(outside.join("secret").exists());
}

#[tokio::test]
async fn what_is_no_file_is_not_opened() {
    let folder = Folder::new().await;
    let dir = folder.chat().await;
    let made = |name: &str, kind| {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, dir.join(name), kind, mode, 0)
    };
    made("pipe", rustix::fs::FileType::Fifo).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
    let zero = rustix::fs::makedev(1, 5);
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let device = rustix::fs::FileType::CharacterDevice;
    let is_root =
        rustix::fs::mknodat(rustix::fs::CWD, dir.join("zero"), device, mode, zero).is_ok();
    std::fs::create_dir(dir.join("folder")).unwrap();
    for at in ["pipe", "socket", "folder"]
        .into_iter()
        .chain(is_root.then_some("zero"))
    {
        assert_eq!(kind(&folder.read(at).await), "refused", "{at}");
        let to = "moved";
        let moved = folder.rename(at, to, Overwrite::Replace);
        assert_eq!(kind(&moved.await), "refused", "{at}");
    }
    assert_eq!(kind(&folder.write("folder", "x").await), "refused");
}

/// A thread of a program that swaps what stands under a name, as fast as it can.
struct Swapper {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Swapper {
    fn start(mut swap: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                swap();
            }
        });
        let thread = Some(thread);
        Self { stop, thread }
    }
}

impl Drop for Swapper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

#[tokio::test]
async fn a_link_that_comes_and_goes_is_never_followed() {
    let folder = Folder::new().await;
    let (dir, outside) = (folder.chat().await, folder.outside());
    std::fs::write(outside.join("a.txt"), SECRET).unwrap();
    folder.write("docs/a.txt", "own").await.unwrap();
    folder.write("a.txt", "own").await.unwrap();
    symlink(&outside, dir.join("evil")).unwrap();
    symlink(outside.join("a.txt"), dir.join("evil.txt")).unwrap();
    let place = dir.clone();
    let swapper = Swapper::start(move || {
        for (name, evil) in [("docs", "evil"), ("a.txt", "evil.txt")] {
            let (name, evil) = (place.join(name), place.join(evil));
            let exchange = rustix::fs::RenameFlags::EXCHANGE;
            let here = rustix::fs::CWD;
            rustix::fs::renameat_with(here, &name, here, &evil, exchange).unwrap();
        }
    });
    let mut seen = std::collections::BTreeMap::new();
    for round in 0..500 {
        for at in ["docs/a.txt", "a.txt"] {
            let read = folder.read(at).await;
            *seen.entry(kind(&read)).or_insert(0) += 1;
            assert_ne!(read.as_deref(), Ok(SECRET));
        }
        if round % 20 == 0 {
            let content = FileContent {
                bytes: b"own".to_vec(),
                labels: Labels::default(),
            };
            let (own, at) = (chat("7"), path(&format!("docs/{round}.txt")));
            let written = folder.files.write(&own, &at, content, Overwrite::Never);
            let _ = written.await;
            let _ = folder.delete("docs/a.txt.bak").await;
            let _ = folder.list("7", "").await;
        }
    }
    drop(swapper);
    // Both sides of the race were seen, and nothing was written or deleted outside.
    assert!(seen["ok"] > 0 && seen["refused"] > 0, "{seen:?}");
    let kept = std::fs::read_to_string(outside.join("a.txt")).unwrap();
    assert_eq!(kept, SECRET);
    let names: Vec<_> = std::fs::read_dir(&outside)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".txt") && name != "a.txt")
        .collect();
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test]
async fn a_file_that_grows_or_has_holes_does_not_fill_the_memory() {
    let folder = Folder::new().await;
    let dir = folder.chat().await;
    let sparse = std::fs::File::create(dir.join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    assert_eq!(kind(&folder.read("sparse").await), "too large");
    // It counts as long as it is: nothing else has room.
    assert_eq!(kind(&folder.write("a.txt", "x").await), "too large");
    folder.delete("sparse").await.unwrap();
    let mut growing = std::fs::File::create(dir.join("growing")).unwrap();
    let swapper = Swapper::start(move || {
        use std::io::Write;
        let _ = growing.write_all(&[b'x'; 65536]);
        if growing.metadata().unwrap().len() > 100_000_000 {
            growing.set_len(0).unwrap();
        }
    });
    for _ in 0..200 {
        let read = folder
            .files
            .read(&chat("7"), &path("growing"), 1_000_000)
            .await;
        assert!(read.map_or(0, |content| content.bytes.len()) <= 1_000_000);
    }
    drop(swapper);
}

#[tokio::test]
async fn names_that_no_path_can_have_are_counted_and_not_shown() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new().await;
    let dir = folder.chat().await;
    let not_text = std::ffi::OsStr::from_bytes(b"\xff\xfe.txt");
    std::fs::write(dir.join(not_text), "x").unwrap();
    std::fs::write(dir.join("line\nbreak.txt"), "x").unwrap();
    std::fs::write(dir.join("rtl\u{202e}txt.exe"), "x").unwrap();
    std::fs::write(dir.join("back\\slash"), "x").unwrap();
    std::fs::write(dir.join("plain.txt"), "x").unwrap();
    std::fs::write(dir.join("n".repeat(255)), "x").unwrap();
    let listed = folder.list("7", "").await.unwrap();
    let paths: Vec<&str> = listed.entries.iter().map(|e| e.path.as_str()).collect();
    assert_eq!(paths, [&"n".repeat(255), "plain.txt"]);
    assert_eq!(listed.left_out, 4);
    let listed = folder
        .files
        .list(&chat("7"), None, Depth::Tree, 1)
        .await
        .unwrap();
    assert_eq!((listed.entries.len(), listed.left_out), (1, 5));
}

#[tokio::test]
async fn folders_without_end_are_refused_and_not_walked_for_ever() {
    let folder = Folder::new().await;
    let mut dir = folder.chat().await;
    for _ in 0..80 {
        dir.push("d");
        std::fs::create_dir(&dir).unwrap();
    }
    assert_eq!(kind(&folder.write("a.txt", "x").await), "too large");
    let listed = folder.list("7", "").await;
    assert!(listed.unwrap().left_out > 0);
}
