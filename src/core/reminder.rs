//! What a job does when its time has come: receipts for its slots, and the card or the prompt that
//! follows from the one that runs.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::card::clock_time;
use super::exits::Links;
use super::jobs::{
    FiredAction, FiredSlot, Firing, Job, JobRole, NewJob, Occurrence, OccurrenceState,
};
use super::markup::{self, FormattedText};
use super::outbox::{NewOutbox, Outgoing};
use super::pages::shorten;
use super::schedule::{
    self, DueRules, DueSlot, Recurrence, Schedule, ScheduleError, SkipReason, SkippedSpan, Verdict,
};

/// Room for the content of a card in UTF-16 units, in 4096 with the remark (Bot API, sendMessage).
const MOST_UNITS: usize = 4_000;

/// Decides over everything of a job that is due at `now`.
pub fn plan(job: &Job, now: DateTime<Utc>, rules: &DueRules, zone: Tz) -> Firing {
    let decided_on = job.next_run.unwrap_or(job.details.next_run);
    let due = schedule::due(&job.details.schedule, decided_on, now, rules);
    let mut slots: Vec<FiredSlot> = due.more_skipped.iter().map(skipped_span).collect();
    slots.extend(due.slots.iter().map(|slot| fired(job, slot, now, zone)));
    Firing {
        job: job.id,
        decided_on,
        slots,
        next_run: due.next,
    }
}

fn fired(job: &Job, due: &DueSlot, now: DateTime<Utc>, zone: Tz) -> FiredSlot {
    let in_time = match job.details.role {
        JobRole::Assistant => OccurrenceState::Ran,
        JobRole::User => OccurrenceState::Running,
    };
    let (state, reason, action) = match due.verdict {
        Verdict::Run => (in_time, None, action(job, None)),
        Verdict::RunLate { by } => {
            let remark = format!(
                "was due {}, {} ago",
                clock_time(due.slot, now, zone),
                schedule::describe_span(by)
            );
            let state = match job.details.role {
                JobRole::Assistant => OccurrenceState::Late,
                JobRole::User => OccurrenceState::Running,
            };
            (state, Some(remark.clone()), action(job, Some(&remark)))
        }
        Verdict::Skip { reason } => (
            OccurrenceState::Skipped,
            Some(words(reason).to_owned()),
            FiredAction::Nothing,
        ),
    };
    FiredSlot {
        slot: due.slot,
        state,
        reason,
        action,
    }
}

fn action(job: &Job, remark: Option<&str>) -> FiredAction {
    match job.details.role {
        JobRole::Assistant => FiredAction::Deliver(Box::new(
            NewOutbox::notice(job.details.target.clone(), card(job, remark, None))
                .labelled(job.details.labels.clone()),
        )),
        JobRole::User => FiredAction::Prompt {
            content: job.details.content.clone(),
            remark: remark.map(str::to_owned),
            labels: job.details.labels.clone(),
        },
    }
}

/// One run that a person asks for, outside the schedule.
pub fn run_now(job: &Job, now: DateTime<Utc>) -> FiredSlot {
    FiredSlot {
        slot: now,
        state: match job.details.role {
            JobRole::Assistant => OccurrenceState::Ran,
            JobRole::User => OccurrenceState::Running,
        },
        reason: Some("asked for".into()),
        action: action(job, None),
    }
}

/// The card of a slot after an answer, which `line` tells.
pub fn answered_card(job: &Job, occurrence: &Occurrence, line: &str) -> Outgoing {
    let remark = occurrence
        .reason
        .as_deref()
        .filter(|_| occurrence.state == OccurrenceState::Late);
    card(job, remark, Some(line))
}

/// What a snoozed card comes back as: a job of its own, so that it survives whatever becomes of the
/// first, can be cancelled, and is late or skipped by the same rules.
pub fn snoozed(
    job: &Job,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<NewJob, ScheduleError> {
    let zone = job.details.schedule.zone();
    Ok(NewJob {
        schedule: Schedule::restore(Recurrence::Once, until, zone, None)?,
        next_run: until,
        created_at: now,
        ..job.details.clone()
    })
}

/// The card: the reminder's own text first, nothing before it.
fn card(job: &Job, remark: Option<&str>, answer: Option<&str>) -> Outgoing {
    // A table grows when it is aligned; what would not fit a message is shown as it was written.
    let links = Links::under(&job.details.labels);
    let mut text = links.applied(markup::render(&job.details.content));
    if markup::utf16_len(&text.text) > MOST_UNITS {
        text = links.applied(FormattedText::plain(job.details.content.clone()));
    }
    if let Some(remark) = remark {
        text.text.push_str("\n(");
        text.text.push_str(remark);
        text.text.push(')');
    }
    if let Some(answer) = answer {
        text.text.push('\n');
        text.text.push_str(answer);
    }
    Outgoing::formatted(text)
}

/// When a job runs, in words: "every Monday at 09:00, next on Mon 23 Nov 2026".
pub fn when(job: &Job, now: DateTime<Utc>) -> String {
    let schedule = &job.details.schedule;
    let next = job
        .next_run
        .map(|at| (at, schedule::describe_moment(at, now, schedule.zone())));
    match (schedule.recurrence(), next) {
        (Recurrence::Once, Some((at, moment))) if at > now => {
            format!("{moment} (in {})", schedule::describe_roughly(at - now))
        }
        (Recurrence::Once, Some((_, moment))) => moment,
        (_, Some((_, moment))) => next_of(&schedule.describe(), &moment),
        (_, None) => schedule.describe(),
    }
}

/// The time of day is not said twice.
fn next_of(rule: &str, moment: &str) -> String {
    let on = if moment.starts_with(|c: char| c.is_ascii_uppercase()) {
        "on "
    } else {
        ""
    };
    let day = moment
        .rsplit_once(" at ")
        .filter(|(_, time)| rule.ends_with(&format!(" at {time}")))
        .map_or(moment, |(day, _)| day);
    format!("{rule}, next {on}{day}")
}

/// What the person reads of a job whose time has come and that cannot be read.
pub fn unreadable_text(id: i64, content: &str) -> String {
    let task = shorten(content);
    format!(
        "A reminder was due and could not be read: {task} (#{id})\n(it rests, and goes on when it can be)"
    )
}

/// What the person reads when a scheduled run has failed for good.
pub fn failure_text(content: &str, reason: &str) -> String {
    let task = shorten(content);
    format!("A scheduled task was not finished: {task}\n({reason})")
}

fn skipped_span(span: &SkippedSpan) -> FiredSlot {
    let count = span
        .count
        .map_or_else(|| "many".to_owned(), |count| count.to_string());
    FiredSlot {
        slot: span.first,
        state: OccurrenceState::Skipped,
        reason: Some(format!(
            "missed while I was not running: {count} runs until {}",
            span.last
        )),
        action: FiredAction::Nothing,
    }
}

fn words(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::BeyondGrace => "missed by more than the grace time",
        SkipReason::MissedPolicy => "missed while I was not running",
        SkipReason::Superseded => "missed; a later run stands for it",
        SkipReason::Ended => "the schedule had ended",
    }
}

/// The longest content of a job, in characters: a card must fit one message of any channel.
pub const MAX_CONTENT: usize = 2_000;
