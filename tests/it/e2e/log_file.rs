//! The log's own files: a day each, and the oldest go. No other file does, whatever the log is called.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::program::Program;

/// Names that begin as the log does, more of them than logs are kept.
fn others() -> Vec<String> {
    let copies = (1..=20).map(|schema| format!("minibot.db.before-upgrade-{schema}"));
    let odd = [
        "minibot",
        "minibot.db-wal.kept",
        "minibot.2026-13-01",
        "minibot.2026-1-1",
        "minibot.2026-01-01.gz",
        "minibot.02026-01-01",
        "minibot.db.2026-01-01",
        "minibots.2026-01-01",
    ];
    copies.chain(odd.map(str::to_owned)).collect()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn only_old_logs_are_removed_whatever_the_log_is_called() {
    let mut program = Program::new("[logging]\nfile = \"./data/minibot\"\n").await;
    let data = program.data();
    fs::create_dir(&data).unwrap();
    for name in others() {
        fs::write(data.join(name), "precious").unwrap();
    }
    fs::create_dir(data.join("minibot.2026-01-02")).unwrap();
    std::os::unix::fs::symlink("minibot", data.join("minibot.2026-01-03")).unwrap();
    let logs: Vec<String> = (4..=23)
        .map(|day| format!("minibot.2026-01-{day:02}"))
        .collect();
    for name in &logs {
        fs::write(data.join(name), "an old line\n").unwrap();
    }
    program.start();
    program.says("message=started", 1).await;
    assert_eq!(
        program.terminate().await.code(),
        Some(0),
        "{}",
        program.output()
    );

    let left = names(&data);
    for name in others() {
        assert!(left.contains(&name), "{name} is gone: {left:?}");
    }
    assert!(left.contains("minibot.2026-01-02") && left.contains("minibot.2026-01-03"));
    let old: Vec<&String> = logs.iter().filter(|name| left.contains(*name)).collect();
    // With that of today, fourteen.
    assert_eq!(old, logs[7..].iter().collect::<Vec<_>>());
    let fresh: Vec<&String> = left
        .iter()
        .filter(|name| name.starts_with("minibot.2") && !logs.contains(name))
        .filter(|name| {
            fs::read_to_string(data.join(name)).is_ok_and(|text| text.contains("message=started"))
        })
        .collect();
    assert_eq!(fresh.len(), 1, "{left:?}");
}
