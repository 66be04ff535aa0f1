//! The sender alone, over a real database and a channel that answers at once.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use minibot::adapters::sqlite::SqliteOutboxStore;
use minibot::adapters::system::SystemClock;
use minibot::app::channels::Channels;
use minibot::app::outbox::{Calls, Outbox};
use minibot::app::signals::Signals;
use minibot::core::channel::{
    Asking, Buttons, Capabilities, Channel, ChatTarget, DeliveryError, Streaming, Urgency,
};
use minibot::core::clock::Clock;
use minibot::core::delivery::{Certainty, DeliveryOutcome};
use minibot::core::error::{StoreError, StoreResult};
use minibot::core::ids::{ChannelName, ChatId, MessageId, OutboxId};
use minibot::core::label::Labels;
use minibot::core::markup::LongCode;
use minibot::core::outbox::{NewOutbox, OutboxRow, OutboxStore, Outgoing};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::adapters::sqlite_fixture::{Fixture, chat};
use crate::support::gate::Gate;
use crate::support::test_bot::FakeClock;

/// Chats with two rows each; several times as many as are served at the same time.
const CHATS: usize = 1_100;

/// Counts how often all that waits is looked at, and may fail when the clock was set back.
#[derive(Debug)]
struct Watched {
    inner: SqliteOutboxStore,
    looks: AtomicUsize,
    refusals: AtomicUsize,
}

impl Watched {
    fn new(inner: SqliteOutboxStore, refusals: usize) -> Self {
        Self {
            inner,
            looks: AtomicUsize::new(0),
            refusals: AtomicUsize::new(refusals),
        }
    }
}

#[async_trait]
impl OutboxStore for Watched {
    async fn add(&self, rows: Vec<NewOutbox>) -> StoreResult<Vec<OutboxId>> {
        self.inner.add(rows).await
    }

    async fn heads(
        &self,
        channels: &[ChannelName],
        least: Urgency,
        now: DateTime<Utc>,
        limit: u32,
    ) -> StoreResult<Vec<OutboxRow>> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.inner.heads(channels, least, now, limit).await
    }

    async fn head(
        &self,
        channel: &ChannelName,
        chat: &ChatId,
        now: DateTime<Utc>,
    ) -> StoreResult<Option<OutboxRow>> {
        self.inner.head(channel, chat, now).await
    }

    async fn next_attempt_at(&self) -> StoreResult<Option<DateTime<Utc>>> {
        self.inner.next_attempt_at().await
    }

    async fn start(&self, id: OutboxId, known: Option<&Outgoing>) -> StoreResult<Option<Outgoing>> {
        self.inner.start(id, known).await
    }

    async fn finish(
        &self,
        id: OutboxId,
        outcome: DeliveryOutcome,
        now: DateTime<Utc>,
    ) -> StoreResult<usize> {
        self.inner.finish(id, outcome, now).await
    }

    async fn attach(&self, id: OutboxId, message: &MessageId) -> StoreResult<()> {
        self.inner.attach(id, message).await
    }

    async fn is_behind(&self, id: OutboxId) -> StoreResult<bool> {
        self.inner.is_behind(id).await
    }

    async fn recover(&self) -> StoreResult<u64> {
        self.inner.recover().await
    }

    async fn labels(
        &self,
        channel: &ChannelName,
        chat: &ChatId,
        message: &MessageId,
    ) -> StoreResult<Option<Labels>> {
        self.inner.labels(channel, chat, message).await
    }

    async fn hasten(&self, by: TimeDelta) -> StoreResult<()> {
        let less = |left: usize| left.checked_sub(1);
        let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
        if self.refusals.fetch_update(set, fetch, less).is_ok() {
            return Err(StoreError::Full("as a test".into()));
        }
        self.inner.hasten(by).await
    }

    async fn count_waiting(&self, channel: Option<&ChannelName>) -> StoreResult<u64> {
        self.inner.count_waiting(channel).await
    }
}

/// Takes everything.
#[derive(Debug)]
struct Sink {
    name: ChannelName,
    sent: AtomicUsize,
    all_there: CancellationToken,
}

#[async_trait]
impl Channel for Sink {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn reserve(&self, _: &ChatTarget, _: Urgency) {}

    fn try_reserve(&self, _: &ChatTarget) -> bool {
        true
    }

    async fn send(
        &self,
        _: &ChatTarget,
        _: &Outgoing,
        _: Option<&MessageId>,
    ) -> Result<MessageId, DeliveryError> {
        let number = self.sent.fetch_add(1, Ordering::SeqCst) + 1;
        if number == CHATS * 2 {
            self.all_there.cancel();
        }
        Ok(MessageId::new(number.to_string()))
    }

    async fn edit(&self, _: &ChatTarget, _: &MessageId, _: &Outgoing) -> Result<(), DeliveryError> {
        Ok(())
    }

