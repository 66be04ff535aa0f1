//! Copies of the database, made and put back with the real program.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Output;

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::support::fake_model::Reply;
use crate::support::machine::{SmallDisk, cannot};
use crate::support::program::{ALICE, Program};
use crate::support::stored::tamper;

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

async fn says(program: &Program, words: &str) -> String {
    text(&program.run(&["console", "--once", words]).await)
}

/// A program without a model, so that the offline grammar answers.
async fn offline() -> Program {
    let program = Program::new("").await;
    program.configure("");
    program
}

fn named(folder: &Path, part: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.contains(part)).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_copy_made_beside_the_running_bot_is_whole_and_private() {
    let mut program = Program::new("").await;
    program.provider.replies([Reply::text("Hello Alice.")]);
    program.start();
    program.telegram.user_sends(ALICE, ALICE, "hi");
    program.telegram.wait_for_text(ALICE, "Hello Alice.").await;
    let copy = program.data().join("copy.db");
    let name = copy.to_str().unwrap();
    let made = program.run(&["backup", name]).await;
    assert_eq!(made.status.code(), Some(0), "{}", text(&made));
    let mode = std::fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let options = SqliteConnectOptions::new().filename(&copy);
    let mut connection = options.connect().await.unwrap();
    let items: i64 =
        sqlx::query_scalar("SELECT count(*) FROM items WHERE item LIKE '%Hello Alice.%'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(items, 1);
    connection.close().await.unwrap();
    let again = program.run(&["backup", name]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again).contains("exists already"), "{}", text(&again));
    let restored = program.run(&["restore", name]).await;
    assert_eq!(restored.status.code(), Some(1));
    assert!(
        text(&restored).contains("already running"),
        "{}",
        text(&restored)
    );
    assert_eq!(named(&program.data(), "partial"), Vec::<String>::new());
    program.kill().await;
}

#[tokio::test]
async fn what_is_put_back_is_there_and_the_old_one_is_kept() {
    let program = offline().await;
    says(&program, "note: the locker code is 4711").await;
    let copy = program.data().join("copy.db");
    let name = copy.to_str().unwrap();
    program.run(&["backup", name]).await;
    says(&program, "note: the locker code is wrong").await;
    let restored = program.run(&["restore", name]).await;
    assert_eq!(restored.status.code(), Some(0), "{}", text(&restored));
    assert!(
        says(&program, "what was the locker code?")
            .await
            .contains("4711")
    );
    let kept = named(&program.data(), "before-restore");
    assert_eq!(kept.len(), 1, "{kept:?}");
    let old = program.data().join(&kept[0]);
    let back = program.run(&["restore", old.to_str().unwrap()]).await;
    assert_eq!(back.status.code(), Some(0), "{}", text(&back));
    assert!(
        says(&program, "what was the locker code?")
            .await
            .contains("wrong")
    );
}

#[tokio::test]
async fn a_damaged_database_can_be_replaced_and_damaged_copies_are_refused() {
    let program = offline().await;
    says(&program, "note: the locker code is 4711").await;
    let copy = program.data().join("copy.db");
    program.run(&["backup", copy.to_str().unwrap()]).await;
    let database = program.data().join("minibot.db");
    let whole = std::fs::read(&copy).unwrap();
    let half = program.data().join("half.db");
    std::fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    let text_file = program.data().join("letter.txt");
    std::fs::write(&text_file, "Dear Alice").unwrap();
    let empty = program.data().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    for refused in [&half, &text_file, &empty] {
        let output = program.run(&["restore", refused.to_str().unwrap()]).await;
        assert_eq!(output.status.code(), Some(1), "{}", refused.display());
        assert!(
            text(&output).contains("not a whole database"),
            "{}",
            text(&output)
        );
    }
    let missing = program.run(&["restore", "nowhere.db"]).await;
    assert!(
        text(&missing).contains("does not exist"),
        "{}",
        text(&missing)
    );
    assert!(
        says(&program, "what was the locker code?")
            .await
            .contains("4711")
    );

    std::fs::write(&database, vec![7; whole.len()]).unwrap();
    // With its log the old one could still be read.
    for log in ["minibot.db-wal", "minibot.db-shm"] {
        let _ = std::fs::remove_file(program.data().join(log));
    }
    let broken = program.run(&["console", "--once", "hi"]).await;
    assert_eq!(broken.status.code(), Some(1), "{}", text(&broken));
    assert!(
        text(&broken).contains("restore a backup"),
        "{}",
        text(&broken)
    );
    let restored = program.run(&["restore", copy.to_str().unwrap()]).await;
    assert_eq!(restored.status.code(), Some(0), "{}", text(&restored));
    assert!(
        says(&program, "what was the locker code?")
            .await
            .contains("4711")
    );
}

