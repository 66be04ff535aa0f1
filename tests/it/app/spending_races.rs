//! Many calls at once, against one budget.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use minibot::adapters::sqlite::Database;
use minibot::app::signals::Signals;
use minibot::app::spending::{Spending, SpendingPorts, SpendingSettings};
use minibot::core::budget::BudgetLimits;
use minibot::core::model::{
    ChatModel, FinishReason, ModelError, ModelErrorKind, ModelReply, ModelRequest, ReplySink,
};
use minibot::core::money::{MicroUsd, Price};
use minibot::core::usage::{TokenUsage, UsageEntry};
use minibot::wiring::Ports;
use minibot::wiring::settings::Settings;

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
    let path = folder.path().join("minibot.db");
    let (database, writer) = Database::open(&path, Duration::from_secs(5)).await.unwrap();
    tokio::spawn(writer.run());
    let ports = Ports::on(&Settings::default(), &database, Arc::new(FakeClock::new()));
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
            usage: ports.usage,
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
