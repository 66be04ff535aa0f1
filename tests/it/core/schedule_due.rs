//! What downtime, restarts and clock jumps do to schedules, and the laws that all slots keep.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use minibot::core::schedule::{
    COUNT_LIMIT, CronExpression, DueOutcome, DueRules, MissedPolicy, Recurrence, Schedule,
    ScheduleRules, ScheduleTerms, SkipReason, Verdict, due,
};
use proptest::prelude::*;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn terms(zone: Tz, now: &str) -> ScheduleTerms {
    let rules = ScheduleRules {
        min_interval_seconds: 60,
    };
    ScheduleTerms {
        zone,
        ends_at: None,
        now: utc(now),
        rules,
    }
}

fn rules(missed: MissedPolicy) -> DueRules {
    DueRules {
        missed,
        grace: TimeDelta::days(1),
        late_after: TimeDelta::minutes(1),
    }
}

fn verdicts(outcome: &DueOutcome) -> Vec<Verdict> {
    outcome.slots.iter().map(|due| due.verdict).collect()
}

fn skip(reason: SkipReason) -> Verdict {
    Verdict::Skip { reason }
}

#[test]
fn downtime_gives_one_late_run_or_none() {
    let start = utc("2027-06-01T00:00:00Z");
    let hourly = Schedule::interval(start, 3_600, &terms(Tz::UTC, "2027-06-01T00:00:00Z")).unwrap();
    let late = Verdict::RunLate {
        by: TimeDelta::minutes(30),
    };
    let (older, beyond) = (skip(SkipReason::Superseded), skip(SkipReason::BeyondGrace));
    let missed = skip(SkipReason::MissedPolicy);
    let once = rules(MissedPolicy::RunOnce);
    let short = DueRules {
        grace: TimeDelta::minutes(80),
        ..once
    };
    for (now, rules, expected) in [
        ("2027-05-31T23:59:59Z", once, vec![]),
        ("2027-06-01T00:00:00Z", once, vec![Verdict::Run]),
        ("2027-06-01T00:01:00Z", once, vec![Verdict::Run]),
        ("2027-06-01T00:30:00Z", once, vec![late]),
        ("2027-06-01T02:30:00Z", once, vec![older, older, late]),
        (
            "2027-06-01T02:00:10Z",
            once,
            vec![older, older, Verdict::Run],
        ),
        ("2027-06-01T02:30:00Z", short, vec![beyond, beyond, late]),
        (
            "2027-06-01T02:30:00Z",
            rules(MissedPolicy::Skip),
            vec![missed, missed, missed],
        ),
        (
            "2027-06-01T02:00:10Z",
            rules(MissedPolicy::Skip),
            vec![missed, missed, Verdict::Run],
        ),
    ] {
        let outcome = due(&hourly, start, utc(now), &rules);
        assert_eq!(verdicts(&outcome), expected, "{now}");
        assert_eq!(
            outcome.next,
            hourly.next_after(utc(now)).map(|next| next.max(start)),
            "{now}"
        );
    }
}

#[test]
fn a_single_run_beyond_the_grace_is_skipped() {
    let at = utc("2027-06-01T00:00:00Z");
    let schedule = Schedule::once(at, &terms(Tz::UTC, "2027-06-01T00:00:00Z")).unwrap();
    for (now, expected) in [
        (
            "2027-06-02T00:00:00Z",
            Verdict::RunLate {
                by: TimeDelta::days(1),
            },
        ),
        ("2027-06-02T00:00:01Z", skip(SkipReason::BeyondGrace)),
    ] {
        let outcome = due(&schedule, at, utc(now), &rules(MissedPolicy::RunOnce));
        assert_eq!((verdicts(&outcome), outcome.next), (vec![expected], None));
    }
}

