//! Words of time that were not understood. What they mean may make all the difference, so the person is asked.

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;

use super::clock::Part;
use super::date;
use super::head::{self, Kind};
use super::numbers;
use super::phrase::Phrase;
use super::polite;
use super::token::{Token, one_of, rest, starts_any, word};
use super::zones;

/// Words that open more of a time, and seldom a task.
const OPENERS: &str = "on|at|in|by|every|each|except|excepting|excluding|without|but|until|till|not|before|after|\
    between|around|through|or|from|starting|beginning|apart|besides";

/// More words of time after a time that was understood: "in 2 weeks on monday to …", "daily except
/// fridays to …", "at 9 EST", "tomorrow and friday".
pub(super) fn goes_on(tokens: &[Token], now: DateTime<Tz>) -> bool {
    let here = polite::trim_start(tokens);
    let joined = matches!(word(here, 0), "and" | "or" | "&" | "then");
    let next = rest(here, usize::from(joined));
    if (joined && is_time(next, now)) || zones::is_abbreviation(next) {
        return true;
    }
    // "from monday to friday"
    let ranges = word(here, 0) == "to" && is_time(rest(here, 1), now);
    let denies = word(here, 0) == "not" && word(here, 1) == "to";
    let opens = ranges || (one_of(word(here, 0), OPENERS) && !denies) || is_time(here, now);
    opens && rest(here, 1).iter().any(|token| token.text == "to")
}

/// The same behind a time in the middle of a task: "call mom on the 1st and 15th".
pub(super) fn goes_on_inside(tokens: &[Token], now: DateTime<Tz>) -> bool {
    const OPENERS: &str =
        "or|before|after|between|except|excepting|excluding|until|till|starting|beginning";
    let joined = matches!(word(tokens, 0), "and" | "or" | "&" | ",");
    let next = rest(tokens, usize::from(joined));
    let more = joined || one_of(word(tokens, 0), OPENERS);
    let first = rest(tokens, usize::from(more));
    zones::is_abbreviation(next) || (more && is_time(first, now))
}

/// Whether a task opens with a time that was not understood: "a week from friday at 10 to …", "on wendesday to …".
pub(super) fn opens(tokens: &[Token], now: DateTime<Tz>) -> bool {
    const LEADS: &str = "on|at|in|by|every|each|from|next|this|before|after|between|around";
    // "at the bakery"
    if matches!(word(tokens, 0), "at" | "in")
        && matches!(word(tokens, 1), "the" | "my" | "our" | "your")
        && !is_time(tokens, now)
    {
        return false;
    }
    let article = usize::from(matches!(word(tokens, 0), "a" | "an" | "the" | "one"));
    let here = rest(tokens, article);
    let is_opened = is_time(here, now) || (article == 0 && one_of(word(here, 0), LEADS));
    is_opened && (1..tokens.len()).any(|at| word(tokens, at) == "to")
}

/// "this time tomorrow": a day with a time that is not told.
pub(super) fn vague(tokens: &[Token], today: NaiveDate) -> Option<usize> {
    const LEADS: &str = "this time|same time|the same time|at this time|at the same time";
    let lead = starts_any(tokens, LEADS)?;
    let (_, used) = date::day(rest(tokens, lead), today)?;
    Some(lead + used)
}

/// Asks for the time of a task, with a sentence that works.
pub(super) fn question(task: &str) -> String {
    format!("I did not understand the time. For example: remind me on Monday at 9:00 to {task}.")
}

/// Whether another reminder begins in a task: "… and at 6 to call dad", "… . remind me to …".
pub(super) fn another_begins(sentence: &str, tokens: &[Token], now: DateTime<Tz>) -> bool {
    (1..tokens.len()).any(|at| {
        let before = &tokens[at - 1];
        let new_line = sentence[before.end..tokens[at].start].contains('\n');
        let parted = new_line
            || matches!(
                before.text.as_str(),
                "," | "." | ";" | "and" | "then" | "also"
            );
        let here = rest(tokens, at);
        let goes_on = word(here, 0) == "to" && ends_in_time(&tokens[..at], now);
        parted && (goes_on || is_command(here, now) || is_time_and_task(here, now))
    })
}

/// Whether a time stands at the end, but for what joins it to the next words.
fn ends_in_time(tokens: &[Token], now: DateTime<Tz>) -> bool {
    let joins = |token: &Token| {
        token.is_punctuation() || matches!(token.text.as_str(), "and" | "then" | "also")
    };
    let end = tokens
        .iter()
        .rposition(|token| !joins(token))
        .map_or(0, |last| last + 1);
    (end.saturating_sub(6)..end).any(|start| {
        Phrase::read(&tokens[start..end], now).is_some_and(|(_, taken)| start + taken == end)
    })
}

fn is_command(tokens: &[Token], now: DateTime<Tz>) -> bool {
    let here = rest(tokens, polite::lead(tokens));
    head::read(here, now).is_some_and(|head| head.kind == Kind::Remind && head.taken < here.len())
        && word(here, 0) != "remember"
}

fn is_time_and_task(tokens: &[Token], now: DateTime<Tz>) -> bool {
    Phrase::read(tokens, now).is_some_and(|(_, taken)| word(tokens, taken) == "to")
}

/// Whether a word may stand where a span ends: "to friday", "to 10".
pub(super) fn is_end(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) || date::weekday(word).is_some()
}

/// Whether a word of time stands at the start.
fn is_time(tokens: &[Token], now: DateTime<Tz>) -> bool {
    const BARE: &str = "week|weeks|weekend|weekends|weekday|weekdays|month|months|day|days|year|years|fortnight|noon|\
        midnight|tomorrow|today|tonight";
    let first = word(tokens, 0);
    let is_range = first
        .split_once('-')
        .is_some_and(|(from, to)| date::weekday(from).is_some() && date::weekday(to).is_some());
    first.starts_with(|c: char| c.is_ascii_digit())
        || one_of(first, BARE)
        || is_range
        || Part::named(first).is_some()
        || date::weekday(first).is_some()
        || numbers::ordinal(tokens).is_some()
        || Phrase::read(tokens, now).is_some()
}

/// Whether the time at a place, which names no day, belongs to one that is named before it: the "at 10" of "the meeting
/// on friday at 10".
pub(super) fn is_of_a_day(task: &[Token], at: usize, now: DateTime<Tz>) -> bool {
    let here = Phrase::read(rest(task, at), now);
    let is_clock = here.is_some_and(|(phrase, _)| phrase.day.is_none() && phrase.repeat.is_none());
    is_clock
        && (at.saturating_sub(6)..at).any(|start| {
            let read = Phrase::read(rest(task, start), now);
            read.is_some_and(|(phrase, taken)| phrase.day.is_some() && start + taken > at)
        })
}
