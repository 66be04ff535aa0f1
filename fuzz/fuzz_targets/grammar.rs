//! Any sentence, at any moment in any zone: what the offline grammar understands can be done.
#![no_main]

use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime};
use chrono_tz::{TZ_VARIANTS, Tz};
use croner::Cron;
use libfuzzer_sys::fuzz_target;
use minibot::core::schedule::{CronExpression, HORIZON};
use minibot::llm::providers::builtin::grammar::{Intent, When, parse};

fuzz_target!(|input: (u32, u16, &str)| {
    let (seconds, zone, text) = input;
    let zone = TZ_VARIANTS[usize::from(zone) % TZ_VARIANTS.len()];
    let Some(now) = DateTime::from_timestamp(seconds.into(), 0) else {
        return;
    };
    let now = now.with_timezone(&zone);
    check(text, now);
    check(&format!("remind me {text}"), now);
    check(&format!("remind me to call {text}"), now);
    check(&format!("move the call to {text}"), now);
    check(&format!("what is {text}"), now);
});

fn check(text: &str, now: DateTime<Tz>) {
    match parse(text, now) {
        Some(Intent::Remind { what, when }) => {
            assert!(!what.trim().is_empty(), "{text:?}");
            check_when(&when, text, now);
        }
        Some(Intent::ChangeReminder { words, when, .. }) => {
            assert!(!words.trim().is_empty(), "{text:?}");
            check_when(&when, text, now);
        }
        Some(Intent::Calculate { expression }) => {
            let known = |letter: char| letter.is_ascii_digit() || " +-*/%().".contains(letter);
            assert!(expression.chars().all(known), "{text:?}: {expression}");
        }
        Some(Intent::SaveNote { title, data }) => {
            assert!(
                !title.trim().is_empty() && !data.trim().is_empty(),
                "{text:?}"
            );
        }
        _ => {}
    }
}

fn check_when(when: &When, text: &str, now: DateTime<Tz>) {
    let is_ahead = |local: &NaiveDateTime| *local > now.naive_local();
    match when {
        When::In { seconds } => {
            assert!(*seconds > 0 && *seconds <= furthest(), "{text:?}: {when:?}")
        }
        When::At { local } => assert!(is_ahead(local), "{text:?} at {now}: {when:?}"),
        When::Every { seconds, first } => {
            assert!(*seconds > 0 && *seconds <= furthest(), "{text:?}: {when:?}");
            assert!(
                first.as_ref().is_none_or(is_ahead),
                "{text:?} at {now}: {when:?}"
            );
        }
        When::Cron { expression, until } => {
            assert!(Cron::from_str(expression).is_ok(), "{text:?}: {expression}");
            let next = CronExpression::parse(expression)
                .ok()
                .and_then(|cron| cron.next_after(now.to_utc(), now.timezone()));
            assert!(
                next.is_some(),
                "{text:?} at {now}: {expression} never comes"
            );
            assert!(
                until.as_ref().is_none_or(is_ahead),
                "{text:?} at {now}: {when:?}"
            );
        }
    }
}

/// What a schedule can be told.
fn furthest() -> u64 {
    HORIZON.num_seconds().unsigned_abs()
}