/// A command of the program in a folder without a configuration.
async fn run_in(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_minibot"));
    command.args(arguments).current_dir(folder).env_clear();
    command.output().await.unwrap()
}

/// Somebody stands in the wrong folder: nothing is "restored" there.
#[tokio::test]
async fn without_a_config_only_the_database_of_this_folder_is_meant() {
    let program = offline().await;
    says(&program, "note: the locker code is 4711").await;
    let copy = program.data().join("copy.db");
    let copy = copy.to_str().unwrap();
    program.run(&["backup", copy]).await;
    let elsewhere = tempfile::tempdir().unwrap();
    for command in [["restore", copy], ["backup", "new.db"]] {
        let refused = run_in(elsewhere.path(), &command).await;
        assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
        for part in ["data/minibot.db", "--config", "MINIBOT_CONFIG"] {
            assert!(text(&refused).contains(part), "{part}: {}", text(&refused));
        }
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
    let said = run_in(elsewhere.path(), &["console", "--once", "note: a trial"]).await;
    assert_eq!(said.status.code(), Some(0), "{}", text(&said));
    for command in [["backup", "new.db"], ["restore", copy]] {
        let done = run_in(elsewhere.path(), &command).await;
        assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    }
    let asked = run_in(
        elsewhere.path(),
        &["console", "--once", "what was the locker code?"],
    );
    let answer = text(&asked.await);
    assert!(answer.contains("4711"), "{answer}");
}

fn owner(path: &Path) -> (u32, u32) {
    let found = std::fs::metadata(path).unwrap();
    (found.uid(), found.gid())
}

/// The bot's user may make links in its folder; root follows none of them.
#[tokio::test]
async fn what_root_puts_back_leads_nowhere_else() {
    if !rustix::process::getuid().is_root() {
        return cannot("give files away");
    }
    let program = offline().await;
    says(&program, "note: the locker code is 4711").await;
    let copy = program.config_path().with_file_name("copy.db");
    program.run(&["backup", copy.to_str().unwrap()]).await;
    let precious = program.config_path().with_file_name("precious");
    std::fs::write(&precious, "precious").unwrap();
    chown(program.data(), Some(10_001), Some(10_001)).unwrap();
    let lock = program.data().join("minibot.db.lock");
    for link in [std::os::unix::fs::symlink, std::fs::hard_link] {
        std::fs::remove_file(&lock).unwrap();
        link(&precious, &lock).unwrap();
        let restored = program.run(&["restore", copy.to_str().unwrap()]).await;
        assert_eq!(restored.status.code(), Some(1), "{restored:?}");
        assert_eq!(owner(&precious), (0, 0));
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
    }
}

/// Root restores, and the bot's own user must be able to go on with it.
#[tokio::test]
async fn what_root_puts_back_belongs_to_whom_it_belonged_to() {
    const BOT: u32 = 65_534;
    const GROUP: u32 = 65_533;
    if !rustix::process::getuid().is_root() {
        return cannot("give files away");
    }
    let program = offline().await;
    says(&program, "note: the locker code is 4711").await;
    let copy = program.config_path().with_file_name("copy.db");
    let name = copy.to_str().unwrap();
    program.run(&["backup", name]).await;
    let (database, lock) = ("minibot.db", "minibot.db.lock");
    let at = |name: &str| program.data().join(name);
    chown(program.data(), Some(BOT), Some(GROUP)).unwrap();
    // With the old one there, with none, and with one that an earlier restore had left to root.
    for step in ["there", "gone", "root's"] {
        match step {
            "there" => chown(at(database), Some(BOT), Some(GROUP)).unwrap(),
            "gone" => [database, lock]
                .into_iter()
                .for_each(|name| std::fs::remove_file(at(name)).unwrap()),
            _ => chown(at(database), Some(0), Some(0)).unwrap(),
        }
        let restored = program.run(&["restore", name]).await;
        assert_eq!(restored.status.code(), Some(0), "{}", text(&restored));
        for name in [database, lock] {
            assert_eq!(owner(&at(name)), (BOT, GROUP), "{step}: {name}");
        }
    }
    assert_eq!(owner(&copy), (0, 0));
}

async fn connection(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file);
    options.create_if_missing(true).connect().await.unwrap()
}

