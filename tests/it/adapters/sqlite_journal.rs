//! The turn journal on a real database: each step is whole or not there, whatever happens.
#![allow(clippy::unwrap_used, clippy::panic)]

use minibot::core::ids::{CallId, MessageId};
use minibot::core::inbox::InboxStore;
use minibot::core::journal::{JournalEntry, OpenAnswer, TurnJournal, TurnState};
use minibot::core::outbox::NewOutbox;
use minibot::core::turn::Fact;

use super::sqlite_fixture::{
    Fixture, answer, at, audited, end, finished, open_rows, pending, saying,
};

#[tokio::test]
async fn rows_are_taken_once() {
    let fixture = Fixture::new().await;
    let one = fixture.receive(1, "one").await;
    let two = fixture.receive(2, "two").await;
    let journal = fixture.journal();
    let ids = [one, two];
    let (first, second) = tokio::join!(journal.begin(&ids, at(0)), journal.begin(&ids, at(0)));
    let turn = first.unwrap().unwrap();
    assert!(second.unwrap().is_none());
    assert_eq!(turn.inbox.iter().map(|row| row.id).collect::<Vec<_>>(), ids);
    assert_eq!(open_rows(&fixture).await, [turn.answer.row.to_string()]);
    // One that waits does not go along with one that does not.
    let three = fixture.receive(3, "three").await;
    assert!(journal.begin(&[two, three], at(0)).await.unwrap().is_none());
    assert!(journal.begin(&[], at(0)).await.unwrap().is_none());
    assert_eq!(fixture.inbox().count_waiting().await.unwrap(), 1);
}

#[tokio::test]
async fn a_crash_loses_nothing_that_was_written() {
    let fixture = Fixture::new().await;
    let turn = fixture.begin(1, "one").await;
    let over = fixture.begin(2, "two").await;
    fixture
        .journal()
        .end(over.id, end(TurnState::Answered, vec![]), at(2))
        .await
        .unwrap();
    let (call, facts) = finished("a", "web_fetch");
    let started = Fact::ToolStarted {
        call: CallId::new("b"),
    };
    let entry = JournalEntry {
        facts: facts.clone(),
        finished_calls: vec![audited(&call)],
        ..saying(&["wait"])
    };
    let open = fixture
        .journal()
        .append(turn.id, entry, at(3))
        .await
        .unwrap();
    let entry = JournalEntry {
        facts: vec![started.clone()],
        ..JournalEntry::default()
    };
    fixture
        .journal()
        .append(turn.id, entry, at(4))
        .await
        .unwrap();

    let fixture = fixture.after_crash().await;
    let found = fixture.journal().unfinished().await.unwrap();
    let [found] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(found.id, turn.id);
    assert_eq!(found.facts, [&facts[..], &[started]].concat());
    assert_eq!(found.conversation, turn.conversation);
    assert_eq!(found.started_at, turn.started_at);
    assert_eq!(found.inbox[0].incoming, turn.inbox[0].incoming);
    assert_eq!(found.answer, open);
}

#[tokio::test]
async fn a_lost_open_answer_is_opened_again() {
    let fixture = Fixture::new().await;
    fixture.begin(1, "one").await;
    fixture.execute("UPDATE outbox SET state = 'failed'").await;
    let found = fixture.journal().unfinished().await.unwrap();
    assert_eq!(open_rows(&fixture).await, [found[0].answer.row.to_string()]);
    // Asking again opens no other.
    fixture.journal().unfinished().await.unwrap();
    assert_eq!(open_rows(&fixture).await.len(), 1);
}

