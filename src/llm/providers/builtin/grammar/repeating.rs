//! Settles a repeat: a cron expression with an end, or an interval with a first time.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use super::When;
use super::clock::{self, Clock};
use super::date::{self, Day, Fault, Said};
use super::duration::{DAY, Span};
use super::phrase::{Phrase, Until};
use super::recurrence::{self, Repeat};
use super::when;

pub(super) fn resolve(phrase: &Phrase, repeat: &Repeat, now: NaiveDateTime) -> Result<When, Fault> {
    let until = phrase
        .until
        .map(|until| end(until, phrase, now))
        .transpose()?;
    if let Repeat::Interval(span) = repeat {
        if phrase.window.is_some() || phrase.weekdays.is_some() {
            return within_hours(*span, phrase, until);
        }
        return interval(*span, phrase, until, now);
    }
    if phrase.window.is_some() {
        return Err(Fault::new(
            "Only \"every hour\" can have hours from and to.",
            "every hour between 9:00 and 17:00",
        ));
    }
    let (minute, hours) = minute_and_hours(phrase)?;
    let days = day_fields(repeat, phrase, now.date())?;
    check_start(phrase, repeat, now.date())?;
    Ok(When::Cron {
        expression: format!("{minute} {hours} {days}"),
        until,
    })
}

/// Cron needs one minute for all hours: "at 9:00 and 18:00", not "at 9:00 and 18:30".
fn minute_and_hours(phrase: &Phrase) -> Result<(u32, String), Fault> {
    let usual = phrase
        .part
        .map_or(clock::at(when::USUAL.0, when::USUAL.1), clock::Part::usual);
    let mut times: Vec<NaiveTime> = phrase
        .clocks
        .iter()
        .map(|clock| clock.time(phrase.part))
        .collect();
    if times.is_empty() {
        times.push(usual);
    }
    times.sort_unstable();
    times.dedup();
    let minute = times[0].minute();
    if times.iter().any(|time| time.minute() != minute) {
        let why = "Several times a day need the same minutes.";
        let hours: Vec<String> = times
            .iter()
            .map(|time| format!("{}:00", time.hour()))
            .collect();
        return Err(Fault::new(
            why,
            format!("every day at {}", hours.join(" and ")),
        ));
    }
    Ok((minute, list(times.iter().map(Timelike::hour))))
}

fn list(numbers: impl Iterator<Item = u32>) -> String {
    numbers
        .map(|number| number.to_string())
        .collect::<Vec<_>>()
        .join(",")
}

/// The last three fields: day of the month, month, day of the week.
fn day_fields(repeat: &Repeat, phrase: &Phrase, today: NaiveDate) -> Result<String, Fault> {
    Ok(match repeat {
        Repeat::Daily | Repeat::Interval(_) => match phrase.day.map(|day| day.said) {
            Some(Said::Weekday(day) | Said::ThisWeekday(day)) => {
                format!("* * {}", day.num_days_from_sunday())
            }
            _ => "* * *".to_owned(),
        },
        Repeat::Weekdays(days) => format!("* * {}", week(days)),
        Repeat::Weekly => {
            let day = phrase.day.map_or(today.weekday(), |day| day.date.weekday());
            format!("* * {}", day.num_days_from_sunday())
        }
        Repeat::MonthDays(days) => format!("{} * *", list(days.iter().copied())),
        Repeat::LastDay => "L * *".to_owned(),
        Repeat::NthWeekday { nth, day } => format!("* * {day}#{nth}"),
        Repeat::YearDay { month, day } => format!("{day} {month} *"),
        Repeat::Months(months) => every_months(*months, phrase.day, today)?,
    })
}

/// "1-5" for a run of three or more days, "*" for all seven.
fn week(days: &[u32]) -> String {
    let run = days.windows(2).all(|pair| pair[1] == pair[0] + 1);
    match days {
        [_, _, _, _, _, _, _] => "*".to_owned(),
        [first, _, .., last] if run && days.len() > 2 => format!("{first}-{last}"),
        _ => list(days.iter().copied()),
    }
}

/// Every 1, 2, 3, 4, 6 or 12 months, beginning with the month of the day said (or of today).
fn every_months(months: u32, day: Option<Day>, today: NaiveDate) -> Result<String, Fault> {
    let date = day.map_or(today, |day| day.date);
    let number = match day.map(|day| day.said) {
        Some(Said::MonthDay(number)) => number,
        _ => date.day(),
    };
    if months == 12 {
        return Ok(format!("{number} {} *", date.month()));
    }
    recurrence::checked_month_days(vec![number])?;
    if months == 1 {
        return Ok(format!("{number} * *"));
    }
    let first = (date.month() - 1) % months + 1;
    let step = usize::try_from(months).unwrap_or(1);
    Ok(format!("{number} {} *", list((first..=12).step_by(step))))
}

