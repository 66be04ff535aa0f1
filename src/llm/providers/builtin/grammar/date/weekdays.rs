//! Days of the week, alone and beside a date.

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

use super::super::numbers;
use super::super::token::{Token, rest, starts, word};
use super::{
    Day, Fault, Found, Said, day_and_month, numeric, weekday, weekday_name, weekday_of, with_month,
    written,
};

pub(super) fn named_weekday(tokens: &[Token], today: NaiveDate, sure: bool) -> Option<Found> {
    let which = word(tokens, 0);
    let lead = usize::from(matches!(which, "next" | "this" | "coming"));
    let day = weekday(word(tokens, lead))?;
    // "get some sun" and "the cat sat": these are days only beside other words of time.
    let alone = matches!(which, "sun" | "sat" | "wed") && !sure;
    if alone && super::super::clock::clock(rest(tokens, 1)).is_none() {
        return None;
    }
    let until = (7 + day.num_days_from_monday() - today.weekday().num_days_from_monday()) % 7;
    let (offset, said) = match which {
        "this" => (until, Said::ThisWeekday(day)),
        "next" => {
            let to_monday = 7 - today.weekday().num_days_from_monday();
            (to_monday + day.num_days_from_monday(), Said::Fixed)
        }
        _ => (if until == 0 { 7 } else { until }, Said::Weekday(day)),
    };
    let mut taken = lead + 1;
    let mut date = today.checked_add_days(Days::new(u64::from(offset)))?;
    let mut said = said;
    if let Some(used) = starts(rest(tokens, taken), "next week") {
        let monday = u64::from(7 - today.weekday().num_days_from_monday());
        date = today.checked_add_days(Days::new(monday + u64::from(day.num_days_from_monday())))?;
        said = Said::Fixed;
        taken += used;
    } else if word(tokens, taken) == "week" && matches!(word(tokens, taken + 1), "" | "to" | "at") {
        // "friday week" is a week after friday.
        date = date.checked_add_days(Days::new(7))?;
        said = Said::Fixed;
        taken += 1;
    }
    // "Friday, 24 December" and "Friday the 13th": the date says more than the weekday.
    let comma = usize::from(word(tokens, taken) == ",");
    let article = usize::from(word(tokens, taken + comma) == "the");
    let after = rest(tokens, taken + comma + article);
    if let Some((found, used)) = numeric(after, today, false).or_else(|| with_month(after, today)) {
        let found = found.and_then(|found| agreeing(found, day, today));
        return Some((found, taken + comma + article + used));
    }
    if article > 0
        && let Some((number, used)) = numbers::ordinal(after)
    {
        let date = on_both(day, number, today)?;
        let said = Said::Fixed;
        return Some((Ok(Day { date, said }), taken + comma + article + used));
    }
    Some((Ok(Day { date, said }), taken))
}

/// The day, where it falls on the weekday that was said with it.
fn agreeing(day: Day, weekday: Weekday, today: NaiveDate) -> Result<Day, Fault> {
    if day.date.weekday() == weekday {
        return Ok(day);
    }
    let instead = match day.said {
        _ if day.date <= today => format!("on {}", weekday_name(weekday)),
        Said::YearDay { month, day } => format!("on {}", day_and_month(day, month)),
        _ => format!("on {}", written(day.date)),
    };
    Err(Fault::new(weekday_of(day.date), instead))
}

/// "7 December, tuesday at 9": a weekday behind its date.
pub(super) fn with_weekday(
    found: Result<Day, Fault>,
    tokens: &[Token],
    today: NaiveDate,
) -> (Result<Day, Fault>, usize) {
    let comma = usize::from(word(tokens, 0) == ",");
    let article = usize::from(comma > 0 && word(tokens, comma) == "a");
    let taken = comma + article + 1;
    let after = word(tokens, taken);
    let ends = matches!(after, "" | "to" | "at" | "," | ".");
    let nth = comma == 0 && matches!(&found, Ok(day) if matches!(day.said, Said::MonthDay(_)));
    match (weekday(word(tokens, taken - 1)).filter(|_| !nth), found) {
        (Some(weekday), Ok(day)) if ends => (agreeing(day, weekday, today), taken),
        (_, found) => (found, 0),
    }
}

/// "friday the 13th": the next day that is both, today included.
fn on_both(weekday: Weekday, number: u32, today: NaiveDate) -> Option<NaiveDate> {
    let first = today.with_day(1)?;
    (0..60)
        .filter_map(|ahead| {
            first
                .checked_add_months(Months::new(ahead))?
                .with_day(number)
        })
        .find(|date| *date >= today && date.weekday() == weekday)
}
