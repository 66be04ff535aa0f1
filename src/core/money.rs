//! Money in whole millionths of a US dollar, and what models cost.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::usage::TokenUsage;

/// Millionths in a dollar, and tokens to which a price applies.
const MILLION: u64 = 1_000_000;

/// The most that one amount can be: a million dollars. What servers count can be insane, and sums
/// of millions of amounts must still fit.
const MOST: u64 = MILLION * MILLION;

/// An amount in millionths of a US dollar.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct MicroUsd(u64);

impl MicroUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many millionths.
    pub const fn new(millionths: u64) -> Self {
        Self(millionths)
    }

    /// An amount as a person writes it, to the nearest millionth; `None` below zero and above a
    /// million dollars.
    pub fn from_usd(usd: f64) -> Option<Self> {
        let millionths = (usd * MILLION as f64).round();
        (0.0..=MOST as f64)
            .contains(&millionths)
            .then_some(Self(millionths as u64))
    }

    /// The millionths.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The sum of two amounts.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left when `other` is taken away; nothing when that is more.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// So many thousandths of the amount.
    #[must_use]
    pub const fn per_mille(self, thousandths: u32) -> Self {
        Self((self.0 as u128 * thousandths as u128 / 1000) as u64)
    }
}

impl std::iter::Sum for MicroUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

/// `$1.25`; small amounts with more digits, as most calls cost less than a cent.
impl fmt::Display for MicroUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, unit) = match self.0 {
            0 => (2, 10_000),
            1..100 => return f.write_str("under $0.0001"),
            100..100_000 => (4, 100),
            _ => (2, 10_000),
        };
        let rounded = self.0.saturating_add(unit / 2) / unit;
        let in_a_dollar = MILLION / unit;
        let (dollars, rest) = (rounded / in_a_dollar, rounded % in_a_dollar);
        write!(f, "${dollars}.{rest:0digits$}")
    }
}

/// What a model costs, each for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Tokens of the request.
    pub input: MicroUsd,
    /// Those of them that come from the server's cache.
    pub cached_input: MicroUsd,
    /// Tokens of the reply.
    pub output: MicroUsd,
}

impl Price {
    /// What a call costs, rounded up to a millionth.
    pub fn of(&self, tokens: TokenUsage) -> MicroUsd {
        let cached = tokens.cached_input.min(tokens.input);
        let parts = [
            (tokens.input - cached, self.input),
            (cached, self.cached_input),
            (tokens.output, self.output),
        ];
        let sum = parts
            .into_iter()
            .map(|(tokens, price)| u128::from(tokens).saturating_mul(u128::from(price.0)))
            .fold(0, u128::saturating_add);
        let millionths = sum.div_ceil(u128::from(MILLION));
        MicroUsd(u64::try_from(millionths).unwrap_or(MOST).min(MOST))
    }
}

/// The prices of models, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceList {
    prices: BTreeMap<String, Price>,
    unpriced: BTreeSet<String>,
}

impl PriceList {
    /// The list, and other models that may answer in place of the one that is asked. Those of them
    /// that have no price do not cost what that one costs.
    #[must_use]
    pub fn with_unpriced(mut self, models: impl IntoIterator<Item = String>) -> Self {
        self.unpriced.extend(models);
        self
    }

    /// The price of a call: by the name with which the model answered, or by the name under which it was asked, where
    /// it may be the same model; each also without a date at its end.
    pub fn find(&self, answered: &str, asked: &str) -> Option<Price> {
        let is_another = price_names(answered)
            .iter()
            .any(|name| self.unpriced.contains(*name));
        let asked = Some(asked).filter(|_| !is_another);
        self.of(answered).or_else(|| self.of(asked?))
    }

    fn of(&self, model: &str) -> Option<Price> {
        price_names(model)
            .iter()
            .find_map(|name| self.prices.get(*name))
            .copied()
    }
}

impl FromIterator<(String, Price)> for PriceList {
    fn from_iter<I: IntoIterator<Item = (String, Price)>>(prices: I) -> Self {
        Self {
            prices: prices.into_iter().collect(),
            unpriced: BTreeSet::new(),
        }
    }
}

/// The names under which the price of a model may stand: its own, and that without a date at its end.
pub fn price_names(model: &str) -> [&str; 2] {
    [model, without_date(model)]
}

