//! How turns end on a real database, what they leave in the conversation, and how they are run again.
#![allow(clippy::unwrap_used, clippy::panic)]

use minibot::core::conversation::{ConversationStore, Item};
use minibot::core::error::StoreError;
use minibot::core::ids::{OccurrenceId, TurnId};
use minibot::core::inbox::InboxStore;
use minibot::core::jobs::OccurrenceState;
use minibot::core::journal::{JournalEntry, Receipt, RunningTurn, TurnEnd, TurnJournal, TurnState};
use minibot::core::label::Labels;
use minibot::core::turn::{Fact, StopReason};

use super::sqlite_fixture::{
    Fixture, answer, at, audited, chat, end, finished, message, pending, saying, target,
};

#[tokio::test]
async fn a_turn_ends_once() {
    let fixture = Fixture::new().await;
    let turn = fixture.begin(1, "one").await;
    let journal = fixture.journal();
    for text in ["first", "second"] {
        let stopped = Fact::Stopped {
            reason: StopReason::Person,
        };
        let over = TurnEnd {
            facts: vec![stopped],
            finished_calls: Vec::new(),
            ..end(TurnState::Answered, vec![answer(text)])
        };
        journal.end(turn.id, over, at(1)).await.unwrap();
    }
    assert_eq!(pending(&fixture).await, ["first"]);
    assert_eq!(
        fixture.column("SELECT state FROM turns").await,
        ["answered"]
    );
    assert_eq!(fixture.column("SELECT state FROM inbox").await, ["done"]);
    assert_eq!(fixture.column("SELECT role FROM items").await, ["user"]);
    assert_eq!(fixture.column("SELECT fact FROM turn_facts").await.len(), 1);
    assert!(journal.unfinished().await.unwrap().is_empty());
    // Nothing can happen in it any more.
    let late = journal.append(turn.id, saying(&["late"]), at(2)).await;
    assert!(matches!(late, Err(StoreError::Failed(_))), "{late:?}");
    assert!(
        journal
            .append(TurnId(77), saying(&[]), at(2))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_answer_without_words_is_withdrawn() {
    for (shown, expected) in [
        ("SELECT 1", "withdrawn -"),
        (
            "UPDATE outbox SET message = '99'",
            "failed the turn ended before the answer was whole",
        ),
    ] {
        let fixture = Fixture::new().await;
        let turn = fixture.begin(1, "one").await;
        fixture.execute(shown).await;
        fixture
            .journal()
            .end(turn.id, end(TurnState::Stopped, vec![]), at(1))
            .await
            .unwrap();
        let rows = "SELECT state || ' ' || coalesce(error, '-') FROM outbox WHERE done_at > 0";
        assert_eq!(fixture.column(rows).await, [expected]);
        assert_eq!(fixture.column("SELECT state FROM turns").await, ["stopped"]);
    }
}

#[tokio::test]
async fn a_scheduled_turn_signs_its_receipt() {
    let fixture = Fixture::new().await;
    fixture.execute(
        "INSERT INTO jobs (id, channel, chat, thread, chat_kind, creator, title, content, role, schedule, metadata, status, next_run, created_at, updated_at, labels) VALUES (1, 'telegram', '7', '', 'private', '{}', NULL, 'x', 'user', '{}', NULL, 'active', 0, 0, 0, '[]');
         INSERT INTO occurrences (id, job, slot, state, attempts, lease_until, recorded_at)
         VALUES (5, 1, 0, 'running', 1, 99, 0)",
    ).await;
    let turn = fixture.begin(1, "one").await;
    let receipt = Receipt {
        occurrence: OccurrenceId(5),
        state: OccurrenceState::Failed,
        reason: Some("no model answered".into()),
        retry_at: None,
    };
    let over = TurnEnd {
        receipt: Some(receipt),
        ..end(TurnState::Failed, vec![])
    };
    fixture.journal().end(turn.id, over, at(1)).await.unwrap();
    let signed = "SELECT state || ' ' || reason || ' ' || (lease_until IS NULL) FROM occurrences";
    assert_eq!(fixture.column(signed).await, ["failed no model answered 1"]);
}

/// Begins and ends a turn.
async fn turn_that(fixture: &Fixture, number: i64, state: TurnState) -> RunningTurn {
    let turn = fixture.begin(number, "hello").await;
    fixture
        .journal()
        .end(turn.id, end(state, vec![answer("said")]), at(number))
        .await
        .unwrap();
    turn
}

#[tokio::test]
async fn a_conversation_is_trimmed_by_whole_turns() {
    let fixture = Fixture::new().await;
    let mut turns = Vec::new();
    for number in 1..=3 {
        let turn = fixture.begin(number, "hello").await;
        let reply = Item::Assistant {
            text: "hi".into(),
            calls: vec![],
            continuation: None,
            labels: Labels::default(),
        };
        let mut over = end(TurnState::Answered, vec![answer("hi")]);
        over.items.push(reply);
        fixture
            .journal()
            .end(turn.id, over, at(number))
            .await
            .unwrap();
        turns.push(turn);
    }
    let id = turns[0].conversation.id;
    let store = fixture.conversations();
    for (keep, removed) in [(6, 0), (3, 4), (2, 0), (0, 2)] {
        assert_eq!(store.trim_to(id, keep).await.unwrap(), removed, "{keep}");
    }
    assert_eq!(store.count_items(id).await.unwrap(), 0);
}

#[tokio::test]
async fn what_somebody_wrote_last_is_opened_again_or_asked_again() {
    let fixture = Fixture::new().await;
    let journal = fixture.journal();
    let reopen = async |row| journal.reopen(&target(), row, at(2)).await.unwrap();
    let asks = fixture.receive(20, "/retry").await;
    assert!(reopen(asks).await.is_none());
    let failed = turn_that(&fixture, 1, TurnState::Failed).await;
    let elsewhere = journal.reopen(&chat("8"), asks, at(2)).await;
    assert!(elsewhere.unwrap().is_none());
    let again = reopen(asks).await.unwrap();
    assert_eq!(
        (again.id, &again.inbox[0].incoming),
        (failed.id, &failed.inbox[0].incoming)
    );
    // A crash from here on does not find it once more.
    assert!(fixture.inbox().get(asks).await.unwrap().is_none());
    let asks = fixture.receive(21, "/retry").await;
    assert!(reopen(asks).await.is_none(), "it runs");
    assert!(fixture.inbox().get(asks).await.unwrap().is_some());
    let items = fixture
        .conversations()
        .count_items(failed.conversation.id)
        .await
        .unwrap();
    assert_eq!(items, 0);
    journal
        .end(again.id, end(TurnState::Failed, vec![]), at(2))
        .await
        .unwrap();
    let answered = turn_that(&fixture, 3, TurnState::Answered).await;
    let of_another = "UPDATE inbox SET sender = 'another' WHERE turn = (SELECT max(id) FROM turns)";
    for (number, state) in [(4, TurnState::Answered), (5, TurnState::Failed)] {
        turn_that(&fixture, number, state).await;
        fixture.execute(of_another).await;
        let asks = fixture.receive(30 + number, "/retry").await;
        let again = reopen(asks).await.unwrap();
        assert_ne!(again.id, answered.id, "something was said since");
        assert_ne!(again.inbox[0].id, answered.inbox[0].id);
        assert_eq!(again.inbox[0].incoming, answered.inbox[0].incoming);
        assert_eq!(again.facts, []);
        assert!(fixture.inbox().get(asks).await.unwrap().is_none());
        journal
            .end(again.id, end(TurnState::Answered, vec![]), at(4))
            .await
            .unwrap();
    }
    fixture
        .execute("UPDATE inbox SET sender = 'another' WHERE turn IS NOT NULL")
        .await;
    let asks = fixture.receive(22, "/retry").await;
    assert!(reopen(asks).await.is_none(), "others wrote all that");
}

#[tokio::test]
async fn what_was_done_stays_done_when_a_turn_is_opened_again() {
    let fixture = Fixture::new().await;
    let journal = fixture.journal();
    let turn = fixture.begin(1, "one").await;
    let (call, facts) = finished("call", "save_note");
    let entry = JournalEntry {
        facts: facts.clone(),
        finished_calls: vec![audited(&call)],
        ..JournalEntry::default()
    };
    journal.append(turn.id, entry, at(1)).await.unwrap();
    let mut over = end(TurnState::Failed, vec![answer("no answer")]);
    over.facts = vec![Fact::Stopped {
        reason: StopReason::Deadline,
    }];
    journal.end(turn.id, over, at(2)).await.unwrap();
    let asks = fixture.receive(2, "/retry").await;
    let again = journal.reopen(&target(), asks, at(3)).await.unwrap();
    let again = again.unwrap();
    assert_eq!(again.facts, [facts, vec![Fact::Reopened]].concat());
    assert_ne!(again.answer.row, turn.answer.row, "it answers anew");
}

#[tokio::test]
async fn an_album_can_be_opened_again() {
    let fixture = Fixture::new().await;
    let album = vec![
        message(1, "a").part_of("x").arrival(),
        message(2, "b").part_of("x").arrival(),
    ];
    fixture.inbox().add(album).await.unwrap();
    let rows = fixture.inbox().next(&target()).await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let turn = fixture.journal().begin(&ids, at(1)).await.unwrap().unwrap();
    fixture
        .journal()
        .end(turn.id, end(TurnState::Failed, vec![]), at(2))
        .await
        .unwrap();
    let journal = fixture.journal();
    let asks = fixture.receive(3, "/retry").await;
    let again = journal.reopen(&target(), asks, at(3)).await.unwrap();
    assert_eq!(again.unwrap().inbox.len(), 2);
    journal
        .end(turn.id, end(TurnState::Answered, vec![]), at(4))
        .await
        .unwrap();
    let asks = fixture.receive(4, "/retry").await;
    let anew = journal.reopen(&target(), asks, at(5)).await.unwrap();
    let anew = anew.unwrap();
    assert_ne!(anew.id, turn.id);
    let texts = anew.inbox.iter().map(|row| row.incoming.message());
    let texts: Vec<_> = texts
        .map(|message| message.unwrap().text.as_str())
        .collect();
    assert_eq!(texts, ["a", "b"]);
}

#[tokio::test]
async fn a_conversation_goes_on_until_it_is_closed() {
    let fixture = Fixture::new().await;
    assert_eq!(
        fixture.conversations().current(&target()).await.unwrap(),
        None
    );
    let first = fixture.begin(1, "one").await;
    let second = fixture.begin(2, "two").await;
    assert_eq!(first.conversation, second.conversation);
    let current = fixture.conversations().current(&target()).await.unwrap();
    assert_eq!(current.as_ref(), Some(&first.conversation));
    fixture
        .conversations()
        .close(&target(), at(3))
        .await
        .unwrap();
    assert_eq!(
        fixture.conversations().current(&target()).await.unwrap(),
        None
    );
    assert_ne!(
        fixture.begin(4, "three").await.conversation.id,
        first.conversation.id
    );
    // A turn that began before still ends in the conversation in which it began.
    fixture
        .journal()
        .end(first.id, end(TurnState::Answered, vec![]), at(5))
        .await
        .unwrap();
    assert_eq!(
        fixture
            .conversations()
            .count_items(first.conversation.id)
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn the_newest_items_come_oldest_first() {
    let fixture = Fixture::new().await;
    let turn = fixture.begin(1, "one").await;
    let item = |n: u32| Item::Assistant {
        text: n.to_string(),
        calls: vec![],
        continuation: None,
        labels: Labels::default(),
    };
    let items = (0..5).map(item).collect();
    let over = TurnEnd {
        items,
        ..end(TurnState::Answered, vec![answer("five")])
    };
    fixture.journal().end(turn.id, over, at(1)).await.unwrap();
    let store = fixture.conversations();
    let newest = store.newest_items(turn.conversation.id, 2).await.unwrap();
    assert_eq!(newest, [item(3), item(4)]);
    assert_eq!(store.count_items(turn.conversation.id).await.unwrap(), 5);
}
