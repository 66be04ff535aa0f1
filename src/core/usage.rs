//! What model calls cost: one row for each HTTP call, however it ended.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::error::StoreResult;
use super::money::MicroUsd;

/// The tokens of one call, as the server counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens of the request.
    pub input: u64,
    /// Those of them that came from the server's cache.
    pub cached_input: u64,
    /// Tokens of the reply.
    pub output: u64,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageEntry {
    /// The provider, as configured.
    pub provider: String,
    /// The model that answered, as it calls itself.
    pub model: String,
    /// The tokens; zero where the server did not say.
    pub tokens: TokenUsage,
    /// What it took at a guess, where the server did not say and may charge for it. Only until the
    /// call has its cost.
    #[serde(skip)]
    pub guess: Option<TokenUsage>,
    /// What it cost, as the server says or by the model's price; `None` when neither is known.
    #[serde(default)]
    pub cost: Option<MicroUsd>,
    /// Whether it was of use.
    #[serde(default)]
    pub outcome: CallOutcome,
}

impl UsageEntry {
    /// A call that has no price yet.
    pub fn new(provider: impl Into<String>, model: impl Into<String>, tokens: TokenUsage) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
            tokens,
            guess: None,
            cost: None,
            outcome: CallOutcome::Ok,
        }
    }
}

/// Whether a call was of use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// Its reply was taken.
    #[default]
    Ok,
    /// It was made in vain.
    Failed,
}

impl CallOutcome {
    /// Of a call that came to this.
    pub fn of<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() {
            Self::Ok
        } else {
            Self::Failed
        }
    }
}

/// What a call was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallPurpose {
    /// An answer, and the listening to its question.
    Turn,
    /// A summary of what falls out of the window.
    Compaction,
}

impl CallPurpose {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Turn, Self::Compaction];
}

/// The calls of one model in a span of time, added up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ModelUsage {
    /// The model.
    pub model: String,
    /// How many calls.
    pub calls: u64,
    /// Their tokens.
    pub tokens: TokenUsage,
    /// What those with a price cost.
    #[serde(rename = "cost_micro_usd")]
    pub cost: MicroUsd,
    /// How many have no price.
    pub unpriced_calls: u64,
}

/// The rows of usage, and what the owner added to the budget. Calls of turns are booked by the
/// journal.
#[async_trait]
pub trait UsageStore: Send + Sync + std::fmt::Debug {
    /// The calls since a moment, by model, the dearest first.
    async fn by_model(&self, since: DateTime<Utc>) -> StoreResult<Vec<ModelUsage>>;

    /// Books calls that belong to no turn.
    async fn book(
        &self,
        purpose: CallPurpose,
        entries: &[UsageEntry],
        now: DateTime<Utc>,
    ) -> StoreResult<()>;

    /// Adds to the budget of the day and the month of `now`.
    async fn raise_budget(&self, amount: MicroUsd, now: DateTime<Utc>) -> StoreResult<()>;

    /// What was added to the budget since a moment.
    async fn raised_since(&self, since: DateTime<Utc>) -> StoreResult<MicroUsd>;
}
