//! The rules of schedules: slots where clocks change, refusals, and the words for all of it.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use minibot::core::schedule::{
    Schedule, ScheduleError, ScheduleRules, ScheduleTerms, describe_delay, describe_moment,
    describe_roughly, describe_span, parse_zone, resolve_local,
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

fn local_slots(expression: &str, zone: Tz, from: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::cron(expression, &terms(zone, from)).unwrap();
    std::iter::successors(schedule.first_run(), |slot| schedule.next_after(*slot))
        .take(count)
        .map(|slot| {
            let text = slot.with_timezone(&zone).format("%m-%d %H:%M %z");
            text.to_string().trim_end_matches("00").to_owned()
        })
        .collect()
}

/// Expression|zone|looked at from, in UTC|the next three slots, in local time.
const CLOCK_CHANGES: &str = "
30 2 * * *|Europe/Madrid|2027-03-27T00:00|03-27 02:30 +01, 03-28 03:00 +02, 03-29 02:30 +02
30 2,14 * * *|Europe/Madrid|2027-03-27T12:00|03-27 14:30 +01, 03-28 03:00 +02, 03-28 14:30 +02
0 2-4 * * *|Europe/Madrid|2027-03-27T23:00|03-28 03:00 +02, 03-28 04:00 +02, 03-29 02:00 +02
30 2 * * *|Europe/Madrid|2027-10-30T12:00|10-31 02:30 +02, 11-01 02:30 +01, 11-02 02:30 +01
0,30 2 * * *|Europe/Madrid|2027-10-30T12:00|10-31 02:00 +02, 10-31 02:30 +02, 11-01 02:00 +01
*/30 * * * *|Europe/Madrid|2027-10-31T00:20|10-31 02:30 +02, 10-31 02:00 +01, 10-31 02:30 +01
*/30 * * * *|Europe/Madrid|2027-03-28T00:20|03-28 01:30 +01, 03-28 03:00 +02, 03-28 03:30 +02
30 2 * * *|America/New_York|2027-03-13T12:00|03-14 03:00 -04, 03-15 02:30 -04, 03-16 02:30 -04
30 1 * * *|America/New_York|2027-11-06T12:00|11-07 01:30 -04, 11-08 01:30 -05, 11-09 01:30 -05
15 2 * * *|Australia/Lord_Howe|2027-10-02T00:00|10-03 02:30 +11, 10-04 02:15 +11, 10-05 02:15 +11
45 1 * * *|Australia/Lord_Howe|2027-04-03T00:00|04-04 01:45 +11, 04-05 01:45 +1030, 04-06 01:45 +1030
0 9 * * mon-fri|Asia/Kathmandu|2027-01-01T03:15|01-04 09:00 +0545, 01-05 09:00 +0545, 01-06 09:00 +0545
@daily|America/Santiago|2027-09-04T12:00|09-05 01:00 -03, 09-06 00:00 -03, 09-07 00:00 -03
";

#[test]
fn cron_keeps_its_promise_where_clocks_change() {
    for row in CLOCK_CHANGES.lines().filter(|row| !row.is_empty()) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let zone = cells[1].parse().unwrap();
        let from = format!("{}:00Z", cells[2]);
        let slots = local_slots(cells[0], zone, &from, 3).join(", ");
        assert_eq!(slots, cells[3], "{row}");
    }
}

#[test]
fn intervals_ignore_the_clocks_of_the_zone() {
    let schedule = Schedule::interval(
        utc("2027-03-27T01:30:00Z"),
        36 * 3_600,
        &terms(Tz::Europe__Madrid, "2027-03-26T00:00:00Z"),
    )
    .unwrap();
    for (after, expected) in [
        ("2027-01-01T00:00:00Z", "2027-03-27T01:30:00Z"),
        ("2027-03-27T01:29:59.999Z", "2027-03-27T01:30:00Z"),
        ("2027-03-27T01:30:00Z", "2027-03-28T13:30:00Z"),
        ("2037-03-27T01:30:01Z", "2037-03-28T01:30:00Z"),
    ] {
        assert_eq!(
            schedule.next_after(utc(after)),
            Some(utc(expected)),
            "{after}"
        );
    }
}

