//! Repeats: "every weekday", "daily", "every mon, wed and fri", "on the 1st of every month", "every
//! 2 hours".

mod counted;

use chrono::{NaiveDate, Weekday};

use super::clock::Part;
use super::date::{self, Fault, Said};
use super::duration::{self, Span};
use super::numbers;
use super::token::{Token, one_of, rest, starts, starts_any, word};
use counted::{counted_weekdays, nth_unit};

/// What repeats, without the time of day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Repeat {
    Daily,
    /// Days of the week as cron counts them: Sunday 0 to Saturday 6, sorted.
    Weekdays(Vec<u32>),
    /// "every week", on a day said elsewhere.
    Weekly,
    /// Days of the month, sorted.
    MonthDays(Vec<u32>),
    /// The last day of every month.
    LastDay,
    /// "the first and third monday of every month"; each of `nths` is "1" to "4" or "L".
    NthWeekday {
        nths: Vec<&'static str>,
        day: u32,
    },
    /// Every so many months, on a day said elsewhere.
    Months(u32),
    YearDay {
        month: u32,
        day: u32,
    },
    /// Every so many seconds, or days.
    Interval(Span),
}

/// A repeat with the part of the day it names ("every morning").
pub(super) type Named = (Repeat, Option<Part>);
pub(super) type Found = (Result<Named, Fault>, usize);

/// A repeat at the start, with its preposition.
pub(super) fn repeat(tokens: &[Token], today: NaiveDate) -> Option<Found> {
    let lead = starts_any(tokens, "on|for|at|on the|the").unwrap_or(0);
    times_a_day(rest(tokens, lead))
        .or_else(|| last_day(rest(tokens, lead)))
        .or_else(|| every(rest(tokens, lead), today))
        .or_else(|| adverb(rest(tokens, lead)))
        .or_else(|| of_every_month(rest(tokens, lead)))
        .map(|(found, taken)| (found, lead + taken))
}

fn plain(repeat: Repeat, taken: usize) -> Option<Found> {
    Some((Ok((repeat, None)), taken))
}

fn every(tokens: &[Token], today: NaiveDate) -> Option<Found> {
    const LEADS: &str =
        "every|each|every single|once every|once a|once per|once each|each and every";
    let lead = starts_any(tokens, LEADS)?;
    let here = rest(tokens, lead);
    let found = nth_unit(here)
        .or_else(|| counted_weekdays(here, true))
        .or_else(|| unit(here))
        .or_else(|| weekdays(here, true))
        .or_else(|| every_last_day(here))
        .or_else(|| month_days(here, true))
        .or_else(|| year_day(here, today))
        .or_else(|| interval(here))?;
    Some((found.0, lead + found.1))
}

fn unit(tokens: &[Token]) -> Option<Found> {
    let first = word(tokens, 0);
    if let Some(part) = Part::named(first) {
        return Some((Ok((Repeat::Daily, Some(part))), 1));
    }
    if let Some(taken) = starts_any(tokens, "working day|work day|business day|week day") {
        return plain(Repeat::Weekdays(vec![1, 2, 3, 4, 5]), taken);
    }
    match first {
        "day" => plain(Repeat::Daily, 1),
        "weekday" | "weekdays" | "workday" => plain(Repeat::Weekdays(vec![1, 2, 3, 4, 5]), 1),
        "weekend" | "weekends" => plain(Repeat::Weekdays(vec![0, 6]), 1),
        "week" => plain(Repeat::Weekly, 1),
        "month" => plain(Repeat::Months(1), 1),
        "quarter" if word(tokens, 1) != "of" && word(tokens, 1) != "hour" => {
            plain(Repeat::Months(3), 1)
        }
        "year" => plain(Repeat::Months(12), 1),
        "second" => Some((
            Err(Fault::new("Every second is too often.", "every minute")),
            1,
        )),
        "hour" if starts(rest(tokens, 1), "and a half").is_some() => {
            let (seconds, whole_days, months) = (5400, false, 0);
            plain(
                Repeat::Interval(Span {
                    seconds,
                    months,
                    whole_days,
                }),
                4,
            )
        }
        "hour" | "minute" => {
            let seconds = if first == "hour" { 3600 } else { 60 };
            plain(
                Repeat::Interval(Span {
                    seconds,
                    ..Span::default()
                }),
                1,
            )
        }
        _ => None,
    }
}

