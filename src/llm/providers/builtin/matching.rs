//! Finding the one thing that a person means by a few words.

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

/// Finds the entries with most of the words. An entry needs at least half of them; only the best count.
pub(super) fn find(words: &str, entries: &[String]) -> Match {
    let wanted = significant(words);
    if wanted.is_empty() {
        return if entries.len() == 1 {
            Match::One(0)
        } else {
            several((0..entries.len()).collect())
        };
    }
    let scores: Vec<usize> = entries.iter().map(|entry| score(&wanted, entry)).collect();
    let best = scores.iter().copied().max().unwrap_or(0);
    if best * 2 < wanted.len() || best == 0 {
        return Match::None;
    }
    let found: Vec<usize> = scores
        .iter()
        .enumerate()
        .filter(|(_, score)| **score == best)
        .map(|(at, _)| at)
        .collect();
    match found.as_slice() {
        [one] => Match::One(*one),
        _ => several(found),
    }
}

fn several(found: Vec<usize>) -> Match {
    if found.is_empty() {
        Match::None
    } else {
        Match::Several(found)
    }
}

fn score(wanted: &[String], entry: &str) -> usize {
    let present = all_words(entry);
    wanted
        .iter()
        .filter(|word| present.iter().any(|other| alike(word, other)))
        .count()
}

/// Equal, or one is the beginning of the other ("bin" and "bins", "water" and "watering").
fn alike(one: &str, other: &str) -> bool {
    let shorter = one.chars().count().min(other.chars().count());
    one == other || (shorter >= 3 && (one.starts_with(other) || other.starts_with(one)))
}

fn significant(text: &str) -> Vec<String> {
    all_words(text)
        .into_iter()
        .filter(|word| !EMPTY.contains(&word.as_str()))
        .collect()
}

fn all_words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn the_best_fit_is_found() {
        let entries: Vec<String> = [
            "send standup",
            "take out the bins",
            "call the dentist",
            "call mum",
            "#4 drink water",
        ]
        .map(String::from)
        .to_vec();
        for (words, expected) in [
            ("standup", Match::One(0)),
            ("the bin reminder", Match::One(1)),
            ("dentist", Match::One(2)),
            ("call", Match::Several(vec![2, 3])),
            ("call mum", Match::One(3)),
            ("calling the dentist", Match::One(2)),
            ("4", Match::One(4)),
            ("passport", Match::None),
            ("", Match::Several(vec![0, 1, 2, 3, 4])),
        ] {
            assert_eq!(find(words, &entries), expected, "{words:?}");
        }
        assert_eq!(find("the reminder", &entries[..1]), Match::One(0));
        assert_eq!(find("anything", &[]), Match::None);
    }
}
