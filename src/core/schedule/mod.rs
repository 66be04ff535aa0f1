//! When jobs run: pure rules over moments and zones, which never ask the time and know no store.
//!
//! **Invariant:** a schedule that exists is valid. Its slots are fixed by its recurrence, anchor and
//! zone alone, so the same slots come out after any restart or jump of the clock.

mod cron;
mod days;
mod describe;
mod due;
mod error;
mod moment;
mod zone;

use chrono::{DateTime, Datelike, SubsecRound, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use cron::{CronExpression, MAX_CRON_LENGTH};
pub use days::DAY_SECONDS;
use days::DayGrid;
pub use describe::MONTHS;
pub use due::{
    COUNT_LIMIT, DueOutcome, DueRules, DueSlot, LISTED_SLOTS, MissedPolicy, SkipReason,
    SkippedSpan, Verdict, due,
};
pub use error::ScheduleError;
pub use moment::{describe_date, describe_delay, describe_moment, describe_roughly, describe_span};
pub use zone::{parse_zone, resolve_coming, resolve_local};

/// A run that was to be at most this long ago is meant for now: models and people take time to write.
pub const PAST_TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// How far ahead a schedule may begin, and how long its interval may be.
pub const HORIZON: TimeDelta = TimeDelta::days(36_525);

/// How a schedule repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Recurrence {
    /// One run, at the anchor.
    Once,
    /// A run at the anchor and every so many seconds after it, whatever the clocks of the zone do; where
    /// that makes whole days, so many days after it, at the time of day of the anchor.
    Interval { every_seconds: u64 },
    /// A run whenever the wall clock of the zone matches.
    Cron { expression: CronExpression },
}

/// What an installation allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleRules {
    /// The shortest time between two runs of a recurring schedule.
    pub min_interval_seconds: u64,
}

/// What a new schedule is checked against, whatever its recurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleTerms {
    /// The zone of the wall clock that cron expressions and descriptions mean.
    pub zone: Tz,
    /// No run after this moment; a run exactly at it still happens.
    pub ends_at: Option<DateTime<Utc>>,
    /// The present moment.
    pub now: DateTime<Utc>,
    pub rules: ScheduleRules,
}

/// A checked schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredSchedule")]
pub struct Schedule {
    recurrence: Recurrence,
    anchor: DateTime<Utc>,
    zone: Tz,
    ends_at: Option<DateTime<Utc>>,
}

impl Schedule {
    /// One run `at` a moment.
    pub fn once(at: DateTime<Utc>, terms: &ScheduleTerms) -> Result<Self, ScheduleError> {
        Self::starting(Recurrence::Once, at, terms)
    }

    /// A run at `first_run` and every `every_seconds` after it; see [`Recurrence::Interval`].
    pub fn interval(
        first_run: DateTime<Utc>,
        every_seconds: u64,
        terms: &ScheduleTerms,
    ) -> Result<Self, ScheduleError> {
        if every_seconds < terms.rules.min_interval_seconds {
            return Err(ScheduleError::TooOften {
                minimum: terms.rules.min_interval_seconds,
            });
        }
        Self::starting(Recurrence::Interval { every_seconds }, first_run, terms)
    }

    /// A run whenever `expression` matches in the zone of `terms`, from now on.
    pub fn cron(expression: &str, terms: &ScheduleTerms) -> Result<Self, ScheduleError> {
        let expression = CronExpression::parse(expression)?;
        let recurrence = Recurrence::Cron {
            expression: expression.clone(),
        };
        let schedule = Self::checked(recurrence, terms.now, terms)?;
        let shortest = expression.shortest_gap(terms.now, terms.zone);
        let minimum = terms.rules.min_interval_seconds;
        if shortest.is_some_and(|gap| gap.num_seconds().unsigned_abs() < minimum) {
            return Err(ScheduleError::TooOften { minimum });
        }
        Ok(schedule)
    }

    /// A schedule that was checked when it was made, as read from a store: the past is no error.
    pub fn restore(
        recurrence: Recurrence,
        anchor: DateTime<Utc>,
        zone: Tz,
        ends_at: Option<DateTime<Utc>>,
    ) -> Result<Self, ScheduleError> {
        if let Recurrence::Interval { every_seconds } = recurrence {
            if every_seconds == 0 {
                return Err(ScheduleError::TooOften { minimum: 1 });
            }
            if every_seconds > HORIZON.num_seconds().unsigned_abs() {
                return Err(ScheduleError::TooFar);
            }
        }
        if !(1970..=9000).contains(&anchor.year()) {
            return Err(ScheduleError::TooFar);
        }
        Ok(Self {
            recurrence,
            anchor,
            zone,
            ends_at,
        })
    }

    /// How it repeats.
    pub fn recurrence(&self) -> &Recurrence {
        &self.recurrence
    }

    /// The first run of a single or interval schedule, the moment of creation of a cron schedule.
    pub fn anchor(&self) -> DateTime<Utc> {
        self.anchor
    }

    /// The zone of the wall clock that it means.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The last moment at which a run may happen.
    pub fn ends_at(&self) -> Option<DateTime<Utc>> {
        self.ends_at
    }

    /// The first slot of all; `None` when a restored schedule has none.
    pub fn first_run(&self) -> Option<DateTime<Utc>> {
        match self.recurrence {
            Recurrence::Once | Recurrence::Interval { .. } => self.within_end(self.anchor),
            Recurrence::Cron { .. } => self.next_after(self.anchor),
        }
    }

