//! Many calls at once, against one budget, and calls that cannot be booked at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use minibot::adapters::sqlite::Database;
use minibot::app::signals::Signals;
use minibot::app::spending::{Spending, SpendingPorts, SpendingSettings};
use minibot::app::upkeep::{Upkeep, ended_turns};
use minibot::core::budget::BudgetLimits;
use minibot::core::error::{StoreError, StoreResult};
use minibot::core::media::{InMemory, Listened, Recording, Transcriber};
use minibot::core::model::{
    ChatModel, FinishReason, ModelError, ModelErrorKind, ModelReply, ModelRequest, ReplySink,
};
use minibot::core::money::{MicroUsd, Price};
use minibot::core::usage::{CallPurpose, ModelUsage, TokenUsage, UsageEntry, UsageStore};
use minibot::wiring::Ports;
use minibot::wiring::settings::Settings;
use tokio_util::sync::CancellationToken;

use crate::support::gate::Gate;
use crate::support::test_bot::FakeClock;

/// Answers when the gate opens, and needs 1,500 tokens.
#[derive(Debug)]
struct GatedModel(Gate);

#[async_trait]
impl ChatModel for GatedModel {
    async fn reply(&self, _: &ModelRequest, _: &dyn ReplySink) -> Result<ModelReply, ModelError> {
        self.0.pass().await;
        let tokens = TokenUsage {
            output: 1500,
            ..TokenUsage::default()
        };
        Ok(ModelReply {
            text: "hi".into(),
            calls: Vec::new(),
            finish: FinishReason::Done,
            usage: vec![UsageEntry::new("test", "m", tokens)],
            continuation: None,
        })
    }

    fn describe(&self) -> String {
        "m".into()
    }
}

struct Unheard;

impl ReplySink for Unheard {
    fn push(&self, _: &str) {}
    fn restart(&self) {}
    fn lost(&self, _: Vec<UsageEntry>) {}
}

/// A dollar, of which each call takes fifteen cents though ten were expected.
async fn a_dollar(folder: &tempfile::TempDir) -> Arc<Spending> {
    let ports = ports(folder).await;
    a_dollar_in(ports.usage.clone(), ports)
}

async fn ports(folder: &tempfile::TempDir) -> Ports {
    let path = folder.path().join("minibot.db");
    let (database, writer) = Database::open(&path, Duration::from_secs(5)).await.unwrap();
    tokio::spawn(writer.run());
    Ports::on(&Settings::default(), &database, Arc::new(FakeClock::new()))
}

fn a_dollar_in(usage: Arc<dyn UsageStore>, ports: Ports) -> Arc<Spending> {
    let cost = Price {
        input: MicroUsd::ZERO,
        cached_input: MicroUsd::ZERO,
        output: MicroUsd::new(100_000_000),
    };
    Spending::new(
        SpendingSettings {
            prices: [("m".to_owned(), cost)].into_iter().collect(),
            limits: BudgetLimits {
                daily: Some(MicroUsd::new(1_000_000)),
                monthly: None,
                warn_per_mille: 800,
            },
            zone: chrono_tz::Tz::UTC,
            owner: None,
        },
        SpendingPorts {
            usage,
            outbox: ports.outbox,
            signals: Arc::new(Signals::default()),
            clock: ports.clock,
        },
    )
}

fn request() -> ModelRequest {
    ModelRequest {
        user: "hi".into(),
        ..ModelRequest::default()
    }
}

async fn left(spending: &Spending) -> MicroUsd {
    spending.report().await.unwrap().budget[0].left
}

#[tokio::test]
async fn fifty_turns_at_once_exceed_the_budget_by_no_more_than_the_calls_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let (spending, gate) = (a_dollar(&folder).await, Gate::new());
    let model = spending.metered(Arc::new(GatedModel(gate.clone())), "m");
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let model = model.clone();
            tokio::spawn(async move { model.reply(&request(), &Unheard).await })
        })
        .collect();
    gate.wait_for_arrivals(10).await;
    gate.open();
    let mut answered = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(reply) => {
                assert_eq!(reply.usage[0].cost, Some(MicroUsd::new(150_000)));
                answered += 1;
            }
            Err(error) => {
                assert!(matches!(error.kind, ModelErrorKind::BudgetSpent { .. }));
                assert_eq!(error.tries, 0);
            }
        }
    }
    // Ten were expected to take the dollar; nothing began after it was taken.
    assert_eq!(answered, 10);
    assert_eq!(left(&spending).await, MicroUsd::ZERO);
    let error = model.reply(&request(), &Unheard).await.unwrap_err();
    assert_eq!(error.kind.summary(), "today's budget of $1.00 is used up");
}