/// A database as the first version left it. The mark tells one from another.
async fn of_the_first_version(database: &Path, mark: i64) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", database.display()));
    }
    let migrations = tempfile::tempdir().unwrap();
    let first = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/0001_core.sql");
    std::fs::copy(first, migrations.path().join("0001_core.sql")).unwrap();
    let mut connection = connection(database).await;
    let migrator = Migrator::new(migrations.path()).await.unwrap();
    migrator.run(&mut connection).await.unwrap();
    let marking = format!("PRAGMA user_version = {mark}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(marking))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

async fn mark_of(database: &Path) -> i64 {
    let mut connection = connection(database).await;
    let mark = sqlx::query_scalar("PRAGMA user_version");
    mark.fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_copy_is_made_before_the_schema_changes() {
    let program = offline().await;
    let database = program.data().join("minibot.db");
    std::fs::create_dir(program.data()).unwrap();
    of_the_first_version(&database, 1).await;
    let looked = text(&program.run(&["doctor"]).await);
    assert!(
        looked.contains("! database: ") && looked.contains("of an older minibot"),
        "{looked}"
    );
    says(&program, "note: the locker code is 4711").await;
    let copies = || named(&program.data(), "before-upgrade");
    assert_eq!(copies(), ["minibot.db.before-upgrade-1"]);
    let copy = program.data().join("minibot.db.before-upgrade-1");
    assert_eq!(mark_of(&copy).await, 1);
    let mode = std::fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = says(&program, "what was the locker code?").await;
    assert!(kept.contains("4711"), "{kept}");

    // Somebody goes back to the first version, works with it, and upgrades once more.
    of_the_first_version(&database, 2).await;
    says(&program, "hi").await;
    assert_eq!(copies(), ["minibot.db.before-upgrade-1"]);
    assert_eq!(
        mark_of(&copy).await,
        2,
        "what came since the first upgrade is in no copy"
    );
}

/// There is no way back from an upgrade but its copy.
#[tokio::test]
async fn without_room_for_the_copy_the_schema_is_not_changed() {
    let program = offline().await;
    let Some(disk) = SmallDisk::mount_at(&program.data(), 8_192) else {
        return;
    };
    let database = program.data().join("minibot.db");
    of_the_first_version(&database, 1).await;
    let grow = "CREATE TABLE old_photos (photo); INSERT INTO old_photos VALUES (zeroblob(2500000))";
    tamper(&database, grow).await;
    disk.leave_kilobytes(1_000);
    program.configure(&program.configuration(""));
    for _ in 0..2 {
        let refused = program.run(&["run"]).await;
        assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
        let words = text(&refused);
        for part in ["no copy could be made before", "make room"] {
            assert!(words.contains(part), "{words}");
        }
        assert_eq!(named(&program.data(), "before-"), Vec::<String>::new());
        assert_eq!(newest_schema(&database).await, 1);
    }
    disk.free();
    program.configure("");
    says(&program, "note: the locker code is 4711").await;
    assert_eq!(
        named(&program.data(), "before-"),
        ["minibot.db.before-upgrade-1"]
    );
    let kept = says(&program, "what was the locker code?").await;
    assert!(kept.contains("4711"), "{kept}");
}

async fn newest_schema(database: &Path) -> i64 {
    let mut connection = connection(database).await;
    let newest = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations");
    newest.fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone_by_every_command() {
    let program = offline().await;
    says(&program, "note: the locker code is 4711").await;
    let database = program.data().join("minibot.db");
    let newer = program.data().join("newer.db");
    let name = newer.to_str().unwrap();
    let mut of_database = connection(&database).await;
    sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)")
        .execute(&mut of_database)
        .await
        .unwrap();
    sqlx::query("VACUUM INTO ?")
        .bind(name)
        .execute(&mut of_database)
        .await
        .unwrap();
    of_database.close().await.unwrap();
    let before = std::fs::read(&newer).unwrap();
    // With a channel, or there would be nothing to run.
    program.configure(&program.configuration(""));
    let copy = program.data().join("copy.db");
    let commands: [(&[&str], &str); 10] = [
        (&["run"], "newer minibot"),
        (&["console", "--once", "hi"], "newer minibot"),
        (&["doctor"], "of a newer minibot"),
        (&["jobs"], "has schema 9999"),
        (&["history"], "has schema 9999"),
        (&["audit"], "has schema 9999"),
        (&["audit", "--verify"], "has schema 9999"),
        (&["usage"], "has schema 9999"),
        (&["backup", copy.to_str().unwrap()], "newer minibot"),
        (&["restore", name], "newer minibot"),
    ];
    for (command, words) in commands {
        let refused = program.run(command).await;
        assert_eq!(refused.status.code(), Some(1), "{command:?}");
        assert!(
            text(&refused).contains(words),
            "{command:?}: {}",
            text(&refused)
        );
    }
    assert_eq!(newest_schema(&database).await, 9999);
    assert_eq!(named(&program.data(), "before-"), Vec::<String>::new());
    assert_eq!(named(&program.data(), "copy"), Vec::<String>::new());
    assert_eq!(std::fs::read(&newer).unwrap(), before);
}