/// A cron expression begins at once: a start is accepted when the first run is not before it
/// anyway.
fn check_start(phrase: &Phrase, repeat: &Repeat, today: NaiveDate) -> Result<(), Fault> {
    let weekly = matches!(repeat, Repeat::Weekly | Repeat::Months(_));
    let start = phrase.start.or(phrase.day.filter(|_| !weekly));
    let Some(start) = start else { return Ok(()) };
    let allowed = match repeat {
        Repeat::Weekdays(days) => (0..7)
            .filter_map(|ahead| today.checked_add_days(chrono::Days::new(ahead)))
            .skip(1)
            .find(|day| days.contains(&day.weekday().num_days_from_sunday())),
        _ => today.succ_opt(),
    };
    let weekday = matches!(start.said, Said::Weekday(_))
        && matches!(repeat, Repeat::Daily)
        && phrase.start.is_none();
    if weekday || allowed.is_some_and(|allowed| start.date <= allowed) {
        return Ok(());
    }
    Err(Fault::new(
        "A repeat begins at once, not on a later day.",
        "every day at 9:00",
    ))
}

fn interval(
    span: Span,
    phrase: &Phrase,
    until: Option<NaiveDateTime>,
    now: NaiveDateTime,
) -> Result<When, Fault> {
    let seconds = match u64::try_from(span.seconds) {
        Ok(0) => return Err(Fault::new("That is no time at all.", "every 10 minutes")),
        Ok(seconds) if span.seconds <= 3660 * DAY => seconds,
        _ => return Err(when::too_far()),
    };
    if until.is_some() {
        let why = "A repeat at fixed distances has no end date.";
        return Err(Fault::new(why, "every day at 9:00 until 31 December"));
    }
    let time = phrase
        .clocks
        .first()
        .map(|clock| clock.time(phrase.part))
        .or(phrase.part.map(clock::Part::usual));
    let first = match (phrase.start.or(phrase.day), time) {
        (None, None) => None,
        (None, Some(_)) if !span.whole_days => {
            phrase.clocks.first().and_then(|clock| clock.next(now))
        }
        (None, Some(time)) => {
            let today = now.date().and_time(time);
            if today > now {
                Some(today)
            } else {
                today.checked_add_days(chrono::Days::new(1))
            }
        }
        (Some(day), time) => {
            let time = time.unwrap_or(clock::at(when::USUAL.0, when::USUAL.1));
            Some(day.date.and_time(time))
        }
    };
    if first.is_some_and(|first| first <= now) {
        return Err(Fault::new(
            "That first time is in the past.",
            "every 2 hours",
        ));
    }
    Ok(When::Every { seconds, first })
}

/// "every hour between 9 and 17 on weekdays".
fn within_hours(span: Span, phrase: &Phrase, until: Option<NaiveDateTime>) -> Result<When, Fault> {
    let refuse = || {
        Fault::new(
            "That distance does not fit the hours.",
            "every hour between 9:00 and 17:00",
        )
    };
    let hour = |clock: Clock| clock.time(phrase.part).hour();
    let (from, to) = phrase
        .window
        .map_or((0, 23), |(from, to)| (hour(from), hour(to)));
    let week = phrase.weekdays.as_deref().map_or("*".to_owned(), week);
    let step = u32::try_from(span.seconds).map_err(|_| refuse())?;
    if from >= to || step < 60 || phrase.delay.is_some() || phrase.day.is_some() {
        return Err(refuse());
    }
    let hours = if from == 0 && to == 23 {
        "*".to_owned()
    } else {
        format!("{from}-{to}")
    };
    let expression = match (step % 3600, step / 3600) {
        (0, 1) => format!("0 {hours} * * {week}"),
        (0, every @ 2..=12) => format!("0 {hours}/{every} * * {week}"),
        (rest, 0) if rest % 60 == 0 && 3600 % rest == 0 => {
            let last = if to == 23 { 23 } else { to - 1 };
            format!("*/{} {from}-{last} * * {week}", rest / 60)
        }
        _ => return Err(refuse()),
    };
    Ok(When::Cron { expression, until })
}

/// The last moment of a repeat: a day counts whole.
fn end(until: Until, phrase: &Phrase, now: NaiveDateTime) -> Result<NaiveDateTime, Fault> {
    let whole_day = |date: NaiveDate| date.and_hms_opt(23, 59, 59);
    let moment = match until {
        Until::Day(day, None) => whole_day(day.date),
        Until::Day(day, Some(clock)) => clock.on(day.date, phrase.part),
        Until::Time(clock) => clock.next(now),
        Until::After(span) if span.months > 0 || span.whole_days => {
            when::shift(now, span).and_then(|end| whole_day(end.date()))
        }
        Until::After(span) => when::shift(now, span),
    };
    let moment = moment.ok_or_else(when::too_far)?;
    if moment <= now {
        let why = format!("{} is in the past.", date::written(moment.date()));
        return Err(Fault::new(why, "every day at 9:00 until 31 December"));
    }
    Ok(moment)
}
