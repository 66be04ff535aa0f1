//! What waits for its next attempt in the outbox: on a clock that was set, and while its words change.
#![allow(clippy::unwrap_used, clippy::panic)]

use chrono::TimeDelta;
use minibot::core::delivery::Certainty;
use minibot::core::outbox::{OutboxStore, Outgoing};

use super::sqlite_fixture::{Fixture, chat};
use super::sqlite_outbox::{add, attempt, heads, outbox, retry, row, texts};

#[tokio::test]
async fn what_waits_goes_on_waiting_unless_the_clock_was_set_back() {
    let fixture = Fixture::new().await;
    let store = outbox(&fixture);
    let rows = ["a", "b", "c"].map(|name| row(chat(name), name));
    let ids = add(&store, rows.to_vec()).await;
    for (id, minute) in ids.into_iter().zip([3, 3, 3 * 24 * 60]) {
        attempt(&store, id, retry(minute, Certainty::NotSent)).await;
    }
    // The second was written by a clock that was ahead; as long as the third nothing has to wait.
    fixture
        .execute("UPDATE outbox SET created_at = created_at + 60000 WHERE id = 2")
        .await;
    assert!(texts(&store, 2).await.is_empty());
    store.recover().await.unwrap();
    assert_eq!(texts(&store, 2).await, ["b", "c"]);
    assert_eq!(texts(&store, 3).await, ["a", "b", "c"]);
    store.hasten(TimeDelta::minutes(2)).await.unwrap();
    assert_eq!(texts(&store, 0).await, ["b", "c"]);
    assert_eq!(texts(&store, 1).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_start_tells_what_a_row_says_where_it_has_changed() {
    let fixture = Fixture::new().await;
    let store = outbox(&fixture);
    let rows = vec![row(chat("1"), "a"), row(chat("2"), "b")];
    let ids = add(&store, rows).await;
    let known = heads(&store, 0).await;
    fixture
        .execute("UPDATE outbox SET content = replace(content, 'b', 'c') WHERE chat = '2'")
        .await;
    let mut told = Vec::new();
    for (id, row) in ids.into_iter().zip(&known) {
        told.push(store.start(id, Some(&row.content)).await.unwrap());
    }
    assert_eq!(told, [None, Some(Outgoing::plain("c"))]);
}
