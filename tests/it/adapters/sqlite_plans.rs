//! The cost of a turn must not grow with what is stored: no statement of its way reads a table
//! from end to end.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use minibot::adapters::sqlite::{SqliteNoteStore, SqliteOutboxStore, SqliteSummaryStore};
use minibot::core::channel::ChatKind;
use minibot::core::compaction::{Summary, SummaryStore};
use minibot::core::conversation::{ConversationStore, Item};
use minibot::core::ids::{MessageId, UserId};
use minibot::core::inbox::InboxStore;
use minibot::core::journal::{JournalEntry, TurnEnd, TurnJournal, TurnState};
use minibot::core::label::Labels;
use minibot::core::notes::{NoteOwner, NoteStore};
use minibot::core::outbox::OutboxStore;
use sqlx::AssertSqlSafe;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::sqlite_fixture::{
    Fixture, StoppedClock, answer, at, audited, finished, message, target,
};

/// Collects the statements that the stores run.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<BTreeSet<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut self.clone());
    }
}

impl Visit for Statements {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "sql" {
            self.0.lock().unwrap().insert(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

#[tokio::test]
async fn no_statement_of_a_turn_scans_a_table() {
    let statements = Statements::default();
    // With one subscriber in the process, tracing lets the thread that first comes past a place
    // decide for all whether it is of interest. With two it asks them both.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let subscriber = tracing_subscriber::registry().with(statements.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let fixture = Fixture::new().await;
    run_two_turns(&fixture).await;
    let statements = statements.0.lock().unwrap().clone();
    assert!(statements.len() > 25, "only {}", statements.len());
    let mut connection = fixture.connection().await;
    for sql in statements {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        for (_, _, _, step) in plan {
            // The partial index of what waits holds nothing else.
            let is_small = [
                "inbox_waiting",
                "turns_running",
                "outbox_open",
                "outbox_waiting",
            ]
            .iter()
            .any(|index| step.ends_with(index));
            let of_notes = step.starts_with("SEARCH notes ");
            assert!(!of_notes || step.contains("notes_own"), "{step}: {sql}");
            let newest_only = step == "SCAN audit_log" && sql.ends_with("LIMIT ?");
            assert!(
                !step.starts_with("SCAN") || is_small || newest_only,
                "{step}: {sql}"
            );
        }
    }
}

fn answered(text: &str) -> Item {
    Item::Assistant {
        text: text.into(),
        calls: Vec::new(),
        continuation: None,
        labels: Labels::default(),
    }
}

async fn run_two_turns(fixture: &Fixture) {
    let (inbox, journal) = (fixture.inbox(), fixture.journal());
    let album = vec![
        message(1, "a").part_of("x").arrival(),
        message(2, "b").part_of("x").arrival(),
    ];
    inbox.add(album).await.unwrap();
    inbox
        .add(vec![message(2, "").edited(3, "c").arrival()])
        .await
        .unwrap();
    inbox.waiting_targets().await.unwrap();
    inbox.count_waiting().await.unwrap();
    for minute in 0..2 {
        let rows = inbox.next(&target()).await.unwrap();
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        inbox.get(ids[0]).await.unwrap();
        let turn = journal.begin(&ids, at(minute)).await.unwrap().unwrap();
        let conversations = fixture.conversations();
        let conversation = conversations.current(&target()).await.unwrap().unwrap();
        conversations
            .newest_items(conversation.id, 50)
            .await
            .unwrap();
        conversations
            .newest_question(conversation.id)
            .await
            .unwrap();
        conversations.count_items(conversation.id).await.unwrap();
        conversations.trim_to(conversation.id, 1).await.unwrap();
        let notes = SqliteNoteStore::new(fixture.database.clone());
        let owner = NoteOwner::of(&target(), ChatKind::Private, &UserId::new("1"));
        notes.newest_own(&owner, at(minute)).await.unwrap();
        let outbox = SqliteOutboxStore::new(fixture.database.clone(), Arc::new(StoppedClock));
        let (channel, chat, said) = (target().channel, target().chat, MessageId::new("1"));
        outbox.labels(&channel, &chat, &said).await.unwrap();
        let summaries = SqliteSummaryStore::new(fixture.database.clone());
        let uncovered = summaries.uncovered(conversation.id, 1).await.unwrap();
        if let Some(first) = uncovered.first().map(|placed| placed.id) {
            let summary = Summary::new("they talked", first, Labels::default()).unwrap();
            let saved = summaries.save(conversation.id, summary, first, at(minute));
            saved.await.unwrap();
        }
        let (call, facts) = finished("call", "web_fetch");
        let said = vec![answer("looking"), answer("still looking")];
        let entry = JournalEntry {
            facts,
            finished_calls: vec![audited(&call)],
            question: None,
            said,
        };
        journal.append(turn.id, entry, at(minute)).await.unwrap();
        journal.unfinished().await.unwrap();
        let end = TurnEnd {
            facts: Vec::new(),
            finished_calls: Vec::new(),
            state: TurnState::Failed,
            items: vec![Item::said("a")],
            said: Vec::new(),
            receipt: None,
        };
        journal.end(turn.id, end, at(minute)).await.unwrap();
        let asks = fixture.receive(100 + minute, "/retry").await;
        let again = journal
            .reopen(&target(), asks, at(minute))
            .await
            .unwrap()
            .unwrap();
        let end = TurnEnd {
            facts: Vec::new(),
            finished_calls: Vec::new(),
            state: TurnState::Answered,
            items: vec![Item::said("a"), answered("b")],
            said: Vec::new(),
            receipt: None,
        };
        journal
            .end(again.id, end.clone(), at(minute))
            .await
            .unwrap();
        let asks = fixture.receive(200 + minute, "/retry").await;
        let anew = journal
            .reopen(&target(), asks, at(minute))
            .await
            .unwrap()
            .unwrap();
        journal.end(anew.id, end, at(minute)).await.unwrap();
        let next = message(9 + minute, "next").arrival();
        inbox.add(vec![next]).await.unwrap();
    }
    let id = inbox.next(&target()).await.unwrap()[0].id;
    inbox.finish(id, vec![answer("done")]).await.unwrap();
    fixture
        .conversations()
        .close(&target(), at(9))
        .await
        .unwrap();
}
