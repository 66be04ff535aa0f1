//! Reminders: the calls that an intent takes, one step after the other, and what is said then.

use chrono::DateTime;
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::grammar::When;
use super::listed::{Listed, NONE, all, choose, jobs, list_call, one_time};
use super::words::{self, failed, number, plain};
use super::{Done, Move};
use crate::core::schedule::describe_delay;
use crate::core::tool::ToolResult;

pub(super) const SCHEDULE: &str = "schedule_prompt";
pub(super) const CANCEL: &str = "cancel_scheduled_prompt";

/// The whole seconds for which a message has waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waited(u64);

impl Waited {
    pub(super) fn between(asked_at: DateTime<Tz>, now: DateTime<Tz>) -> Self {
        let seconds = (now - asked_at).num_seconds();
        Self(u64::try_from(seconds).unwrap_or_default())
    }

    /// What is left of a delay.
    fn left_of(self, seconds: u64) -> u64 {
        seconds.saturating_sub(self.0)
    }
}

pub(super) fn remind(
    what: &str,
    (when, waited): (&When, Waited),
    last: Option<&ToolResult>,
    zone: Tz,
) -> Move {
    match last {
        None => Move::Call(vec![(SCHEDULE, schedule_arguments(what, when, waited))]),
        Some(result) => Move::Say(scheduled(what, (when, waited), result, zone)),
    }
}

pub(super) fn list(last: Option<&ToolResult>) -> Move {
    let Some(result) = last else {
        return Move::Call(vec![list_call(0)]);
    };
    if result.error_text().is_some() {
        return Move::Say(failed("I could not read the reminders", result));
    }
    let jobs = jobs(result);
    if jobs.is_empty() {
        return Move::Say(NONE.into());
    }
    let lines: Vec<String> = jobs.iter().map(|job| format!("- {}", job.line())).collect();
    let more = words::and_more(result.value()["count"].as_u64(), jobs.len());
    Move::Say(format!("**Your reminders**\n\n{}{more}", lines.join("\n")))
}

