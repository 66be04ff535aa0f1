//! Schedules in words.

use chrono::NaiveDateTime;
use croner::CronPattern;

use super::cron::CronExpression;
use super::moment::{describe_date, units, wall_clock};
use super::{DAY_SECONDS, Recurrence, Schedule};

/// How many times of a day are named one by one.
const MAX_TIMES: usize = 6;

/// How many days of a month are named one by one.
const MAX_DAYS: usize = 5;

/// From Monday on; cron counts from Sunday.
const WEEKDAYS: [(u16, &str); 7] = [
    (1, "Monday"),
    (2, "Tuesday"),
    (3, "Wednesday"),
    (4, "Thursday"),
    (5, "Friday"),
    (6, "Saturday"),
    (0, "Sunday"),
];

/// The months by name.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Schedule {
    /// What a person would say: "every Monday at 09:00", "every 2 weeks on Monday at 09:00", "every 2 hours",
    /// "on Fri 24 Dec 2027 at 10:15", "every day at 08:00 until Fri 24 Dec 2027 at 10:15". Times are
    /// those of the schedule's zone.
    pub fn describe(&self) -> String {
        let what = match self.recurrence() {
            Recurrence::Once => return format!("on {}", describe_date(self.anchor(), self.zone())),
            Recurrence::Interval { every_seconds } if every_seconds.is_multiple_of(DAY_SECONDS) => {
                let first = wall_clock(self.anchor(), self.zone());
                describe_every_days(every_seconds / DAY_SECONDS, first)
            }
            Recurrence::Interval { every_seconds } => describe_interval(*every_seconds),
            Recurrence::Cron { expression } => describe_cron(expression),
        };
        match self.ends_at() {
            None => what,
            Some(end) => format!("{what} until {}", describe_date(end, self.zone())),
        }
    }
}

/// Whole days keep the time of day of the first run, and whole weeks its weekday.
fn describe_every_days(days: u64, first: NaiveDateTime) -> String {
    let every = match (days, days % 7) {
        (1, _) => "every day".to_owned(),
        (7, _) => first.format("every %A").to_string(),
        (_, 0) => format!("every {} weeks on {}", days / 7, first.format("%A")),
        _ => format!("every {days} days"),
    };
    format!("{every} at {}", first.format("%H:%M"))
}

fn describe_interval(every_seconds: u64) -> String {
    let every = units(every_seconds).join(" ");
    let single = every.strip_prefix("1 ").filter(|unit| !unit.contains(' '));
    format!("every {}", single.unwrap_or(&every))
}

fn describe_cron(expression: &CronExpression) -> String {
    let pattern = &expression.pattern().pattern;
    let (minutes, hours) = (pattern.minutes.values(), pattern.hours.values());
    let days = describe_days(pattern);
    if days.as_deref() == Some("every day")
        && let Some(repetition) = describe_repetition(&minutes, &hours)
    {
        return repetition;
    }
    match (days, minutes.len() * hours.len()) {
        (Some(days), 1..=MAX_TIMES) => {
            let times: Vec<String> = hours
                .iter()
                .flat_map(|hour| {
                    minutes
                        .iter()
                        .map(move |minute| format!("{hour:02}:{minute:02}"))
                })
                .collect();
            format!("{days} at {}", join(&times))
        }
        (Some(days), _) => match describe_stretch(&minutes, &hours) {
            Some(stretch) => format!("{days} {stretch}"),
            None => library_text(pattern),
        },
        (None, _) => library_text(pattern),
    }
}

/// "every 15 minutes", "every 2 hours": steps that fit the hour or the day, on every day.
fn describe_repetition(minutes: &[u16], hours: &[u16]) -> Option<String> {
    if hours.len() == 24 {
        return match (minutes, even_step(minutes, 60)) {
            ([0], _) => Some("every hour".to_owned()),
            ([minute], _) => Some(format!("every hour at minute {minute}")),
            (_, Some(1)) => Some("every minute".to_owned()),
            (_, Some(step)) => Some(format!("every {step} minutes")),
            _ => None,
        };
    }
    let step = even_step(hours, 24).filter(|_| minutes == [0] && hours.len() > 2)?;
    Some(format!("every {step} hours"))
}

