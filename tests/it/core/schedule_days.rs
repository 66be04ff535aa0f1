//! Intervals of whole days, which keep their time of day where the clocks change.

use chrono::{DateTime, Days, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use minibot::core::schedule::{
    DueRules, MissedPolicy, Recurrence, Schedule, Verdict, due, resolve_local,
};
use proptest::prelude::*;

use super::schedule_due::CHANGES;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn every(days: u64, first: DateTime<Utc>, zone: Tz) -> Schedule {
    let every_seconds = days * 86_400;
    Schedule::restore(Recurrence::Interval { every_seconds }, first, zone, None).unwrap()
}

fn walk(schedule: &Schedule, count: usize) -> Vec<DateTime<Utc>> {
    std::iter::successors(schedule.first_run(), |slot| schedule.next_after(*slot))
        .take(count)
        .collect()
}

/// Days|zone|first run, in local time|it and the next two slots, in local time.
const WHOLE_DAYS: &str = "
1|Europe/Madrid|2027-03-27T09:00|03-27 09:00 +01, 03-28 09:00 +02, 03-29 09:00 +02
2|Europe/Madrid|2027-03-27T09:00|03-27 09:00 +01, 03-29 09:00 +02, 03-31 09:00 +02
14|Europe/Madrid|2027-10-26T09:00|10-26 09:00 +02, 11-09 09:00 +01, 11-23 09:00 +01
1|Europe/Madrid|2027-03-27T02:30|03-27 02:30 +01, 03-28 03:00 +02, 03-29 02:30 +02
1|Europe/Madrid|2027-10-30T02:30|10-30 02:30 +02, 10-31 02:30 +02, 11-01 02:30 +01
1|Europe/Madrid|2027-10-31T02:30|10-31 02:30 +02, 11-01 02:30 +01, 11-02 02:30 +01
3|America/New_York|2027-03-12T08:00|03-12 08:00 -05, 03-15 08:00 -04, 03-18 08:00 -04
1|America/New_York|2027-03-13T02:30|03-13 02:30 -05, 03-14 03:00 -04, 03-15 02:30 -04
7|America/New_York|2027-11-06T09:00|11-06 09:00 -04, 11-13 09:00 -05, 11-20 09:00 -05
1|America/New_York|2027-11-06T01:30|11-06 01:30 -04, 11-07 01:30 -04, 11-08 01:30 -05
";

#[test]
fn intervals_of_whole_days_keep_the_time_of_day() {
    for row in WHOLE_DAYS.lines().filter(|row| !row.is_empty()) {
        let cells: Vec<&str> = row.split('|').collect();
        let zone: Tz = cells[1].parse().unwrap();
        let first = format!("{}:00", cells[2]).parse().unwrap();
        let first = resolve_local(first, zone).unwrap();
        let days: u64 = cells[0].parse().unwrap();
        let slots = walk(&every(days, first, zone), 3).into_iter().map(|slot| {
            let text = slot.with_timezone(&zone).format("%m-%d %H:%M %z");
            text.to_string().trim_end_matches("00").to_owned()
        });
        let slots = slots.collect::<Vec<_>>().join(", ");
        assert_eq!(slots, cells[3], "{row}");
    }
}

/// What was stored while whole days were counted in seconds lies up to an hour off: it runs, and
/// stands for the slot of its day.
#[test]
fn a_next_run_from_before_a_change_of_the_clocks_is_not_doubled() {
    let rules = DueRules {
        missed: MissedPolicy::RunOnce,
        grace: TimeDelta::days(1),
        late_after: TimeDelta::minutes(1),
    };
    for (anchor, stored, next) in [
        (
            "2027-10-01T07:00:00Z",
            "2027-11-02T07:00:00Z",
            "2027-11-03T08:00:00Z",
        ),
        (
            "2027-03-01T08:00:00Z",
            "2027-04-02T08:00:00Z",
            "2027-04-03T07:00:00Z",
        ),
    ] {
        let schedule = every(1, utc(anchor), Tz::Europe__Madrid);
        let outcome = due(&schedule, utc(stored), utc(stored), &rules);
        let verdicts: Vec<_> = outcome.slots.iter().map(|due| due.verdict).collect();
        assert_eq!(verdicts, [Verdict::Run], "{anchor}");
        assert_eq!(outcome.next, Some(utc(next)), "{anchor}");
    }
}

proptest! {
    #[test]
    fn each_of_the_days_has_its_slot_at_the_time_of_the_first(
        (zone, change) in prop::sample::select(&CHANGES[..]),
        before in -90_000i64..20_000_000,
        days in 1u64..20,
        looked_from in 0i64..40_000_000,
    ) {
        let start = utc(change) - TimeDelta::seconds(before);
        let schedule = every(days, start, zone);
        let first = start.with_timezone(&zone).naive_local();
        let shown = |moment: DateTime<Utc>| moment.with_timezone(&zone).naive_local();
        let count = 400 / days;
        let slots = walk(&schedule, usize::try_from(count).unwrap());
        for (at, slot) in (0..).zip(&slots) {
            let wanted = first.checked_add_days(Days::new(at * days)).unwrap();
            match zone.from_local_datetime(&wanted).earliest() {
                _ if at == 0 => prop_assert_eq!(*slot, start),
                Some(moment) => prop_assert_eq!(*slot, moment),
                // The clocks skip it: the first moment after the gap.
                None => prop_assert!(
                    shown(*slot) > wanted && shown(*slot - TimeDelta::seconds(1)) < wanted
                ),
            }
        }
        prop_assert_eq!(slots.len() as u64, count);
        prop_assert!(slots.windows(2).all(|pair| pair[0] < pair[1]));
        let after = start + TimeDelta::seconds(looked_from);
        let next = slots.iter().copied().find(|slot| *slot > after);
        prop_assert!(next.is_none() || schedule.next_after(after) == next);
    }
}
