//! Settles a time phrase at a moment: one time, a delay, an interval or a cron expression.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeZone, Timelike};
use chrono_tz::Tz;

use super::When;
use super::clock::{self, Clock, Part};
use super::date::{self, Day, Fault, Said};
use super::duration::{DAY, Span};
use super::phrase::Phrase;
use super::repeating;
use crate::core::schedule::MONTHS;

/// A hundred years in seconds: nobody waits longer, and no calendar sum overflows.
const FAR: u128 = 100 * 366 * DAY;

/// The time a day has when none is said.
pub(super) const USUAL: (u32, u32) = (9, 0);

pub(super) fn resolve(phrase: &Phrase, now: DateTime<Tz>) -> Result<When, Fault> {
    if let Some(fault) = &phrase.fault {
        return Err(keeping_what_fits(fault, phrase, now.date_naive()));
    }
    if let Some(repeat) = &phrase.repeat {
        if phrase.zone.is_some_and(|zone| zone != now.timezone()) {
            let why = "Repeats follow your own time zone.";
            return Err(Fault::new(why, "every day at 9:00"));
        }
        return repeating::resolve(phrase, repeat, now.naive_local());
    }
    if phrase.clocks.len() > 1 {
        return Err(Fault::new(
            "That is more than one time.",
            instead_at(phrase, now.naive_local()),
        ));
    }
    let Some(zone) = phrase.zone else {
        return single(phrase, now.naive_local());
    };
    let there = single(phrase, now.with_timezone(&zone).naive_local())?;
    let When::At { local } = there else {
        return Ok(there);
    };
    let moment = zone.from_local_datetime(&local).earliest();
    match moment {
        Some(moment) => Ok(When::At {
            local: moment.with_timezone(&now.timezone()).naive_local(),
        }),
        None => Err(Fault::new(
            "The clocks change there at that time.",
            "tomorrow at 9:00",
        )),
    }
}

/// The refusal with the weekday and the time that the person said in its offer, where they fit.
fn keeping_what_fits(fault: &Fault, phrase: &Phrase, today: NaiveDate) -> Fault {
    let Fault::Impossible { why, instead } = fault else {
        return fault.clone();
    };
    let mut instead = instead.clone();
    if let Some((weeks, _)) = instead.split_once(" weeks on ") {
        if let Some(start) = phrase.start {
            instead = format!(
                "{weeks} weeks starting {} at 9:00",
                date::written(start.date)
            );
        } else if let Some(Said::Weekday(day)) = phrase.day.map(|day| day.said) {
            instead = format!("{weeks} weeks on {} at 9:00", date::weekday_name(day));
        }
    }
    match &phrase.repeat {
        Some(repeat) if instead == "every day at 9:00" => {
            return Fault::new(why, repeating::said(repeat, phrase));
        }
        None if instead == "every 3 months" && today.day() > 28 => {
            instead = "every 3 months on the 28th at 9:00".to_owned();
        }
        _ => {}
    }
    let day = instead.strip_suffix(" at 9:00").unwrap_or(&instead);
    let takes_a_time = day != instead || day.starts_with("on ");
    let [clock] = phrase.clocks.as_slice() else {
        return Fault::new(why, instead);
    };
    let time = clock.time(phrase.part).format("%-H:%M");
    if takes_a_time {
        Fault::new(why, format!("{day} at {time}"))
    } else {
        Fault::new(why, instead)
    }
}

fn instead_at(phrase: &Phrase, now: NaiveDateTime) -> String {
    let first = phrase.clocks.first().and_then(|clock| clock.next(now));
    let time = first.map_or(clock::at(18, 0), |moment| moment.time());
    format!("at {}", time.format("%H:%M"))
}

fn single(phrase: &Phrase, now: NaiveDateTime) -> Result<When, Fault> {
    if let Some(delay) = phrase.delay {
        return after(delay, phrase, now);
    }
    let local = match phrase.day {
        Some(day) => on_day(day, phrase, now)?,
        None => without_day(phrase, now)?,
    };
    Ok(When::At { local })
}

pub(super) fn too_far() -> Fault {
    Fault::new("That is too far ahead.", "in 2 hours")
}

fn after(delay: Span, phrase: &Phrase, now: NaiveDateTime) -> Result<When, Fault> {
    if delay.seconds > FAR || delay.months > 1200 {
        return Err(too_far());
    }
    let timed = !phrase.clocks.is_empty() || phrase.part.is_some();
    if delay.seconds == 0 && delay.months == 0 {
        return Err(Fault::new("That is right now.", "in 1 minute"));
    }
    if delay.months == 0 && !timed {
        let seconds = u64::try_from(delay.seconds).map_err(|_| too_far())?;
        return Ok(When::In { seconds });
    }
    let moment = shift(now, delay).ok_or_else(too_far)?;
    let local = if timed {
        let time = phrase.clocks.first().map(|clock| clock.time(phrase.part));
        let usual = phrase
            .part
            .map_or(clock::at(USUAL.0, USUAL.1), clock::Part::usual);
        moment.date().and_time(time.unwrap_or(usual))
    } else {
        moment.with_second(0).unwrap_or(moment)
    };
    Ok(When::At { local })
}

/// A moment so much later, by the calendar for months.
pub(super) fn shift(now: NaiveDateTime, span: Span) -> Option<NaiveDateTime> {
    if span.seconds > FAR || span.months > 1200 {
        return None;
    }
    let months = Months::new(u32::try_from(span.months).ok()?);
    let seconds = i64::try_from(span.seconds).ok()?;
    now.checked_add_months(months)?
        .checked_add_signed(chrono::TimeDelta::try_seconds(seconds)?)
}

