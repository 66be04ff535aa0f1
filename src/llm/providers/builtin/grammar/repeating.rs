//! Settles a repeat: a cron expression with an end, or an interval with a first time.

mod words;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use super::When;
use super::clock::{self, Clock};
use super::date::{self, Day, Fault, Said};
use super::duration::{DAY, Span};
use super::phrase::{Phrase, Until};
use super::recurrence::{self, Repeat};
use super::when;
pub(super) use words::{days_said, said};
use words::{time_said, weekday_from_sunday};

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
    let shifted = by_night(repeat, phrase, now.date())?;
    let days = day_fields(&shifted, phrase, now.date())?;
    let first = first_day(&shifted, phrase, now);
    check_start(phrase, repeat, first)?;
    if until.is_some_and(|until| first.is_some_and(|first| first > until.date())) {
        let why = "That ends before its first time.";
        return Err(Fault::new(why, said(repeat, phrase)));
    }
    Ok(When::Cron {
        expression: format!("{minute} {hours} {days}"),
        until,
    })
}

/// "Every friday night at 1" and "every friday at midnight" are early on saturday.
fn by_night(repeat: &Repeat, phrase: &Phrase, today: NaiveDate) -> Result<Repeat, Fault> {
    let after: Vec<bool> = phrase
        .clocks
        .iter()
        .filter_map(|clock| clock.on(today, phrase.part))
        .map(|moment| moment.date() > today)
        .collect();
    if !after.contains(&true) || *repeat == Repeat::Daily {
        return Ok(repeat.clone());
    }
    let days = match repeat {
        Repeat::Weekdays(days) => Some(days.clone()),
        Repeat::Weekly => {
            let day = anchor(phrase).map_or(today, |day| day.date).weekday();
            Some(vec![day.num_days_from_sunday()])
        }
        _ => None,
    };
    let Some(days) = days.filter(|_| !after.contains(&false)) else {
        let why = "That is the night after that day.";
        let instead = format!("{} at 23:00", words::days_of(repeat, phrase));
        return Err(Fault::new(why, instead));
    };
    let mut days: Vec<u32> = days.iter().map(|day| (day + 1) % 7).collect();
    days.sort_unstable();
    Ok(Repeat::Weekdays(days))
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
        Repeat::Daily | Repeat::Interval(_) => "* * *".to_owned(),
        Repeat::Weekdays(days) => format!("* * {}", week(days)),
        Repeat::Weekly => {
            let day = anchor(phrase).map_or(today.weekday(), |day| day.date.weekday());
            format!("* * {}", day.num_days_from_sunday())
        }
        Repeat::MonthDays(days) => format!("{} * *", list(days.iter().copied())),
        Repeat::LastDay => "L * *".to_owned(),
        Repeat::NthWeekday { nths, day } => {
            let days: Vec<String> = nths.iter().map(|nth| format!("{day}#{nth}")).collect();
            format!("* * {}", days.join(","))
        }
        Repeat::YearDay { month, day } => format!("{day} {month} *"),
        Repeat::Months(months) => every_months(*months, phrase, today)?,
    })
}

