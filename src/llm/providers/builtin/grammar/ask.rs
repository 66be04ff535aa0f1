//! Questions about the clock and the calendar.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;

use super::date::{self, Fault, Said};
use super::duration;
use super::token::{Token, original, rest, starts_any, word};
use super::{CountUnit, DateQuestion, Intent, polite, when, zones};

pub(super) fn parse(sentence: &str, tokens: &[Token], now: DateTime<Tz>) -> Option<Intent> {
    let tokens = polite::trim_end(tokens);
    let tokens = rest(
        tokens,
        starts_any(tokens, "tell me|do you know|show me").unwrap_or(0),
    );
    time(sentence, tokens)
        .or_else(|| today(tokens))
        .or_else(|| distance(tokens, now))
        .or_else(|| between(tokens, now))
        .or_else(|| day(tokens, now))
}

fn time(sentence: &str, tokens: &[Token]) -> Option<Intent> {
    const ASKS: &str = "what time is it|what time it is|what's the time|what is the time|whats the time|\
        the time|current time|the current time|what is the current time|\
        what's the current time|time|time now|what time|do you have the time|\
        have you got the time|what time is it now|time right now|local time|\
        what is the local time|what's the local time";
    let taken = starts_any(tokens, ASKS)?;
    let now_at = starts_any(rest(tokens, taken), "now|right now|currently|is it").unwrap_or(0);
    let here = rest(tokens, taken + now_at);
    if here.is_empty() {
        return Some(Intent::CurrentTime { zone: None });
    }
    if starts_any(here, "here|for me|please") == Some(here.len()) {
        return Some(Intent::CurrentTime { zone: None });
    }
    let lead = starts_any(here, "in|at|over in|for|in the city of")?;
    let last = here
        .last()
        .filter(|token| token.text == "now")
        .map_or(here.len(), |_| here.len() - 1);
    let last = if word(here, last.saturating_sub(1)) == "right" {
        last - 1
    } else {
        last
    };
    let place = original(sentence, here.get(lead..last)?);
    if place.is_empty() || here.len() > 8 {
        return None;
    }
    let city = place.split(',').next().unwrap_or_default();
    Some(match zones::zone(&place).or_else(|| zones::zone(city)) {
        Some(zone) => Intent::CurrentTime { zone: Some(zone) },
        None => Intent::Impossible {
            why: format!("I do not know the time zone of {place}."),
            offer: "what time is it in Asia/Tokyo".to_owned(),
        },
    })
}

fn today(tokens: &[Token]) -> Option<Intent> {
    const ASKS: &str = "what day is it|what day is it today|what day is today|what's today|\
        what is today|what's the date|what is the date|whats the date|\
        what's the date today|what is the date today|what date is it|\
        what date is it today|what is today's date|what's today's date|today's date|\
        todays date|date|the date|current date|the current date|\
        what is the current date|what's the current date|what year is it|\
        what month is it|what day of the week is it|what is the day today|\
        what date is today|what day it is|what is the day|what's the day|\
        what day is it now|what is todays date|what weekday is it|what weekday is today|\
        what day of the week is today|what's the day today|\
        what day of the week is it today|today|what week is it|which day is it|\
        which day is today|what is the date right now";
    (starts_any(tokens, ASKS) == Some(tokens.len())).then_some(Intent::CurrentDate)
}

/// "how many days until christmas", "how long since 1 May", "days to 24 December".
fn distance(tokens: &[Token], now: DateTime<Tz>) -> Option<Intent> {
    let lead = starts_any(tokens, "how many|how long|number of|count the").unwrap_or(0);
    let (unit, used) = match word(tokens, lead) {
        "days" | "sleeps" | "day" => (CountUnit::Days, 1),
        "weeks" => (CountUnit::Weeks, 1),
        "months" => (CountUnit::Months, 1),
        _ if word(tokens, 1) == "long" => (CountUnit::Days, 0),
        _ => return None,
    };
    let here = rest(tokens, lead + used);
    const FILL: &str = "are there|is it|left|remain|remaining|are left|do we have|do i have|to go|are|\
        is there|have passed|has it been|is left";
    let fill = starts_any(here, FILL).unwrap_or(0);
    let here = rest(here, fill);
    let joint = starts_any(
        here,
        "until|till|til|to|before|since|left until|from now until|ago was",
    )?;
    let past = word(here, 0) == "since" || word(here, 0) == "ago";
    let target = rest(here, joint);
    let target = rest(
        target,
        starts_any(target, "the|my")
            .filter(|_| word(target, 1) != "new")
            .unwrap_or(0),
    );
    let (found, used) = date::day(target, now.date_naive())?;
    if used != target.len() {
        return None;
    }
    Some(answer(found, |day| {
        let today = now.date_naive();
        let date = if past {
            last_such(day, today)
        } else {
            day.date
        };
        DateQuestion::Until {
            date,
            days: (date - today).num_days(),
            unit,
        }
    }))
}