/// "monday", "mon, wed and fri", "monday to friday", "tuesday morning"; without `every` only
/// plurals and ranges.
fn weekdays(tokens: &[Token], every: bool) -> Option<Found> {
    let mut days = Vec::new();
    let mut plural = every;
    let mut taken = 0;
    loop {
        let text = word(tokens, taken);
        let singular = text.strip_suffix('s').filter(|text| text.len() > 4);
        let several: Option<Vec<Weekday>> = text.split('/').map(date::weekday).collect();
        if let Some(day) = singular.and_then(date::weekday) {
            plural = true;
            days.push(day);
        } else if let Some(several) = several {
            days.extend(several);
        } else {
            break;
        }
        taken += 1;
        if let Some((last, used)) = range_end(rest(tokens, taken)) {
            let mut day = days.last()?.succ();
            while day != last.succ() {
                days.push(day);
                day = day.succ();
            }
            plural = true;
            taken += used;
        }
        let joint = starts_any(rest(tokens, taken), ", and|and|,|&|or|and every|and on");
        let Some(joint) = joint else { break };
        let next = word(tokens, taken + joint);
        // "on friday or saturday" is once.
        if word(tokens, taken) == "or" && !every {
            break;
        }
        if date::weekday(next)
            .or_else(|| date::weekday(next.strip_suffix('s')?))
            .is_none()
        {
            break;
        }
        taken += joint;
    }
    if days.is_empty() || !(plural || days.len() > 1) {
        return None;
    }
    let mut numbers: Vec<u32> = days.iter().map(Weekday::num_days_from_sunday).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let part = Part::named(word(tokens, taken));
    Some((
        Ok((Repeat::Weekdays(numbers), part)),
        taken + usize::from(part.is_some()),
    ))
}

/// "monday to friday", and nothing else.
pub(super) fn weekday_range(tokens: &[Token]) -> Option<(Vec<u32>, usize)> {
    date::weekday(word(tokens, 0))?;
    range_end(rest(tokens, 1))?;
    match weekdays(tokens, true)? {
        (Ok((Repeat::Weekdays(days), None)), taken) => Some((days, taken)),
        _ => None,
    }
}

fn range_end(tokens: &[Token]) -> Option<(Weekday, usize)> {
    let joint = starts_any(tokens, "to|through|thru|till|until|-|–")?;
    date::weekday(word(tokens, joint)).map(|day| (day, joint + 1))
}

fn interval(tokens: &[Token]) -> Option<Found> {
    let (span, taken) = duration::span(tokens)?;
    if span.months == 0 {
        return plain(Repeat::Interval(span), taken);
    }
    let count = if span.seconds == 0 { span.months } else { 0 };
    Some((months(count), taken))
}

fn months(count: u128) -> Result<Named, Fault> {
    match u32::try_from(count) {
        Ok(count @ (1 | 2 | 3 | 4 | 6 | 12)) => Ok((Repeat::Months(count), None)),
        _ => Err(Fault::new(
            "I can repeat every 1, 2, 3, 4, 6 or 12 months.",
            "every 3 months",
        )),
    }
}

fn adverb(tokens: &[Token]) -> Option<Found> {
    let span = |seconds| {
        Repeat::Interval(Span {
            seconds,
            ..Span::default()
        })
    };
    match word(tokens, 0) {
        "daily" | "everyday" => plain(Repeat::Daily, 1),
        "nightly" => Some((Ok((Repeat::Daily, Some(Part::Night))), 1)),
        "hourly" => plain(span(3600), 1),
        "weekly" => plain(Repeat::Weekly, 1),
        "monthly" => plain(Repeat::Months(1), 1),
        "quarterly" => plain(Repeat::Months(3), 1),
        "yearly" | "annually" => plain(Repeat::Months(12), 1),
        "weekdays" => plain(Repeat::Weekdays(vec![1, 2, 3, 4, 5]), 1),
        "weekends" => plain(Repeat::Weekdays(vec![0, 6]), 1),
        "fortnightly" | "biweekly" | "bi-weekly" => {
            let why = "A fortnight does not say which week comes first.";
            Some((Err(Fault::new(why, "every 2 weeks on Monday at 9:00")), 1))
        }
        _ => weekdays(tokens, false),
    }
}

/// "twice a day": when, is not said.
fn times_a_day(tokens: &[Token]) -> Option<Found> {
    let (count, taken) = match word(tokens, 0) {
        "twice" => (2, 1),
        "thrice" => (3, 1),
        _ => {
            let (count, used) = numbers::whole(tokens)?;
            (count, used + usize::from(word(tokens, used) == "times"))
        }
    };
    if count < 2 || taken == 1 && !matches!(word(tokens, 0), "twice" | "thrice") {
        return None;
    }
    let per = starts_any(rest(tokens, taken), "a|per|each|every|in a").unwrap_or(0);
    let unit = word(tokens, taken + per);
    let (why, instead) = match unit {
        "day" | "daily" => (
            "I need the times of the day.",
            if count == 2 {
                "every day at 9:00 and 21:00"
            } else {
                "every day at 9:00, 15:00 and 21:00"
            },
        ),
        "week" | "weekly" => (
            "I need the days of the week.",
            "every Monday and Thursday at 9:00",
        ),
        "month" | "monthly" => (
            "I need the days of the month.",
            "on the 1st and 15th of every month",
        ),
        "hour" | "hourly" => (
            "I need the minutes between two reminders.",
            "every 30 minutes",
        ),
        "year" => ("I need the dates.", "every year on 1 January"),
        _ => return None,
    };
    Some((Err(Fault::new(why, instead)), taken + per + 1))
}

