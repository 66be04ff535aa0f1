//! Words of time that the grammar does not know, next to those that it does: with them left out, the
//! rest would mean something else.

use chrono::NaiveDate;

use super::super::date::{self, Fault};
use super::super::numbers;
use super::super::token::{Token, one_of, rest, starts_any, word};

/// Ends a repeat that it stands behind.
pub(super) const THIS: &str = "this week|this month|this year";

/// How many words are looked at.
const LONGEST: usize = 8;

/// The length of what stands between a time phrase and the "to" of its task, where these are words
/// of time only: "tomorrow | or friday | to call", "every day | apart from sunday | to call".
pub(super) fn before_task(tokens: &[Token]) -> Option<usize> {
    // "at 8 to 10 to call".
    if word(tokens, 0) == "to" {
        let (_, used) = numbers::whole(rest(tokens, 1))?;
        return (word(tokens, 1 + used) == "to").then_some(1 + used);
    }
    // After these the whole sentence is looked at, see `remind`.
    if one_of(word(tokens, 0), "on|at|in|by|every|except|but|until|not") {
        return None;
    }
    let end = (1..LONGEST).find(|at| word(tokens, *at) == "to")?;
    // "on friday, last day to pay".
    if starts_any(rest(tokens, end.saturating_sub(2)), "last day|last days").is_some() {
        return None;
    }
    let mut unread = tokens.iter().take(end);
    let all = unread
        .clone()
        .all(|token| joins(token) || is_of_time(token));
    (all && unread.any(is_of_time)).then_some(end)
}

fn joins(token: &Token) -> bool {
    const WORDS: &str = "or|and|,|&|-|/|:|except|but|not|apart|excluding|without|besides|until|till|\
        til|starting|beginning|ending|from|since|for|of|in|on|at|by|the|a|an|st|nd|rd|th|h|m|s";
    one_of(&token.text, WORDS)
}

fn is_of_time(token: &Token) -> bool {
    const WORDS: &str = "every|each|daily|weekly|monthly|yearly|after|before|between|next|last|this|other|times|early|late|half|quarter|\
        past|end|start|middle|am|pm|noon|midnight|now|today|tomorrow|tonight|morning|afternoon|evening|night|\
        seconds|minute|minutes|hour|hours|day|days|week|weeks|weekend|weekends|weekday|weekdays|\
        month|months|year|years|min|mins";
    let text = token.text.as_str();
    let one = std::slice::from_ref(token);
    one_of(text, WORDS)
        || text.starts_with(|c: char| c.is_ascii_digit())
        || numbers::whole(one).is_some()
        || numbers::ordinal(one).is_some()
        || date::month(text).is_some()
        || date::weekday(text.strip_suffix('s').unwrap_or(text)).is_some()
        || date::weekday(text).is_some()
}

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