    /// The first slot strictly after a moment; `None` when the schedule has ended by then.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = match &self.recurrence {
            Recurrence::Once => (self.anchor > after).then_some(self.anchor),
            Recurrence::Interval { .. } if after < self.anchor => Some(self.anchor),
            Recurrence::Interval { every_seconds } => match self.day_grid(*every_seconds) {
                Some(grid) => grid.next_after(after),
                None => self.grid_point(
                    steps_between(self.anchor, after, *every_seconds)? + 1,
                    *every_seconds,
                ),
            },
            Recurrence::Cron { expression } => {
                expression.next_after(after.max(self.anchor), self.zone)
            }
        };
        self.within_end(next?)
    }

    /// The newest slot in `(after, until]`.
    fn last_between(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let until = self.ends_at.map_or(until, |end| end.min(until));
        let last = match &self.recurrence {
            Recurrence::Once => self.anchor,
            Recurrence::Interval { .. } if until < self.anchor => return None,
            Recurrence::Interval { every_seconds } => match self.day_grid(*every_seconds) {
                Some(grid) => grid.last_until(until)?,
                None => self.grid_point(
                    steps_between(self.anchor, until, *every_seconds)?,
                    *every_seconds,
                )?,
            },
            Recurrence::Cron { expression } => {
                expression.last_between(after.max(self.anchor), until, self.zone)?
            }
        };
        (last > after && last <= until).then_some(last)
    }

    fn is_of_whole_days(&self) -> bool {
        let Recurrence::Interval { every_seconds } = self.recurrence else {
            return false;
        };
        self.day_grid(every_seconds).is_some()
    }

    /// How many slots of an interval there are in `[from, to]`, both of which are slots.
    fn count_interval(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        every_seconds: u64,
    ) -> Option<u64> {
        match self.day_grid(every_seconds) {
            Some(grid) => Some(grid.count(from, to)),
            None => Some(steps_between(from, to, every_seconds)?.unsigned_abs() + 1),
        }
    }

    fn day_grid(&self, every_seconds: u64) -> Option<DayGrid> {
        DayGrid::of(self.anchor, every_seconds, self.zone)
    }

    fn grid_point(&self, steps: i64, every_seconds: u64) -> Option<DateTime<Utc>> {
        let seconds = i64::try_from(every_seconds).ok()?.checked_mul(steps)?;
        self.anchor
            .checked_add_signed(TimeDelta::try_seconds(seconds)?)
    }

    fn within_end(&self, slot: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.ends_at.is_none_or(|end| slot <= end).then_some(slot)
    }

    fn starting(
        recurrence: Recurrence,
        at: DateTime<Utc>,
        terms: &ScheduleTerms,
    ) -> Result<Self, ScheduleError> {
        if at.signed_duration_since(terms.now) > HORIZON {
            return Err(ScheduleError::TooFar);
        }
        if terms.now.signed_duration_since(at) > PAST_TOLERANCE {
            return Err(ScheduleError::InThePast {
                now: describe_date(terms.now, terms.zone),
                zone: terms.zone,
            });
        }
        Self::checked(recurrence, at.max(terms.now), terms)
    }

    /// Stores keep milliseconds, and a slot must come back from them as it went in.
    fn checked(
        recurrence: Recurrence,
        anchor: DateTime<Utc>,
        terms: &ScheduleTerms,
    ) -> Result<Self, ScheduleError> {
        let anchor = anchor.trunc_subsecs(3);
        let endless = Self::restore(recurrence, anchor, terms.zone, None)?;
        let first = endless.first_run().ok_or(ScheduleError::NeverOccurs)?;
        if terms.ends_at.is_some_and(|end| end < first) {
            let first = describe_date(first, terms.zone);
            return Err(ScheduleError::EndsBeforeFirstRun { first });
        }
        Ok(Self {
            ends_at: terms.ends_at.map(|end| end.trunc_subsecs(3)),
            ..endless
        })
    }
}

/// The first run of an interval that begins one interval from `now`; `None` when that is beyond all time.
pub fn one_interval_after(
    now: DateTime<Utc>,
    every_seconds: u64,
    zone: Tz,
) -> Option<DateTime<Utc>> {
    if let Some(grid) = DayGrid::of(now, every_seconds, zone) {
        return grid.next_after(now);
    }
    later(now, every_seconds)
}

/// So many seconds after a moment; `None` when that is beyond all time.
pub fn later<Z: TimeZone>(moment: DateTime<Z>, seconds: u64) -> Option<DateTime<Z>> {
    let delay = TimeDelta::try_seconds(i64::try_from(seconds).ok()?)?;
    moment.checked_add_signed(delay)
}

/// Whole intervals from `from` to `to`, which is not earlier.
fn steps_between(from: DateTime<Utc>, to: DateTime<Utc>, every_seconds: u64) -> Option<i64> {
    let every = i64::try_from(every_seconds).ok()?;
    to.signed_duration_since(from)
        .num_seconds()
        .checked_div(every)
}

/// What a schedule looks like in a store, before it is checked.
#[derive(Deserialize)]
struct StoredSchedule {
    recurrence: Recurrence,
    anchor: DateTime<Utc>,
    zone: Tz,
    ends_at: Option<DateTime<Utc>>,
}

impl TryFrom<StoredSchedule> for Schedule {
    type Error = ScheduleError;

    fn try_from(stored: StoredSchedule) -> Result<Self, ScheduleError> {
        Self::restore(
            stored.recurrence,
            stored.anchor,
            stored.zone,
            stored.ends_at,
        )
    }
}
