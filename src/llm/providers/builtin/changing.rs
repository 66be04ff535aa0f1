//! Moving and snoozing reminders. One that repeats is changed for good only where that was said.

use chrono::{DateTime, Datelike, Days, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::grammar::{Shift, Told, When};
use super::keeping;
use super::listed::{Listed, Rule, all, choose};
use super::occasion;
use super::reminders::{CANCEL, SCHEDULE, Waited, schedule_arguments};
use super::words::{failed, plain};
use super::{Done, Move};
use crate::core::schedule::{DAY_SECONDS as DAY, describe_delay, later};
use crate::core::tool::ToolResult;

/// What a person wants of a reminder's time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) when: &'a When,
    pub(super) shift: Shift,
    pub(super) told: &'a Told,
    pub(super) waited: Waited,
}

/// What a change comes to.
enum Plan {
    /// A new one, and the old one goes.
    Instead(Value),
    /// A new one, and the old one stays.
    Beside(Value),
    /// Nothing before the person has said more.
    Ask(String),
}

/// Changing is adding the new one first and cancelling the old one then, so that a failure in
/// between leaves one too many and never none.
pub(super) fn change(
    words: &str,
    mut change: Change<'_>,
    done: &[Done<'_>],
    now: DateTime<Tz>,
) -> Move {
    let (jobs, after) = match all(done) {
        Ok(found) => found,
        Err(first) => return first,
    };
    let job = match choose(words, jobs) {
        Ok(job) => job,
        Err(question) => return Move::Say(question),
    };
    if change.shift == Shift::TimeOfDay && occasion::is_one_time(words, &job) {
        change.shift = Shift::Unclear;
    }
    match (plan(&job, &change, now), after) {
        (Plan::Ask(question), _) => Move::Say(question),
        (Plan::Instead(arguments) | Plan::Beside(arguments), []) => {
            Move::Call(vec![(SCHEDULE, arguments)])
        }
        (_, [added, ..]) if added.result.error_text().is_some() => {
            Move::Say(failed("I could not change that reminder", added.result))
        }
        (Plan::Beside(_), [added, ..]) => Move::Say(once_more(&job, added.result)),
        (Plan::Instead(_), [_]) => Move::Call(vec![(CANCEL, json!({ "job_id": job.id }))]),
        (Plan::Instead(_), [added, cancelled, ..]) => {
            Move::Say(changed(&job, added.result, cancelled.result))
        }
    }
}

fn plan(job: &Listed, change: &Change<'_>, now: DateTime<Tz>) -> Plan {
    let Change {
        when, shift, told, ..
    } = *change;
    let like_before = |given: Value| joined(given, &job.kept);
    let at = |when: &When| like_before(schedule_arguments(&job.text, when, change.waited));
    let moment = match when {
        When::Every { .. } | When::Cron { .. } if *told == Told::Days => {
            let kept = keeping::at_own_times(job, when, now);
            return Plan::Instead(with_end(at(&kept), &job.rule));
        }
        When::Every { .. } | When::Cron { .. } => {
            return Plan::Instead(with_end(at(when), &job.rule));
        }
        When::In { .. } | When::At { .. } if job.rule == Rule::Once => {
            return match keeping::moment(job, change, now) {
                Ok(Some(local)) => Plan::Instead(at(&When::At { local })),
                Ok(None) => Plan::Instead(at(when)),
                Err(question) => Plan::Ask(question),
            };
        }
        When::At { local } => match (told, keeping::due(job, now)) {
            (Told::Day(day), Some(due)) => day.and_time(due.time()),
            _ => *local,
        },
        When::In { seconds } => later(now, *seconds).unwrap_or(now).naive_local(),
    };
    match (shift, told) {
        (Shift::OnceMore, _) => Plan::Beside(at(&match when {
            When::At { .. } => When::At { local: moment },
            other => other.clone(),
        })),
        (Shift::TimeOfDay, Told::Time(times)) => at_time_of_day(job, times, now)
            .unwrap_or_else(|| Plan::Ask(question(job, when, moment))),
        _ => Plan::Ask(question(job, when, moment)),
    }
}

/// The same repeat at another time of day; `None` where that cannot be.
fn at_time_of_day(job: &Listed, times: &[TimeDelta], now: DateTime<Tz>) -> Option<Plan> {
    let own = keeping::due(job, now)?.naive_local();
    moved(job, own.time(), now)?;
    match keeping::on_day_of(own, times, (job.id, Shift::TimeOfDay)) {
        // The night of a friday ends on a saturday.
        Ok(moment) if moment.date() != own.date() && !is_daily(&job.rule) => None,
        Ok(moment) => {
            let rule = moved(job, moment.time(), now)?;
            let again = joined(json!({ "content": job.text }), &job.kept);
            Some(Plan::Instead(with_end(joined(again, &rule), &job.rule)))
        }
        Err(question) => Some(Plan::Ask(question)),
    }
}

fn is_daily(rule: &Rule) -> bool {
    matches!(rule, Rule::Cron { expression, .. } if expression.ends_with(" * * *"))
}

fn joined(mut one: Value, other: &Value) -> Value {
    if let (Some(one), Some(other)) = (one.as_object_mut(), other.as_object()) {
        one.extend(other.clone());
    }
    one
}

/// A repeat that had an end keeps it, unless a new one was said.
fn with_end(mut arguments: Value, rule: &Rule) -> Value {
    if arguments["recurrence_end_at"].is_null()
        && let Some(end) = rule.ends_at()
    {
        arguments["recurrence_end_at"] = end.into();
    }
    arguments
}

/// The same rule at another time of day; `None` where it has none or several, or where the clocks of
/// another zone are meant.
fn moved(job: &Listed, time: NaiveTime, now: DateTime<Tz>) -> Option<Value> {
    let is_here = |zone: &Option<String>| zone.as_deref() == Some(now.timezone().name());
    match &job.rule {
        Rule::Cron {
            expression, zone, ..
        } if is_here(zone) => {
            let mut fields = expression.splitn(3, ' ');
            let (minute, hour, days) = (fields.next()?, fields.next()?, fields.next()?);
            let is_single = |field: &str| field.bytes().all(|byte| byte.is_ascii_digit());
            (is_single(minute) && is_single(hour)).then(|| {
                let (minute, hour) = (time.minute(), time.hour());
                json!({
                    "recurrence_type": "cron",
                    "recurrence_cron": format!("{minute} {hour} {days}"),
                })
            })
        }
        Rule::Interval { seconds, zone, .. } if is_here(zone) && seconds.is_multiple_of(DAY) => {
            let next = DateTime::parse_from_rfc3339(job.run_at.as_deref()?).ok()?;
            let mut first = next.naive_local().date().and_time(time);
            if first <= now.naive_local() {
                first = first.checked_add_days(Days::new(seconds / DAY))?;
            }
            Some(json!({
                "recurrence_type": "interval",
                "recurrence_interval_seconds": seconds,
                "run_at": first.format("%Y-%m-%dT%H:%M:%S").to_string(),
            }))
        }
        Rule::Once | Rule::Interval { .. } | Rule::Cron { .. } => None,
    }
}

/// Asks with two sentences that work.
fn question(job: &Listed, when: &When, moment: NaiveDateTime) -> String {
    let time = clock_words(moment.time());
    let once = match when {
        When::In { seconds } => {
            let delay = TimeDelta::seconds(i64::try_from(*seconds).unwrap_or(i64::MAX / 1000));
            format!("for {}", describe_delay(delay))
        }
        When::At { .. } | When::Every { .. } | When::Cron { .. } => {
            format!("until {} at {time}", moment.format("%-d %B %Y"))
        }
    };
    let for_good = format!("{} at {time}", days(&job.rule, moment));
    let id = job.id;
    format!(
        "That one repeats: {}. To hear of it once more, say \"{}\". To change it for good, say \"{}\".",
        job.line(),
        plain(&format!("snooze reminder {id} {once}")),
        plain(&format!("change reminder {id} to {for_good}")),
    )
}

/// A time that is read as it is: "5:00" would be one of the afternoon.
pub(super) fn clock_words(time: NaiveTime) -> String {
    let pattern = if time.hour() < 6 { "%H:%M" } else { "%-H:%M" };
    time.format(pattern).to_string()
}

/// The days of a rule as they are said, moved to the day of a moment.
fn days(rule: &Rule, moment: NaiveDateTime) -> String {
    let weekday = moment.format("%A");
    match rule {
        Rule::Interval { seconds, .. } if seconds.is_multiple_of(7 * DAY) && *seconds > 7 * DAY => {
            format!("every {} weeks on {weekday}", seconds / (7 * DAY))
        }
        Rule::Interval { seconds, .. } if seconds.is_multiple_of(DAY) && *seconds > DAY => {
            format!("every {} days", seconds / DAY)
        }
        Rule::Cron { expression, .. } => {
            let fields: Vec<&str> = expression.split(' ').collect();
            match fields.as_slice() {
                [_, _, "*", "*", "1-5" | "mon-fri"] => "every weekday".to_owned(),
                [_, _, "*", "*", weekdays] if *weekdays != "*" => format!("every {weekday}"),
                [_, _, day, "*", "*"] if *day != "*" && moment.day() <= 28 => {
                    format!("every month on the {}", ordinal(moment.day()))
                }
                _ => "every day".to_owned(),
            }
        }
        Rule::Once | Rule::Interval { .. } => "every day".to_owned(),
    }
}

fn ordinal(day: u32) -> String {
    let ending = match day {
        1 | 21 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    };
    format!("{day}{ending}")
}

fn changed(job: &Listed, added: &ToolResult, cancelled: &ToolResult) -> String {
    let when = added.value()["human"].as_str().unwrap_or_default();
    let told = format!("⏰ Changed to {}: {}", plain(when), plain(&job.text));
    if cancelled.value()["cancelled"] == true {
        return told;
    }
    format!("{told}\n\nThe old one (#{}) is still listed.", job.id)
}

fn once_more(job: &Listed, added: &ToolResult) -> String {
    let when = added.value()["human"].as_str().unwrap_or_default();
    let stays = if job.is_paused {
        "It stays paused:"
    } else {
        "It still comes"
    };
    format!(
        "⏰ Once more {}: {}\n\n{stays} {} (#{}).",
        plain(when),
        plain(&job.text),
        plain(&job.human),
        job.id
    )
}
