//! What model calls cost: one row for each, and what the owner added to the budget.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Func, Order, Query};
use sqlx::SqliteConnection;

use super::database::Database;
use super::iden::{BudgetRaises, Usage};
use super::statement::{Batch, execute, fetch_all, fetch_one, insert, word};
use super::values::millis;
use crate::core::error::StoreResult;
use crate::core::ids::TurnId;
use crate::core::money::MicroUsd;
use crate::core::usage::{
    CallOutcome, CallPurpose, ModelUsage, TokenUsage, UsageEntry, UsageStore,
};

/// The most tokens or millionths that one row can have: servers make the numbers, and the sum of
/// all rows must still fit into a column.
const MOST: u64 = 1_000_000_000_000;

/// The usage in the database.
#[derive(Debug, Clone)]
pub struct SqliteUsageStore {
    database: Database,
}

impl SqliteUsageStore {
    /// The usage of a database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl UsageStore for SqliteUsageStore {
    async fn by_model(&self, since: DateTime<Utc>) -> StoreResult<Vec<ModelUsage>> {
        let sum = |column| Expr::col(column).sum();
        let cost = Func::coalesce([sum(Usage::CostMicroUsd), Expr::val(0)]);
        let by_model = Query::select()
            .column(Usage::Model)
            .expr_as(Func::count(Expr::col(Usage::At)), "calls")
            .expr_as(Func::count(Expr::col(Usage::CostMicroUsd)), "priced")
            .expr_as(sum(Usage::Input), "input")
            .expr_as(sum(Usage::CachedInput), "cached_input")
            .expr_as(sum(Usage::Output), "output")
            .expr_as(cost, "cost")
            .from(Usage::Table)
            .and_where(Expr::col(Usage::At).gte(millis(since)))
            .group_by_col(Usage::Model)
            .order_by("cost", Order::Desc)
            .order_by("calls", Order::Desc)
            .take();
        let rows: Vec<ModelRow> = fetch_all(self.database.reader(), &by_model).await?;
        Ok(rows.into_iter().map(ModelUsage::from).collect())
    }

    async fn book(
        &self,
        purpose: CallPurpose,
        entries: &[UsageEntry],
        now: DateTime<Utc>,
    ) -> StoreResult<()> {
        let entries = entries.to_vec();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let mut batch = Batch::default();
                    book(&mut batch, (purpose, None), &entries, now);
                    batch.execute(connection).await
                })
            })
            .await
    }

    async fn raise_budget(&self, amount: MicroUsd, now: DateTime<Utc>) -> StoreResult<()> {
        self.database
            .write(move |connection| Box::pin(raise(connection, amount, now)))
            .await
    }

    async fn raised_since(&self, since: DateTime<Utc>) -> StoreResult<MicroUsd> {
        let sum = Query::select()
            .expr(Func::coalesce([
                Expr::col(BudgetRaises::MicroUsd).sum(),
                Expr::val(0),
            ]))
            .from(BudgetRaises::Table)
            .and_where(Expr::col(BudgetRaises::At).gte(millis(since)))
            .take();
        let (sum,): (i64,) = fetch_one(self.database.reader(), &sum).await?;
        Ok(MicroUsd::new(sum.unsigned_abs()))
    }
}

/// Adds to the budget.
pub(super) async fn raise(
    connection: &mut SqliteConnection,
    amount: MicroUsd,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let row = insert(
        BudgetRaises::Table,
        [
            (BudgetRaises::At, Expr::val(millis(now))),
            (BudgetRaises::MicroUsd, Expr::val(column(amount.get()))),
        ],
    );
    execute(connection, &row).await.map(|_| ())
}

/// Adds the statements that book calls, with what they were made for and the turn that made them.
pub(super) fn book(
    batch: &mut Batch,
    (purpose, turn): (CallPurpose, Option<TurnId>),
    entries: &[UsageEntry],
    now: DateTime<Utc>,
) {
    let purpose = match purpose {
        CallPurpose::Turn => "turn",
        CallPurpose::Compaction => "compaction",
    };
    for entry in entries {
        let outcome = match entry.outcome {
            CallOutcome::Ok => "ok",
            CallOutcome::Failed => "failed",
        };
        let tokens = entry.tokens;
        let cost = entry.cost.map(|cost| column(cost.get()));
        let row = insert(
            Usage::Table,
            [
                (Usage::At, Expr::val(millis(now))),
                (Usage::Turn, Expr::val(turn.map(|turn| turn.0))),
                (Usage::Purpose, word(purpose)),
                (Usage::Outcome, word(outcome)),
                (Usage::Provider, Expr::val(entry.provider.as_str())),
                (Usage::Model, Expr::val(entry.model.as_str())),
                (Usage::Input, Expr::val(column(tokens.input))),
                (Usage::CachedInput, Expr::val(column(tokens.cached_input))),
                (Usage::Output, Expr::val(column(tokens.output))),
                (Usage::CostMicroUsd, Expr::val(cost)),
            ],
        );
        batch.add(&row);
    }
}

/// A count as a column has it.
fn column(count: u64) -> i64 {
    std::cmp::min(count, MOST).cast_signed()
}

#[derive(sqlx::FromRow)]
struct ModelRow {
    model: String,
    calls: i64,
    priced: i64,
    input: i64,
    cached_input: i64,
    output: i64,
    cost: i64,
}

impl From<ModelRow> for ModelUsage {
    fn from(row: ModelRow) -> Self {
        Self {
            model: row.model,
            calls: row.calls.unsigned_abs(),
            tokens: TokenUsage {
                input: row.input.unsigned_abs(),
                cached_input: row.cached_input.unsigned_abs(),
                output: row.output.unsigned_abs(),
            },
            cost: MicroUsd::new(row.cost.unsigned_abs()),
            unpriced_calls: row.calls.abs_diff(row.priced),
        }
    }
}
