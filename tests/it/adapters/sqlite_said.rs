//! What the messages of the outbox were made of.
#![allow(clippy::unwrap_used, clippy::panic)]

use minibot::core::channel::ChatTarget;
use minibot::core::ids::MessageId;
use minibot::core::label::{Labels, Source};
use minibot::core::outbox::{NewOutbox, OutboxStore, Outgoing};

use super::sqlite_fixture::{Fixture, chat};
use super::sqlite_outbox::{add, attempt, outbox, row, sent};

#[tokio::test]
async fn where_a_message_comes_from_is_known_with_all_its_changes() {
    let fixture = Fixture::new().await;
    let store = outbox(&fixture);
    let web = || {
        Labels::of(Source::Web {
            host: "a.org".into(),
        })
    };
    let card = row(chat("1"), "stretch").labelled(Labels::default());
    let ids = add(&store, vec![card, row(chat("1"), "a list")]).await;
    attempt(&store, ids[0], sent("7")).await;
    attempt(&store, ids[1], sent("8")).await;
    let labels = async |place: ChatTarget, message: &str| {
        let message = MessageId::new(message);
        store
            .labels(&place.channel, &place.chat, &message)
            .await
            .unwrap()
    };
    assert_eq!(labels(chat("1"), "7").await, Some(Labels::default()));
    for (place, message) in [(chat("1"), "8"), (chat("1"), "9"), (chat("2"), "7")] {
        assert_eq!(labels(place, message).await, None, "{message}");
    }
    let edit = NewOutbox::edit(chat("1"), MessageId::new("7"), Outgoing::plain("read this"));
    add(&store, vec![edit.labelled(web())]).await;
    assert_eq!(labels(chat("1"), "7").await, Some(web()));
    let unknown = NewOutbox::edit(chat("1"), MessageId::new("7"), Outgoing::plain("a list"));
    add(&store, vec![unknown]).await;
    assert_eq!(labels(chat("1"), "7").await, None);
}
