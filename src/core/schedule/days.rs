//! Intervals of whole days: they keep the time of day of their first run on the wall clock.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::resolve_local;

/// The seconds of a day whose clocks do not change.
pub const DAY_SECONDS: u64 = 86_400;

/// A slot every so many days. Each is found by the calendar, so that none depends on where one looks
/// from, and by the rules for the clocks that fixed times of a cron expression have.
#[derive(Debug, Clone, Copy)]
pub(super) struct DayGrid {
    /// The first slot: as it was given, in the second pass of a repeated hour too.
    anchor: DateTime<Utc>,
    /// What the clocks show then.
    shown: NaiveDateTime,
    every: u64,
    zone: Tz,
}

impl DayGrid {
    /// The grid of an interval, if it is one of whole days.
    pub(super) fn of(anchor: DateTime<Utc>, every_seconds: u64, zone: Tz) -> Option<Self> {
        let whole = every_seconds > 0 && every_seconds.is_multiple_of(DAY_SECONDS);
        whole.then(|| Self {
            anchor,
            shown: anchor.with_timezone(&zone).naive_local(),
            every: every_seconds / DAY_SECONDS,
            zone,
        })
    }

    /// The first slot strictly after a moment, which is not before the anchor.
    pub(super) fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = self.place_before(after);
        // Two neighbours are one moment where a zone skips a whole day.
        (first..first.saturating_add(4))
            .filter_map(|place| self.slot(place))
            .find(|slot| *slot > after)
    }

    /// The newest slot that is not after a moment; `None` before the anchor.
    pub(super) fn last_until(&self, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = self.place_before(until);
        (first..first.saturating_add(4))
            .rev()
            .filter_map(|place| self.slot(place))
            .find(|slot| *slot <= until)
    }

    /// How many slots there are in `[from, to]`, both of which are slots.
    pub(super) fn count(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> u64 {
        let day = |slot: DateTime<Utc>| slot.with_timezone(&self.zone).date_naive();
        self.steps(day(from), day(to)) + 1
    }

    fn slot(&self, place: u64) -> Option<DateTime<Utc>> {
        if place == 0 {
            return Some(self.anchor);
        }
        let days = Days::new(place.checked_mul(self.every)?);
        resolve_local(self.shown.checked_add_days(days)?, self.zone)
    }

    /// A place whose slot is not after a moment, or the first one, and at most two before the newest
    /// such place.
    fn place_before(&self, moment: DateTime<Utc>) -> u64 {
        let day = moment.with_timezone(&self.zone).date_naive();
        self.steps(self.shown.date(), day).saturating_sub(1)
    }

    fn steps(&self, from: NaiveDate, to: NaiveDate) -> u64 {
        let days = (to - from).num_days();
        u64::try_from(days).unwrap_or_default() / self.every
    }
}
