//! Scheduled runs on a real database: each ends, and none is begun twice.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use minibot::adapters::sqlite::SqliteJobStore;
use minibot::core::change::Change;
use minibot::core::channel::ChatTarget;
use minibot::core::conversation::ConversationStore;
use minibot::core::ids::{ChannelName, InboxId, JobId, OccurrenceId, ThreadId};
use minibot::core::inbox::InboxStore;
use minibot::core::jobs::{JobAction, JobStore, OccurrenceState};
use minibot::core::journal::{JournalEntry, Receipt, TurnEnd, TurnJournal, TurnState};
use minibot::core::message::IncomingContent;
use minibot::core::turn::Fact;

use super::sqlite_changes::Changes;
use super::sqlite_fixture::{
    Fixture, StoppedClock, at, chat, end, finished, open_rows, pending, target,
};

const STATES: &str =
    "SELECT state || ' ' || coalesce(reason, '-') || ' ' || attempts FROM occurrences ORDER BY id";

/// Job 1 with the occurrence 5 that runs since minute 0.
const RUNNING: &str = r#"
    INSERT INTO jobs (id, channel, chat, thread, chat_kind, creator, title, content, role, schedule, metadata, status, next_run, created_at, updated_at, labels) VALUES (1, 'telegram', '7', '', 'private', '{"user":"42","name":"Ada"}', NULL,
        'x', 'user', '{"recurrence":{"type":"once"},"anchor":"2025-06-15T15:06:40Z","zone":"UTC"}',
        NULL, 'active', NULL, 0, 0, '[]');
    INSERT INTO occurrences (id, job, slot, state, recorded_at) VALUES (5, 1, 0, 'running', 1750000000000);
    INSERT INTO inbox (id, source, external_id, kind, channel, chat, sender, state, incoming, received_at)
        VALUES (3, 'job', 5, 'scheduled', 'telegram', '7', '42', 'waiting',
            '{"target":{"channel":"telegram","chat":"7","thread":null},"chat_kind":"private",
              "sender":{"user":"42","name":"Ada"},"sent_at":"2025-06-15T15:06:40Z",
              "content":{"kind":"scheduled","occurrence":5,"content":"x","due_at":"2025-06-15T15:06:40Z"}}', 0)"#;

fn store(fixture: &Fixture) -> SqliteJobStore {
    SqliteJobStore::new(fixture.database.clone(), Arc::new(StoppedClock))
}

async fn running() -> (Fixture, SqliteJobStore) {
    let fixture = Fixture::new().await;
    fixture.execute(RUNNING).await;
    let store = store(&fixture);
    (fixture, store)
}

/// The turn of the run ends, and is to be tried again at a minute, if at all.
async fn fail(fixture: &Fixture, retry_minute: Option<i64>) {
    let journal = fixture.journal();
    let turn = journal.begin(&[InboxId(3)], at(0)).await.unwrap().unwrap();
    journal
        .end(turn.id, failed(retry_minute), at(0))
        .await
        .unwrap();
}

fn failed(retry_minute: Option<i64>) -> TurnEnd {
    let receipt = Receipt {
        occurrence: OccurrenceId(5),
        state: OccurrenceState::Running,
        reason: Some("HTTP 500".into()),
        retry_at: retry_minute.map(at),
    };
    TurnEnd {
        receipt: Some(receipt),
        ..end(TurnState::Failed, vec![])
    }
}

#[tokio::test]
async fn an_attempt_is_made_once_and_when_it_is_due() {
    let (fixture, store) = running().await;
    fail(&fixture, Some(5)).await;
    let here = [target().channel];
    let elsewhere = [ChannelName::new("console")];
    assert_eq!(store.next_due_at(&here).await.unwrap(), Some(at(5)));
    assert_eq!(store.next_due_at(&elsewhere).await.unwrap(), None);
    assert_eq!(store.retry_due(&here, at(4)).await.unwrap(), []);
    assert_eq!(store.retry_due(&elsewhere, at(5)).await.unwrap(), []);
    let (one, two) = tokio::join!(store.retry_due(&here, at(5)), store.retry_due(&here, at(5)));
    assert_eq!([one.unwrap(), two.unwrap()].concat(), [target()]);
    let row = fixture.inbox().next(&target()).await.unwrap().remove(0);
    let IncomingContent::Scheduled(prompt) = row.incoming.content else {
        panic!("{row:?}")
    };
    assert_eq!((prompt.attempt, prompt.content.as_str()), (2, "x"));
    assert_eq!(fixture.column(STATES).await, ["running HTTP 500 2"]);
    assert_eq!(store.next_due_at(&here).await.unwrap(), None);
    fail(&fixture, None).await;
}