#[test]
fn cron_expressions_are_refused_with_a_reason() {
    let new = |text: &str| Schedule::cron(text, &terms(Tz::UTC, "2027-01-01T00:00:00Z"));
    for (text, found) in [
        ("", 0),
        ("0 9", 2),
        ("0 0 9 * * *", 6),
        ("0 0 9 * * * 2027", 7),
    ] {
        assert_eq!(
            new(text),
            Err(ScheduleError::CronFields { found }),
            "{text}"
        );
    }
    for text in ["0 0 30 2 *", "0 0 31 4,6,9,11 *"] {
        assert_eq!(new(text), Err(ScheduleError::NeverOccurs), "{text}");
    }
    for text in [
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "a b c d e",
        "@dayly",
        "@",
        "é * * * *",
    ] {
        assert!(
            matches!(
                new(text),
                Err(ScheduleError::CronInvalid { .. } | ScheduleError::CronFields { .. })
            ),
            "{text}: {:?}",
            new(text)
        );
    }
    for text in [
        "*/5 * * * *",
        "@hourly",
        "@yearly",
        "0 9 * jan,JUL MON-fri",
        "0 9 l * *",
        "  0  9 * * 7 ",
        "0 0 29 2 *",
    ] {
        assert!(new(text).is_ok(), "{text}");
    }
    assert!(matches!(
        new(&"1,".repeat(200)),
        Err(ScheduleError::CronTooLong { .. })
    ));
}

#[test]
fn schedules_that_make_no_sense_are_refused() {
    let now = "2027-06-01T12:00:00Z";
    let mut terms = terms(Tz::Europe__Madrid, now);
    let past = Schedule::once(utc("2027-06-01T11:58:59Z"), &terms).unwrap_err();
    assert_eq!(
        past.to_string(),
        "that time has passed, it is now Tue 1 Jun 2027 at 14:00 (Europe/Madrid): \
         give a time in the future"
    );
    let nearly_now = Schedule::once(utc("2027-06-01T11:59:00Z"), &terms).unwrap();
    assert_eq!(nearly_now.first_run(), Some(utc(now)));
    let far = Schedule::once(utc("2127-07-01T00:00:00Z"), &terms);
    assert_eq!(far, Err(ScheduleError::TooFar));
    assert_eq!(
        Schedule::once(DateTime::<Utc>::MAX_UTC, &terms),
        Err(ScheduleError::TooFar)
    );
    assert!(Schedule::once(DateTime::<Utc>::MIN_UTC, &terms).is_err());
    for every in [0, 1, 59] {
        let often = Schedule::interval(utc(now), every, &terms);
        assert_eq!(often, Err(ScheduleError::TooOften { minimum: 60 }));
    }
    assert_eq!(
        Schedule::interval(utc(now), u64::MAX, &terms),
        Err(ScheduleError::TooFar)
    );
    terms.ends_at = Some(utc("2027-06-02T06:59:59Z"));
    let ended = Schedule::cron("0 9 * * *", &terms).unwrap_err();
    assert_eq!(
        ended.to_string(),
        "the end lies before the first run (Wed 2 Jun 2027 at 09:00): give a later end or none"
    );
    assert!(Schedule::once(utc("2027-06-03T00:00:00Z"), &terms).is_err());
    terms.ends_at = Some(utc("2027-06-02T07:00:00Z"));
    let single = Schedule::cron("0 9 * * *", &terms).unwrap();
    assert_eq!(single.first_run(), Some(utc("2027-06-02T07:00:00Z")));
    assert_eq!(single.next_after(utc("2027-06-02T07:00:00Z")), None);
    terms.ends_at = None;
    terms.rules.min_interval_seconds = 3600;
    for (text, fits) in [
        ("*/15 * * * *", false),
        ("0,30 9 * * *", false),
        ("0 * * * *", true),
    ] {
        assert_eq!(Schedule::cron(text, &terms).is_ok(), fits, "{text}");
    }
}

/// Cron expression and what a person would say.
const IN_WORDS: &[(&str, &str)] = &[
    ("0 9 * * 1", "every Monday at 09:00"),
    ("0 9 * * mon-fri", "every weekday at 09:00"),
    ("30 8 * * sat,sun", "every Saturday and Sunday at 08:30"),
    (
        "0 9 * * 1,3,5",
        "every Monday, Wednesday and Friday at 09:00",
    ),
    ("0 9 * * 0-6", "every day at 09:00"),
    ("0 9,18 * * *", "every day at 09:00 and 18:00"),
    ("@daily", "every day at 00:00"),
    ("@weekly", "every Sunday at 00:00"),
    ("@hourly", "every hour"),
    ("30 * * * *", "every hour at minute 30"),
    ("* * * * *", "every minute"),
    ("*/15 * * * *", "every 15 minutes"),
    ("0 */2 * * *", "every 2 hours"),
    (
        "0 9-17 * * 1-5",
        "every weekday every hour from 09:00 to 17:00",
    ),
    (
        "*/15 9-17 * * *",
        "every day every 15 minutes from 09:00 to 17:45",
    ),
    (
        "* 9 * * sat",
        "every Saturday every minute from 09:00 to 09:59",
    ),
    ("0 9 1 * *", "on day 1 of every month at 09:00"),
    ("0 9 1,15 * *", "on days 1 and 15 of every month at 09:00"),
    ("0 9 1 1,7 *", "on day 1 of January and July at 09:00"),
    ("15 10 24 dec *", "every year on 24 December at 10:15"),
    ("0 9 * 6-8 *", "every day in June, July and August at 09:00"),
    ("0 9 L * *", "on the last day of every month at 09:00"),
    ("0 9 l 3,6 *", "on the last day of March and June at 09:00"),
    (
        "0 9 15,L * *",
        "at 09:00, on day 15 and the last day of the month",
    ),
];

