//! Days: "tomorrow", "next friday", "24 December 2027", "24/12/2027", "the 15th", "christmas".
//!
//! A weekday alone is the next one after today; "this friday" may be today; "next friday" is the
//! one of the calendar week (Monday first) after this one. A date without a year, or a day of the
//! month alone, is its next occurrence; where that is today and the time is over, it is not moved to
//! another month or year. A date that does not fall on the weekday said with it is refused. In "5/6/2027", where both orders make a date, the person is
//! asked.

mod weekdays;

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

use super::duration;
use super::numbers;
use super::token::{Token, rest, starts, starts_any, word};
use crate::core::schedule::MONTHS;
use weekdays::{named_weekday, with_weekday};

/// How a day was said, which matters when it stands with a repeat or falls on today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Today by name; nothing later is meant.
    Today,
    /// Relative to today, or with its year: exactly this day.
    Fixed,
    Weekday(Weekday),
    /// "this friday", which is today or later.
    ThisWeekday(Weekday),
    MonthDay(u32),
    YearDay {
        month: u32,
        day: u32,
    },
    NextWeek,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) date: NaiveDate,
    pub(super) said: Said,
}

/// Something recognised that cannot be done, or that needs an answer first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// Why, and the nearest time phrase that works.
    Impossible { why: String, instead: String },
    /// A question to the person.
    Ask(String),
}

impl Fault {
    pub(super) fn new(why: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::Impossible {
            why: why.into(),
            instead: instead.into(),
        }
    }
}

/// "24 December 2027".
pub(super) fn written(date: NaiveDate) -> String {
    let month = MONTHS
        .get(date.month0() as usize)
        .copied()
        .unwrap_or_default();
    format!("{} {month} {}", date.day(), date.year())
}

pub(super) fn day_and_month(day: u32, month: u32) -> String {
    let name = MONTHS
        .get(month.saturating_sub(1) as usize)
        .copied()
        .unwrap_or_default();
    format!("{day} {name}")
}

/// "7 December 2026 is a Monday."
pub(super) fn weekday_of(date: NaiveDate) -> String {
    format!("{} is a {}.", written(date), weekday_name(date.weekday()))
}

/// "mon", "Tuesday", "weds".
pub(in super::super) fn weekday(text: &str) -> Option<Weekday> {
    Some(match text.trim_end_matches('.') {
        "monday" | "mon" => Weekday::Mon,
        "tuesday" | "tue" | "tues" => Weekday::Tue,
        "wednesday" | "wed" | "weds" => Weekday::Wed,
        "thursday" | "thu" | "thur" | "thurs" => Weekday::Thu,
        "friday" | "fri" => Weekday::Fri,
        "saturday" | "sat" => Weekday::Sat,
        "sunday" | "sun" => Weekday::Sun,
        _ => return None,
    })
}

/// "Monday".
pub(super) fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}

/// "dec", "December", "sept.": the month's number.
pub(in super::super) fn month(text: &str) -> Option<u32> {
    let text = text.trim_end_matches('.');
    (1..).zip(MONTHS).find_map(|(number, name)| {
        let name = name.to_lowercase();
        let short = text == "sept" || (text.len() == 3 && name.starts_with(text));
        (name == text || (short && (text != "sept" || number == 9))).then_some(number)
    })
}

type Found = (Result<Day, Fault>, usize);

/// A day at the start, with its preposition.
pub(super) fn day(tokens: &[Token], today: NaiveDate) -> Option<Found> {
    const LEADS: &str = "on the|on|by|for|by the|from|of|the";
    let end = starts(tokens, "at the end").map(|_| 1);
    let lead = starts_any(tokens, LEADS).or(end).unwrap_or(0);
    let bare = word(tokens, 0) == "the" || lead == 0;
    let here = rest(tokens, lead);
    if let Some((found, taken)) = counted_from(here, today)
        .or_else(|| last_of_month(here, today))
        .or_else(|| named_weekday(here, today, !bare))
        .or_else(|| holiday(here, today))
    {
        return Some((found, lead + taken));
    }
    let the = usize::from(lead > 0 && word(tokens, lead.saturating_sub(1)) == "the");
    // "on the weekend".
    let with_the = || {
        let (found, taken) = relative(rest(tokens, lead - the), today)?;
        Some((found, taken.checked_sub(the)?))
    };
    let (found, taken) = relative(here, today)
        .or_else(with_the)
        .or_else(|| numeric(here, today, !bare))
        .or_else(|| with_month(here, today))
        .or_else(|| day_of_month(here, today, lead > 0))?;
    let (found, more) = with_weekday(found, rest(here, taken), today);
    Some((found, lead + taken + more))
}