/// Servers answer as `gpt-5-mini-2025-08-07` to `gpt-5-mini`.
fn without_date(model: &str) -> &str {
    const DATES: [&str; 3] = ["-0000-00-00", "-00000000", "-0000"];
    let name_before = |date: &str| {
        let cut = model.len().checked_sub(date.len())?;
        let (name, end) = (model.get(..cut)?, model.get(cut..)?);
        let fits = |(c, wanted): (char, char)| match wanted {
            '-' => c == '-',
            _ => c.is_ascii_digit(),
        };
        end.chars().zip(date.chars()).all(fits).then_some(name)
    };
    DATES.into_iter().find_map(name_before).unwrap_or(model)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    fn price(input: f64, cached_input: f64, output: f64) -> Price {
        let amount = |usd| MicroUsd::from_usd(usd).unwrap();
        Price {
            input: amount(input),
            cached_input: amount(cached_input),
            output: amount(output),
        }
    }

    #[test]
    fn calls_cost_whole_millionths_rounded_up() {
        let usual = price(0.25, 0.03, 2.0);
        let cases = [
            (usual, (0, 0, 0), 0),
            (usual, (1, 0, 0), 1),
            (usual, (4, 0, 0), 1),
            (usual, (5, 0, 0), 2),
            (usual, (1_000_000, 0, 0), 250_000),
            (usual, (1_000_000, 1_000_000, 0), 30_000),
            (usual, (1_000_000, 400_000, 500_000), 1_162_000),
            // A server that counts more cached tokens than there were.
            (usual, (100, 1_000_000, 0), 3),
            (price(0.1, 0.1, 0.2), (3, 0, 0), 1),
            (price(0.1, 0.1, 0.2), (10_000_000, 0, 0), 1_000_000),
            (price(0.0, 0.0, 0.0), (u64::MAX, 0, u64::MAX), 0),
            (usual, (u64::MAX, 0, u64::MAX), MOST),
        ];
        for (price, (input, cached_input, output), millionths) in cases {
            let tokens = TokenUsage {
                input,
                cached_input,
                output,
            };
            assert_eq!(price.of(tokens), MicroUsd::new(millionths), "{tokens:?}");
        }
    }

    #[test]
    fn sums_of_written_decimals_do_not_drift() {
        let tenth = MicroUsd::from_usd(0.1).unwrap();
        let sum: MicroUsd = std::iter::repeat_n(tenth, 10_000_000).sum();
        assert_eq!(sum, MicroUsd::from_usd(1_000_000.0).unwrap());
        let cases = [
            (0.000_001, Some(1)),
            (1.15, Some(1_150_000)),
            (-0.1, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
            (1e7, None),
        ];
        for (usd, millionths) in cases {
            assert_eq!(MicroUsd::from_usd(usd).map(MicroUsd::get), millionths);
        }
    }

    #[test]
    fn amounts_read_as_money() {
        let cases = [
            (0, "$0.00"),
            (99, "under $0.0001"),
            (100, "$0.0001"),
            (42_149, "$0.0421"),
            (99_999, "$0.1000"),
            (100_000, "$0.10"),
            (995_000, "$1.00"),
            (1_234_567, "$1.23"),
            (20_000_000, "$20.00"),
        ];
        for (millionths, words) in cases {
            assert_eq!(MicroUsd::new(millionths).to_string(), words);
        }
    }

    #[test]
    fn a_price_is_found_by_what_the_server_answers_as() {
        let named = |number: f64| price(number, number, number);
        let list: PriceList = [("gpt-5", 5.0), ("gpt-5-mini", 6.0), ("local", 7.0)]
            .map(|(name, number)| (name.to_owned(), named(number)))
            .into_iter()
            .collect();
        let cases = [
            ("gpt-5", "gpt-5", Some(5.0)),
            ("gpt-5-2025-08-07", "gpt-5", Some(5.0)),
            ("gpt-5-mini-2025-08-07", "gpt-5", Some(6.0)),
            ("gpt-5-20250807", "", Some(5.0)),
            ("gpt-5-0613", "", Some(5.0)),
            ("gpt-5-nano", "", None),
            ("gpt-5-nano", "local", Some(7.0)),
            ("-0000", "", None),
            ("é-0000", "", None),
        ];
        for (answered, asked, number) in cases {
            let found = list.find(answered, asked);
            assert_eq!(found, number.map(named), "{answered}, asked as {asked}");
        }
        let list = list.with_unpriced(["dear", "gpt-5"].map(str::to_owned));
        let cases = [
            ("dear", None),
            ("dear-2025-08-07", None),
            ("gpt-5", Some(5.0)),
            ("local.gguf", Some(7.0)),
        ];
        for (answered, number) in cases {
            let found = list.find(answered, "local");
            assert_eq!(found, number.map(named), "{answered}");
        }
    }
}
