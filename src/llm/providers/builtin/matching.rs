//! Finding the one thing that a person means by a few words.

use chrono::Weekday;

use super::grammar::{self, month};

/// Words that say nothing about which one is meant.
const EMPTY: [&str; 25] = [
    "the",
    "a",
    "an",
    "my",
    "to",
    "about",
    "for",
    "of",
    "on",
    "in",
    "at",
    "that",
    "this",
    "one",
    "reminder",
    "reminders",
    "alarm",
    "task",
    "note",
    "notes",
    "please",
    "me",
    "and",
    "with",
    "it",
];

/// Words of time that many have, and that say which one is meant only beside another.
const VAGUE: [&str; 16] = [
    "next", "last", "first", "every", "until", "second", "minute", "minutes", "hour", "hours",
    "day", "days", "week", "weeks", "month", "year",
];

/// Letters that a word may have more or less of and still be the same one.
const ENDINGS: [&str; 4] = ["s", "es", "ed", "ing"];

/// The shortest word that may stand there with such an ending.
const STEM: usize = 3;

/// And the shortest that may stand there without it: "news" is nothing new.
const SURE_STEM: usize = 4;

/// What can be meant.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    /// What it is.
    pub(super) text: String,
    /// What may be said of it as well: when it is.
    pub(super) when: String,
}

/// What the words point to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// Nothing.
    None,
    /// One, by its place in the list.
    One(usize),
    /// Several that fit equally well.
    Several(Vec<usize>),
}

/// Finds the entries that have all of the words: what is found may be cancelled or deleted, and a word
/// that does not fit says that another one was meant.
pub(super) fn find(words: &str, entries: &[Entry]) -> Match {
    let wanted = significant(words);
    let found: Vec<usize> = (0..entries.len())
        .filter(|at| fits(&wanted, &entries[*at]))
        .collect();
    match found.as_slice() {
        [] => Match::None,
        [one] => Match::One(*one),
        _ => Match::Several(found),
    }
}

fn fits(wanted: &[String], entry: &Entry) -> bool {
    let (text, when) = (all_words(&entry.text), all_words(&entry.when));
    let is_among = |words: &[String], word: &str| words.iter().any(|other| alike(word, other));
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    // Numbers alone may be those of other reminders, and "in 2 hours" holds some as well.
    let is_numbers = wanted.iter().all(|word| is_number(word));
    let is_named = |word: &str| when.iter().any(|other| is_same_name(word, other));
    let is_then = |word: &str| is_among(&when, word) || is_named(word);
    let fits = |word: &String| is_among(&text, word) || (!is_numbers && is_then(word));
    let says_which = |word: &String| {
        let is_vague = is_number(word) || VAGUE.contains(&word.as_str());
        is_among(&text, word) || !is_vague
    };
    wanted.is_empty() || (wanted.iter().all(fits) && wanted.iter().any(says_which))
}

/// Equal but for an ending: "bin" means "bins", and "reports" a "report".
pub(super) fn alike(wanted: &str, there: &str) -> bool {
    let is_ending = |ending: &str, stem: &str, least: usize| {
        ending.is_empty()
            || (stem.chars().count() >= least
                && (ENDINGS.contains(&ending) || (stem.ends_with('e') && ending == "d")))
    };
    let more = there.strip_prefix(wanted);
    let less = wanted.strip_prefix(there);
    more.is_some_and(|ending| is_ending(ending, wanted, STEM))
        || less.is_some_and(|ending| is_ending(ending, there, SURE_STEM))
}

/// The same weekday or month, in full or short: "friday" is "Fri" in the lists.
fn is_same_name(wanted: &str, there: &str) -> bool {
    let (day, other) = (weekday(wanted), weekday(there));
    let (in_month, in_other) = (month(wanted), month(there));
    (day.is_some() && day == other) || (in_month.is_some() && in_month == in_other)
}

/// "friday", "fri", "fridays".
pub(super) fn weekday(word: &str) -> Option<Weekday> {
    grammar::weekday(word).or_else(|| grammar::weekday(word.strip_suffix('s')?))
}

fn significant(text: &str) -> Vec<String> {
    all_words(text)
        .into_iter()
        .filter(|word| !EMPTY.contains(&word.as_str()))
        .collect()
}

