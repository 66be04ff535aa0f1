//! Changes on a real database, each made by a call of a running turn.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use minibot::core::change::{Change, ChangeOutcome};
use minibot::core::conversation::{ConversationStore, Item};
use minibot::core::ids::{CallId, TurnId};
use minibot::core::journal::{AskedChange, TurnEnd, TurnJournal, TurnState};
use minibot::core::label::Labels;
use minibot::core::tool::{ToolCall, ToolResult};
use serde_json::json;

use super::sqlite_fixture::{Fixture, at, audit_of, end, target};

/// A database with a turn that makes changes.
pub struct Changes {
    pub fixture: Fixture,
    turn: TurnId,
}

impl Changes {
    pub async fn new() -> Self {
        Self::of(Fixture::new().await).await
    }

    /// The same on a database that holds something.
    pub async fn of(fixture: Fixture) -> Self {
        let turn = fixture.begin(1, "hello").await.id;
        Self { fixture, turn }
    }

    /// Makes a change and says what came of it.
    pub async fn apply(&self, change: Change, now: DateTime<Utc>) -> ChangeOutcome {
        let call = ToolCall {
            id: CallId::new("c"),
            name: "note".into(),
            arguments: "{}".into(),
        };
        let seen = Arc::new(Mutex::new(None));
        let keep = seen.clone();
        let describe = Box::new(move |outcome| {
            *keep.lock().unwrap() = Some(outcome);
            ToolResult::ok(json!({}))
        });
        self.fixture
            .journal()
            .apply(
                self.turn,
                AskedChange {
                    audit: audit_of(&call),
                    call,
                    change,
                    describe,
                },
                now,
            )
            .await
            .unwrap();
        seen.lock().unwrap().take().unwrap()
    }
}

/// Two turns: of two items, and of four with a tool call.
fn turns() -> Vec<Vec<Item>> {
    let user = || Item::said("?");
    let assistant = || Item::Assistant {
        text: "!".into(),
        calls: Vec::new(),
        continuation: None,
        labels: Labels::default(),
    };
    let result = ToolResult::ok(json!({}));
    let tool = Item::Tool {
        call: CallId::new("c"),
        name: "t".into(),
        result,
        labels: Labels::default(),
    };
    vec![
        vec![user(), assistant()],
        vec![user(), assistant(), tool, assistant()],
    ]
}

/// How many are to be kept, and how many are.
const TRIMS: [(u64, u64); 9] = [
    (0, 0),
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 4),
    (5, 4),
    (6, 6),
    (7, 6),
    (u64::MAX, 6),
];

#[tokio::test]
async fn trimming_never_cuts_a_turn_in_two() {
    for (keep, remaining) in TRIMS {
        let mut changes = Changes::new().await;
        for (number, items) in (2..).zip(turns()) {
            let end = TurnEnd {
                items,
                ..end(TurnState::Answered, Vec::new())
            };
            changes
                .fixture
                .journal()
                .end(changes.turn, end, at(number))
                .await
                .unwrap();
            changes.turn = changes.fixture.begin(number, "more").await.id;
        }
        let conversations = changes.fixture.conversations();
        let conversation = conversations.current(&target()).await.unwrap().unwrap().id;
        let trimmed = changes
            .apply(Change::TrimHistory { conversation, keep }, at(9))
            .await;
        let removed = 6 - remaining;
        assert_eq!(
            trimmed,
            ChangeOutcome::Trimmed { removed, remaining },
            "keep {keep}"
        );
        let items = conversations.newest_items(conversation, 10).await.unwrap();
        assert_eq!(items.len() as u64, remaining);
        assert!(
            items
                .first()
                .is_none_or(|item| matches!(item, Item::User { .. }))
        );
    }
}
