//! What is held against the budget for a call under way.

use super::Spending;
use crate::core::budget::{BudgetWarning, SpentBudget};
use crate::core::money::MicroUsd;
use crate::core::usage::{CallOutcome, TokenUsage, UsageEntry};

/// Who is told of a call for which nobody waits any more.
pub(super) type TellLost<'a> = &'a (dyn Fn(Vec<UsageEntry>) + Sync);

/// What is held for a call under way. Dropped, the call was broken off.
pub(super) struct Hold<'a> {
    spending: &'a Spending,
    lost: TellLost<'a>,
    /// The call as it is booked when it is broken off.
    call: Option<UsageEntry>,
}

impl<'a> Hold<'a> {
    /// Holds what a call of the model `name` will probably cost.
    pub(super) fn of(
        spending: &'a Spending,
        (provider, name): (&str, &str),
        expected: TokenUsage,
        lost: TellLost<'a>,
    ) -> Result<Self, SpentBudget> {
        let mut call = [UsageEntry {
            guess: Some(expected),
            outcome: CallOutcome::Failed,
            ..UsageEntry::new(provider, name, TokenUsage::default())
        }];
        let estimate = spending.price(&mut call, name);
        let now = spending.ports.clock.now();
        spending.account().hold(estimate, now)?;
        let [call] = call;
        Ok(Self {
            spending,
            lost,
            call: Some(call),
        })
    }

    /// The call is over, and has cost so much.
    pub(super) fn settle(mut self, cost: MicroUsd) -> Vec<BudgetWarning> {
        let call = self.call.take();
        let estimate = call.and_then(|call| call.cost).unwrap_or_default();
        let now = self.spending.ports.clock.now();
        self.spending.account().settle(estimate, cost, now)
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            let now = self.spending.ports.clock.now();
            let estimate = call.cost.unwrap_or_default();
            self.spending.account().forfeit(estimate, now);
            (self.lost)(vec![call]);
        }
    }
}