const OF_MONTH: &str =
    "of every month|of each month|every month|each month|of the month|of month|monthly";

/// "the 1st of every month", "1st and 15th of each month", "first monday of every month".
fn of_every_month(tokens: &[Token]) -> Option<Found> {
    counted_weekdays(tokens, false).or_else(|| month_days(tokens, false))
}

/// "the last day of every month", "end of each month", "monthly on the last day". Of "the month" it is
/// once, see `date`.
fn last_day(tokens: &[Token]) -> Option<Found> {
    let month = starts_any(tokens, "every month|each month|monthly");
    let joint = month.and_then(|month| starts_any(rest(tokens, month), "on|at|, on|, at"));
    if let (Some(month), Some(joint)) = (month, joint) {
        let end = starts_any(rest(tokens, month + joint), "the last day|last day|the end")?;
        let of = starts_any(rest(tokens, month + joint + end), "of the month");
        return plain(Repeat::LastDay, month + joint + end + of.unwrap_or(0));
    }
    let day = starts_any(tokens, "last day|the last day|end|the end")?;
    let of = starts_any(rest(tokens, day), "of every month|of each month")?;
    plain(Repeat::LastDay, day + of)
}

/// What follows "every": "last day of the month".
fn every_last_day(tokens: &[Token]) -> Option<Found> {
    plain(
        Repeat::LastDay,
        starts_any(tokens, "last day of the month|last day of month")?,
    )
}

/// "on the first monday" beside "every month".
pub(super) fn of_the_month(tokens: &[Token]) -> Option<Found> {
    let lead = starts_any(tokens, "on|on the|the").unwrap_or(0);
    let (found, taken) = counted_weekdays(rest(tokens, lead), true)?;
    Some((found, lead + taken))
}

/// What stands between the members of a list.
const LIST: &str = ", and the|, and|and the|and|,|&|, the";

fn month_days(tokens: &[Token], every: bool) -> Option<Found> {
    let mut days = Vec::new();
    let mut taken = 0;
    while let Some((day, used)) = numbers::ordinal(rest(tokens, taken)) {
        taken += used + usize::from(word(tokens, taken + used) == "day");
        days.push(day);
        let joint = starts_any(rest(tokens, taken), LIST).unwrap_or(0);
        if joint == 0 || numbers::ordinal(rest(tokens, taken + joint)).is_none() {
            break;
        }
        taken += joint;
    }
    let of = starts_any(rest(tokens, taken), OF_MONTH);
    let repeats = of.is_some_and(|_| starts(rest(tokens, taken), "of the month").is_none());
    if days.is_empty() || !(every || repeats || of.is_some() && days.len() > 1) {
        return None;
    }
    if every
        && of.is_none()
        && date::month(word(
            tokens,
            taken + usize::from(word(tokens, taken) == "of"),
        ))
        .is_some()
    {
        return None;
    }
    // "every 2nd and 4th week": these count something else.
    const OTHERS: &str = "week|weekend|weekday|workday|working|business|month|year|hour|minute";
    if one_of(word(tokens, taken), OTHERS) {
        return None;
    }
    // "every third item".
    const AFTER: &str = "|to|at|of|and|in|on|by|from|until|till|for|starting|beginning|that|about|\
        remind|please|,|:|.";
    let in_words = !tokens[0].text.starts_with(|c: char| c.is_ascii_digit());
    if in_words && of.is_none() && !one_of(word(tokens, taken), AFTER) {
        return None;
    }
    days.sort_unstable();
    days.dedup();
    Some((checked_month_days(days), taken + of.unwrap_or(0)))
}

/// Refuses days that some months do not have.
pub(super) fn checked_month_days(days: Vec<u32>) -> Result<Named, Fault> {
    if let Some(day) = days.iter().find(|day| !(1..=28).contains(*day)) {
        let why = format!("Not every month has a day {day}.");
        let nearest = if *day < 30 { "28th" } else { "last day" };
        return Err(Fault::new(why, format!("on the {nearest} of every month")));
    }
    Ok((Repeat::MonthDays(days), None))
}

fn year_day(tokens: &[Token], today: NaiveDate) -> Option<Found> {
    let (found, taken) = date::day(tokens, today)?;
    let named = match found {
        Ok(day) => match day.said {
            Said::YearDay { month, day } => Ok((Repeat::YearDay { month, day }, None)),
            _ => return None,
        },
        Err(fault) => Err(fault),
    };
    Some((named, taken))
}