pub(super) fn cancel(words: &str, done: &[Done<'_>]) -> Move {
    let (jobs, after) = match all(done) {
        Ok(found) => found,
        Err(first) => return first,
    };
    if let Some(job) = one_time(words, &jobs).and_then(|at| jobs.get(at)) {
        return Move::Say(whole_or_none(job));
    }
    match (choose(words, jobs), after) {
        (Err(question), _) => Move::Say(question),
        (Ok(job), []) => Move::Call(vec![(CANCEL, json!({ "job_id": job.id }))]),
        (Ok(_), [.., cancelled]) => Move::Say(cancelled_text(cancelled.result)),
    }
}

/// No single time can be left out: what can be done, with a sentence that works for each.
fn whole_or_none(job: &Listed) -> String {
    let id = job.id;
    format!(
        "That one repeats: {}. I cannot leave out a single time. To pause it until you resume it, \
         use its button in {}, or run \"{}\". To cancel it for good, say \"{}\".",
        job.line(),
        plain("/reminders"),
        plain(&format!("minibot jobs pause {id}")),
        plain(&format!("cancel reminder {id}")),
    )
}

pub(super) fn cancel_all(done: &[Done<'_>]) -> Move {
    let Some((listed, cancelled)) = done.split_first() else {
        return Move::Call(vec![list_call(0)]);
    };
    if listed.result.error_text().is_some() {
        return Move::Say(failed("I could not read the reminders", listed.result));
    }
    let jobs = jobs(listed.result);
    if jobs.is_empty() {
        return Move::Say(NONE.into());
    }
    if cancelled.is_empty() {
        let call = |job: &Listed| (CANCEL, json!({ "job_id": job.id }));
        return Move::Call(jobs.iter().map(call).collect());
    }
    let gone = cancelled
        .iter()
        .filter(|done| done.result.value()["cancelled"] == true)
        .count();
    let gone = u64::try_from(gone).unwrap_or(u64::MAX);
    let total = listed.result.value()["count"].as_u64().unwrap_or(gone);
    let left = match total.saturating_sub(gone) {
        0 => String::new(),
        left => format!(" {left} left: say it again to cancel more."),
    };
    let count = i64::try_from(gone).unwrap_or(i64::MAX);
    Move::Say(format!("Cancelled {}.{left}", number(count, "reminder")))
}

pub(super) fn schedule_arguments(what: &str, when: &When, waited: Waited) -> Value {
    let local = |moment: &chrono::NaiveDateTime| moment.format("%Y-%m-%dT%H:%M:%S").to_string();
    let mut arguments = json!({ "content": what });
    let given = match when {
        When::In { seconds } => json!({ "delay_seconds": waited.left_of(*seconds) }),
        When::At { local: at } => json!({ "run_at": local(at) }),
        When::Every { seconds, first } => json!({
            "recurrence_type": "interval",
            "recurrence_interval_seconds": seconds,
            "run_at": first.as_ref().map(local),
        }),
        When::Cron { expression, until } => json!({
            "recurrence_type": "cron",
            "recurrence_cron": expression,
            "recurrence_end_at": until.as_ref().map(local),
        }),
    };
    if let (Some(all), Value::Object(given)) = (arguments.as_object_mut(), given) {
        all.extend(given);
    }
    arguments
}

fn scheduled(what: &str, (when, waited): (&When, Waited), result: &ToolResult, zone: Tz) -> String {
    let value = result.value();
    let (Some(human), Some(run_at)) = (value["human"].as_str(), value["run_at"].as_str()) else {
        return failed("I could not set that reminder", result);
    };
    let told = match when {
        When::In { seconds } if waited.left_of(*seconds) > 0 => {
            in_delay(*seconds, run_at, zone).unwrap_or_else(|| human.to_owned())
        }
        When::In { .. } | When::At { .. } | When::Every { .. } | When::Cron { .. } => {
            human.to_owned()
        }
    };
    format!("⏰ {}: {}", plain(&capitalised(&told)), plain(what))
}

/// "In 30 minutes (15:42, Europe/Madrid)".
fn in_delay(seconds: u64, run_at: &str, zone: Tz) -> Option<String> {
    let delay = chrono::TimeDelta::try_seconds(i64::try_from(seconds).ok()?)?;
    let at = chrono::DateTime::parse_from_rfc3339(run_at).ok()?;
    let pattern = if delay < chrono::TimeDelta::hours(12) {
        "%H:%M"
    } else {
        "%a %-d %b, %H:%M"
    };
    Some(format!(
        "in {} ({}, {zone})",
        describe_delay(delay),
        at.format(pattern)
    ))
}

fn cancelled_text(result: &ToolResult) -> String {
    match (
        result.value()["cancelled"].as_bool(),
        result.value()["text"].as_str(),
    ) {
        (Some(true), Some(text)) => format!("Cancelled: {}", plain(text)),
        (Some(false), Some(text)) => format!("That one is already over: {}", plain(text)),
        _ => failed("I could not cancel that", result),
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::super::changing::{Change, change};
    use super::super::grammar::{Shift, Told};
    use super::*;
    use crate::core::tool::ErrorCode;

    fn listed(count: u64) -> ToolResult {
        let job = json!({ "job_id": 7, "text": "tea", "human": "every day at 09:00" });
        ToolResult::ok(json!({ "count": count, "jobs": [job] }))
    }

    fn broken() -> ToolResult {
        ToolResult::error(ErrorCode::Failed, "the disk is full")
    }

    fn said(next: Move) -> String {
        match next {
            Move::Say(text) => text,
            Move::Call(calls) => panic!("{calls:?}"),
        }
    }

    #[test]
    fn a_failure_is_never_told_as_done() {
        let when = (&When::In { seconds: 60 }, Waited(0));
        let added = ToolResult::ok(json!({ "human": "today at 15:01", "run_at": "x" }));
        let (one, broken) = (listed(1), broken());
        let done = |results: &[&'static str]| -> Vec<Done<'_>> {
            let result = |name: &&str| match *name {
                "listed" => &one,
                "added" => &added,
                _ => &broken,
            };
            results
                .iter()
                .map(|name| Done {
                    result: result(name),
                })
                .collect()
        };
        let changed = |done: &[Done<'_>]| {
            let how = Change {
                when: when.0,
                shift: Shift::Unclear,
                told: &Told::All,
                waited: when.1,
            };
            change(
                "tea",
                how,
                done,
                DateTime::UNIX_EPOCH.with_timezone(&Tz::UTC),
            )
        };
        let unread = "I could not read the reminders: the disk is full.";
        let table = [
            (list(Some(&broken)), unread),
            (cancel("tea", &done(&["broken"])), unread),
            (cancel_all(&done(&["broken"])), unread),
            (changed(&done(&["broken"])), unread),
            (
                cancel("tea", &done(&["listed", "broken"])),
                "I could not cancel that: the disk is full.",
            ),
            (
                cancel_all(&done(&["listed", "broken"])),
                "Cancelled 0 reminders. 1 left: say it again to cancel more.",
            ),
            (
                changed(&done(&["listed", "broken"])),
                "I could not change that reminder: the disk is full.",
            ),
            (
                changed(&done(&["listed", "added", "broken"])),
                "⏰ Changed to today at 15\\:01: tea\n\nThe old one (#7) is still listed.",
            ),
        ];
        for (next, expected) in table {
            assert_eq!(said(next), expected);
        }
    }
}
