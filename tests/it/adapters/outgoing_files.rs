//! Copies of files on their way: of the file that was there, whatever becomes of it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Cursor;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use minibot::adapters::files::OutgoingCopies;
use minibot::adapters::sqlite::SqliteOutboxStore;
use minibot::core::change::{Change, ChangeOutcome};
use minibot::core::channel::ChatTarget;
use minibot::core::files::{FileError, Workspaces};
use minibot::core::ids::{ChannelName, ChatId};
use minibot::core::inbox::{AskedByRow, InboxStore};
use minibot::core::markup::FormattedText;
use minibot::core::outbox::OutboxStore;
use minibot::core::outgoing_file::{ContentKind, KeptCopy, OutgoingFile, OutgoingFiles, SentAs};

use super::sqlite_fixture::{Fixture, StoppedClock};
use super::workspace_fixture::{chat, kind, path};

struct World {
    fixture: Fixture,
    copies: Arc<OutgoingCopies>,
}

impl World {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let copies = fixture.copies();
        Self { fixture, copies }
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let dir = self.fixture.files().directory(&chat("7")).await.unwrap();
        let place = dir.join(name);
        std::fs::write(&place, bytes).unwrap();
        place
    }

    async fn keep(&self, name: &str) -> Result<KeptCopy, FileError> {
        self.copies.keep(&chat("7"), &path(name)).await
    }

    fn kept(&self, copy: &KeptCopy) -> Vec<u8> {
        std::fs::read(self.copies.place(&copy.copy)).unwrap()
    }
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::GrayImage::new(width, height);
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn a_copy_is_of_the_file_as_it_was() {
    let world = World::new().await;
    let place = world.put("a.txt", b"before").await;
    let kept = world.keep("a.txt").await.unwrap();
    assert_eq!(kept.origin, place.display().to_string());
    std::fs::write(&place, "after, and longer").unwrap();
    assert_eq!(world.kept(&kept), b"before");
    std::fs::remove_file(&place).unwrap();
    symlink("/etc/passwd", &place).unwrap();
    assert_eq!(world.kept(&kept), b"before");
    assert_eq!(kind(&world.keep("a.txt").await), "refused");
    world.copies.discard(&kept.copy).await.unwrap();
    world.copies.discard(&kept.copy).await.unwrap();
    assert!(!world.copies.place(&kept.copy).exists());
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_before_it_is_queued() {
    let world = World::new().await;
    let place = world.put("a.txt", b"content").await;
    std::fs::hard_link(&place, place.with_file_name("b.txt")).unwrap();
    world.put("empty", b"").await;
    let large = world.put("large", b"x").await;
    let file = std::fs::File::options().write(true).open(&large).unwrap();
    file.set_len(50 * 1024 * 1024 + 1).unwrap();
    std::fs::create_dir(place.with_file_name("folder")).unwrap();
    for (name, found) in [
        ("a.txt", "refused"),
        ("b.txt", "refused"),
        ("empty", "refused"),
        ("large", "too large"),
        ("folder", "refused"),
        ("nowhere", "not found"),
    ] {
        assert_eq!(kind(&world.keep(name).await), found, "{name}");
    }
    let Err(FileError::TooLarge(why)) = world.keep("large").await else {
        panic!("taken")
    };
    assert!(why.contains("at most 50 MB"), "{why}");
}

#[tokio::test]
async fn what_a_file_is_is_read_from_its_first_bytes() {
    let world = World::new().await;
    let picture = |width, height| ContentKind::Picture { width, height };
    let opus = [b"OggS".as_slice(), &[0; 24], b"OpusHead", &[0; 40]].concat();
    let vorbis = [b"OggS".as_slice(), &[0; 24], b"\x01vorbis", &[0; 40]].concat();
    // A header that promises a picture of 4 billion pixels is measured, not decoded.
    let mut bomb = png(1, 1);
    bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    for (name, bytes, content) in [
        ("a.txt", png(3, 2), picture(3, 2)),
        ("lie.png", b"MZ no picture".to_vec(), ContentKind::Other),
        ("cut.png", png(3, 2)[..12].to_vec(), ContentKind::Other),
        ("voice.bin", opus, ContentKind::Speech),
        ("song.ogg", vorbis, ContentKind::Other),
        ("x", b"x".to_vec(), ContentKind::Other),
    ] {
        world.put(name, &bytes).await;
        assert_eq!(world.keep(name).await.unwrap().content, content, "{name}");
    }
    world.put("bomb.png", &bomb).await;
    let kept = world.keep("bomb.png").await.unwrap();
    assert!(kept.sent_as(Default::default()) == Ok(SentAs::Document));
}

#[tokio::test]
async fn a_file_that_never_rests_is_not_sent_in_pieces() {
    use std::io::Write;
    use std::sync::atomic::{AtomicBool, Ordering};
    let world = World::new().await;
    let place = world.put("log", &[b'x'; 2_000_000]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let writer = std::thread::spawn(move || {
        let mut file = std::fs::File::options().append(true).open(place).unwrap();
        while !stopped.load(Ordering::Relaxed) {
            file.write_all(b"x").unwrap();
        }
    });
    for _ in 0..5 {
        match world.keep("log").await {
            Ok(kept) => assert_eq!(world.kept(&kept).len() as u64, kept.size_bytes),
            Err(error) => assert!(matches!(error, FileError::Refused(_)), "{error}"),
        }
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    assert_eq!(kind(&world.keep("log").await), "ok");
}

fn outgoing(kept: &KeptCopy, sent_as: SentAs) -> OutgoingFile {
    OutgoingFile {
        copy: kept.copy.clone(),
        name: "a".into(),
        size_bytes: kept.size_bytes,
        sent_as,
        caption: FormattedText::plain(""),
        origin: kept.origin.clone(),
        place: Default::default(),
    }
}

async fn queue(world: &World, number: i64, kept: &KeptCopy, sent_as: SentAs) {
    let target = ChatTarget {
        channel: ChannelName::new("telegram"),
        chat: ChatId::new("7"),
        thread: None,
    };
    let row = world.fixture.receive(number, "press").await;
    let file = Box::new(outgoing(kept, sent_as));
    let asked = AskedByRow {
        change: Change::SendFile { target, file },
        replies: Box::new(|_| Vec::new()),
    };
    let done = world.fixture.inbox().finish_with(row, asked).await.unwrap();
    assert_eq!(done, Some(ChangeOutcome::Queued));
}

#[tokio::test]
async fn pictures_of_one_moment_are_one_row_and_files_are_not() {
    let world = World::new().await;
    world.put("a", b"x").await;
    let kept = world.keep("a").await.unwrap();
    use SentAs::{Document, Photo};
    let kinds = [Photo, Photo, Document, Photo, Photo];
    for (number, sent_as) in (1..).zip(kinds) {
        queue(&world, number, &kept, sent_as).await;
    }
    for number in 6..=15 {
        queue(&world, number, &kept, Photo).await;
    }
    let sizes = world
        .fixture
        .column(
            "SELECT CAST(json_array_length(content, '$.files') AS TEXT) FROM outbox ORDER BY id",
        )
        .await;
    assert_eq!(sizes, ["2", "1", "10", "2"]);
}

#[tokio::test]
async fn copies_stay_as_long_as_a_row_waits_for_them() {
    let world = World::new().await;
    world.put("a", b"x").await;
    let (waiting, orphan) = (
        world.keep("a").await.unwrap(),
        world.keep("a").await.unwrap(),
    );
    queue(&world, 1, &waiting, SentAs::Document).await;
    let database = world.fixture.database.clone();
    let outbox = SqliteOutboxStore::new(database, Arc::new(StoppedClock));
    let in_use = outbox.copies_in_use().await.unwrap();
    assert_eq!(in_use, std::slice::from_ref(&waiting.copy));
    #[allow(clippy::disallowed_methods)]
    let now = Utc::now();
    let prune = async |at| world.copies.prune(in_use.clone(), at).await.unwrap();
    assert_eq!(prune(now - TimeDelta::hours(1)).await, 0);
    assert_eq!(prune(now + TimeDelta::hours(1)).await, 1);
    assert!(world.copies.place(&waiting.copy).exists());
    assert!(!world.copies.place(&orphan.copy).exists());
    assert_eq!(outbox.count_waiting(None).await.unwrap(), 1);
}