fn relative(tokens: &[Token], today: NaiveDate) -> Option<Found> {
    let ahead = |days: u64| today.checked_add_days(Days::new(days)).unwrap_or(today);
    let monday = ahead(u64::from(7 - today.weekday().num_days_from_monday()));
    let next_month = today
        .with_day(1)
        .and_then(|first| first.checked_add_months(Months::new(1)));
    let saturday = ahead(u64::from((12 - today.weekday().num_days_from_monday()) % 7));
    // On a Sunday the coming Saturday is next weekend already.
    let week = if saturday < monday { 7 } else { 0 };
    let this_weekend = if week == 0 {
        (today, Said::Today)
    } else {
        (saturday, Said::Fixed)
    };
    let next_weekend = saturday
        .checked_add_days(Days::new(week))
        .unwrap_or(saturday);
    let table: [(&str, Said, NaiveDate); 20] = [
        ("first thing tomorrow", Said::Fixed, ahead(1)),
        ("today", Said::Today, today),
        ("later today", Said::Today, today),
        ("the day after tomorrow", Said::Fixed, ahead(2)),
        ("day after tomorrow", Said::Fixed, ahead(2)),
        ("overmorrow", Said::Fixed, ahead(2)),
        ("tomorrow", Said::Fixed, ahead(1)),
        ("tmrw", Said::Fixed, ahead(1)),
        ("tmr", Said::Fixed, ahead(1)),
        ("tomorow", Said::Fixed, ahead(1)),
        ("tommorow", Said::Fixed, ahead(1)),
        ("tommorrow", Said::Fixed, ahead(1)),
        ("next week", Said::NextWeek, monday),
        ("next month", Said::Fixed, next_month.unwrap_or(today)),
        (
            "next year",
            Said::Fixed,
            NaiveDate::from_ymd_opt(today.year() + 1, 1, 1).unwrap_or(today),
        ),
        ("this weekend", this_weekend.1, this_weekend.0),
        ("the weekend", Said::Fixed, saturday),
        ("at the weekend", Said::Fixed, saturday),
        ("next weekend", Said::Fixed, next_weekend),
        ("a week from today", Said::Fixed, ahead(7)),
    ];
    let found = table
        .into_iter()
        .filter_map(|(phrase, said, date)| {
            starts(tokens, phrase).map(|taken| (Ok(Day { date, said }), taken))
        })
        .max_by_key(|found| found.1);
    found.or_else(|| past(tokens))
}

/// "a week from friday", "a week on friday", "2 weeks from tomorrow".
fn counted_from(tokens: &[Token], today: NaiveDate) -> Option<Found> {
    let (span, taken) = duration::span(tokens)?;
    let on_weekday = word(tokens, taken) == "on" && weekday(word(tokens, taken + 1)).is_some();
    if !span.whole_days || span.months > 0 || !(on_weekday || word(tokens, taken) == "from") {
        return None;
    }
    let (found, used) = day(rest(tokens, taken + 1), today)?;
    let days = u64::try_from(span.seconds / duration::DAY).ok()?;
    let said = Said::Fixed;
    let found = match found {
        Ok(day) if day.said != Said::Today => day
            .date
            .checked_add_days(Days::new(days))
            .map(|date| Ok(Day { date, said })),
        Ok(_) => None,
        Err(fault) => Some(Err(fault)),
    };
    Some((found?, taken + 1 + used))
}

