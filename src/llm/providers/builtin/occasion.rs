//! Words that say which time of a reminder is meant ("tomorrow's pills"), and not which reminder.

use super::grammar::month;
use super::listed::{Listed, Rule};
use super::matching::{alike, all_words, weekday};

/// One day by its place beside today.
const DAYS: [&str; 9] = [
    "today",
    "tonight",
    "tomorrow",
    "tmrw",
    "tmr",
    "tomorow",
    "tommorow",
    "tommorrow",
    "overmorrow",
];

/// What may stand after "next" and "this" there.
const SPANS: [&str; 10] = [
    "morning",
    "afternoon",
    "evening",
    "night",
    "week",
    "weekend",
    "month",
    "time",
    "run",
    "once",
];

/// What may stand before a day that names the reminder: "my weekly monday report".
const BEFORE_NAMES: [&str; 9] = [
    "the", "my", "a", "that", "every", "each", "weekly", "monthly", "yearly",
];

/// What a run of words says of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// One time, whatever the reminder.
    OneTime,
    /// A weekday, which may be the one of the repeat.
    Weekday,
    /// A date, which may be the one of the repeat.
    Date,
    /// A month, which may be that of a repeat of every year.
    Month,
    /// A time of day, which may be the only one of the repeat.
    Clock,
}

/// Whether the words mean one time of a reminder that repeats: nothing that they ask for may be
/// done to all of its times.
pub(super) fn is_one_time(words: &str, job: &Listed) -> bool {
    let (spoken, text) = (all_words(words), all_words(&job.text));
    let is_in_text = |word: &String| text.iter().any(|there| alike(word, there));
    let mut at = 0;
    while at < spoken.len() {
        let Some((said, taken)) = here(&spoken, at) else {
            at += 1;
            continue;
        };
        let is_own = spoken[at..at + taken].iter().all(is_in_text);
        // "the monday yoga reminder" is the one of mondays, and "yoga on monday" is one time.
        let before = &spoken[..at];
        let is_each = before
            .last()
            .is_some_and(|word| matches!(word.as_str(), "every" | "each"));
        let is_first = before
            .iter()
            .all(|word| BEFORE_NAMES.contains(&word.as_str()));
        let is_name = is_each || (is_first && !is_possessive(words));
        let names_rule = (is_name || said == Said::Clock) && is_of_rule(said, &spoken[at], job);
        if !is_own && !names_rule {
            return job.rule != Rule::Once;
        }
        at += taken;
    }
    false
}

/// The words without those that say which time is meant.
pub(super) fn without_time(words: &str) -> String {
    let spoken = all_words(words);
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < spoken.len() {
        match here(&spoken, at) {
            Some((_, taken)) => at += taken,
            None => {
                kept.push(spoken[at].clone());
                at += 1;
            }
        }
    }
    kept.join(" ")
}

/// What is said from this word on, and in how many words.
fn here(words: &[String], at: usize) -> Option<(Said, usize)> {
    let word = |ahead: usize| words.get(at + ahead).map_or("", String::as_str);
    let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let is_span = |text: &str| SPANS.contains(&text) || weekday(text).is_some();
    let first = word(0);
    // "tomorrows"
    let single = first.strip_suffix('s').unwrap_or(first);
    Some(match first {
        _ if DAYS.contains(&single) => (Said::OneTime, 1 + usize::from(is_span(word(1)))),
        "next" | "coming" | "upcoming" => (Said::OneTime, 1 + usize::from(is_span(word(1)))),
        "this" if is_span(word(1)) => (Said::OneTime, 2),
        "once" => (Said::OneTime, 1),
        "just" | "only" if here(words, at + 1).is_some() => (Said::OneTime, 1),
        _ if weekday(first).is_some() => (Said::Weekday, 1),
        _ if first.contains(':') && is_number(first) => (Said::Clock, 1),
        _ if month(first).is_some() && is_number(word(1)) => (Said::Date, 2),
        _ if is_number(first) && month(word(1)).is_some() => (Said::Date, 2),
        _ if month(first).is_some() => (Said::Month, 1),
        _ if is_ordinal(first) => (Said::Date, 1),
        _ => return None,
    })
}

/// "1st", "24th".
fn is_ordinal(word: &str) -> bool {
    let figures = ["st", "nd", "rd", "th"]
        .into_iter()
        .find_map(|ending| word.strip_suffix(ending));
    figures.is_some_and(|figures| {
        !figures.is_empty() && figures.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// "monday's yoga".
fn is_possessive(words: &str) -> bool {
    let first = words.split_whitespace().next().unwrap_or_default();
    first.ends_with("'s") || first.ends_with("’s")
}

/// Whether the repeat is of that day and of no other.
fn is_of_rule(said: Said, word: &str, job: &Listed) -> bool {
    let rule = job.human.split(", next").next().unwrap_or_default();
    let days = rule.split(" until ").next().unwrap_or_default();
    match said {
        Said::OneTime => false,
        Said::Weekday => {
            let days = all_words(days);
            let mut weekdays = days.iter().filter_map(|word| weekday(word));
            weekdays.next() == weekday(word) && weekdays.next().is_none()
        }
        Said::Month => days.starts_with("every year"),
        Said::Clock => {
            all_words(days)
                .iter()
                .filter(|word| word.contains(':'))
                .count()
                == 1
        }
        Said::Date => days.starts_with("every year") || days.contains("of every month"),
    }
}