#[test]
fn schedules_are_described_in_words() {
    let terms = terms(Tz::Europe__Madrid, "2027-01-01T00:00:00Z");
    for (text, expected) in IN_WORDS {
        assert_eq!(
            Schedule::cron(text, &terms).unwrap().describe(),
            *expected,
            "{text}"
        );
    }
    let start = utc("2027-12-24T09:15:00Z");
    for (seconds, expected) in [
        (60, "every minute"),
        (90, "every 1 minute 30 seconds"),
        (1_800, "every 30 minutes"),
        (3_600, "every hour"),
        (7_200, "every 2 hours"),
        (86_400, "every day at 10:15"),
        (3 * 86_400, "every 3 days at 10:15"),
        (7 * 86_400, "every Friday at 10:15"),
        (14 * 86_400, "every 2 weeks on Friday at 10:15"),
        (90_061, "every 1 day 1 hour 1 minute 1 second"),
    ] {
        assert_eq!(
            Schedule::interval(start, seconds, &terms)
                .unwrap()
                .describe(),
            expected
        );
    }
    assert_eq!(
        Schedule::once(start, &terms).unwrap().describe(),
        "on Fri 24 Dec 2027 at 10:15"
    );
    let ending = ScheduleTerms {
        ends_at: Some(start),
        ..terms
    };
    assert_eq!(
        Schedule::cron("0 9 * * *", &ending).unwrap().describe(),
        "every day at 09:00 until Fri 24 Dec 2027 at 10:15"
    );
}

#[test]
fn moments_and_delays_are_described_in_words() {
    let now = utc("2027-12-23T22:30:00Z");
    for (at, expected) in [
        ("2027-12-23T22:45:00Z", "today at 23:45"),
        ("2027-12-23T23:00:00Z", "tomorrow at 00:00"),
        ("2027-12-22T23:00:00Z", "today at 00:00"),
        ("2027-12-22T22:59:00Z", "yesterday at 23:59"),
        ("2028-01-04T08:05:00Z", "Tue 4 Jan 2028 at 09:05"),
    ] {
        assert_eq!(
            describe_moment(utc(at), now, Tz::Europe__Madrid),
            expected,
            "{at}"
        );
    }
    assert!(!describe_moment(DateTime::<Utc>::MAX_UTC, now, Tz::Pacific__Kiritimati).is_empty());
    assert!(!describe_moment(DateTime::<Utc>::MIN_UTC, now, Tz::Pacific__Niue).is_empty());
    for (seconds, expected) in [
        (0, "less than a second"),
        (1, "1 second"),
        (1_800, "30 minutes"),
        (5_400, "1 hour 30 minutes"),
        (-7_200, "2 hours"),
        (183_661, "2 days 3 hours"),
        (86_401, "1 day 1 second"),
    ] {
        assert_eq!(describe_delay(TimeDelta::seconds(seconds)), expected);
    }
    for (seconds, expected) in [
        (59, "0 min"),
        (3_599, "59 min"),
        (7_201, "2 h"),
        (-86_399, "23 h"),
        (300_000, "3 d"),
    ] {
        assert_eq!(describe_span(TimeDelta::seconds(seconds)), expected);
    }
    for (seconds, expected) in [
        (0, "less than a second"),
        (90, "1 minute 30 seconds"),
        (119, "1 minute 59 seconds"),
        (1_779, "30 minutes"),
        (-5_380, "1 hour 30 minutes"),
        (43_199, "12 hours"),
        (64_779, "18 hours"),
        (90_000, "1 day 1 hour"),
        (259_179, "3 days"),
        (34_376_100, "398 days"),
    ] {
        assert_eq!(describe_roughly(TimeDelta::seconds(seconds)), expected);
    }
    assert!(!describe_roughly(TimeDelta::MAX).is_empty());
    assert!(!describe_roughly(TimeDelta::MIN).is_empty());
}

