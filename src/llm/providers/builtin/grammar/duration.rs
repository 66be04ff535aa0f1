//! Lengths of time: "30 minutes", "an hour and a half", "2h30", "half an hour", "two weeks".

use super::numbers::{self, Thousandths};
use super::token::{Token, rest, starts, starts_any, word};

/// A length of time; months are apart because their length depends on the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    /// Saturating.
    pub(super) seconds: u128,
    /// Saturating.
    pub(super) months: u128,
    /// Counted in days, weeks, months or years only: "in 3 days at 8" makes sense, "in 2 hours at
    /// 8" does not.
    pub(super) whole_days: bool,
}

#[derive(Clone, Copy)]
enum Unit {
    Seconds(u128),
    Months(u128),
}

impl Unit {
    /// A part of a month is no length of time.
    fn divides(self, quantity: Thousandths) -> bool {
        match self {
            Self::Seconds(_) => true,
            Self::Months(length) => quantity.saturating_mul(length).is_multiple_of(1000),
        }
    }
}

const MINUTE: u128 = 60;
const HOUR: u128 = 3600;
/// Seconds of a day without a clock change.
pub(super) const DAY: u128 = 86_400;

fn unit(token: Option<&Token>) -> Option<Unit> {
    let token = token?;
    let text = token.text.strip_suffix("'s").unwrap_or(&token.text);
    Some(match text {
        "second" | "seconds" | "sec" | "secs" => Unit::Seconds(1),
        "minute" | "minutes" | "min" | "mins" => Unit::Seconds(MINUTE),
        "hour" | "hours" | "hr" | "hrs" => Unit::Seconds(HOUR),
        "s" if token.glued => Unit::Seconds(1),
        "m" if token.glued => Unit::Seconds(MINUTE),
        "h" => Unit::Seconds(HOUR),
        "day" | "days" => Unit::Seconds(DAY),
        "d" if token.glued => Unit::Seconds(DAY),
        "week" | "weeks" | "wk" | "wks" => Unit::Seconds(7 * DAY),
        "w" if token.glued => Unit::Seconds(7 * DAY),
        "fortnight" | "fortnights" => Unit::Seconds(14 * DAY),
        "month" | "months" => Unit::Months(1),
        "year" | "years" | "yr" | "yrs" => Unit::Months(12),
        _ => return None,
    })
}

/// A length of time at the start.
pub(super) fn span(tokens: &[Token]) -> Option<(Span, usize)> {
    let mut total = Span {
        whole_days: true,
        ..Span::default()
    };
    let (quantity, first_unit, mut taken) = component(tokens)?;
    total.add(quantity, first_unit);
    if let (Unit::Seconds(HOUR), Some(minutes)) = (first_unit, glued_minutes(tokens, taken)) {
        total.add(minutes * 1000, Unit::Seconds(MINUTE));
        taken += 1;
    }
    for _ in 0..4 {
        let here = rest(tokens, taken);
        let joint = usize::from(matches!(word(here, 0), "and" | ","));
        let Some((quantity, next_unit, used)) = component(rest(here, joint)) else {
            break;
        };
        total.add(quantity, next_unit);
        taken += joint + used;
    }
    if word(tokens, taken) == "'" && word(tokens, taken + 1) == "time" {
        taken += 2;
    } else if word(tokens, taken) == "time" {
        taken += 1;
    }
    Some((total, taken))
}

/// A bare unit: the "hour" of "in the next hour".
pub(super) fn one(tokens: &[Token]) -> Option<(Span, usize)> {
    let unit = unit(tokens.first())?;
    let mut span = Span {
        whole_days: true,
        ..Span::default()
    };
    span.add(1000, unit);
    Some((span, 1))
}

impl Span {
    fn add(&mut self, quantity: Thousandths, unit: Unit) {
        match unit {
            Unit::Seconds(length) => {
                self.seconds = self
                    .seconds
                    .saturating_add(quantity.saturating_mul(length) / 1000);
                self.whole_days &= length >= DAY && quantity.is_multiple_of(1000);
            }
            Unit::Months(length) => {
                self.months = self
                    .months
                    .saturating_add(quantity.saturating_mul(length) / 1000);
            }
        }
    }
}

fn component(tokens: &[Token]) -> Option<(Thousandths, Unit, usize)> {
    const FRACTIONS: [(&str, Thousandths); 9] = [
        ("half an", 500),
        ("half a", 500),
        ("a half", 500),
        ("half", 500),
        ("three quarters of an", 750),
        ("a quarter of an", 250),
        ("quarter of an", 250),
        ("a quarter", 250),
        ("quarter", 250),
    ];
    for (phrase, quantity) in FRACTIONS {
        if let Some(taken) = starts(tokens, phrase)
            && let Some(unit) = unit(tokens.get(taken))
        {
            return unit
                .divides(quantity)
                .then_some((quantity, unit, taken + 1));
        }
    }
    let (quantity, taken) = quantity(tokens)?;
    let half = starts(rest(tokens, taken), "and a half").unwrap_or(0);
    if half > 0 {
        let unit = unit(tokens.get(taken + half))?;
        let quantity = quantity.saturating_add(500);
        return unit
            .divides(quantity)
            .then_some((quantity, unit, taken + half + 1));
    }
    let unit = unit(tokens.get(taken))?;
    let mut taken = taken + 1;
    let mut quantity = quantity;
    if let Some(used) = starts(rest(tokens, taken), "and a half") {
        quantity = quantity.saturating_add(500);
        taken += used;
    }
    unit.divides(quantity).then_some((quantity, unit, taken))
}

/// The "30" of "2h30" and of "2 hours 30", when no unit follows it.
fn glued_minutes(tokens: &[Token], at: usize) -> Option<u128> {
    let token = tokens.get(at)?;
    let ends = matches!(word(tokens, at + 1), "" | "to" | "," | ".");
    if !(token.glued || ends) || unit(tokens.get(at + 1)).is_some() {
        return None;
    }
    token.text.parse().ok().filter(|minutes| *minutes < 60)
}

fn quantity(tokens: &[Token]) -> Option<(Thousandths, usize)> {
    if let Some(taken) = starts_any(tokens, "a couple of|a couple|couple of|couple") {
        return Some((2000, taken));
    }
    if matches!(word(tokens, 0), "a" | "an") {
        return Some((1000, 1));
    }
    numbers::amount(tokens)
}