#[tokio::test]
async fn another_attempt_is_made_where_the_job_is_now() {
    let (fixture, store) = running().await;
    fail(&fixture, Some(5)).await;
    fixture
        .execute("UPDATE jobs SET chat = '-100', thread = '9'")
        .await;
    let moved = ChatTarget {
        thread: Some(ThreadId::new("9")),
        ..chat("-100")
    };
    let here = [target().channel];
    let nudged = store.retry_due(&here, at(5)).await.unwrap();
    assert_eq!(nudged.as_slice(), std::slice::from_ref(&moved));
    let row = fixture.inbox().next(&moved).await.unwrap().remove(0);
    assert_eq!(row.incoming.target, moved);
}

/// A call that has been made and answered.
fn one_call() -> JournalEntry {
    JournalEntry {
        facts: finished("a", "http_request").1,
        ..JournalEntry::default()
    }
}

#[tokio::test]
async fn another_attempt_knows_what_the_one_before_has_done() {
    for (tampered, facts) in [
        ("SELECT 1", 3),
        // What cannot be followed begins anew.
        ("UPDATE turn_facts SET fact = '{' WHERE seq = 1", 0),
        ("DELETE FROM turns", 0),
    ] {
        let (fixture, store) = running().await;
        let journal = fixture.journal();
        let turn = journal.begin(&[InboxId(3)], at(0)).await.unwrap().unwrap();
        journal.append(turn.id, one_call(), at(0)).await.unwrap();
        let over = failed(Some(5));
        journal.end(turn.id, over, at(0)).await.unwrap();
        fixture.execute(tampered).await;
        store.retry_due(&[target().channel], at(5)).await.unwrap();
        let again = journal.begin(&[InboxId(3)], at(5)).await.unwrap().unwrap();
        assert_eq!(again.facts.len(), facts, "{tampered}");
        if facts > 0 {
            assert_eq!(
                (again.id, again.facts.last()),
                (turn.id, Some(&Fact::Reopened))
            );
        }
        assert_eq!(open_rows(&fixture).await, [again.answer.row.to_string()]);
        let states = "SELECT state || ' ' || count(*) FROM inbox GROUP BY state";
        assert_eq!(fixture.column(states).await, ["running 1"]);
    }
}

/// Its model has spoken with all that before it.
#[tokio::test]
async fn another_attempt_keeps_what_the_conversation_before_had_read() {
    let (fixture, store) = running().await;
    let journal = fixture.journal();
    let turn = journal.begin(&[InboxId(3)], at(0)).await.unwrap().unwrap();
    let over = failed(Some(5));
    journal.end(turn.id, over, at(0)).await.unwrap();
    fixture
        .execute("UPDATE conversations SET labels = '[{\"from\":\"satellite\"}]'")
        .await;
    let conversations = fixture.conversations();
    conversations.close(&target(), at(1)).await.unwrap();
    store.retry_due(&[target().channel], at(5)).await.unwrap();
    let again = journal.begin(&[InboxId(3)], at(5)).await.unwrap().unwrap();
    assert_ne!(again.conversation.id, turn.conversation.id);
    assert!(again.conversation.labels.is_untrusted());
}

#[tokio::test]
async fn a_run_that_is_no_json_holds_up_no_other() {
    let (fixture, store) = running().await;
    fail(&fixture, Some(5)).await;
    fixture.execute("UPDATE inbox SET incoming = '{'").await;
    let due = store.retry_due(&[target().channel], at(5)).await;
    assert_eq!(due.unwrap(), []);
    let signed = fixture.column(STATES).await;
    assert_eq!(signed, ["failed its message cannot be read 2"]);
}

#[tokio::test]
async fn a_run_that_the_person_has_started_again_is_not_started_twice() {
    let (fixture, store) = running().await;
    fail(&fixture, Some(5)).await;
    fixture
        .execute("UPDATE inbox SET state = 'waiting' WHERE id = 3")
        .await;
    let here = [target().channel];
    assert_eq!(store.retry_due(&here, at(5)).await.unwrap(), []);
    assert_eq!(store.next_due_at(&here).await.unwrap(), None);
}

