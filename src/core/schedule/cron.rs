//! Cron expressions of five fields, searched on the wall clock of a zone.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Serialize};

use super::{ScheduleError, resolve_local};

/// The longest expression that is read, in characters.
pub const MAX_CRON_LENGTH: usize = 200;

/// How many runs a day a list of fixed times may name before it counts as a repetition.
const MAX_FIXED_TIMES: usize = 24;

/// How many runs are looked at to find the shortest time between two.
const SAMPLED_RUNS: usize = 100;

/// A checked cron expression: `minute hour day month weekday` with names, lists, ranges and steps,
/// or `@daily` and its like. When both day and weekday are restricted, either of them is enough.
///
/// Where the clocks change, fixed times (no `*` and no step in minute and hour) keep their promise:
/// a time that does not exist runs at the first moment after the gap, a time that comes twice runs
/// the first time. Repetitions such as `*/15` simply follow the clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CronExpression {
    text: String,
    pattern: Box<Cron>,
    fixed: Option<FixedTimes>,
}

/// The times of a day of an expression without repetitions. croner treats only a single minute of a
/// single hour as fixed, so it searches the day by the last of them, and the rest is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FixedTimes {
    last: Box<Cron>,
    /// Never empty.
    times: Vec<NaiveTime>,
}

impl CronExpression {
    /// Reads an expression. It may still never occur: that depends on no zone, but on a search.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        if text.chars().count() > MAX_CRON_LENGTH {
            return Err(ScheduleError::CronTooLong {
                max: MAX_CRON_LENGTH,
            });
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let fields = text.split(' ').count();
        if !text.starts_with('@') && fields != 5 {
            let found = if text.is_empty() { 0 } else { fields };
            return Err(ScheduleError::CronFields { found });
        }
        let is_known = |found: char| found.is_ascii_alphanumeric() || "*,-/#?+@ ".contains(found);
        if let Some(stranger) = text.chars().find(|found| !is_known(*found)) {
            return Err(ScheduleError::CronInvalid {
                reason: format!("unexpected {stranger:?}"),
            });
        }
        let pattern = read(&text)?;
        let fixed = FixedTimes::of(&pattern);
        Ok(Self {
            text,
            pattern: Box::new(pattern),
            fixed,
        })
    }

    /// The expression as it was written, with single spaces.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn pattern(&self) -> &Cron {
        &self.pattern
    }

    /// The first match strictly after a moment; `None` when there is none before the year 5000.
    pub fn next_after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        if !(1..5000).contains(&after.year()) {
            return None;
        }
        let from = after.trunc_subsecs(0).with_timezone(&zone);
        let searched = self
            .fixed
            .as_ref()
            .map_or(&self.pattern, |fixed| &fixed.last);
        let found = searched.find_next_occurrence(&from, false).ok()?;
        let earliest = match &self.fixed {
            Some(fixed) => fixed.first_after(after, found.date_naive(), zone)?,
            None => found.with_timezone(&Utc),
        };
        (earliest > after).then_some(earliest)
    }

    /// The newest match in `(after, until]`: bisects with `next_after`, so that both directions
    /// agree on every change of the clocks.
    pub(super) fn last_between(
        &self,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
        zone: Tz,
    ) -> Option<DateTime<Utc>> {
        let within = |from| self.next_after(from, zone).filter(|found| *found <= until);
        let mut step = TimeDelta::minutes(1);
        let mut best = loop {
            let from = after.max(until - step);
            match within(from) {
                Some(found) => break found,
                None if from == after => return None,
                None => step = step * 2,
            }
        };
        let mut none_after = until;
        while none_after - best >= TimeDelta::seconds(1) {
            // The first try settles dense expressions at once.
            let Some(next) = within(best) else { break };
            best = next;
            let middle = best + (none_after - best) / 2;
            match within(middle) {
                Some(found) => best = found,
                None => none_after = middle,
            }
        }
        Some(best)
    }

    /// The shortest time between neighbours among the next runs.
    pub(super) fn shortest_gap(&self, from: DateTime<Utc>, zone: Tz) -> Option<TimeDelta> {
        let runs: Vec<_> = std::iter::successors(self.next_after(from, zone), |run| {
            self.next_after(*run, zone)
        })
        .take(SAMPLED_RUNS)
        .collect();
        runs.windows(2).map(|pair| pair[1] - pair[0]).min()
    }
}

impl FixedTimes {
    /// The times of `pattern`, when all of them are fixed and few.
    fn of(pattern: &Cron) -> Option<Self> {
        let text = pattern.pattern.as_str();
        let mut fields = text.splitn(3, ' ');
        let (minutes, hours, days) = (fields.next()?, fields.next()?, fields.next()?);
        if [minutes, hours]
            .iter()
            .any(|field| field.contains(['*', '/', '?']))
        {
            return None;
        }
        let (minutes, hours) = (
            pattern.pattern.minutes.values(),
            pattern.pattern.hours.values(),
        );
        if minutes.len() * hours.len() > MAX_FIXED_TIMES {
            return None;
        }
        let times = hours
            .iter()
            .flat_map(|hour| minutes.iter().map(move |minute| (hour, minute)));
        let times: Vec<NaiveTime> = times
            .filter_map(|(hour, minute)| {
                NaiveTime::from_hms_opt(u32::from(*hour), u32::from(*minute), 0)
            })
            .collect();
        let last = read(&format!("{} {} {days}", minutes.last()?, hours.last()?)).ok()?;
        Some(Self {
            last: Box::new(last),
            times,
        })
    }

    /// The first time of a matching day that is after a moment.
    fn first_after(&self, after: DateTime<Utc>, day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
        self.times
            .iter()
            .filter_map(|time| resolve_local(day.and_time(*time), zone))
            .find(|moment| *moment > after)
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl TryFrom<String> for CronExpression {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        Self::parse(&text)
    }
}

impl From<CronExpression> for String {
    fn from(expression: CronExpression) -> Self {
        expression.text
    }
}

fn read(text: &str) -> Result<Cron, ScheduleError> {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(text)
        .map_err(|error| ScheduleError::CronInvalid {
            reason: error.to_string(),
        })
}
