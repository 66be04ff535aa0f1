//! Any schedule from anybody: slots only go forward, and each is judged once, however long nobody looked.
#![no_main]

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::TZ_VARIANTS;
use libfuzzer_sys::fuzz_target;
use minibot::core::schedule::{
    COUNT_LIMIT, DueOutcome, DueRules, LISTED_SLOTS, MissedPolicy, Schedule, ScheduleRules,
    ScheduleTerms, Verdict, due, parse_zone,
};

/// Kind, zone, now, seconds to the first run or between two, seconds to the end, seconds of downtime, expression.
type Input<'a> = (u8, u16, u32, u32, u32, u32, &'a str);

fuzz_target!(|input: Input<'_>| {
    let (kind, zone, now, every, end, away, text) = input;
    let zone = parse_zone(text).unwrap_or(TZ_VARIANTS[usize::from(zone) % TZ_VARIANTS.len()]);
    let now = moment(now.into());
    let terms = ScheduleTerms {
        zone,
        ends_at: (end > 0).then(|| now + TimeDelta::seconds(end.into())),
        now,
        rules: ScheduleRules {
            min_interval_seconds: if kind & 4 == 0 { 60 } else { 1 },
        },
    };
    let made = match kind % 3 {
        0 => Schedule::once(now + TimeDelta::seconds(every.into()), &terms),
        1 => Schedule::interval(now, every.into(), &terms),
        _ => Schedule::cron(text, &terms),
    };
    let Ok(schedule) = made else { return };
    assert!(!schedule.describe().is_empty());
    let stored = serde_json::to_string(&schedule).expect("a schedule can be stored");
    let read: Schedule = serde_json::from_str(&stored).expect("what was stored can be read");
    assert_eq!(read, schedule);
    let first = schedule
        .first_run()
        .expect("what was checked has a first run");
    let rules = DueRules {
        missed: if kind & 8 == 0 {
            MissedPolicy::RunOnce
        } else {
            MissedPolicy::Skip
        },
        grace: TimeDelta::seconds((end / 2).into()),
        late_after: TimeDelta::seconds(60),
    };
    let later = now + TimeDelta::seconds(away.into());
    check(
        &schedule,
        first,
        later,
        &due(&schedule, first, later, &rules),
    );
});

fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("32 bits of seconds are a moment")
}

fn check(schedule: &Schedule, first: DateTime<Utc>, now: DateTime<Utc>, outcome: &DueOutcome) {
    let DueOutcome {
        slots,
        more_skipped,
        next,
    } = outcome;
    if first > now {
        assert_eq!((slots.len(), *next), (0, Some(first)));
        return;
    }
    assert!((1..=LISTED_SLOTS).contains(&slots.len()), "{outcome:?}");
    assert!(
        slots.windows(2).all(|pair| pair[0].slot < pair[1].slot),
        "{outcome:?}"
    );
    let runs = |verdict: Verdict| !matches!(verdict, Verdict::Skip { .. });
    let (newest, older) = slots.split_last().expect("there is one");
    assert!(!older.iter().any(|slot| runs(slot.verdict)), "{outcome:?}");
    assert!(
        newest.slot <= now && next.is_none_or(|next| next > now),
        "{outcome:?}"
    );
    assert_eq!(schedule.next_after(newest.slot), *next, "{outcome:?}");
    for pair in slots.windows(2) {
        assert_eq!(
            schedule.next_after(pair[0].slot),
            Some(pair[1].slot),
            "{outcome:?}"
        );
    }
    match more_skipped {
        None => assert_eq!(slots[0].slot, first),
        Some(span) => {
            assert!(
                span.first == first && span.first <= span.last,
                "{outcome:?}"
            );
            assert_eq!(
                schedule.next_after(span.last),
                Some(slots[0].slot),
                "{outcome:?}"
            );
            let single = span.first == span.last;
            assert!(
                span.count.is_none_or(|count| (count == 1) == single),
                "{outcome:?}"
            );
            assert!(
                span.count.is_some() || !single,
                "more than {COUNT_LIMIT} in one"
            );
        }
    }
}
