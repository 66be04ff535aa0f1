//! The inbox on a real database.
#![allow(clippy::unwrap_used, clippy::panic)]

use minibot::core::channel::{ChatTarget, Sender};
use minibot::core::error::StoreError;
use minibot::core::ids::{InboxId, ThreadId, UserId};
use minibot::core::inbox::{Arrival, Arrived, InboxRow, InboxStore, Stored};
use minibot::core::journal::TurnJournal;
use minibot::core::outbox::{NewOutbox, Outgoing};

use super::sqlite_fixture::{Fixture, answer, at, chat, message, target};

fn texts(rows: &[InboxRow]) -> Vec<&str> {
    rows.iter()
        .map(|row| row.incoming.message().unwrap().text.as_str())
        .collect()
}

async fn next(fixture: &Fixture) -> Vec<InboxRow> {
    fixture.inbox().next(&target()).await.unwrap()
}

#[tokio::test]
async fn a_second_delivery_changes_nothing() {
    let fixture = Fixture::new().await;
    let hello = || message(1, "hello").arrival();
    let stored = fixture.inbox().add(vec![hello(), hello()]).await.unwrap();
    assert!(
        matches!(stored[..], [Stored::Queued(_), Stored::Duplicate]),
        "{stored:?}"
    );
    assert_eq!(
        fixture.inbox().add(vec![hello()]).await.unwrap(),
        [Stored::Duplicate]
    );
    assert_eq!(fixture.inbox().count_waiting().await.unwrap(), 1);
    // The same number from another source is another thing.
    let other = Arrival {
        source: "telegram:2".into(),
        ..hello()
    };
    assert!(matches!(
        fixture.inbox().add(vec![other]).await.unwrap()[..],
        [Stored::Queued(_)]
    ));
}

#[tokio::test]
async fn an_edit_changes_the_message_that_waits() {
    let fixture = Fixture::new().await;
    let id = fixture.receive(1, "helo").await;
    fixture.receive(2, "are you there").await;
    let edit = message(1, "helo").edited(3, "hello").arrival();
    assert_eq!(
        fixture.inbox().add(vec![edit]).await.unwrap(),
        [Stored::Amended(id)]
    );
    assert_eq!(texts(&next(&fixture).await), ["hello"]);
    assert_eq!(fixture.inbox().count_waiting().await.unwrap(), 2);
    // An edit can come in the same batch as its message, and after another edit.
    let batch = vec![
        message(4, "a").arrival(),
        message(4, "a").edited(5, "b").arrival(),
        message(4, "a").edited(6, "c").arrival(),
    ];
    let stored = fixture.inbox().add(batch).await.unwrap();
    let [
        Stored::Queued(id),
        Stored::Amended(first),
        Stored::Amended(second),
    ] = stored[..]
    else {
        panic!("{stored:?}")
    };
    assert_eq!((first, second), (id, id));
    let row = fixture.inbox().get(id).await.unwrap().unwrap();
    assert_eq!(texts(&[row]), ["c"]);
}

#[tokio::test]
async fn an_edit_of_anything_else_is_only_kept() {
    let fixture = Fixture::new().await;
    fixture.begin(1, "answered by now").await;
    fixture
        .inbox()
        .add(vec![message(2, "elsewhere").said_in(chat("8")).arrival()])
        .await
        .unwrap();
    for (update, edited) in [(11, 1), (12, 2), (13, 3)] {
        let edit = message(edited, "old").edited(update, "new").arrival();
        assert_eq!(
            fixture.inbox().add(vec![edit]).await.unwrap(),
            [Stored::Kept],
            "{edited}"
        );
    }
    assert_eq!(next(&fixture).await.len(), 0);
    let elsewhere = fixture.inbox().next(&chat("8")).await.unwrap();
    assert_eq!(texts(&elsewhere), ["elsewhere"]);
}

