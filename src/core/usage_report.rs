//! What was used and what is left, in words.

use serde::Serialize;

use super::budget::{BudgetLeft, BudgetPeriod};
use super::money::MicroUsd;
use super::usage::ModelUsage;

/// What was used, and what is left of the budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageReport {
    /// Of the day, by model.
    pub today: Vec<ModelUsage>,
    /// Of the month, by model.
    pub month: Vec<ModelUsage>,
    /// What is left of each limit; empty where there is none.
    pub budget: Vec<BudgetLeft>,
}

impl UsageReport {
    /// The same when so much is added to the budget.
    #[must_use]
    pub fn raised(mut self, amount: MicroUsd) -> Self {
        for budget in &mut self.budget {
            budget.limit = budget.limit.plus(amount);
            budget.left = budget.left.plus(amount);
        }
        self
    }

    /// The report, line by line. Nothing in it is markup.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, models) in [("Today", &self.today), ("This month", &self.month)] {
            if models.is_empty() {
                lines.push(format!("{name}: no model was asked"));
                continue;
            }
            let sum: MicroUsd = models.iter().map(|model| model.cost).sum();
            lines.push(format!("{name}: {sum}"));
            lines.extend(models.iter().map(|model| format!("• {}", of_model(model))));
        }
        lines.extend(self.budget.iter().map(|budget| {
            let period = match budget.period {
                BudgetPeriod::Today => "today",
                BudgetPeriod::Month => "this month",
            };
            format!("Budget: {} of {} left {period}", budget.left, budget.limit)
        }));
        lines
    }
}

fn of_model(usage: &ModelUsage) -> String {
    let tokens = usage.tokens;
    let cached = match tokens.cached_input {
        0 => String::new(),
        cached => format!(" ({} cached)", grouped(cached)),
    };
    let priced = usage.calls.saturating_sub(usage.unpriced_calls);
    let money = match (priced, usage.unpriced_calls) {
        (_, 0) => usage.cost.to_string(),
        (0, _) => "price unknown".into(),
        (_, unpriced) => format!("{} and {} without a price", usage.cost, calls(unpriced)),
    };
    format!(
        "{}: {}, {} tokens in{cached}, {} out, {money}",
        harmless(&usage.model),
        calls(usage.calls),
        grouped(tokens.input),
        grouped(tokens.output),
    )
}

fn calls(count: u64) -> String {
    match count {
        1 => "1 call".into(),
        _ => format!("{} calls", grouped(count)),
    }
}

/// Servers choose the names; nothing in them may act as markup or move a terminal's cursor.
fn harmless(model: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-./:@".contains(c);
    let safe: String = model
        .chars()
        .take(60)
        .map(|c| if plain(c) { c } else { '-' })
        .collect();
    if safe.is_empty() {
        "a model without a name".into()
    } else {
        safe
    }
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::core::usage::TokenUsage;

    #[test]
    fn the_report_says_what_was_used_and_what_is_left() {
        let usage = |model: &str, calls, unpriced_calls, millionths| ModelUsage {
            model: model.into(),
            calls,
            tokens: TokenUsage {
                input: 1_234_567,
                cached_input: 1000 * (calls - 1),
                output: 999,
            },
            cost: MicroUsd::new(millionths),
            unpriced_calls,
        };
        let report = UsageReport {
            today: Vec::new(),
            month: vec![
                usage("gpt-5-mini", 1200, 0, 3_100_000),
                usage("x/y", 2, 1, 20_000),
                usage("*`\u{1b}[1m`*", 1, 1, 0),
            ],
            budget: vec![BudgetLeft {
                period: BudgetPeriod::Month,
                limit: MicroUsd::new(20_000_000),
                left: MicroUsd::new(16_880_000),
            }],
        };
        let expected = [
            "Today: no model was asked",
            "This month: $3.12",
            "• gpt-5-mini: 1,200 calls, 1,234,567 tokens in (1,199,000 cached), 999 out, $3.10",
            "• x/y: 2 calls, 1,234,567 tokens in (1,000 cached), 999 out, $0.0200 and 1 call without a price",
            "• ----1m--: 1 call, 1,234,567 tokens in, 999 out, price unknown",
            "Budget: $16.88 of $20.00 left this month",
        ];
        assert_eq!(report.lines(), expected);
    }
}
