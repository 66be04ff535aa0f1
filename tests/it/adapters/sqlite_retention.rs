//! Forgetting: what is done with goes after a while, and nothing else.
#![allow(clippy::unwrap_used, clippy::panic)]

use minibot::adapters::sqlite::SqliteRetention;
use minibot::core::conversation::ConversationStore;
use minibot::core::ids::ConversationId;
use minibot::core::journal::{JournalEntry, TurnJournal, TurnState};

use super::sqlite_fixture::{Fixture, answer, at, audited, end, finished, pending};

/// Begins and ends a turn in which a tool was called and something was said.
async fn past_turn(fixture: &Fixture, number: i64) -> ConversationId {
    let turn = fixture.begin(number, "hello").await;
    let (call, facts) = finished("a", "web_fetch");
    let entry = JournalEntry {
        facts,
        finished_calls: vec![audited(&call)],
        question: None,
        said: vec![answer("a")],
    };
    fixture
        .journal()
        .append(turn.id, entry, at(number))
        .await
        .unwrap();
    let over = end(TurnState::Answered, vec![]);
    fixture
        .journal()
        .end(turn.id, over, at(number))
        .await
        .unwrap();
    turn.conversation.id
}

#[tokio::test]
async fn what_was_done_with_long_ago_goes_in_bites() {
    let fixture = Fixture::new().await;
    for number in 1..=3 {
        past_turn(&fixture, number).await;
    }
    let conversation = past_turn(&fixture, 50).await;
    let running = fixture.begin(4, "still running").await;
    fixture.receive(5, "still waiting").await;
    let retention = SqliteRetention::new(fixture.database.clone());
    // Each of the three turns leaves a message, an answer that was withdrawn, and itself.
    let mut bites = Vec::new();
    while bites.last() != Some(&0) {
        bites.push(retention.purge(at(10), 2).await.unwrap());
    }
    assert_eq!(bites, [6, 3, 0]);
    let left: [(&str, &[&str]); 6] = [
        (
            "SELECT state FROM inbox ORDER BY id",
            &["done", "running", "waiting"],
        ),
        (
            "SELECT state FROM turns ORDER BY id",
            &["answered", "running"],
        ),
        ("SELECT DISTINCT CAST(turn AS TEXT) FROM turn_facts", &["4"]),
        (
            "SELECT state FROM outbox WHERE state <> 'pending' ORDER BY id",
            &["withdrawn", "open"],
        ),
        ("SELECT CAST(count(*) AS TEXT) FROM audit_log", &["4"]),
        ("SELECT CAST(count(*) AS TEXT) FROM usage", &["8"]),
    ];
    for (sql, expected) in left {
        assert_eq!(fixture.column(sql).await, expected, "{sql}");
    }
    assert_eq!(pending(&fixture).await.len(), 4);
    assert_eq!(
        fixture
            .conversations()
            .count_items(conversation)
            .await
            .unwrap(),
        4
    );
    assert_eq!(
        fixture.journal().unfinished().await.unwrap()[0].id,
        running.id
    );
}

#[tokio::test]
async fn receipts_go_unless_their_turn_is_on_the_way() {
    let fixture = Fixture::new().await;
    fixture.execute(
        "INSERT INTO jobs (id, channel, chat, thread, chat_kind, creator, title, content, role, schedule, metadata, status, next_run, created_at, updated_at, labels) VALUES (1, 'telegram', '7', '', 'private', '{}', NULL, 'x', 'user', '{}', NULL, 'active', 0, 0, 0, '[]');
         INSERT INTO occurrences (job, slot, state, recorded_at)
         VALUES (1, 1, 'ran', 0), (1, 2, 'running', 0), (1, 3, 'skipped', 0), (1, 4, 'ran', 9000000000000)",
    ).await;
    let retention = SqliteRetention::new(fixture.database.clone());
    assert_eq!(retention.purge(at(0), 1).await.unwrap(), 1);
    assert_eq!(retention.purge(at(0), 100).await.unwrap(), 1);
    let left = fixture
        .column("SELECT CAST(slot AS TEXT) FROM occurrences ORDER BY slot")
        .await;
    assert_eq!(left, ["2", "4"]);
}

#[tokio::test]
async fn jobs_that_are_over_go_when_their_receipts_have_gone() {
    let fixture = Fixture::new().await;
    // The last attempt of the sixth was much later than its end.
    fixture.execute(
        "INSERT INTO jobs (id, channel, chat, chat_kind, creator, content, role, schedule, status, created_at, updated_at)
         SELECT value ->> 0, 'telegram', '7', 'private', '{}', 'x', 'user', '{}', value ->> 1, 0, value ->> 2
         FROM json_each('[[1, \"completed\", 0], [2, \"cancelled\", 0], [3, \"completed\", 9000000000000],
            [4, \"active\", 0], [5, \"paused\", 0], [6, \"completed\", 0]]');
         INSERT INTO occurrences (job, slot, state, recorded_at) VALUES (6, 0, 'ran', 9000000000000)",
    ).await;
    let retention = SqliteRetention::new(fixture.database.clone());
    while retention.purge(at(10), 1).await.unwrap() > 0 {}
    let left = fixture
        .column("SELECT CAST(id AS TEXT) FROM jobs ORDER BY id")
        .await;
    assert_eq!(left, ["3", "4", "5", "6"]);
}
