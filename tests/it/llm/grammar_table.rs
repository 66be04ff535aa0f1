//! What the offline grammar makes of several hundred sentences (`grammar_table.txt`), and what it
//! makes of nonsense.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::str::FromStr;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDateTime, TimeZone};
use chrono_tz::{Europe::Madrid, Tz};
use minibot::llm::providers::builtin::grammar::{
    CountUnit, DateQuestion, EXAMPLES, Intent, When, parse,
};
use proptest::prelude::*;

/// Lines of `sentence => intent`, at Friday 2026-11-20 15:00 in Madrid; a line with `#` first is a
/// heading.
const TABLE: &str = include_str!("grammar_table.txt");

fn now() -> DateTime<Tz> {
    Madrid.with_ymd_and_hms(2026, 11, 20, 15, 0, 0).unwrap()
}

/// The same for sentences written by people who did not know the grammar.
const BLIND: &str = include_str!("blind_sentences.txt");

/// The same at other moments in Madrid, which stand before the sentence.
const MOMENTS: &str = include_str!("grammar_moments.txt");

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE
        .lines()
        .chain(BLIND.lines())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            line.split_once(" => ")
                .unwrap_or_else(|| panic!("no arrow in {line:?}"))
        })
}

fn when(when: &When) -> String {
    match when {
        When::In { seconds } => format!("in {seconds} s"),
        When::At { local } => format!("at {}", to_the_minute(*local)),
        When::Every {
            seconds,
            first: None,
        } => format!("every {seconds} s"),
        When::Every {
            seconds,
            first: Some(first),
        } => {
            format!("every {seconds} s from {}", to_the_minute(*first))
        }
        When::Cron {
            expression,
            until: None,
        } => format!("cron {expression}"),
        When::Cron {
            expression,
            until: Some(until),
        } => {
            format!(
                "cron {expression} until {}",
                until.format("%Y-%m-%d %H:%M:%S")
            )
        }
    }
}

fn to_the_minute(local: NaiveDateTime) -> String {
    local.format("%Y-%m-%d %H:%M").to_string()
}

fn question(question: &DateQuestion) -> String {
    match question {
        DateQuestion::Day { date } => format!("day {date}"),
        DateQuestion::Until { date, days, unit } => {
            let unit = match unit {
                CountUnit::Days => "days",
                CountUnit::Weeks => "weeks",
                CountUnit::Months => "months",
            };
            format!("until {date}: {days} days, in {unit}")
        }
        DateQuestion::Between { from, to, days } => format!("from {from} to {to}: {days} days"),
    }
}

fn rendered(intent: Option<Intent>) -> String {
    let Some(intent) = intent else {
        return "nothing".to_owned();
    };
    match intent {
        Intent::Help => "help".to_owned(),
        Intent::Greeting => "greeting".to_owned(),
        Intent::Thanks => "thanks".to_owned(),
        Intent::Remind { what, when: due } => format!("remind {} | {what}", when(&due)),
        Intent::ListReminders => "list reminders".to_owned(),
        Intent::CancelReminder { words } => format!("cancel | {words}"),
        Intent::CancelAllReminders => "cancel all".to_owned(),
        Intent::ChangeReminder {
            words, when: due, ..
        } => format!("change {} | {words}", when(&due)),
        Intent::SaveNote { title, data } => format!("save {title} | {data}"),
        Intent::FindNote { query } => format!("find | {query}"),
        Intent::ListNotes => "list notes".to_owned(),
        Intent::DeleteNote { words } => format!("delete note | {words}"),
        Intent::Calculate { expression } => format!("calculate {expression}"),
        Intent::CurrentTime { zone: None } => "time".to_owned(),
        Intent::CurrentTime { zone: Some(zone) } => format!("time in {zone}"),
        Intent::CurrentDate => "date".to_owned(),
        Intent::DateOf { question: asked } => question(&asked),
        Intent::Impossible { why, offer } => format!("impossible: {why} | {offer}"),
        Intent::Incomplete { question } => format!("ask: {question}"),
    }
}