/// A day without a year, looked back at: its latest occurrence.
fn last_such(day: date::Day, today: NaiveDate) -> NaiveDate {
    match day.said {
        Said::YearDay { .. } if day.date > today => day
            .date
            .checked_sub_months(chrono::Months::new(12))
            .unwrap_or(day.date),
        Said::Weekday(_) => day
            .date
            .checked_sub_days(chrono::Days::new(7))
            .unwrap_or(day.date),
        _ => day.date,
    }
}

fn between(tokens: &[Token], now: DateTime<Tz>) -> Option<Intent> {
    let lead = starts_any(
        tokens,
        "how many days between|how many days are between|\
                how many days are there between|days between|how many days from|\
                how many days are there from",
    )?;
    let today = now.date_naive();
    let (from, used) = date::day(rest(tokens, lead), today)?;
    let joint = starts_any(rest(tokens, lead + used), "and|to|until")?;
    let at = lead + used + joint;
    let (to, to_used) = date::day(rest(tokens, at), today)?;
    if at + to_used != tokens.len() {
        return None;
    }
    let from = match from {
        Ok(day) => day.date,
        Err(fault) => return Some(refusal(fault)),
    };
    Some(answer(to, |day| DateQuestion::Between {
        from,
        to: day.date,
        days: (day.date - from).num_days(),
    }))
}

/// "what day is 24 December 2027", "when is christmas", "what date is it in 3 weeks".
fn day(tokens: &[Token], now: DateTime<Tz>) -> Option<Intent> {
    const ASKS: &str = "what day is|what day was|what date is|what day will it be|when is|\
        what day of the week is|what day of the week was|what weekday is|which day is|\
        what's the date|what is the date|what day is it|what date is it|what day was it|what date was it|\
        what date will it be|what day of the week will it be|what weekday was|\
        what was the date|what date was|what day does|which weekday is|\
        what will the date be|what day is on|what day will|what date will|\
        what day falls on|what is the date on|when's|what's the day|\
        which day of the week is|what weekday will|on what day is|on which day is";
    let taken = starts_any(tokens, ASKS)?;
    let mut here = rest(tokens, taken);
    if let [before @ .., last] = here
        && matches!(last.text.as_str(), "be" | "fall" | "on" | "this" | "year")
        && !(last.text == "year" && before.last().is_some_and(|token| token.text != "this"))
    {
        here = if last.text == "year" {
            &before[..before.len() - 1]
        } else {
            before
        };
    }
    if let Some(date) = counted(here, now.naive_local()) {
        return Some(match date {
            Some(date) => Intent::DateOf {
                question: DateQuestion::Day { date },
            },
            None => refusal(Fault::new("That is too far away.", "tomorrow")),
        });
    }
    let (found, used) = date::day(here, now.date_naive())?;
    (used == here.len()).then(|| answer(found, |day| DateQuestion::Day { date: day.date }))
}

/// "in 3 weeks", "3 weeks from now", "3 weeks ago", "yesterday"; the inner `None`: too far away.
fn counted(tokens: &[Token], now: NaiveDateTime) -> Option<Option<NaiveDate>> {
    let gone = starts_any(tokens, "it|it be").unwrap_or(0);
    let tokens = rest(tokens, gone);
    let back = |days| now.date().checked_sub_days(Days::new(days));
    if starts_any(tokens, "the day before yesterday|day before yesterday") == Some(tokens.len()) {
        return Some(back(2));
    }
    if starts_any(tokens, "yesterday") == Some(tokens.len()) {
        return Some(back(1));
    }
    let lead = usize::from(word(tokens, 0) == "in");
    let (span, used) = duration::span(rest(tokens, lead))?;
    let after = rest(tokens, lead + used);
    let moment = match starts_any(after, "ago|before today|earlier") {
        Some(tail) if lead == 0 && tail == after.len() => when::shift_back(now, span),
        Some(_) => return None,
        None if lead > 0 && after.is_empty() => when::shift(now, span),
        None => {
            let tail = starts_any(after, "from now|from today|hence|later")?;
            if lead > 0 || tail != after.len() {
                return None;
            }
            when::shift(now, span)
        }
    };
    Some(moment.map(|moment| moment.date()))
}

fn answer(
    found: Result<date::Day, Fault>,
    question: impl FnOnce(date::Day) -> DateQuestion,
) -> Intent {
    match found {
        Ok(day) => Intent::DateOf {
            question: question(day),
        },
        Err(fault) => refusal(fault),
    }
}

fn refusal(fault: Fault) -> Intent {
    match fault {
        Fault::Ask(question) => Intent::Incomplete { question },
        Fault::Impossible { why, instead } => {
            let date = instead.strip_prefix("on ").unwrap_or("tomorrow");
            Intent::Impossible {
                why,
                offer: format!("what day is {date}"),
            }
        }
    }
}