    async fn typing(&self, _: &ChatTarget) {}

    async fn answer_press(&self, _: &str, _: Option<&str>) {}
}

#[tokio::test]
async fn the_cost_of_a_delivery_does_not_grow_with_what_waits() {
    let fixture = Fixture::new().await;
    let clock = Arc::new(SystemClock);
    let inner = SqliteOutboxStore::new(fixture.database.clone(), clock.clone());
    let store = Arc::new(Watched::new(inner, 0));
    let rows = (0..CHATS * 2).map(|number| {
        let place = chat(&(number % CHATS).to_string());
        NewOutbox::notice(place, Outgoing::plain(number.to_string()))
    });
    store.add(rows.collect()).await.unwrap();
    let sink = Arc::new(Sink {
        name: chat("1").channel,
        sent: AtomicUsize::new(0),
        all_there: CancellationToken::new(),
    });
    let outbox = Outbox {
        store: store.clone(),
        channels: Channels::new([sink.clone() as Arc<dyn Channel>]),
        clock,
        signals: Arc::new(Signals::default()),
        files: fixture.files(),
        copies: fixture.copies(),
        jitter: || 0.5,
        calls: Calls::default(),
        hurry: CancellationToken::new(),
    };
    outbox.run(sink.all_there.clone()).await.unwrap();
    assert_eq!(sink.sent.load(Ordering::SeqCst), CHATS * 2);
    assert_eq!(store.count_waiting(None).await.unwrap(), 0);
    let looks = store.looks.load(Ordering::SeqCst);
    assert!(looks <= 30, "all that waits was looked at {looks} times");
}

/// Those of a channel that shows each message whole.
const CAPABILITIES: Capabilities = Capabilities {
    max_text_units: 4096,
    streaming: Streaming::Off,
    max_parts: 5,
    long_code: LongCode::Apart,
    buttons: Buttons::Shown,
    asking: Asking::Possible,
};

/// Breaks down over what chat 1 is sent; the place of chats that begin with 2 must be waited for.
#[derive(Debug)]
struct Moody {
    name: ChannelName,
    gate: Gate,
    sent: watch::Sender<Vec<String>>,
}

#[async_trait]
impl Channel for Moody {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn reserve(&self, target: &ChatTarget, _: Urgency) {
        if target.chat.as_str().starts_with('2') {
            self.gate.pass().await;
        }
    }

    fn try_reserve(&self, _: &ChatTarget) -> bool {
        true
    }

    async fn send(
        &self,
        target: &ChatTarget,
        content: &Outgoing,
        _: Option<&MessageId>,
    ) -> Result<MessageId, DeliveryError> {
        let text = content.visible_text().to_owned();
        assert!(target.chat.as_str() != "1" || text != "poison", "as a test");
        self.sent.send_modify(|sent| sent.push(text));
        Ok(MessageId::new("1"))
    }

    async fn edit(&self, _: &ChatTarget, _: &MessageId, _: &Outgoing) -> Result<(), DeliveryError> {
        Ok(())
    }

    async fn typing(&self, _: &ChatTarget) {}

    async fn answer_press(&self, _: &str, _: Option<&str>) {}
}

/// A sender over a moody channel, and what has been sent.
fn moody(
    fixture: &Fixture,
    gate: &Gate,
    clock: Arc<dyn Clock>,
) -> (Outbox, SqliteOutboxStore, watch::Receiver<Vec<String>>) {
    let store = SqliteOutboxStore::new(fixture.database.clone(), clock.clone());
    let (sender, sent) = watch::channel(Vec::new());
    let channel = Arc::new(Moody {
        name: chat("1").channel,
        gate: gate.clone(),
        sent: sender,
    });
    let outbox = Outbox {
        store: Arc::new(store.clone()),
        channels: Channels::new([channel as Arc<dyn Channel>]),
        clock,
        signals: Arc::new(Signals::default()),
        files: fixture.files(),
        copies: fixture.copies(),
        jitter: || 0.5,
        calls: Calls::default(),
        hurry: CancellationToken::new(),
    };
    (outbox, store, sent)
}

#[tokio::test]
async fn a_message_that_breaks_the_sender_is_given_up_and_blocks_nobody() {
    let fixture = Fixture::new().await;
    let (outbox, store, mut sent) = moody(&fixture, &Gate::new(), Arc::new(SystemClock));
    let row = |place: &str, text: &str| NewOutbox::notice(chat(place), Outgoing::plain(text));
    let rows = vec![row("1", "poison"), row("1", "next"), row("3", "other")];
    store.add(rows).await.unwrap();
    let stop = CancellationToken::new();
    let sender = tokio::spawn(outbox.run(stop.clone()));
    sent.wait_for(|sent| sent.len() == 2).await.unwrap();
    stop.cancel();
    sender.await.unwrap().unwrap();
    let states = fixture.column("SELECT state FROM outbox ORDER BY id").await;
    assert_eq!(states, ["failed", "sent", "sent"]);
}