#[tokio::test]
async fn a_call_that_is_dropped_counts_as_what_was_held_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let (spending, gate) = (a_dollar(&folder).await, Gate::new());
    let model = spending.metered(Arc::new(GatedModel(gate.clone())), "m");
    let call = tokio::spawn(async move { model.reply(&request(), &Unheard).await });
    gate.wait_for_arrivals(1).await;
    call.abort();
    gate.wait_for_departures(1).await;
    let _ = call.await;
    assert_eq!(left(&spending).await, MicroUsd::new(900_000));
}

/// Usage of which the first booking fails, behind a gate.
#[derive(Debug)]
struct Failing {
    inner: Arc<dyn UsageStore>,
    gate: Gate,
    has_failed: AtomicBool,
}

impl Failing {
    fn new(inner: Arc<dyn UsageStore>, gate: &Gate) -> Arc<Self> {
        Arc::new(Self {
            inner,
            gate: gate.clone(),
            has_failed: AtomicBool::new(false),
        })
    }
}

#[async_trait]
impl UsageStore for Failing {
    async fn by_model(&self, since: DateTime<Utc>) -> StoreResult<Vec<ModelUsage>> {
        self.inner.by_model(since).await
    }

    async fn book(
        &self,
        purpose: CallPurpose,
        entries: &[UsageEntry],
        now: DateTime<Utc>,
    ) -> StoreResult<()> {
        self.gate.pass().await;
        if !self.has_failed.swap(true, Ordering::SeqCst) {
            return Err(StoreError::Full("as a test".into()));
        }
        self.inner.book(purpose, entries, now).await
    }

    async fn raise_budget(&self, amount: MicroUsd, now: DateTime<Utc>) -> StoreResult<()> {
        self.inner.raise_budget(amount, now).await
    }

    async fn raised_since(&self, since: DateTime<Utc>) -> StoreResult<MicroUsd> {
        self.inner.raised_since(since).await
    }
}

async fn calls(spending: &Spending) -> Vec<u64> {
    let today = spending.report().await.unwrap().today;
    today.iter().map(|model| model.calls).collect()
}

fn call() -> Vec<UsageEntry> {
    vec![UsageEntry::new("test", "m", TokenUsage::default())]
}

#[tokio::test]
async fn a_call_whose_booking_fails_at_the_end_is_booked_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (ports, gate) = (ports(&folder).await, Gate::new());
    let spending = a_dollar_in(Failing::new(ports.usage.clone(), &gate), ports.clone());
    let (_turns, ended) = ended_turns();
    let upkeep = Upkeep {
        conversations: ports.conversations.clone(),
        keep_items: 0,
        compaction: None,
        spending: spending.clone(),
        clock: ports.clock.clone(),
        ended,
    };
    let end = CancellationToken::new();
    let upkeep = tokio::spawn(upkeep.run(end.clone(), end.clone()));
    spending.lose(CallPurpose::Turn, call());
    gate.wait_for_arrivals(1).await;
    end.cancel();
    // Whoever would leave now has left.
    tokio::task::yield_now().await;
    gate.open();
    upkeep.await.unwrap().unwrap();
    assert_eq!(calls(&spending).await, [1]);
}

/// Hears nothing, and takes a call for that.
#[derive(Debug)]
struct Deaf;

#[async_trait]
impl Transcriber for Deaf {
    async fn transcribe(&self, _: &Recording) -> Listened {
        Listened {
            words: Ok(String::new()),
            usage: call(),
        }
    }
}

#[tokio::test]
async fn listening_that_cannot_be_booked_at_once_is_booked_later() {
    let folder = tempfile::tempdir().unwrap();
    let (ports, gate) = (ports(&folder).await, Gate::new());
    gate.open();
    let spending = a_dollar_in(Failing::new(ports.usage.clone(), &gate), ports.clone());
    let listening = spending.metered_transcriber(Arc::new(Deaf), "m");
    let recording = Recording {
        content: InMemory::holding(vec![0]),
        name: "voice.ogg".to_owned(),
    };
    listening.transcribe(&recording).await.words.unwrap();
    // Whoever asks first is told that the disk is full.
    let _ = spending.report().await;
    assert_eq!(calls(&spending).await, [1]);
}