/// "the last day of the month", "the end of next month".
fn last_of_month(tokens: &[Token], today: NaiveDate) -> Option<Found> {
    let day = starts_any(tokens, "last day|the last day|end|the end")?;
    let here = rest(tokens, day);
    let next = starts_any(here, "of next month|of the next month");
    let of = next.or_else(|| starts_any(here, "of the month|of this month"))?;
    let ahead = Months::new(if next.is_some() { 2 } else { 1 });
    let date = today.with_day(1)?.checked_add_months(ahead)?.pred_opt()?;
    let said = Said::Fixed;
    Some((Ok(Day { date, said }), day + of))
}

fn past(tokens: &[Token]) -> Option<Found> {
    let gone = starts_any(
        tokens,
        "yesterday|last week|last month|last year|last night",
    )
    .or_else(|| (word(tokens, 0) == "last" && weekday(word(tokens, 1)).is_some()).then_some(2))?;
    Some((
        Err(Fault::new("That is in the past.", "tomorrow at 9:00")),
        gone,
    ))
}

/// "2027-12-24", "24/12/2027", "24.12.2027", and "24/12" after a preposition.
fn numeric(tokens: &[Token], today: NaiveDate, sure: bool) -> Option<Found> {
    let text = word(tokens, 0);
    let separator = ['-', '/', '.']
        .into_iter()
        .find(|mark| text.contains(*mark))?;
    let parts: Vec<&str> = text.split(separator).collect();
    if parts
        .iter()
        .any(|part| part.is_empty() || part.len() > 4 || !part.bytes().all(|b| b.is_ascii_digit()))
    {
        return None;
    }
    let number = |part: &str| part.parse::<u32>().unwrap_or(0);
    let found = match parts.as_slice() {
        [year, month, day] if year.len() == 4 => {
            calendar(number(day), number(month), Some(number(year)), today)
        }
        [first, second, year] if matches!(year.len(), 2 | 4) => {
            let year = if year.len() == 2 {
                2000 + number(year)
            } else {
                number(year)
            };
            either_order(number(first), number(second), Some(year), separator, today)
        }
        [first, second] if sure && separator == '/' => {
            either_order(number(first), number(second), None, separator, today)
        }
        _ => return None,
    };
    Some((found, 1))
}

fn either_order(
    first: u32,
    second: u32,
    year: Option<u32>,
    separator: char,
    today: NaiveDate,
) -> Result<Day, Fault> {
    let ambiguous = separator != '.'
        && first <= 12
        && second <= 12
        && first != second
        && first > 0
        && second > 0;
    if ambiguous {
        let year = year.map_or(String::new(), |year| format!(" {year}"));
        let (one, other) = (day_and_month(first, second), day_and_month(second, first));
        return Err(Fault::Ask(format!(
            "Is that {one} or {other}? Please write the month as a word, for example \"{one}{year}\"."
        )));
    }
    if separator != '.' && second > 12 && first <= 12 {
        return calendar(second, first, year, today);
    }
    calendar(first, second, year, today)
}

/// "24 December 2027", "24th of December", "December 24th, 2027", "Dec 24".
fn with_month(tokens: &[Token], today: NaiveDate) -> Option<Found> {
    let (day, month, taken) = if let Some(number) = month(word(tokens, 0)) {
        let article = usize::from(word(tokens, 1) == "the");
        let (day, used) = day_number(rest(tokens, 1 + article))?;
        if matches!(word(tokens, 1 + article + used), "am" | "pm" | "o'clock") {
            return None;
        }
        (day, number, 1 + article + used)
    } else {
        let (day, used) = day_number(tokens)?;
        let of = usize::from(word(tokens, used) == "of");
        (day, month(word(tokens, used + of))?, used + of + 1)
    };
    let comma = usize::from(matches!(word(tokens, taken), "," | "of"));
    let year = word(tokens, taken + comma);
    let clock_follows = matches!(word(tokens, taken + comma + 1), "hours" | "hrs");
    let year = (year.len() == 4 && !clock_follows)
        .then(|| year.parse::<u32>().ok())
        .flatten();
    let taken = taken + year.map_or(0, |_| comma + 1);
    Some((calendar(day, month, year, today), taken))
}

fn day_number(tokens: &[Token]) -> Option<(u32, usize)> {
    let (day, taken) = numbers::ordinal(tokens).or_else(|| {
        let (value, taken) = numbers::whole(tokens)?;
        Some((u32::try_from(value).ok()?, taken))
    })?;
    (day <= 99).then_some((day, taken))
}