#[test]
fn every_sentence_of_the_table_is_understood_as_written() {
    let wrong: Vec<String> = rows()
        .filter_map(|(sentence, expected)| {
            let found = rendered(parse(sentence, now()));
            (found != expected)
                .then(|| format!("{sentence}\n  expected {expected}\n  found    {found}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows().count() >= 800);
}

#[test]
fn every_sentence_is_understood_by_its_moment_and_its_offer_works_then() {
    for line in MOMENTS.lines() {
        let (asked, expected) = line.split_once(" => ").unwrap();
        let (moment, sentence) = asked.split_at("2026-11-29 10:07 ".len());
        let local = NaiveDateTime::parse_from_str(moment.trim(), "%Y-%m-%d %H:%M").unwrap();
        let now = Madrid.from_local_datetime(&local).unwrap();
        let intent = parse(sentence, now);
        assert_eq!(rendered(intent.clone()), expected, "{line}");
        if let Some(offer) = offer(intent) {
            assert!(works(&offer, now), "{offer:?} at {moment}");
        }
    }
}

/// What an answer tells the person to write instead.
fn offer(intent: Option<Intent>) -> Option<String> {
    match intent {
        Some(Intent::Impossible { offer, .. }) => Some(offer),
        Some(Intent::Incomplete { question }) => {
            let example = question.split_once("For example: ")?.1;
            Some(example.trim_end_matches('.').to_owned())
        }
        _ => None,
    }
}

fn works(sentence: &str, now: DateTime<Tz>) -> bool {
    !matches!(
        parse(sentence, now),
        None | Some(Intent::Impossible { .. } | Intent::Incomplete { .. })
    )
}

/// An offer that does not work would send the person round in circles.
#[test]
fn every_offer_and_every_example_is_itself_possible() {
    let offers = rows().filter_map(|(sentence, _)| offer(parse(sentence, now())));
    for sentence in offers.chain(EXAMPLES.iter().map(|example| (*example).to_owned())) {
        let intent = parse(&sentence, now());
        assert!(works(&sentence, now()), "{sentence:?} gives {intent:?}");
    }
}

#[test]
fn every_cron_expression_of_the_table_is_valid_and_has_a_next_run() {
    for (sentence, _) in rows() {
        if let Some(Intent::Remind {
            when: When::Cron { expression, .. },
            ..
        }) = parse(sentence, now())
        {
            let cron = croner::Cron::from_str(&expression);
            let next = cron.unwrap().find_next_occurrence(&now(), false);
            assert!(next.is_ok(), "{sentence:?}: {expression}");
        }
    }
}

#[test]
fn too_long_a_sentence_is_left_alone() {
    let just_fits = format!("remind me tomorrow to {}", "x".repeat(1978));
    assert_eq!(just_fits.chars().count(), 2000);
    assert!(parse(&just_fits, now()).is_some());
    assert_eq!(parse(&format!("{just_fits}x"), now()), None);
}

/// Words that open many rules, over and over: the slowest there is.
#[test]
fn the_worst_sentences_do_not_take_long() {
    let seeds = [
        "mon, ",
        "at 5 ",
        "every ",
        "please ",
        "remind me ",
        "in 1 h ",
        "1st and ",
        "on ",
        ", ",
        "(",
        "-",
        "2**",
    ];
    let started = Instant::now();
    for seed in seeds {
        for opening in ["", "remind me to ", "remind me ", "move x to ", "what is "] {
            let sentence: String = opening
                .chars()
                .chain(seed.chars().cycle())
                .take(2000)
                .collect();
            let _ = parse(&sentence, now());
        }
    }
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}

const VOCABULARY: [&str; 96] = [
    "remind",
    "me",
    "to",
    "at",
    "on",
    "in",
    "every",
    "the",
    "1st",
    "15th",
    "31st",
    "monday",
    "fri",
    "and",
    ",",
    "7",
    "7pm",
    "19:00",
    "25:61",
    "24/12/2027",
    "2027-02-30",
    "5/6/2027",
    "99999999999999999999",
    "minutes",
    "hours",
    "days",
    "weeks",
    "months",
    "years",
    "half",
    "past",
    "quarter",
    "to",
    "ten",
    "nine",
    "tomorrow",
    "tonight",
    "today",
    "noon",
    "midnight",
    "until",
    "starting",
    "between",
    "from",
    "daily",
    "hourly",
    "monthly",
    "yearly",
    "weekday",
    "weekend",
    "other",
    "second",
    "last",
    "day",
    "of",
    "month",
    "next",
    "this",
    "week",
    "december",
    "february",
    "may",
    "29",
    "0",
    "-5",
    "1.5",
    "an",
    "hour",
    "ago",
    "UTC",
    "Tokyo",
    "time",
    "what",
    "is",
    "note",
    ":",
    "cancel",
    "all",
    "reminders",
    "move",
    "x",
    "%",
    "plus",
    "(",
    ")",
    "**",
    "squared",
    "ask",
    "wake",
    "timer",
    "for",
    "é",
    "🙂",
    "’",
    "\u{202e}",
    "İ",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = parse(&text, now());
        let _ = parse(&format!("remind me {text}"), now());
        let _ = parse(&format!("what is {text}"), now());
    }

    #[test]
    fn no_mix_of_its_own_words_makes_it_panic(
        words in prop::collection::vec(prop::sample::select(&VOCABULARY[..]), 0..24),
        gap in prop::sample::select(&["", " ", "  ", "\n"][..]),
    ) {
        let text = words.join(gap);
        check(&text)?;
        check(&format!("remind me {text} to call"))?;
    }

    #[test]
    fn no_moment_makes_it_panic(seconds in -60_000_000_000_i64..250_000_000_000, row in 0_usize..150) {
        let moment = chrono_tz::America::Sao_Paulo.timestamp_opt(seconds, 0).unwrap();
        let _ = parse(rows().nth(row).unwrap().0, moment);
    }
}

/// What is promised for any understood sentence: cards that say something, times in the future,
/// cron that croner takes.
fn check(text: &str) -> Result<(), TestCaseError> {
    let Some(Intent::Remind { what, when }) = parse(text, now()) else {
        return Ok(());
    };
    prop_assert!(!what.trim().is_empty(), "{text:?}");
    match when {
        When::In { seconds } => prop_assert!(seconds > 0, "{text:?}"),
        When::At { local } => {
            prop_assert!(
                local > now().naive_local(),
                "{text:?} {}",
                to_the_minute(local)
            )
        }
        When::Every { seconds, first } => {
            prop_assert!(
                seconds > 0 && first.is_none_or(|first| first > now().naive_local()),
                "{text:?}"
            );
        }
        When::Cron { expression, until } => {
            prop_assert!(
                croner::Cron::from_str(&expression).is_ok(),
                "{text:?} {expression}"
            );
            prop_assert!(
                until.is_none_or(|until| until > now().naive_local()),
                "{text:?}"
            );
        }
    }
    Ok(())
}