/// Words in small letters, times of day as "17:00".
pub(super) fn all_words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace(['’', '‘'], "'");
    let mut chunks: Vec<String> = Vec::new();
    for chunk in lower.split(|c: char| !(c.is_alphanumeric() || matches!(c, ':' | '\''))) {
        match chunks.last_mut() {
            // "5 pm"
            Some(last)
                if matches!(chunk, "am" | "pm") && last.ends_with(|c: char| c.is_ascii_digit()) =>
            {
                last.push_str(chunk);
            }
            _ => chunks.push(chunk.to_owned()),
        }
    }
    let words = chunks.iter().flat_map(|chunk| match clock(chunk) {
        Some(time) => vec![time],
        None => plain_words(chunk),
    });
    words.collect()
}

fn plain_words(chunk: &str) -> Vec<String> {
    let chunk = chunk.trim_end_matches('\'');
    let chunk = chunk.strip_suffix("'s").unwrap_or(chunk);
    let words = chunk.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// "9am", "5:30pm", "17:00".
fn clock(word: &str) -> Option<String> {
    let half = ["am", "pm"].into_iter().find(|half| word.ends_with(half));
    let figures = word.strip_suffix(half.unwrap_or_default())?;
    let (hour, minute) = match figures.split_once(':') {
        Some(parts) => parts,
        None => (figures, half.map(|_| "00")?),
    };
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let hour = match half {
        Some("am") => hour % 12,
        Some(_) => hour % 12 + 12,
        None => hour,
    };
    (hour < 24 && minute < 60).then(|| format!("{hour:02}:{minute:02}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    fn entry(text: &str) -> Entry {
        let (text, when) = text.split_once(" | ").unwrap_or((text, ""));
        Entry {
            text: text.to_owned(),
            when: when.to_owned(),
        }
    }

    #[test]
    fn all_the_words_have_to_fit() {
        let entries = [
            "send standup | every weekday at 09:00",
            "take out the bins | tomorrow at 18:30 (in 2 hours)",
            "call the dentist | tomorrow at 17:00",
            "call mum | Fri 24 Dec 2027 at 10:15",
            "#4 drink water | every 2 hours, next today at 15:00",
            "Ana's birthday cards | Mon 3 May 2027 at 09:00",
            "be on time, see the tree | Tue 4 May 2027 at 08:00",
        ]
        .map(entry);
        for (words, expected) in [
            ("standup", Match::One(0)),
            ("the bin reminder", Match::One(1)),
            ("dentist", Match::One(2)),
            ("call", Match::Several(vec![2, 3])),
            ("call mum", Match::One(3)),
            ("calling the dentist", Match::One(2)),
            ("call the dentist at 5 pm", Match::One(2)),
            ("5pm dentist", Match::One(2)),
            ("4", Match::One(4)),
            ("Ana’s birthday", Match::One(5)),
            ("birth", Match::None),
            ("friday", Match::One(3)),
            ("24 december", Match::One(3)),
            ("mum in dec", Match::One(3)),
            ("monday", Match::One(5)),
            ("thursday", Match::None),
            ("bed", Match::None),
            ("seed", Match::None),
            ("standups", Match::One(0)),
            ("mumbles", Match::None),
            ("tomorrow", Match::Several(vec![1, 2])),
            ("at 09:00", Match::Several(vec![0, 5])),
            ("9am standup", Match::One(0)),
            ("every weekday standup", Match::One(0)),
            ("every weekday", Match::One(0)),
            ("10am standup", Match::None),
            ("next", Match::None),
            ("every 2 hours", Match::None),
            ("water every 2 hours", Match::One(4)),
            ("passport", Match::None),
            ("call the doctor", Match::None),
            ("gym tomorrow", Match::None),
            ("bank call", Match::None),
            ("car", Match::None),
            ("2", Match::None),
            ("#2 and #4", Match::None),
            ("", Match::Several(vec![0, 1, 2, 3, 4, 5, 6])),
        ] {
            assert_eq!(find(words, &entries), expected, "{words:?}");
        }
        let others = ["call Peter", "buy new shoes"].map(entry);
        for words in ["peterson", "news", "shoelace"] {
            assert_eq!(find(words, &others), Match::None, "{words:?}");
        }
        assert_eq!(find("the reminder", &entries[..1]), Match::One(0));
        assert_eq!(find("anything", &[]), Match::None);
    }
}