fn day_of_month(tokens: &[Token], today: NaiveDate, sure: bool) -> Option<Found> {
    let (day, taken) = numbers::ordinal(tokens)?;
    let digits = word(tokens, 0).starts_with(|c: char| c.is_ascii_digit());
    if !sure || (!digits && !tokens_end(rest(tokens, taken))) {
        return None;
    }
    if !(1..=31).contains(&day) {
        let why = format!("No month has a day {day}.");
        return Some((Err(Fault::new(why, "on the 28th")), taken));
    }
    if let Some(used) = starts_any(rest(tokens, taken), "of this month|this month") {
        let year = u32::try_from(today.year()).ok();
        return Some((calendar(day, today.month(), year, today), taken + used));
    }
    let month = starts_any(rest(tokens, taken), "of the month");
    let next = starts_any(rest(tokens, taken), "of next month|next month");
    let first = today.with_day(1)?;
    let base = if next.is_some() {
        first.checked_add_months(Months::new(1))?
    } else {
        first
    };
    let date = (0..12)
        .filter_map(|ahead| base.checked_add_months(Months::new(ahead))?.with_day(day))
        .find(|date| *date >= today)?;
    let said = if next.is_some() {
        Said::Fixed
    } else {
        Said::MonthDay(day)
    };
    Some((Ok(Day { date, said }), taken + month.or(next).unwrap_or(0)))
}

/// "the third" is a day only where nothing follows that it could belong to ("the third floor").
fn tokens_end(tokens: &[Token]) -> bool {
    tokens.first().is_none_or(Token::is_punctuation)
        || matches!(word(tokens, 0), "at" | "to" | "of" | "and")
}

/// Checks a date of the calendar; without a year the next such day, today included.
pub(super) fn calendar(
    day: u32,
    month: u32,
    year: Option<u32>,
    today: NaiveDate,
) -> Result<Day, Fault> {
    if !(1..=12).contains(&month) {
        return Err(Fault::new(
            format!("There is no month {month}."),
            "tomorrow at 9:00",
        ));
    }
    let this_year = u32::try_from(today.year()).unwrap_or(1970);
    let first = year.unwrap_or(this_year);
    let years = if year.is_some() { 0 } else { 8 };
    let date = (first..=first.saturating_add(years))
        .filter_map(|year| NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day))
        .find(|date| year.is_some() || *date >= today);
    match date {
        Some(date) if year.is_some() => Ok(Day {
            date,
            said: Said::Fixed,
        }),
        Some(date) => Ok(Day {
            date,
            said: Said::YearDay { month, day },
        }),
        None => Err(no_such_day(day, month, year)),
    }
}

fn no_such_day(day: u32, month: u32, year: Option<u32>) -> Fault {
    let year = year.map_or(String::new(), |year| format!(" {year}"));
    let last = match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let why = format!("There is no {}{year}.", day_and_month(day, month));
    Fault::new(why, format!("on {}", day_and_month(last, month)))
}

fn holiday(tokens: &[Token], today: NaiveDate) -> Option<Found> {
    const DAYS: [(&str, u32, u32); 16] = [
        ("christmas day", 25, 12),
        ("christmas eve", 24, 12),
        ("christmas", 25, 12),
        ("xmas", 25, 12),
        ("boxing day", 26, 12),
        ("new year's eve", 31, 12),
        ("new years eve", 31, 12),
        ("new year's day", 1, 1),
        ("new years day", 1, 1),
        ("new year's", 1, 1),
        ("new year", 1, 1),
        ("the new year", 1, 1),
        ("halloween", 31, 10),
        ("valentine's day", 14, 2),
        ("valentines day", 14, 2),
        ("april fools' day", 1, 4),
    ];
    let (taken, day, month) = DAYS
        .iter()
        .filter_map(|(name, day, month)| starts(tokens, name).map(|taken| (taken, *day, *month)))
        .max_by_key(|found| found.0)?;
    let year = word(tokens, taken);
    let year = (year.len() == 4)
        .then(|| year.parse::<u32>().ok())
        .flatten();
    Some((
        calendar(day, month, year, today),
        taken + usize::from(year.is_some()),
    ))
}