#[tokio::test]
async fn a_person_is_answered_while_more_reminders_wait_than_are_taken_up() {
    let fixture = Fixture::new().await;
    let gate = Gate::new();
    let (outbox, store, mut sent) = moody(&fixture, &gate, Arc::new(SystemClock));
    let reminder = |n| NewOutbox::notice(chat(&format!("2{n}")), Outgoing::plain("stretch"));
    store.add((0..600).map(reminder).collect()).await.unwrap();
    let (signals, stop) = (outbox.signals.clone(), CancellationToken::new());
    let sender = tokio::spawn(outbox.run(stop.clone()));
    gate.wait_for_arrivals(512).await;
    let answer = NewOutbox::answer(chat("3"), Outgoing::plain("hello"));
    store.add(vec![answer]).await.unwrap();
    signals.wake_outbox();
    sent.wait_for(|sent| *sent == ["hello"]).await.unwrap();
    gate.open();
    sent.wait_for(|sent| sent.len() == 601).await.unwrap();
    stop.cancel();
    sender.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_row_that_waits_for_its_place_is_not_yet_being_sent() {
    let fixture = Fixture::new().await;
    let gate = Gate::new();
    let (outbox, store, mut sent) = moody(&fixture, &gate, Arc::new(SystemClock));
    let row = NewOutbox::notice(chat("2"), Outgoing::plain("hello"));
    store.add(vec![row]).await.unwrap();
    let stop = CancellationToken::new();
    let sender = tokio::spawn(outbox.run(stop.clone()));
    gate.wait_for_arrivals(1).await;
    // As a process sees it that starts after a crash now: nothing is in doubt.
    let state = "SELECT state || ' ' || attempts FROM outbox";
    assert_eq!(fixture.column(state).await, ["pending 0"]);
    gate.open();
    sent.wait_for(|sent| sent.len() == 1).await.unwrap();
    stop.cancel();
    sender.await.unwrap().unwrap();
    assert_eq!(fixture.column(state).await, ["sent 1"]);
}

/// As the card of a question that ends meanwhile.
#[tokio::test]
async fn what_changed_while_it_waited_for_its_place_is_sent_as_it_is_then() {
    let fixture = Fixture::new().await;
    let gate = Gate::new();
    let (outbox, store, mut sent) = moody(&fixture, &gate, Arc::new(SystemClock));
    let row = NewOutbox::notice(chat("2"), Outgoing::plain("May I?"));
    store.add(vec![row]).await.unwrap();
    let stop = CancellationToken::new();
    let sender = tokio::spawn(outbox.run(stop.clone()));
    gate.wait_for_arrivals(1).await;
    fixture
        .execute("UPDATE outbox SET content = replace(content, 'May I?', 'Not run')")
        .await;
    gate.open();
    let sent = sent.wait_for(|sent| sent.len() == 1).await.unwrap().clone();
    assert_eq!(sent, ["Not run"]);
    stop.cancel();
    sender.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_database_that_fails_when_the_clock_was_set_back_leaves_no_chat_behind() {
    let fixture = Fixture::new().await;
    let (gate, clock) = (Gate::new(), Arc::new(FakeClock::new()));
    let (mut outbox, store, mut sent) = moody(&fixture, &gate, clock.clone());
    outbox.store = Arc::new(Watched::new(store.clone(), 1));
    let row = |place: &str, text: &str| NewOutbox::notice(chat(place), Outgoing::plain(text));
    let rows = vec![row("2", "first"), row("2", "second")];
    store.add(rows).await.unwrap();
    let stop = CancellationToken::new();
    let sender = tokio::spawn(outbox.run(stop.clone()));
    gate.wait_for_arrivals(1).await;
    let later = store.add(vec![row("5", "later")]).await.unwrap();
    let put_off = DeliveryOutcome::Retry {
        at: clock.now() + TimeDelta::seconds(60),
        error: "as a test".into(),
        certainty: Certainty::NotSent,
    };
    store.finish(later[0], put_off, clock.now()).await.unwrap();
    clock.set(TimeDelta::days(-1));
    gate.open();
    clock.someone_sleeps(900..1_001).await;
    clock.advance(TimeDelta::seconds(2));
    let has = |text: &'static str| move |sent: &Vec<String>| sent.iter().any(|one| one == text);
    sent.wait_for(has("second")).await.unwrap();
    clock.advance(TimeDelta::seconds(120));
    sent.wait_for(has("later")).await.unwrap();
    stop.cancel();
    sender.await.unwrap().unwrap();
}