#[tokio::test]
async fn an_album_is_handled_as_one() {
    let fixture = Fixture::new().await;
    let batch = vec![
        message(1, "one").part_of("x").arrival(),
        message(2, "between").arrival(),
        message(3, "three").part_of("x").arrival(),
        message(4, "other album").part_of("y").arrival(),
        message(5, "other chat")
            .part_of("x")
            .said_in(chat("8"))
            .arrival(),
        message(3, "").edited(6, "three, better").arrival(),
    ];
    fixture.inbox().add(batch).await.unwrap();
    for expected in [
        vec!["one", "three, better"],
        vec!["between"],
        vec!["other album"],
        vec![],
    ] {
        let rows = next(&fixture).await;
        assert_eq!(texts(&rows), expected);
        let ids: Vec<InboxId> = rows.iter().map(|row| row.id).collect();
        let begun = fixture.journal().begin(&ids, at(0)).await.unwrap();
        assert_eq!(begun.is_some(), !ids.is_empty());
    }
}

/// The same part of an album, which does not say whom it is for.
fn unaddressed(arrival: Arrival) -> Arrival {
    match arrival.content {
        Arrived::Welcome { raw, incoming } => Arrival {
            content: Arrived::Held { raw, incoming },
            ..arrival
        },
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn parts_of_an_album_wait_for_the_one_that_is_meant() {
    let fixture = Fixture::new().await;
    let inbox = fixture.inbox();
    let part = |update, text: &str| message(update, text).part_of("x").arrival();
    let batch = vec![
        unaddressed(part(1, "one")),
        unaddressed(message(2, "other").part_of("y").arrival()),
        unaddressed(
            message(3, "elsewhere")
                .part_of("x")
                .said_in(chat("8"))
                .arrival(),
        ),
    ];
    let stored = inbox.add(batch).await.unwrap();
    assert_eq!(stored, [Stored::Held, Stored::Held, Stored::Held]);
    assert!(next(&fixture).await.is_empty());
    let again = inbox.add(vec![unaddressed(part(1, "one"))]).await.unwrap();
    assert_eq!(again, [Stored::Duplicate]);
    // Nothing of it stands where everything else stands.
    let inbox_says = "SELECT coalesce(raw, incoming, album, '') || chat || sender FROM inbox";
    assert_eq!(fixture.column(inbox_says).await, ["", "", ""]);
    inbox.add(vec![part(4, "meant")]).await.unwrap();
    let late = inbox.add(vec![unaddressed(part(5, "late"))]).await.unwrap();
    assert!(matches!(late[..], [Stored::Queued(_)]), "{late:?}");
    let rows = next(&fixture).await;
    assert_eq!(texts(&rows), ["one", "meant", "late"]);
    let ids: Vec<InboxId> = rows.iter().map(|row| row.id).collect();
    fixture.journal().begin(&ids, at(0)).await.unwrap().unwrap();
    let later = inbox
        .add(vec![unaddressed(part(6, "later"))])
        .await
        .unwrap();
    assert!(matches!(later[..], [Stored::Queued(_)]), "{later:?}");
    assert_eq!(texts(&next(&fixture).await), ["later"]);
    // The others are forgotten, and only what was held by then.
    let fixture = fixture.after_crash().await;
    let inbox = fixture.inbox();
    let held = async || fixture.column("SELECT album || chat FROM held_parts").await;
    assert_eq!(held().await, ["y7", "x8"]);
    let before = at(0) - chrono::TimeDelta::milliseconds(1);
    assert_eq!(inbox.forget_held(before).await.unwrap(), 0);
    assert_eq!(inbox.forget_held(at(0)).await.unwrap(), 2);
    assert!(held().await.is_empty());
}

#[tokio::test]
async fn of_strangers_little_is_kept() {
    let fixture = Fixture::new().await;
    let stranger = |update| Arrival {
        source: "telegram:1".into(),
        external_id: update,
        kind: "message".into(),
        content: Arrived::Stranger {
            target: chat("66"),
            sender: Sender {
                user: UserId::new("66"),
                name: "Eve".into(),
            },
            notice: Some(Box::new(NewOutbox {
                dedupe_key: Some("stranger:66:today".into()),
                ..NewOutbox::notice(chat("66"), Outgoing::plain("This bot is private"))
            })),
        },
    };
    let stored = fixture
        .inbox()
        .add(vec![stranger(1), stranger(1), stranger(2)])
        .await
        .unwrap();
    assert_eq!(stored, [Stored::Kept, Stored::Duplicate, Stored::Kept]);
    let kept = "SELECT state || ' ' || chat || ' ' || sender || ' ' || (raw IS NULL AND incoming IS NULL) FROM inbox";
    assert_eq!(fixture.column(kept).await, ["stranger 66 66 1"; 2]);
    assert_eq!(
        fixture.column("SELECT state FROM outbox").await,
        ["pending"]
    );
    assert_eq!(fixture.inbox().waiting_targets().await.unwrap(), []);
}

#[tokio::test]
async fn what_cannot_be_acted_on_is_kept_and_blocks_nothing() {
    let fixture = Fixture::new().await;
    let arrival = |update, content| Arrival {
        source: "telegram:1".into(),
        external_id: update,
        kind: "poll".into(),
        content,
    };
    let batch = vec![
        arrival(
            1,
            Arrived::Unreadable {
                raw: "{".into(),
                error: "not an update".into(),
            },
        ),
        arrival(2, Arrived::Ignored { raw: None }),
        arrival(
            3,
            Arrived::Ignored {
                raw: Some("{}".into()),
            },
        ),
    ];
    assert_eq!(
        fixture.inbox().add(batch).await.unwrap(),
        [Stored::Kept, Stored::Kept, Stored::Kept]
    );
    let kept = "SELECT state || coalesce(' ' || raw, '') || coalesce(' ' || error, '') FROM inbox ORDER BY id";
    let expected = ["unreadable { not an update", "ignored", "ignored {}"];
    assert_eq!(fixture.column(kept).await, expected);
    assert_eq!(fixture.inbox().count_waiting().await.unwrap(), 0);
}

#[tokio::test]
async fn a_row_is_finished_once() {
    let fixture = Fixture::new().await;
    let id = fixture.receive(1, "/help").await;
    let inbox = fixture.inbox();
    let (one, two) = tokio::join!(
        inbox.finish(id, vec![answer("Commands"), answer("Examples")]),
        inbox.finish(id, vec![answer("Commands")]),
    );
    assert_eq!((one, two), (Ok(true), Ok(false)));
    assert_eq!(
        fixture.column("SELECT state FROM outbox").await,
        ["pending", "pending"]
    );
    assert!(inbox.get(id).await.unwrap().is_none());
    assert!(
        fixture
            .journal()
            .begin(&[id], at(0))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn waiting_targets_come_oldest_first_and_topics_are_apart() {
    let fixture = Fixture::new().await;
    let topic = ChatTarget {
        thread: Some(ThreadId::new("5")),
        ..chat("1")
    };
    let batch = vec![
        message(1, "a").said_in(chat("9")).arrival(),
        message(2, "b").said_in(topic.clone()).arrival(),
        message(3, "c").said_in(chat("1")).arrival(),
        message(4, "d").said_in(chat("9")).arrival(),
    ];
    fixture.inbox().add(batch).await.unwrap();
    let targets = fixture.inbox().waiting_targets().await.unwrap();
    assert_eq!(targets, [chat("9"), topic.clone(), chat("1")]);
    assert_eq!(texts(&fixture.inbox().next(&topic).await.unwrap()), ["b"]);
    assert_eq!(
        texts(&fixture.inbox().next(&chat("1")).await.unwrap()),
        ["c"]
    );
}

#[tokio::test]
async fn a_row_that_does_not_read_is_named_and_blocks_nothing() {
    for broken in [
        "UPDATE inbox SET incoming = '{}'",
        "UPDATE inbox SET incoming = NULL",
    ] {
        let fixture = Fixture::new().await;
        let id = fixture.receive(1, "hello").await;
        fixture.execute(broken).await;
        let error = fixture.inbox().get(id).await.unwrap_err();
        let StoreError::Corrupt(reason) = error else {
            panic!("{error}")
        };
        assert!(reason.starts_with(&format!("inbox {id}: ")), "{reason}");
        let batch = vec![
            message(1, "hello").edited(2, "hi").arrival(),
            message(3, "you").arrival(),
        ];
        let stored = fixture.inbox().add(batch).await.unwrap();
        assert!(
            matches!(stored[..], [Stored::Kept, Stored::Queued(_)]),
            "{stored:?}"
        );
        assert_eq!(texts(&next(&fixture).await), ["you"]);
        let states = fixture.column("SELECT state FROM inbox ORDER BY id").await;
        assert_eq!(states, ["unreadable", "ignored", "waiting"]);
    }
}