#[test]
fn the_end_of_a_schedule_is_kept_through_downtime() {
    let start = utc("2027-06-01T00:00:00Z");
    let end = start + TimeDelta::hours(2);
    let every = Recurrence::Interval {
        every_seconds: 3_600,
    };
    let schedule = Schedule::restore(every, start, Tz::UTC, Some(end)).unwrap();
    let outcome = due(
        &schedule,
        start,
        start + TimeDelta::hours(9),
        &rules(MissedPolicy::RunOnce),
    );
    assert_eq!(outcome.slots.len(), 3);
    assert_eq!(
        outcome.slots[2].verdict,
        Verdict::RunLate {
            by: TimeDelta::hours(7)
        }
    );
    assert_eq!(outcome.next, None);
    let after_end = end + TimeDelta::hours(1);
    let ended = due(
        &schedule,
        after_end,
        after_end,
        &rules(MissedPolicy::RunOnce),
    );
    assert_eq!(
        (verdicts(&ended), ended.next),
        (vec![skip(SkipReason::Ended)], None)
    );
}

#[test]
fn ten_missed_years_cost_no_more_than_one_day() {
    let start = utc("2027-06-01T00:00:00Z");
    let now = utc("2037-06-01T00:00:30Z");
    let every = Recurrence::Interval { every_seconds: 1 };
    let schedule = Schedule::restore(every, start, Tz::UTC, None).unwrap();
    let outcome = due(&schedule, start, now, &rules(MissedPolicy::RunOnce));
    assert_eq!(outcome.slots.len(), 100);
    assert_eq!(outcome.slots[99].verdict, Verdict::Run);
    let span = outcome.more_skipped.unwrap();
    assert_eq!(
        span.count,
        Some((now - start).num_seconds().unsigned_abs() + 1 - 100)
    );
    assert_eq!(
        (span.first, span.last),
        (start, now - TimeDelta::seconds(100))
    );
    let every = Recurrence::Interval {
        every_seconds: 86_400,
    };
    let daily = Schedule::restore(every, start, Tz::Europe__Madrid, None).unwrap();
    let outcome = due(&daily, start, now, &rules(MissedPolicy::RunOnce));
    assert_eq!(outcome.slots.len(), 100);
    assert_eq!(outcome.more_skipped.unwrap().count, Some(3_654 - 100));
    for text in ["* * * * *", "* * * 6 *", "*/7 3 * * mon", "0 0 29 2 *"] {
        let cron =
            Schedule::cron(text, &terms(Tz::Europe__Madrid, "2027-06-01T00:00:00Z")).unwrap();
        let first = cron.first_run().unwrap();
        let outcome = due(&cron, first, now, &rules(MissedPolicy::RunOnce));
        assert!(outcome.slots.len() <= 100);
        assert_eq!(
            outcome.slots.last().unwrap().slot,
            last_by_days(&cron, now),
            "{text}"
        );
    }
}

/// The newest slot, found by walking from longer and longer ago.
fn last_by_days(schedule: &Schedule, now: DateTime<Utc>) -> DateTime<Utc> {
    let from = (1..5_000)
        .map(|days| now - TimeDelta::days(days))
        .find(|from| schedule.next_after(*from).is_some_and(|slot| slot <= now))
        .unwrap();
    let walk = std::iter::successors(schedule.next_after(from), |slot| schedule.next_after(*slot));
    walk.take_while(|slot| *slot <= now).last().unwrap()
}

/// The slots in `[first, until]` one after the other.
fn walk(schedule: &Schedule, first: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    std::iter::successors(Some(first), |slot| schedule.next_after(*slot))
        .take_while(|slot| *slot <= until)
        .collect()
}

fn cron_texts() -> impl Strategy<Value = String> {
    let minute = prop::sample::select(vec!["0", "30", "*/20", "5,35", "*", "10-12"]);
    let hour = prop::sample::select(vec!["*", "2", "1-3", "2,14", "*/6", "0", "23"]);
    let days = prop::sample::select(vec![
        "* * *", "* * sun", "1 * *", "* 3,10 *", "l * *", "*/9 * 1",
    ]);
    (minute, hour, days).prop_map(|(minute, hour, days)| format!("{minute} {hour} {days}"))
}

