//! Folders that the bot must write to and cannot: `minibot doctor` finds what would refuse the start.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Output;

use crate::support::fake_model::Reply;
use crate::support::machine::SmallDisk;
use crate::support::program::Program;

/// A user without any rights; root sees every folder as open.
const NOBODY: u32 = 65_534;

/// Gives all that is below a folder to nobody.
fn give_away(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        give_away(&entry.path());
    }
}

/// The table of `minibot doctor`, run as a user to whom modes matter.
async fn doctor(program: &Program) -> (Output, String) {
    let mut command = program.command(&["doctor"]);
    if rustix::process::getuid().is_root() {
        give_away(program.config_path().parent().unwrap());
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().await.unwrap();
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output, String::from_utf8_lossy(&text).into_owned())
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// What is set, the folder whose mode is changed, its mode, and the key that the row names.
const CLOSED: [(&str, &str, u32, &str); 7] = [
    ("", "data", 0o500, "runtime.data_dir"),
    ("", "data", 0o600, "runtime.data_dir"),
    (
        "[runtime]\ndata_dir = \"locked/data\"\n",
        "locked",
        0o500,
        "runtime.data_dir",
    ),
    (
        "[storage]\npath = \"locked/bot.db\"\n",
        "locked",
        0o500,
        "storage.path",
    ),
    (
        "[storage]\npath = \"bot.db\"\n",
        "bot.db",
        0o400,
        "storage.path",
    ),
    (
        "[tools.file_storage]\nenabled = true\nroot_dir = \"locked\"\n",
        "locked",
        0o500,
        "tools.file_storage.root_dir",
    ),
    (
        "[logging]\nfile = \"locked/log\"\n",
        "locked",
        0o500,
        "logging.file",
    ),
];

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named_with_its_key() {
    for (more, name, mode, key) in CLOSED {
        let program = Program::new(more).await;
        program.provider.replies([Reply::text("OK")]);
        let folder = program.config_path().parent().unwrap().to_owned();
        let closed = folder.join(name);
        if closed.extension().is_some() {
            fs::write(&closed, "").unwrap();
        } else {
            fs::create_dir_all(&closed).unwrap();
        }
        set_mode(&closed, mode);
        let (output, table) = doctor(&program).await;
        set_mode(&closed, 0o700);
        assert_eq!(output.status.code(), Some(1), "{key} {mode:o}: {table}");
        let mut lines = table
            .lines()
            .skip_while(|line| !line.starts_with("✗ folders: "));
        let words = lines
            .next()
            .unwrap_or_else(|| panic!("{key} {mode:o}: {table}"));
        let fix = lines.find(|line| line.starts_with("    → "));
        assert!(words.contains(key) && fix.is_some(), "{table}");
        let place = format!("/{name} cannot be written");
        assert_eq!(words.matches(&place).count(), 1, "{table}");
        // A folder that cannot be looked into does not prove that nothing is there.
        let unseen = mode == 0o600;
        assert!(!unseen || table.contains("✗ database: "), "{table}");
    }
}

#[tokio::test]
async fn folders_that_can_be_written_or_made_are_well() {
    let more = "[storage]\npath = \"new/place/bot.db\"\n[logging]\nfile = \"logs/bot\"\n";
    let program = Program::new(more).await;
    program.provider.replies([Reply::text("OK")]);
    let (output, table) = doctor(&program).await;
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(table.contains("✓ folders: "), "{table}");
    let database = program.config_path().with_file_name("new");
    assert!(!database.exists(), "only looked at: {table}");
}

#[tokio::test]
async fn a_read_only_disk_is_named() {
    let Some(disk) = SmallDisk::mount(1_000) else {
        return;
    };
    let more = format!("[runtime]\ndata_dir = {:?}\n", disk.path());
    let program = Program::new(&more).await;
    program.provider.replies([Reply::text("OK")]);
    disk.make_read_only();
    let output = program.run(&["doctor"]).await;
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{table}");
    assert!(
        table.contains("✗ folders: ") && table.contains("read-only"),
        "{table}"
    );
}
