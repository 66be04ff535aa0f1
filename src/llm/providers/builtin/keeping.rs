//! What a reminder keeps of its own time where only a day, or only a time, was said.

use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use chrono_tz::Tz;

use super::changing::{Change, clock_words};
use super::grammar::{Shift, Told, When};
use super::listed::{Listed, Rule};
use super::words::plain;
use crate::core::schedule::DAY_SECONDS as DAY;

/// When it comes next, by the clocks here.
pub(super) fn due(job: &Listed, now: DateTime<Tz>) -> Option<DateTime<Tz>> {
    let next = DateTime::parse_from_rfc3339(job.run_at.as_deref()?).ok()?;
    Some(next.with_timezone(&now.timezone()))
}

/// The new moment of one that comes once; `None` where all of it was said. A question where it
/// cannot be what was meant.
pub(super) fn moment(
    job: &Listed,
    change: &Change<'_>,
    now: DateTime<Tz>,
) -> Result<Option<NaiveDateTime>, String> {
    let Some(due) = due(job, now) else {
        return Ok(None);
    };
    let own = due.naive_local();
    let is_snoozed = change.shift == Shift::OnceMore;
    let found = match (change.told, change.when) {
        (Told::Day(day), _) => day.and_time(own.time()),
        (Told::Time(times), _) => on_day_of(own, times, (job.id, change.shift))?,
        (Told::All, When::In { seconds }) if is_snoozed && due > now => {
            let delay = TimeDelta::try_seconds(i64::try_from(*seconds).unwrap_or(i64::MAX));
            let later = delay.and_then(|delay| due.checked_add_signed(delay));
            return Ok(later.map(|later| later.naive_local()));
        }
        (_, When::At { local }) if is_snoozed => *local,
        _ => return Ok(None),
    };
    let said = found.format("%-d %B %Y");
    let time = clock_words(found.time());
    if found <= now.naive_local() {
        return Err(format!(
            "{} is in the past. Say the day and the time, for example \"{}\".",
            plain(&format!("{said} at {time}")),
            plain(&format!("move reminder {} to tomorrow at {time}", job.id)),
        ));
    }
    if is_snoozed && found <= own {
        return Err(format!(
            "That is not later than its own time: {}. To have it then, say \"{}\".",
            job.line(),
            plain(&format!("move reminder {} to {said} at {time}", job.id)),
        ));
    }
    Ok(Some(found))
}

/// The time of day, on the day of a moment. Where the half of the day was not said it is the one
/// that is nearer to that moment, by the day and around the clock.
pub(super) fn on_day_of(
    own: NaiveDateTime,
    times: &[TimeDelta],
    (id, shift): (i64, Shift),
) -> Result<NaiveDateTime, String> {
    let start = own.date().and_time(NaiveTime::MIN);
    let moments: Vec<NaiveDateTime> = times.iter().map(|time| start + *time).collect();
    let by_day = |moment: NaiveDateTime| (moment - own).abs();
    let around = |moment: NaiveDateTime| {
        let distance = by_day(moment);
        distance.min((TimeDelta::days(1) - distance).abs())
    };
    let is_nearest = |moment: &NaiveDateTime| {
        let mut others = moments.iter().filter(|other| *other != moment);
        others.all(|other| by_day(*moment) < by_day(*other) && around(*moment) < around(*other))
    };
    let found = moments.iter().copied().find(|moment| is_nearest(moment));
    found.ok_or_else(|| {
        let how = match shift {
            Shift::OnceMore => format!("snooze reminder {id} until"),
            Shift::TimeOfDay | Shift::Unclear => format!("move reminder {id} to"),
        };
        let sentences: Vec<String> = moments
            .iter()
            .map(|moment| {
                format!(
                    "\"{}\"",
                    plain(&format!("{how} {}", moment.format("%H:%M")))
                )
            })
            .collect();
        format!("In which half of the day? Say {}.", sentences.join(" or "))
    })
}

/// A repeat on other days at the times that the reminder has.
pub(super) fn at_own_times(job: &Listed, when: &When, now: DateTime<Tz>) -> When {
    let is_by_seconds =
        matches!(job.rule, Rule::Interval { seconds, .. } if !seconds.is_multiple_of(DAY));
    let own = due(job, now)
        .map(|due| due.time())
        .filter(|_| !is_by_seconds);
    match (when, own) {
        (When::Cron { expression, until }, Some(own)) => {
            let times = own_fields(&job.rule, now)
                .unwrap_or_else(|| format!("{} {}", own.minute(), own.hour()));
            let days = expression.splitn(3, ' ').nth(2).unwrap_or("* * *");
            When::Cron {
                expression: format!("{times} {days}"),
                until: *until,
            }
        }
        (When::Every { seconds, first }, Some(own)) => {
            let step = Days::new(seconds / DAY);
            let today = now.date_naive();
            let day = first.map_or_else(|| today.checked_add_days(step), |at| Some(at.date()));
            let first = day.map(|day| day.and_time(own)).and_then(|at| {
                if at > now.naive_local() {
                    Some(at)
                } else {
                    at.checked_add_days(step)
                }
            });
            When::Every {
                seconds: *seconds,
                first,
            }
        }
        _ => when.clone(),
    }
}

/// The minutes and hours of a calendar rule of this zone.
fn own_fields(rule: &Rule, now: DateTime<Tz>) -> Option<String> {
    match rule {
        Rule::Cron {
            expression, zone, ..
        } if zone.as_deref() == Some(now.timezone().name()) => {
            let mut fields = expression.split(' ');
            Some(format!("{} {}", fields.next()?, fields.next()?))
        }
        Rule::Once | Rule::Interval { .. } | Rule::Cron { .. } => None,
    }
}
