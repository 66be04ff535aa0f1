//! What a job does when its time has come: receipts for its slots, and the card or the prompt that
//! follows from the one that runs.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::jobs::{FiredAction, FiredSlot, Firing, Job, JobRole, OccurrenceState};
use super::markup::{self, FormattedText};
use super::outbox::{NewOutbox, Outgoing};
use super::schedule::{self, DueRules, DueSlot, SkipReason, SkippedSpan, Verdict};

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
                due_time(due.slot, now, zone),
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
        JobRole::Assistant => FiredAction::Deliver(Box::new(NewOutbox::notice(
            job.details.target.clone(),
            card(job, remark),
        ))),
        JobRole::User => {
            let content = &job.details.content;
            let content = remark.map_or_else(|| content.clone(), |r| format!("{content}\n\n({r})"));
            FiredAction::Prompt { content }
        }
    }
}

/// The card: the reminder's own text first, nothing before it.
fn card(job: &Job, remark: Option<&str>) -> Outgoing {
    // A table grows when it is aligned; what would not fit a message is shown as it was written.
    let mut text = markup::render(&job.details.content);
    if markup::utf16_len(&text.text) > MOST_UNITS {
        text = FormattedText::plain(job.details.content.clone());
    }
    if let Some(remark) = remark {
        text.text.push_str("\n(");
        text.text.push_str(remark);
        text.text.push(')');
    }
    Outgoing::formatted(text)
}

/// The time of day, with the date when that is not today's.
fn due_time(slot: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (slot, now) = (slot.with_timezone(&zone), now.with_timezone(&zone));
    let pattern = if slot.date_naive() == now.date_naive() {
        "%H:%M"
    } else {
        "%a %-d %b %H:%M"
    };
    slot.format(pattern).to_string()
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