/// "every 15 minutes from 09:00 to 17:45": steps through hours that follow each other.
fn describe_stretch(minutes: &[u16], hours: &[u16]) -> Option<String> {
    let (first_hour, last_hour) = (hours.first()?, hours.last()?);
    let (first_minute, last_minute) = (minutes.first()?, minutes.last()?);
    if usize::from(last_hour - first_hour) + 1 != hours.len() {
        return None;
    }
    let every = match (minutes, even_step(minutes, 60)) {
        ([_], _) => "every hour".to_owned(),
        (_, Some(1)) => "every minute".to_owned(),
        (_, Some(step)) => format!("every {step} minutes"),
        _ => return None,
    };
    let from = format!("{first_hour:02}:{first_minute:02}");
    Some(format!(
        "{every} from {from} to {last_hour:02}:{last_minute:02}"
    ))
}

/// The step of values that go evenly around a circle from 0.
fn even_step(values: &[u16], circle: u16) -> Option<u16> {
    let count = u16::try_from(values.len())
        .ok()
        .filter(|count| *count > 0)?;
    let step = circle / count;
    let is_even = (0..count)
        .map(|index| index * step)
        .eq(values.iter().copied());
    (step * count == circle && is_even).then_some(step)
}

/// "every day", "every weekday", "on days 1 and 15 of every month"; `None` when it takes more words.
fn describe_days(pattern: &CronPattern) -> Option<String> {
    if is_last_day(pattern) && pattern.is_dow_wildcard() {
        let months = of_months(&pattern.months.values());
        return Some(format!("on the last day of {months}"));
    }
    if pattern.days.has_modifiers() || pattern.days_of_week.has_modifiers() {
        return None;
    }
    let months = pattern.months.values();
    match (pattern.is_dom_wildcard(), pattern.is_dow_wildcard()) {
        (true, true) => Some(format!("every day{}", in_months(&months))),
        (true, false) => {
            let weekdays = describe_weekdays(&pattern.days_of_week.values());
            Some(format!("{weekdays}{}", in_months(&months)))
        }
        (false, true) => describe_month_days(&pattern.days.values(), &months),
        (false, false) => None,
    }
}

fn describe_weekdays(values: &[u16]) -> String {
    match values {
        [0, 1, 2, 3, 4, 5, 6] => "every day".to_owned(),
        [1, 2, 3, 4, 5] => "every weekday".to_owned(),
        _ => {
            let names: Vec<&str> = WEEKDAYS
                .iter()
                .filter(|(value, _)| values.contains(value))
                .map(|(_, name)| *name)
                .collect();
            format!("every {}", join(&names))
        }
    }
}

fn describe_month_days(days: &[u16], months: &[u16]) -> Option<String> {
    if days.len() > MAX_DAYS {
        return None;
    }
    if let ([day], [month]) = (days, months) {
        return Some(format!("every year on {day} {}", month_name(*month)?));
    }
    let word = if days.len() == 1 { "day" } else { "days" };
    Some(format!("on {word} {} of {}", join(days), of_months(months)))
}

/// Nothing but `L` for the day of the month.
fn is_last_day(pattern: &CronPattern) -> bool {
    let days = pattern.as_str().split(' ').nth(2);
    days.is_some_and(|days| days.eq_ignore_ascii_case("l"))
}

fn of_months(months: &[u16]) -> String {
    if months.len() == 12 {
        "every month".to_owned()
    } else {
        month_names(months)
    }
}

fn in_months(months: &[u16]) -> String {
    if months.len() == 12 {
        String::new()
    } else {
        format!(" in {}", month_names(months))
    }
}

fn month_names(months: &[u16]) -> String {
    let names: Vec<&str> = months
        .iter()
        .filter_map(|month| month_name(*month))
        .collect();
    join(&names)
}

fn month_name(month: u16) -> Option<&'static str> {
    MONTHS.get(usize::from(month).checked_sub(1)?).copied()
}

/// "a, b and c".
fn join<T: ToString>(parts: &[T]) -> String {
    let mut words: Vec<String> = parts.iter().map(ToString::to_string).collect();
    match words.pop() {
        None => String::new(),
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} and {last}", words.join(", ")),
    }
}

/// The library's own English, made to fit into a sentence.
fn library_text(pattern: &CronPattern) -> String {
    let text = pattern.describe();
    let mut characters = text.trim_end_matches('.').chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => pattern.as_str().to_owned(),
    }
}