#[tokio::test]
async fn a_run_whose_turn_does_not_read_has_failed_and_is_told() {
    let (fixture, _) = running().await;
    let journal = fixture.journal();
    let turn = journal.begin(&[InboxId(3)], at(0)).await.unwrap().unwrap();
    journal.append(turn.id, one_call(), at(0)).await.unwrap();
    fixture.execute("UPDATE turn_facts SET fact = '{'").await;
    assert!(journal.unfinished().await.unwrap().is_empty());
    assert_eq!(fixture.column(STATES).await, ["failed something broke 1"]);
    let told = "A scheduled task broke down and was not done this time.";
    assert_eq!(pending(&fixture).await, [told]);
}

#[tokio::test]
async fn cancelling_a_job_ends_its_attempts() {
    let (fixture, store) = running().await;
    fail(&fixture, Some(5)).await;
    store.act(None, JobId(1), JobAction::Cancel).await.unwrap();
    assert_eq!(store.next_due_at(&[target().channel]).await.unwrap(), None);
    assert_eq!(fixture.column(STATES).await, ["failed HTTP 500 1"]);
}

#[tokio::test]
async fn a_run_that_waits_in_line_ends_with_its_job() {
    let (fixture, store) = running().await;
    store.act(None, JobId(1), JobAction::Cancel).await.unwrap();
    assert_eq!(fixture.column(STATES).await, ["skipped cancelled 1"]);
    assert!(fixture.inbox().next(&target()).await.unwrap().is_empty());
    let begun = fixture.journal().begin(&[InboxId(3)], at(0)).await.unwrap();
    assert!(begun.is_none());
    // Also when it was the last one.
    let (fixture, store) = running().await;
    let over = "UPDATE jobs SET status = 'completed', next_run = NULL";
    fixture.execute(over).await;
    store.act(None, JobId(1), JobAction::Cancel).await.unwrap();
    assert_eq!(fixture.column(STATES).await, ["skipped cancelled 1"]);
    // One that has begun is left to its turn.
    let (fixture, store) = running().await;
    let journal = fixture.journal();
    journal.begin(&[InboxId(3)], at(0)).await.unwrap().unwrap();
    store.act(None, JobId(1), JobAction::Cancel).await.unwrap();
    assert_eq!(fixture.column(STATES).await, ["running - 1"]);
}

#[tokio::test]
async fn a_run_that_waits_in_line_goes_with_a_job_that_is_deleted() {
    let (fixture, _) = running().await;
    let change = Change::DeleteJob {
        target: target(),
        job: JobId(1),
    };
    let changes = Changes::of(fixture).await;
    changes.apply(change, at(0)).await;
    let waiting = changes.fixture.inbox().next(&target()).await.unwrap();
    assert!(waiting.is_empty(), "{waiting:?}");
}

#[tokio::test]
async fn a_lost_run_is_settled_by_what_is_known_of_it() {
    for (inbox, turn, expected) in [
        ("waiting", "running", "running - 1"),
        ("running", "running", "running - 1"),
        ("done", "answered", "ran - 1"),
        ("done", "failed", "failed its run was lost 1"),
        ("unreadable", "answered", "ran - 1"),
    ] {
        let (fixture, store) = running().await;
        fixture
            .execute("INSERT INTO conversations (id, channel, chat, started_at) VALUES (1, 'telegram', '7', 0);
                INSERT INTO turns (id, conversation, state, started_at) VALUES (9, 1, 'running', 0);
                UPDATE inbox SET turn = 9")
            .await;
        let statements =
            format!("UPDATE inbox SET state = '{inbox}'; UPDATE turns SET state = '{turn}'");
        fixture
            .execute(Box::leak(statements.into_boxed_str()))
            .await;
        assert_eq!(store.settle_lost(at(-1)).await.unwrap(), 0);
        let settled = store.settle_lost(at(0)).await.unwrap();
        assert_eq!(
            settled,
            u64::from(!expected.starts_with("running")),
            "{inbox}"
        );
        assert_eq!(fixture.column(STATES).await, [expected], "{inbox} {turn}");
    }
    let (fixture, store) = running().await;
    fixture.execute("DELETE FROM inbox").await;
    assert_eq!(store.settle_lost(at(0)).await.unwrap(), 1);
    assert_eq!(fixture.column(STATES).await, ["failed its run was lost 1"]);
}
