//! Repeats in words that the grammar understands again, for what is offered instead.

use chrono::{Datelike, Weekday};

use super::super::clock;
use super::super::date;
use super::super::duration::{DAY, Span};
use super::super::phrase::Phrase;
use super::super::recurrence::Repeat;

/// A repeat in words that are understood, with its time.
pub(in super::super) fn said(repeat: &Repeat, phrase: &Phrase) -> String {
    let time = match repeat {
        Repeat::Interval(span) if !span.whole_days => String::new(),
        _ => Some(time_said(phrase))
            .filter(|time| !time.is_empty())
            .unwrap_or_else(|| " at 9:00".to_owned()),
    };
    format!("{}{time}", days_of(repeat, phrase))
}

/// " at 9:00 and 18:00", or nothing where no time was said.
pub(super) fn time_said(phrase: &Phrase) -> String {
    let single = matches!(phrase.repeat, Some(Repeat::Interval(_)));
    let times: Vec<String> = phrase
        .clocks
        .iter()
        .take(if single { 1 } else { usize::MAX })
        .map(|clock| clock.time(phrase.part))
        .chain(
            phrase
                .part
                .map(clock::Part::usual)
                .filter(|_| phrase.clocks.is_empty()),
        )
        .map(|time| time.format("%-H:%M").to_string())
        .collect();
    if times.is_empty() {
        return String::new();
    }
    format!(" at {}", times.join(" and "))
}

/// With the weekday or the day of the month that stands elsewhere in the sentence.
pub(super) fn days_of(repeat: &Repeat, phrase: &Phrase) -> String {
    let Some(day) = super::anchor(phrase) else {
        return match repeat {
            // Not on today's day, which some months may not have.
            Repeat::Months(1..12) => on_nth(repeat, 1),
            _ => days_said(repeat),
        };
    };
    match repeat {
        Repeat::Weekly => format!("every {}", date::weekday_name(day.date.weekday())),
        Repeat::Months(12) => {
            let date = date::day_and_month(day.date.day(), day.date.month());
            format!("every year on {date}")
        }
        Repeat::Months(_) => on_nth(repeat, day.date.day()),
        _ => days_said(repeat),
    }
}

fn on_nth(repeat: &Repeat, day: u32) -> String {
    match repeat {
        Repeat::Months(1) => format!("on the {} of every month", nth(day)),
        _ => format!("{} on the {}", days_said(repeat), nth(day)),
    }
}

/// A repeat in words that are understood, without its time.
pub(in super::super) fn days_said(repeat: &Repeat) -> String {
    match repeat {
        Repeat::Daily => "every day".to_owned(),
        Repeat::Weekdays(days) => weekdays_said(days),
        Repeat::Weekly => "every week".to_owned(),
        Repeat::MonthDays(days) => {
            let days: Vec<String> = days.iter().map(|day| nth(*day)).collect();
            format!("on the {} of every month", days.join(" and the "))
        }
        Repeat::LastDay => "on the last day of every month".to_owned(),
        Repeat::NthWeekday { nths, day } => {
            let nths: Vec<&str> = nths
                .iter()
                .map(|nth| match *nth {
                    "1" => "first",
                    "2" => "second",
                    "3" => "third",
                    "4" => "fourth",
                    _ => "last",
                })
                .collect();
            let day = weekday_from_sunday(*day);
            format!("on the {} {day} of every month", nths.join(" and "))
        }
        Repeat::YearDay { month, day } => {
            format!("every year on {}", date::day_and_month(*day, *month))
        }
        Repeat::Months(1) => "every month".to_owned(),
        Repeat::Months(12) => "every year".to_owned(),
        Repeat::Months(months) => format!("every {months} months"),
        Repeat::Interval(span) => distance(*span),
    }
}

fn weekdays_said(days: &[u32]) -> String {
    match days {
        [_, _, _, _, _, _, _] => "every day".to_owned(),
        [1, 2, 3, 4, 5] => "every weekday".to_owned(),
        _ => {
            let names: Vec<&str> = days.iter().map(|day| weekday_from_sunday(*day)).collect();
            format!("every {}", names.join(" and "))
        }
    }
}

pub(super) fn weekday_from_sunday(day: u32) -> &'static str {
    const DAYS: [Weekday; 7] = [
        Weekday::Sun,
        Weekday::Mon,
        Weekday::Tue,
        Weekday::Wed,
        Weekday::Thu,
        Weekday::Fri,
        Weekday::Sat,
    ];
    let at = usize::try_from(day % 7).unwrap_or(0);
    date::weekday_name(DAYS[at])
}

/// "1st", "22nd".
fn nth(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// "every 2 weeks", "every hour".
fn distance(span: Span) -> String {
    const UNITS: [(u128, &str); 4] = [
        (7 * DAY, "week"),
        (DAY, "day"),
        (3600, "hour"),
        (60, "minute"),
    ];
    let (length, unit) = UNITS
        .into_iter()
        .find(|(length, _)| span.seconds.is_multiple_of(*length))
        .unwrap_or((1, "second"));
    match span.seconds / length {
        1 => format!("every {unit}"),
        count => format!("every {count} {unit}s"),
    }
}
