//! What became due while nobody looked: each missed slot gets one verdict, at most one of them runs.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Recurrence, Schedule};

/// How many slots an outcome names one by one; older ones are one span.
pub const LISTED_SLOTS: usize = 100;

/// How far the older slots of a cron schedule are counted.
pub const COUNT_LIMIT: u64 = 1_000;

/// What happens to a run whose time passed while the bot was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedPolicy {
    /// One late run for all that was missed.
    RunOnce,
    /// None.
    Skip,
}

/// The rules for late runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueRules {
    pub missed: MissedPolicy,
    /// Later than this, a run is skipped whatever the policy.
    pub grace: TimeDelta,
    /// Up to this, a run counts as on time.
    pub late_after: TimeDelta,
}

/// What is to be done with a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Run,
    /// Run, and say so.
    RunLate {
        by: TimeDelta,
    },
    /// Do not run, and leave a receipt.
    Skip {
        reason: SkipReason,
    },
}

/// Why a slot is not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Missed by more than the grace.
    BeyondGrace,
    /// Missed, and missed runs are skipped.
    MissedPolicy,
    /// A newer slot of the same job was due as well: its run stands for both.
    Superseded,
    /// The schedule had ended before the slot.
    Ended,
}

/// A slot that became due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueSlot {
    pub slot: DateTime<Utc>,
    pub verdict: Verdict,
}

/// A stretch of skipped slots that are not named one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkippedSpan {
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
    /// How many slots there are from `first` to `last`; `None` when more than [`COUNT_LIMIT`] of a
    /// cron schedule, whose slots can only be counted by walking them.
    pub count: Option<u64>,
}

/// The verdicts over all slots from the next run that was stored until now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueOutcome {
    /// The newest [`LISTED_SLOTS`] slots, oldest first. At most the last of them runs.
    pub slots: Vec<DueSlot>,
    /// The slots older than those; all of them are skipped.
    pub more_skipped: Option<SkippedSpan>,
    /// The next run to store; `None` when the schedule is over.
    pub next: Option<DateTime<Utc>>,
}

/// Judges every slot in `[next_run, now]`, and only those: a clock that jumps back makes nothing due
/// again, and one that jumps forward looks like downtime. The work does not grow with the time missed.
pub fn due(
    schedule: &Schedule,
    next_run: DateTime<Utc>,
    now: DateTime<Utc>,
    rules: &DueRules,
) -> DueOutcome {
    if next_run > now {
        return DueOutcome {
            slots: Vec::new(),
            more_skipped: None,
            next: Some(next_run),
        };
    }
    if schedule.ends_at().is_some_and(|end| next_run > end) {
        let verdict = Verdict::Skip {
            reason: SkipReason::Ended,
        };
        let slots = vec![DueSlot {
            slot: next_run,
            verdict,
        }];
        return DueOutcome {
            slots,
            more_skipped: None,
            next: None,
        };
    }
    let mut newest_first = newest_slots(schedule, next_run, now);
    let more_skipped = newest_first
        .last()
        .filter(|oldest| **oldest > next_run)
        .map(|oldest| older_span(schedule, next_run, *oldest));
    let newest = newest_first.first().copied();
    newest_first.reverse();
    let slots = newest_first
        .into_iter()
        .map(|slot| {
            let verdict = if Some(slot) == newest {
                judge_newest(now - slot, rules)
            } else {
                Verdict::Skip {
                    reason: judge_older(now - slot, rules),
                }
            };
            DueSlot { slot, verdict }
        })
        .collect();
    DueOutcome {
        slots,
        more_skipped,
        next: schedule.next_after(covered_until(schedule, next_run, now)),
    }
}

/// The moment after which the next slot is looked for. Where the stored next run of whole days lies off
/// the grid (the rules of the zone or of the grid have changed since), it stands for the slot next to it:
/// otherwise one day would have two runs.
fn covered_until(
    schedule: &Schedule,
    next_run: DateTime<Utc>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let is_off_grid = || schedule.next_after(just_before(next_run)) != Some(next_run);
    if schedule.is_of_whole_days() && is_off_grid() {
        now.max(next_run + TimeDelta::hours(12))
    } else {
        now
    }
}

fn judge_newest(late_by: TimeDelta, rules: &DueRules) -> Verdict {
    if late_by <= rules.late_after {
        Verdict::Run
    } else if late_by > rules.grace {
        Verdict::Skip {
            reason: SkipReason::BeyondGrace,
        }
    } else {
        match rules.missed {
            MissedPolicy::RunOnce => Verdict::RunLate { by: late_by },
            MissedPolicy::Skip => Verdict::Skip {
                reason: SkipReason::MissedPolicy,
            },
        }
    }
}

fn judge_older(late_by: TimeDelta, rules: &DueRules) -> SkipReason {
    if late_by <= rules.late_after {
        SkipReason::Superseded
    } else if late_by > rules.grace {
        SkipReason::BeyondGrace
    } else {
        match rules.missed {
            MissedPolicy::RunOnce => SkipReason::Superseded,
            MissedPolicy::Skip => SkipReason::MissedPolicy,
        }
    }
}

/// The newest slots in `[next_run, now]`, newest first. The stored next run is always one of the
/// slots of the whole, also when it lies off the grid.
fn newest_slots(
    schedule: &Schedule,
    next_run: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<DateTime<Utc>> {
    let mut newest_first = Vec::new();
    let mut until = now;
    while newest_first.len() < LISTED_SLOTS {
        let Some(slot) = schedule.last_between(next_run, until) else {
            newest_first.push(next_run);
            break;
        };
        newest_first.push(slot);
        until = just_before(slot);
    }
    newest_first
}

/// The slots in `[next_run, oldest)`.
fn older_span(schedule: &Schedule, next_run: DateTime<Utc>, oldest: DateTime<Utc>) -> SkippedSpan {
    let last = schedule
        .last_between(next_run, just_before(oldest))
        .unwrap_or(next_run);
    let after_first = if last == next_run {
        Some(0)
    } else {
        match schedule.recurrence() {
            Recurrence::Once => Some(1),
            Recurrence::Interval { every_seconds } => schedule
                .next_after(next_run)
                .and_then(|second| schedule.count_interval(second, last, *every_seconds)),
            Recurrence::Cron { .. } => count_by_walking(schedule, next_run, last),
        }
    };
    SkippedSpan {
        first: next_run,
        last,
        count: after_first.map(|others| others + 1),
    }
}

/// The slots in `(after, last]`, unless there are too many.
fn count_by_walking(schedule: &Schedule, after: DateTime<Utc>, last: DateTime<Utc>) -> Option<u64> {
    let mut slot = after;
    for counted in 0..COUNT_LIMIT {
        match schedule.next_after(slot).filter(|next| *next <= last) {
            Some(next) => slot = next,
            None => return Some(counted),
        }
    }
    None
}

fn just_before(slot: DateTime<Utc>) -> DateTime<Utc> {
    slot - TimeDelta::nanoseconds(1)
}