/// A moment so much earlier, by the calendar for months.
pub(super) fn shift_back(now: NaiveDateTime, span: Span) -> Option<NaiveDateTime> {
    if span.seconds > FAR || span.months > 1200 {
        return None;
    }
    let months = Months::new(u32::try_from(span.months).ok()?);
    let seconds = i64::try_from(span.seconds).ok()?;
    now.checked_sub_months(months)?
        .checked_sub_signed(chrono::TimeDelta::try_seconds(seconds)?)
}

fn without_day(phrase: &Phrase, now: NaiveDateTime) -> Result<NaiveDateTime, Fault> {
    let today = now.date();
    let tomorrow = today.succ_opt().ok_or_else(too_far)?;
    let clock = phrase.clocks.first().copied();
    match (clock, phrase.part) {
        (Some(clock), None) => clock.next(now).ok_or_else(too_far),
        // In the small hours it is still the night of yesterday.
        (Some(clock), part) => [today.pred_opt().unwrap_or(today), today, tomorrow]
            .into_iter()
            .filter_map(|day| clock.on(day, part))
            .find(|moment| *moment > now)
            .ok_or_else(too_far),
        (None, part) => {
            let time = part.map_or(clock::at(USUAL.0, USUAL.1), clock::Part::usual);
            let day = if today.and_time(time) > now {
                today
            } else {
                tomorrow
            };
            Ok(day.and_time(time))
        }
    }
}

pub(super) fn on_day(
    day: Day,
    phrase: &Phrase,
    now: NaiveDateTime,
) -> Result<NaiveDateTime, Fault> {
    if day.said == Said::Today {
        return today(phrase, now);
    }
    let clock = phrase.clocks.first().copied();
    let usual = phrase
        .part
        .map_or(clock::at(USUAL.0, USUAL.1), clock::Part::usual);
    let on = |date: NaiveDate| match clock {
        Some(clock) => clock.on(date, phrase.part),
        None => Some(date.and_time(usual)),
    };
    let moment = on(day.date).ok_or_else(too_far)?;
    if moment > now {
        return if day.date.year() - now.date().year() > 100 {
            Err(too_far())
        } else {
            Ok(moment)
        };
    }
    // The date of today is today, where it was said as a date.
    let dated = matches!(
        day.said,
        Said::Fixed | Said::MonthDay(_) | Said::YearDay { .. }
    );
    if dated && day.date == now.date() {
        return today(phrase, now);
    }
    next_such_day(day, now.date())
        .and_then(on)
        .ok_or_else(|| past(moment, now))
}

/// The occurrence after today of a day that was not said for good.
fn next_such_day(day: Day, today: NaiveDate) -> Option<NaiveDate> {
    let tomorrow = today.succ_opt()?;
    match day.said {
        Said::ThisWeekday(_) => day.date.checked_add_days(Days::new(7)),
        Said::MonthDay(number) => {
            let first = today.with_day(1)?;
            (1..12).find_map(|ahead| {
                first
                    .checked_add_months(Months::new(ahead))?
                    .with_day(number)
            })
        }
        Said::YearDay { month, day } => date::calendar(day, month, None, tomorrow)
            .ok()
            .map(|day| day.date),
        _ => None,
    }
}

fn past(moment: NaiveDateTime, now: NaiveDateTime) -> Fault {
    let time = moment.format("%H:%M");
    if moment.date() == now.date() {
        return Fault::new(
            format!("{time} today is in the past."),
            format!("tomorrow at {time}"),
        );
    }
    let month = MONTHS
        .get(moment.month0() as usize)
        .copied()
        .unwrap_or_default();
    let why = format!("{} is in the past.", date::written(moment.date()));
    Fault::new(why, format!("on {} {month} at {time}", moment.day()))
}

fn today(phrase: &Phrase, now: NaiveDateTime) -> Result<NaiveDateTime, Fault> {
    let date = now.date();
    let clock = phrase.clocks.first().copied();
    let moments: Vec<NaiveDateTime> = match (clock, phrase.part) {
        (Some(clock @ Clock::Loose { .. }), None) => clock
            .next(now)
            .into_iter()
            .filter(|at| at.date() == date)
            .collect(),
        (Some(clock), part) => {
            let night = date.pred_opt().filter(|_| part == Some(Part::Night));
            let days = night.into_iter().chain([date]);
            days.filter_map(|day| clock.on(day, part)).collect()
        }
        (None, Some(part)) => vec![date.and_time(part.usual()), date.and_time(part.late())],
        (None, None) => vec![date.and_time(clock::at(USUAL.0, USUAL.1))],
    };
    if let Some(moment) = moments.iter().find(|moment| **moment > now) {
        return Ok(*moment);
    }
    match (clock, phrase.part) {
        (Some(clock), part) => Err(past(date.and_time(clock.time(part)), now)),
        (None, Some(part)) => {
            let word = part.word();
            Err(Fault::new(
                format!("This {word} is over."),
                format!("tomorrow {word}"),
            ))
        }
        (None, None) => {
            let example = if now.time() < clock::at(18, 0) {
                "today at 18:00"
            } else {
                "in 1 hour"
            };
            let question =
                format!("At what time today? For example: remind me {example} to call home.");
            Err(Fault::Ask(question))
        }
    }
}