#[tokio::test]
async fn what_is_said_fills_the_open_answer_and_opens_another() {
    let fixture = Fixture::new().await;
    let turn = fixture.begin(1, "one").await;
    let mut open = turn.answer.clone();
    for (said, keeps) in [
        (&["a"][..], false),
        (&[], true),
        (&["b", "c"], false),
        (&["d"], false),
    ] {
        let now = fixture
            .journal()
            .append(turn.id, saying(said), at(1))
            .await
            .unwrap();
        assert_eq!(now == open, keeps, "{said:?}");
        assert!(
            keeps || now.row > open.row,
            "it must come after what was said before"
        );
        assert_eq!(open_rows(&fixture).await, [now.row.to_string()]);
        open = now;
    }
    let over = end(TurnState::Answered, vec![answer("e"), answer("f")]);
    fixture.journal().end(turn.id, over, at(2)).await.unwrap();
    assert_eq!(open_rows(&fixture).await, [""; 0]);
    assert_eq!(pending(&fixture).await, ["a", "b", "c", "d", "e", "f"]);
    assert_eq!(
        fixture
            .column("SELECT DISTINCT CAST(turn AS TEXT) FROM outbox")
            .await,
        ["1"]
    );
}

#[tokio::test]
async fn an_answer_goes_on_in_the_message_that_shows_it() {
    let fixture = Fixture::new().await;
    let turn = fixture.begin(1, "one").await;
    fixture.execute("UPDATE outbox SET message = '99'").await;
    let shown = OpenAnswer {
        row: turn.answer.row,
        message: Some(MessageId::new("99")),
    };
    let open = fixture
        .journal()
        .append(turn.id, saying(&[]), at(1))
        .await
        .unwrap();
    assert_eq!(open, shown);
    let open = fixture
        .journal()
        .append(turn.id, saying(&["a"]), at(1))
        .await
        .unwrap();
    assert_eq!(open.message, None);
    let shown = "SELECT state || ' ' || message FROM outbox WHERE message IS NOT NULL";
    assert_eq!(fixture.column(shown).await, ["pending 99"]);
}

#[tokio::test]
async fn the_same_key_is_said_once() {
    let fixture = Fixture::new().await;
    let turn = fixture.begin(1, "one").await;
    let once = |text| NewOutbox {
        dedupe_key: Some("k".into()),
        ..answer(text)
    };
    let entry = |said| JournalEntry {
        said,
        ..JournalEntry::default()
    };
    let journal = fixture.journal();
    journal
        .append(turn.id, entry(vec![once("a"), once("again")]), at(1))
        .await
        .unwrap();
    journal
        .append(turn.id, entry(vec![once("again"), answer("b")]), at(2))
        .await
        .unwrap();
    assert_eq!(pending(&fixture).await, ["a", "b"]);
    assert_eq!(open_rows(&fixture).await.len(), 1);
    journal
        .end(
            turn.id,
            end(TurnState::Answered, vec![once("again")]),
            at(3),
        )
        .await
        .unwrap();
    assert_eq!(open_rows(&fixture).await, [""; 0]);
}

#[tokio::test]
async fn a_turn_that_does_not_read_fails_and_stops_no_other() {
    let fixture = Fixture::new().await;
    let broken = fixture.begin(1, "one").await;
    let whole = fixture.begin(2, "two").await;
    let entry = JournalEntry {
        facts: finished("a", "b").1,
        ..JournalEntry::default()
    };
    fixture
        .journal()
        .append(broken.id, entry, at(1))
        .await
        .unwrap();
    fixture
        .execute("UPDATE turn_facts SET fact = '{}' WHERE seq = 2")
        .await;
    let found = fixture.journal().unfinished().await.unwrap();
    assert_eq!(
        found.iter().map(|turn| turn.id).collect::<Vec<_>>(),
        [whole.id]
    );
    assert_eq!(
        fixture.column("SELECT state FROM turns ORDER BY id").await,
        ["failed", "running"]
    );
    assert_eq!(open_rows(&fixture).await, [whole.answer.row.to_string()]);
    let told = pending(&fixture).await;
    assert!(
        matches!(&told[..], [told] if told.starts_with("Something broke")),
        "{told:?}"
    );
}
