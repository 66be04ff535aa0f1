//! Words of time that the grammar does not know, next to those that it does: with them left out, the
//! rest would mean something else.

use chrono::NaiveDate;

use super::super::date::{self, Fault};
use super::super::token::{Token, rest, starts_any};

/// Ends a repeat that it stands behind.
pub(super) const THIS: &str = "this week|this month|this year";

/// "this time tomorrow": a day with a time that is not told.
pub(super) fn vague(tokens: &[Token], today: NaiveDate) -> Option<usize> {
    const LEADS: &str = "this time|same time|the same time|at this time|at the same time";
    let lead = starts_any(tokens, LEADS)?;
    let (_, used) = date::day(rest(tokens, lead), today)?;
    Some(lead + used)
}

pub(super) fn question() -> Fault {
    let question =
        "I did not understand the time. For example: remind me on Monday at 9:00 to call home.";
    Fault::Ask(question.to_owned())
}
