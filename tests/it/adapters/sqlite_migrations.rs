//! Databases of earlier versions, as they are after an upgrade.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use minibot::adapters::sqlite::Database;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

/// A database as the schema of this number left it, with something in it.
async fn at_version(path: &Path, version: &str, content: &'static str) {
    let migrations = tempfile::tempdir().unwrap();
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for file in std::fs::read_dir(all).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_str().unwrap()[..4] <= *version {
            std::fs::copy(file.path(), migrations.path().join(file.file_name())).unwrap();
        }
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let migrator = Migrator::new(migrations.path()).await.unwrap();
    migrator.run(&mut connection).await.unwrap();
    sqlx::raw_sql(content)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn what_was_in_the_general_topic_is_in_the_chat() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("minibot.db");
    let content = r#"
        INSERT INTO conversations (id, channel, chat, thread, started_at) VALUES
            (1, 'telegram', '-1', '', 10), (2, 'telegram', '-1', '1', 20), (3, 'telegram', '-1', '5', 30),
            (4, 'telegram', '-2', '1', 40), (5, 'telegram', '7', '1', 50), (6, 'telegram', '-3', '', 60),
            (7, 'telegram', '-3', '1', 70);
        INSERT INTO turns (id, conversation, state, started_at, ended_at) VALUES
            (8, 7, 'answered', 70, 75), (9, 6, 'answered', 80, 85);
        INSERT INTO inbox (id, source, external_id, kind, channel, chat, thread, state, incoming, received_at) VALUES
            (1, 'telegram:1', 1, 'message', 'telegram', '-1', '1', 'waiting', '{"target":{"thread":"1"}}', 0),
            (2, 'telegram:1', 2, 'message', 'telegram', '-1', '5', 'waiting', '{"target":{"thread":"5"}}', 0),
            (3, 'telegram:1', 3, 'message', 'telegram', '-1', '1', 'unreadable', '{"target', 0);
        INSERT INTO held_parts (inbox, channel, chat, thread, album, raw, incoming, held_at) VALUES
            (3, 'telegram', '-1', '1', 'a', '{', '{"target', 0);
        INSERT INTO outbox (channel, chat, thread, urgency, state, created_at) VALUES
            ('telegram', '-1', '1', 0, 'pending', 0);
        INSERT INTO jobs (channel, chat, thread, chat_kind, creator, content, role, schedule, status, created_at, updated_at)
            VALUES ('telegram', '-1', '1', 'group', '{}', 'x', 'user', '{}', 'active', 0, 0);"#;
    at_version(&path, "0009", content).await;
    drop(Database::open(&path, Duration::from_secs(5)).await.unwrap());
    let rows = async |sql: &'static str| -> Vec<String> {
        let options = SqliteConnectOptions::new().filename(&path);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let rows = sqlx::query_scalar(sql).fetch_all(&mut connection);
        rows.await.unwrap()
    };
    let conversations = "SELECT id || ':' || thread || ':' || coalesce(closed_at, '-') FROM conversations ORDER BY id";
    assert_eq!(
        rows(conversations).await,
        ["1::10", "2::-", "3:5:-", "4::-", "5:1:-", "6::-", "7::75"]
    );
    let inbox = "SELECT thread || ':' || incoming FROM inbox ORDER BY id";
    assert_eq!(
        rows(inbox).await,
        [
            r#":{"target":{"thread":null}}"#,
            r#"5:{"target":{"thread":"5"}}"#,
            r#":{"target"#
        ]
    );
    for sql in ["SELECT thread FROM outbox", "SELECT thread FROM jobs"] {
        assert_eq!(rows(sql).await, [""], "{sql}");
    }
}
