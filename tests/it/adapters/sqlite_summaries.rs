//! Summaries of conversations: each covers more than the one before, and none brings back what is gone.
#![allow(clippy::unwrap_used, clippy::panic)]

use minibot::adapters::sqlite::SqliteSummaryStore;
use minibot::core::change::Change;
use minibot::core::compaction::{Summary, SummaryStore};
use minibot::core::conversation::{ConversationStore, Item};
use minibot::core::ids::{CallId, ConversationId, ItemId};
use minibot::core::journal::{AskedChange, TurnJournal, TurnState};
use minibot::core::label::Labels;
use minibot::core::tool::{ToolCall, ToolResult};
use serde_json::json;

use super::sqlite_fixture::{Fixture, at, audit_of, end};

/// A conversation of three turns with one item each.
async fn three_turns(fixture: &Fixture) -> ConversationId {
    let mut conversation = None;
    for number in 1..=3 {
        let turn = fixture.begin(number, "hello").await;
        conversation = Some(turn.conversation.id);
        let ended = end(TurnState::Answered, vec![]);
        fixture
            .journal()
            .end(turn.id, ended, at(number))
            .await
            .unwrap();
    }
    conversation.unwrap()
}

fn summary(text: &str, covers_to: i64) -> Summary {
    Summary::new(text, ItemId(covers_to), Labels::default()).unwrap()
}

async fn text(store: &SqliteSummaryStore, id: ConversationId) -> Option<String> {
    let summary = store.get(id).await.unwrap();
    summary.map(|summary| summary.text().to_owned())
}

#[tokio::test]
async fn a_summary_takes_the_place_of_one_that_covers_less() {
    let fixture = Fixture::new().await;
    let id = three_turns(&fixture).await;
    let store = SqliteSummaryStore::new(fixture.database.clone());
    let ids = |items: Vec<minibot::core::compaction::PlacedItem>| -> Vec<i64> {
        items.into_iter().map(|placed| placed.id.0).collect()
    };
    assert_eq!(ids(store.uncovered(id, 2).await.unwrap()), [2, 3]);
    let saves = [
        ("one", 1, "one"),
        ("two", 2, "two"),
        ("again", 2, "two"),
        ("less", 1, "two"),
    ];
    for (words, covers_to, kept) in saves {
        let new = summary(words, covers_to);
        store.save(id, new, ItemId(1), at(5)).await.unwrap();
        assert_eq!(text(&store, id).await.as_deref(), Some(kept), "{words}");
    }
    let uncovered = store.uncovered(id, 9).await.unwrap();
    assert!(matches!(uncovered[0].item, Item::User { .. }));
    assert_eq!(ids(uncovered), [3]);
}

#[tokio::test]
async fn what_is_not_covered_begins_with_a_question() {
    let fixture = Fixture::new().await;
    let turn = fixture.begin(1, "hello").await;
    let mut ended = end(TurnState::Answered, vec![]);
    ended.items = ["one", "two", "three"].map(answered).to_vec();
    ended.items.insert(0, Item::said("hello"));
    fixture.journal().end(turn.id, ended, at(1)).await.unwrap();
    let id = turn.conversation.id;
    let store = SqliteSummaryStore::new(fixture.database.clone());
    for (limit, expected) in [(1, vec![1, 4]), (2, vec![1, 3, 4]), (9, vec![1, 2, 3, 4])] {
        let uncovered = store.uncovered(id, limit).await.unwrap();
        let ids: Vec<i64> = uncovered.iter().map(|placed| placed.id.0).collect();
        assert_eq!(ids, expected);
    }
    let question = fixture.conversations().newest_question(id).await.unwrap();
    assert_eq!(question, Some(Item::said("hello")));
    store
        .save(id, summary("one", 2), ItemId(1), at(5))
        .await
        .unwrap();
    let uncovered = store.uncovered(id, 1).await.unwrap();
    assert_eq!(uncovered.len(), 1, "the question is covered");
}

fn answered(text: &str) -> Item {
    Item::Assistant {
        text: text.into(),
        calls: Vec::new(),
        continuation: None,
        labels: Labels::default(),
    }
}

#[tokio::test]
async fn what_was_forgotten_does_not_come_back() {
    let fixture = Fixture::new().await;
    let id = three_turns(&fixture).await;
    let store = SqliteSummaryStore::new(fixture.database.clone());
    store
        .save(id, summary("one", 1), ItemId(1), at(5))
        .await
        .unwrap();
    // The bot's own limit leaves what the summary says of the deleted items.
    let gone = fixture.conversations().trim_to(id, 2).await.unwrap();
    assert_eq!((gone, text(&store, id).await.as_deref()), (1, Some("one")));
    // A summary of them that was under way meanwhile is too late.
    store
        .save(id, summary("two", 2), ItemId(1), at(6))
        .await
        .unwrap();
    assert_eq!(text(&store, id).await.as_deref(), Some("one"));
    // What a person has forgotten goes with its summary.
    let turn = fixture.begin(4, "forget it").await;
    let call = ToolCall {
        id: CallId::new("a"),
        name: "chat_history_trim".into(),
        arguments: "{}".into(),
    };
    let asked = AskedChange {
        audit: audit_of(&call),
        call,
        change: Change::TrimHistory {
            conversation: id,
            keep: 0,
        },
        describe: Box::new(|_| ToolResult::ok(json!({}))),
    };
    fixture
        .journal()
        .apply(turn.id, asked, at(7))
        .await
        .unwrap();
    assert_eq!(text(&store, id).await, None);
    store
        .save(id, summary("three", 3), ItemId(2), at(8))
        .await
        .unwrap();
    assert_eq!(text(&store, id).await, None);
}