#[test]
fn zones_are_read_or_suggested() {
    assert_eq!(parse_zone(" Europe/Madrid "), Ok(Tz::Europe__Madrid));
    assert_eq!(parse_zone("UTC"), Ok(Tz::UTC));
    for (given, expected) in [
        (
            "madrid",
            "\"madrid\" is not a time zone: did you mean Europe/Madrid?",
        ),
        (
            "europe/madrid",
            "\"europe/madrid\" is not a time zone: did you mean Europe/Madrid?",
        ),
        (
            "new york",
            "\"new york\" is not a time zone: did you mean America/New_York?",
        ),
        (
            "Spain/Madrid",
            "\"Spain/Madrid\" is not a time zone: did you mean Europe/Madrid?",
        ),
        (
            "Europe/Madird",
            "\"Europe/Madird\" is not a time zone: did you mean Europe/Madrid?",
        ),
        (
            "",
            "\"\" is not a time zone: give an IANA name such as Europe/Madrid or UTC",
        ),
        (
            "UTC+2",
            "\"UTC+2\" is not a time zone: give an IANA name such as Europe/Madrid or UTC",
        ),
        (
            "Middle-earth",
            "\"Middle-earth\" is not a time zone: give an IANA name such as Europe/Madrid or UTC",
        ),
    ] {
        assert_eq!(parse_zone(given).unwrap_err().to_string(), expected);
    }
    assert!(
        parse_zone(&"x".repeat(100_000))
            .unwrap_err()
            .to_string()
            .len()
            < 200
    );
}

#[test]
fn local_times_are_resolved_at_the_edges() {
    let local = |text: &str| text.parse::<NaiveDateTime>().unwrap();
    for (text, zone, expected) in [
        (
            "2027-06-01T12:00:00",
            Tz::Europe__Madrid,
            "2027-06-01T10:00:00Z",
        ),
        (
            "2027-03-28T02:30:30",
            Tz::Europe__Madrid,
            "2027-03-28T01:00:00Z",
        ),
        (
            "2027-10-31T02:30:00",
            Tz::Europe__Madrid,
            "2027-10-31T00:30:00Z",
        ),
        (
            "2027-10-03T02:10:00",
            Tz::Australia__Lord_Howe,
            "2027-10-02T15:30:00Z",
        ),
        (
            "2011-12-30T12:00:00",
            Tz::Pacific__Apia,
            "2011-12-30T10:00:00Z",
        ),
    ] {
        assert_eq!(
            resolve_local(local(text), zone),
            Some(utc(expected)),
            "{text} in {zone}"
        );
    }
    for extreme in [NaiveDateTime::MIN, NaiveDateTime::MAX] {
        let _ = resolve_local(extreme, Tz::Pacific__Kiritimati);
    }
}

#[test]
fn schedules_survive_a_store() {
    let terms = ScheduleTerms {
        ends_at: Some(utc("2028-01-01T00:00:00Z")),
        ..terms(Tz::Europe__Madrid, "2027-01-01T00:00:00.123456789Z")
    };
    for schedule in [
        Schedule::once(terms.now, &terms).unwrap(),
        Schedule::interval(terms.now, 60, &terms).unwrap(),
        Schedule::cron("0 9 * * 1", &terms).unwrap(),
    ] {
        let text = serde_json::to_string(&schedule).unwrap();
        assert_eq!(
            serde_json::from_str::<Schedule>(&text).unwrap(),
            schedule,
            "{text}"
        );
        let anchor = schedule.anchor();
        let parts = schedule.recurrence().clone();
        assert_eq!(
            Schedule::restore(parts, anchor, schedule.zone(), schedule.ends_at()),
            Ok(schedule)
        );
    }
    let zero = r#"{"recurrence": {"type": "interval", "every_seconds": 0},
        "anchor": "2027-01-01T00:00:00Z", "zone": "UTC", "ends_at": null}"#;
    assert!(serde_json::from_str::<Schedule>(zero).is_err());
}

proptest! {
    #[test]
    fn any_expression_is_answered(
        text in "[0-9*,/a-zL#?+@-]{0,6}( [0-9*,/a-zA-Z#?+@-]{0,6}){3,5}",
        other in any::<String>(),
    ) {
        let terms = terms(Tz::Europe__Madrid, "2027-01-01T00:00:00Z");
        for text in [text, other] {
            if let Ok(schedule) = Schedule::cron(&text, &terms) {
                prop_assert!(schedule.first_run().is_some());
                prop_assert!(!schedule.describe().is_empty());
            }
        }
    }

    #[test]
    fn any_zone_name_is_answered(name in any::<String>()) {
        let _ = parse_zone(&name);
    }
}
