//! What a start finds: a damaged database, a disk that is full or read-only, a configuration that is broken. It ends
//! with one line that says what to do, and changes no file.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::fake_model::Reply;
use crate::support::machine::SmallDisk;
use crate::support::program::{ALICE, Program};

/// Larger than what a start looks through itself.
const LARGE_ITEM: usize = 1_000_000;

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// The lines of the program's last word.
fn last_words(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.lines().map(str::to_owned).collect()
}

/// A program that has talked to Alice, and has ended in order.
async fn used(more: &str) -> Program {
    let mut program = Program::new(more).await;
    talk(&mut program, "hello", "Hello.").await;
    program
}

async fn talk(program: &mut Program, question: &str, answer: &str) {
    program.provider.replies([Reply::text(answer)]);
    program.start();
    program.telegram.user_sends(ALICE, ALICE, question);
    program.telegram.wait_for_text(ALICE, answer).await;
    let status = program.terminate().await;
    assert_eq!(status.code(), Some(0), "{status:?} {}", program.output());
}

fn database(program: &Program) -> PathBuf {
    program.data().join("minibot.db")
}

/// The files of the database, with what is in them.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            )
        })
        .filter(|(name, _)| name.starts_with("minibot.db") && !name.ends_with(".lock"))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

/// What was there is there as it was; an empty log beside it says nothing.
fn unchanged(program: &Program, before: &BTreeMap<String, Vec<u8>>) {
    let after = files(&program.data());
    for (name, content) in before {
        assert!(after.get(name) == Some(content), "{name} was changed");
    }
    let log = after.get("minibot.db-wal").map_or(0, Vec::len);
    let log_before = before.get("minibot.db-wal").map_or(0, Vec::len);
    assert_eq!(log, log_before);
}

#[tokio::test]
async fn an_orderly_end_leaves_one_file() {
    let program = used("").await;
    let names: Vec<String> = files(&program.data()).into_keys().collect();
    assert_eq!(names, ["minibot.db"], "the log is folded into it");
}

/// A way of damaging a database.
type Damage = fn(&Path);

const DAMAGES: [(&str, Damage); 5] = [
    ("overwritten in the middle", |path| {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        let pages = file.metadata().unwrap().len() / 4096;
        for page in 5..pages {
            file.write_all_at(&[0xA5; 4096], page * 4096).unwrap();
        }
    }),
    ("overwritten at the beginning", |path| {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all_at(&[0xA5; 4096], 0).unwrap();
    }),
    ("cut off", |path| {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    }),
    ("something else", |path| {
        fs::write(path, "A shopping list.\n".repeat(1_000)).unwrap();
    }),
    ("cut off within the first page", |path| {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(1_000).unwrap();
    }),
];

#[tokio::test]
async fn a_damaged_database_is_refused_and_left_as_it_is() {
    let mut program = used("").await;
    let copy = program.data().join("copy.db");
    let made = program.run(&["backup", copy.to_str().unwrap()]).await;
    assert_eq!(made.status.code(), Some(0), "{}", text(&made));
    for (what, damage) in DAMAGES {
        damage(&database(&program));
        let before = files(&program.data());
        let started = program.run(&["run"]).await;
        assert_eq!(started.status.code(), Some(1), "{what}: {}", text(&started));
        let words = last_words(&started);
        assert_eq!(words.len(), 1, "{what}: {words:?}");
        for part in ["is damaged", "minibot restore FILE"] {
            assert!(words[0].contains(part), "{what}: {words:?}");
        }
        program.provider.replies([Reply::text("OK")]);
        let looked = program.run(&["doctor"]).await;
        let table = text(&looked);
        assert_eq!(looked.status.code(), Some(1), "{what}: {table}");
        let row = table
            .lines()
            .find(|line| line.starts_with("✗ database"))
            .unwrap();
        assert!(table.contains("minibot restore FILE"), "{what}: {row}");
        unchanged(&program, &before);
        let restored = program.run(&["restore", copy.to_str().unwrap()]).await;
        assert_eq!(
            restored.status.code(),
            Some(0),
            "{what}: {}",
            text(&restored)
        );
        talk(&mut program, "again", &format!("Hello after {what}.")).await;
    }
}

#[tokio::test]
async fn a_log_whose_database_is_gone_is_not_taken_for_a_leftover() {
    for leave_empty in [false, true] {
        let mut program = used("").await;
        let copy = program.data().join("copy.db");
        program.run(&["backup", copy.to_str().unwrap()]).await;
        // A process that ends without a word leaves its log.
        program.provider.replies([Reply::text("Killed.")]);
        program.start();
        program.telegram.user_sends(ALICE, ALICE, "and now?");
        program.telegram.wait_for_text(ALICE, "Killed.").await;
        program.kill().await;
        fs::remove_file(database(&program)).unwrap();
        if leave_empty {
            fs::write(database(&program), "").unwrap();
        }
        let before = files(&program.data());
        let started = program.run(&["run"]).await;
        assert_eq!(started.status.code(), Some(1), "{}", text(&started));
        let words = last_words(&started);
        assert_eq!(words.len(), 1, "{words:?}");
        assert!(words[0].contains("is gone or empty"), "{words:?}");
        unchanged(&program, &before);
        let restored = program.run(&["restore", copy.to_str().unwrap()]).await;
        assert_eq!(restored.status.code(), Some(0), "{}", text(&restored));
        talk(&mut program, "again", "Hello again.").await;
    }
}