/// The day that a repeat takes its weekday or its day of the month from.
fn anchor(phrase: &Phrase) -> Option<Day> {
    phrase.day.or(phrase.start)
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
fn every_months(months: u32, phrase: &Phrase, today: NaiveDate) -> Result<String, Fault> {
    let (number, month) = month_day(phrase, today);
    let said = anchor(phrase).map(|day| day.said);
    if let Some(Said::Weekday(day) | Said::ThisWeekday(day)) = said.filter(|_| months < 12) {
        let name = date::weekday_name(day);
        let why = format!("I need to know which {name} of the month.");
        return Err(Fault::new(
            why,
            format!("on the first {name} of every month"),
        ));
    }
    if months == 12 {
        return match said {
            Some(Said::Weekday(_) | Said::ThisWeekday(_) | Said::MonthDay(_)) => {
                Err(Fault::new("I need the date.", "every year on 1 January"))
            }
            _ => Ok(format!("{number} {month} *")),
        };
    }
    if months == 1 {
        recurrence::checked_month_days(vec![number])?;
        return Ok(format!("{number} * *"));
    }
    if number > 28 {
        let why = format!("Not every month has a day {number}.");
        let instead = format!("every {months} months on the 28th{}", time_said(phrase));
        return Err(Fault::new(why, instead));
    }
    Ok(format!("{number} {} *", list(months_from(month, months))))
}

/// Every so many months, the one given among them.
fn months_from(month: u32, step: u32) -> impl Iterator<Item = u32> {
    (1..=12).filter(move |other| (other + 12 - month).is_multiple_of(step))
}

/// The day of the month, and the month, of a repeat that is said in months.
fn month_day(phrase: &Phrase, today: NaiveDate) -> (u32, u32) {
    let day = anchor(phrase);
    let date = day.map_or(today, |day| day.date);
    match day.map(|day| day.said) {
        Some(Said::MonthDay(number)) => (number, date.month()),
        _ => (date.day(), date.month()),
    }
}

/// The day of the first run: today only where its last time is still to come.
fn first_day(repeat: &Repeat, phrase: &Phrase, now: NaiveDateTime) -> Option<NaiveDate> {
    let usual = clock::at(when::USUAL.0, when::USUAL.1);
    let last = phrase
        .clocks
        .iter()
        .map(|clock| clock.time(phrase.part))
        .max()
        .or(phrase.part.map(clock::Part::usual))
        .unwrap_or(usual);
    let over = u64::from(last <= now.time());
    // Eight years: the longest way to a 29 February.
    (over..8 * 366)
        .map_while(|ahead| now.date().checked_add_days(Days::new(ahead)))
        .find(|date| falls_on(repeat, phrase, now.date(), *date))
}

fn falls_on(repeat: &Repeat, phrase: &Phrase, today: NaiveDate, date: NaiveDate) -> bool {
    match repeat {
        Repeat::Daily | Repeat::Interval(_) => true,
        Repeat::Weekdays(days) => days.contains(&date.weekday().num_days_from_sunday()),
        Repeat::Weekly => date.weekday() == anchor(phrase).map_or(today, |day| day.date).weekday(),
        Repeat::MonthDays(days) => days.contains(&date.day()),
        Repeat::LastDay => is_last(date, 1),
        Repeat::NthWeekday { nths, day } => {
            let nth = (date.day0() / 7 + 1).to_string();
            let last = nths.contains(&"L") && is_last(date, 7);
            date.weekday().num_days_from_sunday() == *day && (last || nths.contains(&nth.as_str()))
        }
        Repeat::YearDay { month, day } => (date.month(), date.day()) == (*month, *day),
        Repeat::Months(step) => {
            let (number, month) = month_day(phrase, today);
            date.day() == number && months_from(month, *step).any(|month| month == date.month())
        }
    }
}

/// Among the last so many days of its month.
fn is_last(date: NaiveDate, days: u64) -> bool {
    date.checked_add_days(Days::new(days))
        .is_none_or(|after| after.month() != date.month())
}

/// A cron expression begins at once: a start is accepted when the first run is not before it
/// anyway.
fn check_start(phrase: &Phrase, repeat: &Repeat, first: Option<NaiveDate>) -> Result<(), Fault> {
    let refuse = |why: &str, instead| Err(Fault::new(why, instead));
    let weekday = match phrase.day.map(|day| day.said) {
        Some(Said::Weekday(day) | Said::ThisWeekday(day)) => Some(day),
        _ => None,
    };
    if let Some(day) = weekday.filter(|_| *repeat == Repeat::Daily) {
        let name = date::weekday_name(day);
        let instead = format!("every {name}{}", time_said(phrase));
        return refuse("That names every day, and one of them.", instead);
    }
    let week = phrase.day.is_some_and(|day| day.said == Said::NextWeek);
    let named = phrase
        .day
        .filter(|_| weekday.is_none() || *repeat != Repeat::Weekly);
    let on_its_own = matches!(repeat, Repeat::Daily | Repeat::Weekly | Repeat::Months(_));
    if named.is_some_and(|day| {
        !on_its_own && day.said != Said::Today && first.is_some_and(|first| first != day.date)
    }) {
        return refuse("That names more than one day.", said(repeat, phrase));
    }
    let later = [phrase.start, named]
        .into_iter()
        .flatten()
        .any(|day| first.is_some_and(|first| first < day.date));
    if later || week {
        let why = "A repeat begins at once, not on a later day.";
        return refuse(why, said(repeat, phrase));
    }
    Ok(())
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
    if phrase.clocks.len() > 1 {
        let instead = said(&Repeat::Interval(span), phrase);
        return Err(Fault::new("That is more than one time.", instead));
    }
    let first = match first_named(span, phrase)? {
        Some(day) => Some(when::on_day(day, phrase, now)?),
        None => first_by_clock(span, phrase, now),
    };
    Ok(When::Every { seconds, first })
}

/// The first day of an interval, where one is named.
fn first_named(span: Span, phrase: &Phrase) -> Result<Option<Day>, Fault> {
    let repeat = Repeat::Interval(span);
    let timed = !phrase.clocks.is_empty();
    if !span.whole_days && !timed {
        all_day_long(&repeat, span, phrase)?;
    }
    match (phrase.day, phrase.start) {
        // "every hour starting today" begins at once.
        (None, Some(start)) if start.said == Said::Today && !span.whole_days && !timed => Ok(None),
        (Some(day), Some(start)) => both_days(&repeat, day, start, phrase).map(Some),
        (Some(day), None) => keeps_weekday(span, day, phrase).map(|()| Some(day)),
        (None, start) => Ok(start),
    }
}

/// Hours and minutes go on without an end: "every hour today" and "every hour in the morning" ask for
/// something else.
fn all_day_long(repeat: &Repeat, span: Span, phrase: &Phrase) -> Result<(), Fault> {
    let why = "A repeat at fixed distances goes on by day and by night.";
    let every = days_said(repeat);
    let fits_the_hour = span.seconds >= 60 && 3600 % span.seconds.max(1) == 0;
    match (phrase.day, phrase.part) {
        (Some(day), _) => {
            let why = "A repeat at fixed distances goes on after that day.";
            let instead = match day.said {
                Said::Weekday(day) if fits_the_hour => {
                    format!("{every} on {}s", date::weekday_name(day))
                }
                _ => every,
            };
            Err(Fault::new(why, instead))
        }
        (None, Some(part)) if fits_the_hour => {
            let (from, to) = part.span();
            let instead = format!("{every} between {from}:00 and {to}:00");
            Err(Fault::new(why, instead))
        }
        (None, Some(_)) => Err(Fault::new(why, every)),
        (None, None) => Ok(()),
    }
}

/// "every 2 weeks on friday starting 11 december".
fn both_days(repeat: &Repeat, day: Day, start: Day, phrase: &Phrase) -> Result<Day, Fault> {
    let fixed = |date| Day {
        date,
        said: Said::Fixed,
    };
    if day.date == start.date {
        return Ok(start);
    }
    let Said::Weekday(weekday) = day.said else {
        let first = date::written(start.date);
        let instead = format!(
            "{} starting {first}{}",
            days_said(repeat),
            time_said(phrase)
        );
        return Err(Fault::new("That names two first days.", instead));
    };
    let ahead = weekday.days_since(start.date.weekday());
    let first = start
        .date
        .checked_add_days(Days::new(u64::from(ahead)))
        .ok_or_else(when::too_far)?;
    if ahead == 0 || start.said == Said::NextWeek {
        return Ok(fixed(first));
    }
    let why = date::weekday_of(start.date);
    let (weekday, first) = (date::weekday_name(weekday), date::written(first));
    let (repeat, time) = (days_said(repeat), time_said(phrase));
    let instead = format!("{repeat} on {weekday} starting {first}{time}");
    Err(Fault::new(why, instead))
}

/// Only whole weeks come on the same weekday again.
fn keeps_weekday(span: Span, day: Day, phrase: &Phrase) -> Result<(), Fault> {
    let Said::Weekday(weekday) = day.said else {
        return Ok(());
    };
    if !span.whole_days || span.seconds.is_multiple_of(7 * DAY) {
        return Ok(());
    }
    let (repeat, name) = (
        days_said(&Repeat::Interval(span)),
        date::weekday_name(weekday),
    );
    let why = format!("A repeat {repeat} does not stay on {name}.");
    let instead = format!("{repeat} starting {name}{}", time_said(phrase));
    Err(Fault::new(why, instead))
}

/// The first time of an interval for which no day is named.
fn first_by_clock(span: Span, phrase: &Phrase, now: NaiveDateTime) -> Option<NaiveDateTime> {
    let clock = phrase.clocks.first();
    if !span.whole_days {
        return clock.and_then(|clock| clock.next(now));
    }
    let time = clock
        .map(|clock| clock.time(phrase.part))
        .or(phrase.part.map(clock::Part::usual))?;
    let today = now.date().and_time(time);
    if today > now {
        Some(today)
    } else {
        today.checked_add_days(Days::new(1))
    }
}

/// "every hour between 9 and 17 on weekdays".
fn within_hours(span: Span, phrase: &Phrase, until: Option<NaiveDateTime>) -> Result<When, Fault> {
    let refuse = || {
        Fault::new(
            "That distance does not fit the hours.",
            "every hour between 9:00 and 17:00",
        )
    };
    if span.whole_days {
        let why = "A repeat of whole days or weeks has one weekday, and no hours from and to.";
        let repeat = Repeat::Interval(span);
        let first = phrase.weekdays.as_deref().and_then(<[u32]>::first);
        let instead = match first {
            Some(day) if span.seconds.is_multiple_of(7 * DAY) => {
                let day = weekday_from_sunday(*day);
                format!("{} on {day} at 9:00", days_said(&repeat))
            }
            _ => said(&repeat, phrase),
        };
        return Err(Fault::new(why, instead));
    }
    let exact = |clock: Clock| clock.time(phrase.part).minute() == 0;
    let other_times = !phrase.clocks.is_empty()
        || phrase.start.is_some()
        || match phrase.window {
            Some((from, to)) => !exact(from) || !exact(to),
            None => phrase.part.is_some(),
        };
    let hour = |clock: Clock| clock.time(phrase.part).hour();
    let (from, to) = phrase
        .window
        .map_or((0, 23), |(from, to)| (hour(from), hour(to)));
    let week = phrase.weekdays.as_deref().map_or("*".to_owned(), week);
    let step = u32::try_from(span.seconds).map_err(|_| refuse())?;
    if other_times || from >= to || step < 60 || phrase.delay.is_some() || phrase.day.is_some() {
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
