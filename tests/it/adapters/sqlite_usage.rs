//! The rows of usage, and sums of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use minibot::adapters::sqlite::SqliteUsageStore;
use minibot::core::money::MicroUsd;
use minibot::core::usage::{CallOutcome, CallPurpose, TokenUsage, UsageEntry, UsageStore};

use super::sqlite_fixture::{Fixture, at};

fn entry(model: &str, tokens: u64, cost: Option<u64>) -> UsageEntry {
    let tokens = TokenUsage {
        input: tokens,
        cached_input: 1,
        output: tokens,
    };
    UsageEntry {
        cost: cost.map(MicroUsd::new),
        ..UsageEntry::new("openai", model, tokens)
    }
}

#[tokio::test]
async fn calls_are_summed_by_model_from_a_moment_on() {
    let fixture = Fixture::new().await;
    let usage = SqliteUsageStore::new(fixture.database.clone());
    let failed = UsageEntry {
        outcome: CallOutcome::Failed,
        ..entry("small", 10, Some(4))
    };
    let days = [
        (at(0), vec![entry("small", 1000, Some(1000))]),
        (at(5), vec![entry("small", 20, Some(6)), failed]),
        (
            at(6),
            vec![entry("large", 7, Some(90)), entry("free", 8, None)],
        ),
    ];
    for (moment, entries) in days {
        usage
            .book(CallPurpose::Compaction, &entries, moment)
            .await
            .unwrap();
    }
    let found = usage.by_model(at(5)).await.unwrap();
    let read: Vec<_> = found
        .iter()
        .map(|model| {
            let tokens = model.tokens;
            (
                (model.model.as_str(), model.calls, model.unpriced_calls),
                (tokens.input, tokens.cached_input, tokens.output),
                model.cost.get(),
            )
        })
        .collect();
    let expected = [
        (("large", 1, 0), (7, 1, 7), 90),
        (("small", 2, 0), (30, 2, 30), 10),
        (("free", 1, 1), (8, 1, 8), 0),
    ];
    assert_eq!(read, expected);
    let rows = "SELECT purpose || ' ' || outcome || ' ' || coalesce(cost_micro_usd, 'NULL') FROM usage ORDER BY id LIMIT 3 OFFSET 2";
    let expected = [
        "compaction failed 4",
        "compaction ok 90",
        "compaction ok NULL",
    ];
    assert_eq!(fixture.column(rows).await, expected);
}

#[tokio::test]
async fn insane_counts_can_be_summed() {
    let fixture = Fixture::new().await;
    let usage = SqliteUsageStore::new(fixture.database.clone());
    let insane = vec![entry("m", u64::MAX, Some(u64::MAX)); 50];
    usage.book(CallPurpose::Turn, &insane, at(0)).await.unwrap();
    let found = usage.by_model(at(0)).await.unwrap();
    assert_eq!(found[0].cost, MicroUsd::new(50_000_000_000_000));
}

#[tokio::test]
async fn what_the_owner_added_is_kept() {
    let fixture = Fixture::new().await;
    let usage = SqliteUsageStore::new(fixture.database.clone());
    for minute in [1, 2, 3] {
        let amount = MicroUsd::new(1_000_000);
        usage.raise_budget(amount, at(minute)).await.unwrap();
    }
    let raised = usage.raised_since(at(2)).await.unwrap();
    assert_eq!(raised, MicroUsd::new(2_000_000));
    assert_eq!(usage.raised_since(at(4)).await.unwrap(), MicroUsd::ZERO);
}

#[tokio::test]
async fn a_sum_reads_only_what_it_adds_up() {
    let fixture = Fixture::new().await;
    let plan =
        "EXPLAIN QUERY PLAN SELECT model, sum(input) FROM usage WHERE at >= 5 GROUP BY model";
    let mut connection = fixture.connection().await;
    let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(plan)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert!(plan[0].3.contains("usage_at"), "{plan:?}");
}