/// Zones, each with a moment at which its clocks change.
pub const CHANGES: [(Tz, &str); 8] = [
    (Tz::UTC, "2027-03-28T01:00:00Z"),
    (Tz::Europe__Madrid, "2027-03-28T01:00:00Z"),
    (Tz::Europe__Madrid, "2027-10-31T01:00:00Z"),
    (Tz::America__New_York, "2027-03-14T07:00:00Z"),
    (Tz::America__New_York, "2027-11-07T06:00:00Z"),
    (Tz::Australia__Lord_Howe, "2027-10-02T15:30:00Z"),
    (Tz::Australia__Lord_Howe, "2027-04-03T15:00:00Z"),
    (Tz::America__Santiago, "2027-09-05T04:00:00Z"),
];

/// A zone and a moment within a day of a change of its clocks.
fn places() -> impl Strategy<Value = (Tz, DateTime<Utc>)> {
    (prop::sample::select(&CHANGES[..]), -90_000i64..20_000)
        .prop_map(|((zone, change), seconds)| (zone, utc(change) + TimeDelta::seconds(seconds)))
}

fn moments() -> impl Strategy<Value = DateTime<Utc>> {
    places().prop_map(|(_, moment)| moment)
}

fn schedules() -> impl Strategy<Value = Schedule> {
    (places(), prop::option::of(0i64..200_000)).prop_flat_map(|((zone, start), lasts)| {
        let end = lasts.map(|seconds| start + TimeDelta::seconds(seconds));
        let recurrence = prop_oneof![
            1 => Just(Recurrence::Once),
            2 => (60u64..20_000).prop_map(|every_seconds| Recurrence::Interval { every_seconds }),
            2 => (1u64..4).prop_map(|days| Recurrence::Interval { every_seconds: days * 86_400 }),
            4 => cron_texts().prop_map(|text| Recurrence::Cron {
                expression: CronExpression::parse(&text).unwrap(),
            }),
        ];
        recurrence
            .prop_map(move |recurrence| Schedule::restore(recurrence, start, zone, end).unwrap())
    })
}

/// What a fixed or repeated time of the day means, by looking at every minute of the zone's clock.
fn first_by_minutes(daily: &Daily, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let start = after - TimeDelta::seconds(i64::from(after.second()));
    (1..4 * 1_440)
        .map(|minute| start + TimeDelta::minutes(minute))
        .find(|moment| {
            let shown = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
            let (now, before) = (shown(*moment), shown(*moment - TimeDelta::minutes(1)));
            let matches =
                |hour, minute| daily.hours.contains(&hour) && daily.minutes.contains(&minute);
            let skipped = (now - before).num_minutes() - 1;
            let ends_gap = (1..=skipped).any(|later| {
                let time = before + TimeDelta::minutes(later);
                matches(time.hour(), time.minute())
            });
            let was_shown_before =
                || (1..=120).any(|ago| shown(*moment - TimeDelta::minutes(ago)) == now);
            let runs_here =
                matches(now.hour(), now.minute()) && !(daily.is_fixed && was_shown_before());
            runs_here || (daily.is_fixed && ends_gap)
        })
}

#[derive(Debug, Clone)]
struct Daily {
    text: &'static str,
    minutes: Vec<u32>,
    hours: Vec<u32>,
    is_fixed: bool,
}

fn daily(text: &'static str, minutes: &[u32], hours: &[u32], is_fixed: bool) -> Daily {
    Daily {
        text,
        minutes: minutes.to_vec(),
        hours: hours.to_vec(),
        is_fixed,
    }
}

fn dailies() -> impl Strategy<Value = Daily> {
    let all: Vec<u32> = (0..24).collect();
    prop::sample::select(vec![
        daily("30 2 * * *", &[30], &[2], true),
        daily("0,45 1-3 * * *", &[0, 45], &[1, 2, 3], true),
        daily("15 2,14 * * *", &[15], &[2, 14], true),
        daily("0 0 * * *", &[0], &[0], true),
        daily("*/20 * * * *", &[0, 20, 40], &all, false),
        daily("10 * * * *", &[10], &all, false),
        daily("*/30 2 * * *", &[0, 30], &[2], false),
        daily(
            "15 */2 * * *",
            &[15],
            &(0..12).map(|half| half * 2).collect::<Vec<_>>(),
            false,
        ),
    ])
}