#[tokio::test]
async fn damage_in_a_large_database_ends_the_bot_soon_after_its_start() {
    let mut program = used("").await;
    grow(&database(&program)).await;
    let file = OpenOptions::new()
        .write(true)
        .open(database(&program))
        .unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    assert!(pages * 4096 > 8 * 1024 * 1024, "it is not large");
    for page in pages / 2..pages / 2 + 8 {
        file.write_all_at(&[0xA5; 4096], page * 4096).unwrap();
    }
    program.start();
    let status = program.ended().await;
    assert_eq!(status.code(), Some(1), "{}", program.output());
    let output = program.output();
    assert_eq!(
        output.matches("the database is damaged").count(),
        1,
        "{output}"
    );
    assert!(output.contains("minibot restore FILE"), "{output}");
}

/// Fills the database with notes that nobody reads.
async fn grow(path: &Path) {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Connection};
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = options.connect().await.unwrap();
    for number in 0..12 {
        sqlx::query("INSERT INTO notes (owner, title, data, created_at, updated_at) VALUES ('x', ?, ?, 0, 0)")
            .bind(format!("{number}"))
            .bind("word ".repeat(LARGE_ITEM / 5))
            .execute(&mut connection)
            .await
            .unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_disk_that_may_not_be_written_is_named() {
    let mut program = Program::new("").await;
    let Some(disk) = SmallDisk::mount_at(&program.data(), 8_192) else {
        return;
    };
    talk(&mut program, "hello", "Hello.").await;
    disk.make_read_only();
    let before = files(&program.data());
    let started = program.run(&["run"]).await;
    assert_eq!(started.status.code(), Some(1), "{}", text(&started));
    let words = last_words(&started);
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(words[0].contains("Read-only file system"), "{words:?}");
    assert!(words[0].contains("make its disk writable"), "{words:?}");
    program.provider.replies([Reply::text("OK")]);
    let table = text(&program.run(&["doctor"]).await);
    assert!(
        table.contains("✗ disk") && table.contains("read-only"),
        "{table}"
    );
    unchanged(&program, &before);
    disk.make_writable();
    talk(&mut program, "again", "Hello again.").await;
}

#[tokio::test]
async fn a_folder_of_somebody_else_is_named() {
    let mut program = used("").await;
    let before = files(&program.data());
    // As whoever may not: root may everything.
    let nobody = "65534";
    let mut command = std::process::Command::new("setpriv");
    command
        .args(["--reuid", nobody, "--clear-groups"])
        .arg(env!("CARGO_BIN_EXE_minibot"))
        .args(["run", "--config", "/dev/stdin"])
        .env_clear();
    let config = fs::read_to_string(program.config_path()).unwrap();
    let place = format!(
        "[runtime]\ndata_dir = \"{}\"\n{config}",
        program.data().display()
    );
    let at = program.config_path().with_file_name("readable.toml");
    fs::write(&at, place).unwrap();
    command.stdin(fs::File::open(&at).unwrap());
    let Ok(started) = command.output() else {
        crate::support::machine::cannot("run as another user");
        return;
    };
    if started.status.code() == Some(127) {
        crate::support::machine::cannot("run as another user");
        return;
    }
    assert_eq!(started.status.code(), Some(1), "{}", text(&started));
    let words = text(&started);
    assert!(words.contains("Permission denied"), "{words}");
    assert!(
        words.contains("check that it belongs to this user"),
        "{words}"
    );
    unchanged(&program, &before);
    talk(&mut program, "again", "Hello again.").await;
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_start_is_named_and_nothing_is_lost() {
    let mut program = Program::new("").await;
    let Some(disk) = SmallDisk::mount_at(&program.data(), 8_192) else {
        return;
    };
    // Before the very first start, and before a later one.
    for (question, answer) in [("hello", "Hello."), ("again", "Hello again.")] {
        disk.fill();
        program.telegram.user_sends(ALICE, ALICE, question);
        let started = program.run(&["run"]).await;
        assert_eq!(started.status.code(), Some(1), "{}", text(&started));
        let words = last_words(&started);
        assert_eq!(words.len(), 1, "{words:?}");
        assert!(words[0].contains("make room"), "{words:?}");
        disk.free();
        program.provider.replies([Reply::text(answer)]);
        program.start();
        program.telegram.wait_for_text(ALICE, answer).await;
        let status = program.terminate().await;
        assert_eq!(status.code(), Some(0), "{}", program.output());
    }
}

#[tokio::test]
async fn a_configuration_that_broke_is_told_with_every_line_and_changes_nothing() {
    let mut program = used("").await;
    let good = fs::read_to_string(program.config_path()).unwrap();
    let before = files(&program.data());
    program.configure(&format!(
        "{good}\n[runtime]\ntimezone = \"Europe/Madird\"\n[storage]\nkeep_dayz = 9\n[tools.bash]\nenabled = \"perhaps\"\n"
    ));
    let lines = |text: &str| text.lines().count();
    let first = lines(&good) + 3;
    program.telegram.user_sends(ALICE, ALICE, "are you there?");
    let started = program.run(&["run"]).await;
    let words = text(&started);
    assert_eq!(started.status.code(), Some(1), "{words}");
    for (line, part) in [
        (first, "Europe/Madrid"),
        (first + 2, "keep_days"),
        (first + 4, "enabled"),
    ] {
        let line = format!("config.toml, line {line}:");
        let found = words.lines().find(|words| words.contains(&line));
        assert!(
            found.is_some_and(|found| found.contains(part)),
            "{line} {part} in {words}"
        );
    }
    unchanged(&program, &before);
    assert!(!program.data().join("minibot.db-wal").exists());
    program.configure(&good);
    program.provider.replies([Reply::text("Here.")]);
    program.start();
    program.telegram.wait_for_text(ALICE, "Here.").await;
    program.terminate().await;
}