fn check_outcome(
    outcome: &DueOutcome,
    now: DateTime<Utc>,
    rules: &DueRules,
) -> Result<(), TestCaseError> {
    let is_run = |verdict| !matches!(verdict, Verdict::Skip { .. });
    prop_assert!(
        outcome
            .slots
            .iter()
            .filter(|due| is_run(due.verdict))
            .count()
            <= 1
    );
    for due in &outcome.slots {
        let late_by = now - due.slot;
        prop_assert!(late_by >= TimeDelta::zero());
        match due.verdict {
            Verdict::Run => prop_assert!(late_by <= rules.late_after),
            Verdict::RunLate { by } => {
                prop_assert_eq!(by, late_by);
                prop_assert!(by <= rules.grace && rules.missed == MissedPolicy::RunOnce);
            }
            Verdict::Skip { .. } => {
                prop_assert!(Some(due) != outcome.slots.last() || late_by > rules.late_after);
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn cron_agrees_with_the_clock_on_the_wall(
        daily in dailies(),
        (zone, after) in places(),
    ) {
        let expression = CronExpression::parse(daily.text).unwrap();
        let expected = first_by_minutes(&daily, zone, after);
        prop_assert_eq!(expression.next_after(after, zone), expected);
    }

    #[test]
    fn slots_strictly_increase_and_do_not_depend_on_where_one_looks_from(
        schedule in schedules(),
        after in moments(),
        back in 0i64..100_000,
    ) {
        if let Some(next) = schedule.next_after(after) {
            prop_assert!(next > after);
            prop_assert!(next >= schedule.anchor());
            prop_assert!(schedule.ends_at().is_none_or(|end| next <= end));
            let from_earlier = schedule.next_after(after - TimeDelta::seconds(back)).unwrap();
            prop_assert!(from_earlier == next || from_earlier <= after);
            prop_assert_eq!(schedule.next_after(next - TimeDelta::milliseconds(1)), Some(next));
        }
    }

    #[test]
    fn intervals_never_drift(
        start in moments(),
        every in 60u64..1_000_000,
        after in 0i64..10i64.pow(10),
    ) {
        prop_assume!(every % 86_400 != 0);
        let recurrence = Recurrence::Interval { every_seconds: every };
        let schedule = Schedule::restore(recurrence, start, Tz::Europe__Madrid, None).unwrap();
        let after = start + TimeDelta::milliseconds(after);
        let next = schedule.next_after(after).unwrap();
        prop_assert_eq!((next - start).num_seconds().unsigned_abs() % every, 0);
        prop_assert!((next - after).num_milliseconds().unsigned_abs() <= every * 1_000);
    }

    #[test]
    fn each_slot_is_accounted_for_once_over_restarts_and_clock_jumps(
        schedule in schedules(),
        jumps in prop::collection::vec(prop_oneof![0i64..600, 0i64..90_000, -5_000i64..0], 1..12),
        missed in prop::sample::select(vec![MissedPolicy::RunOnce, MissedPolicy::Skip]),
        grace in 0i64..100_000,
    ) {
        let late_after = TimeDelta::seconds(60);
        let rules = DueRules { missed, grace: TimeDelta::seconds(grace), late_after };
        let mut now = schedule.anchor();
        let mut latest = DateTime::<Utc>::MIN_UTC;
        let mut next = schedule.first_run();
        let mut accounted = Vec::new();
        for jump in jumps {
            now += TimeDelta::seconds(jump);
            latest = latest.max(now);
            let Some(next_run) = next else { break };
            let outcome = due(&schedule, next_run, now, &rules);
            check_outcome(&outcome, now, &rules)?;
            if let Some(span) = outcome.more_skipped {
                prop_assert_eq!(span.first, next_run);
                let walked = walk(&schedule, next_run, span.last);
                match span.count {
                    Some(count) => prop_assert_eq!(count, walked.len() as u64),
                    None => prop_assert!(walked.len() as u64 > COUNT_LIMIT),
                }
                accounted.extend(walked);
            }
            accounted.extend(outcome.slots.iter().map(|due| due.slot));
            next = outcome.next;
        }
        let first = schedule.first_run();
        let expected = first.map_or_else(Vec::new, |first| walk(&schedule, first, latest));
        prop_assert_eq!(accounted, expected);
    }
}
