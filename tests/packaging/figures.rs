//! The figures in the README are those that were measured last.

use std::collections::BTreeMap;

use crate::read;

/// A row of the comparison, what its numbers are called where they are kept, and how many of their units make one.
const ROWS: &[(&str, &[&str], f64)] = &[
    (
        "start to the first poll",
        &["start to the first getUpdates, an empty database"],
        1000.0,
    ),
    (
        "memory idle / after 200 chats",
        &[
            "resident memory, idle",
            "as it comes: resident memory after 200 chats",
        ],
        1.0,
    ),
    (
        "a turn with an instant model, median / p95",
        &[
            "as it comes: a turn with an instant model, median",
            "as it comes: a turn with an instant model, p95",
        ],
        1.0,
    ),
    ("processor per turn", &["CPU per turn"], 1.0),
    (
        "model calls for a message; first request",
        &[
            "model calls per plain message",
            "first request with the default tools",
        ],
        1.0,
    ),
    (
        "30 chats at once, 0.2 s model",
        &["as it comes: 30 chats at once, 0.2 s model, all answered after"],
        1.0,
    ),
    (
        "200 chats at once, 0.2 s model",
        &["as it comes: 200 chats at once, 0.2 s model, all answered after"],
        1.0,
    ),
    (
        "killed midway: answered of 50",
        &[
            "as it comes: killed midway: answered of 50",
            "as it comes: killed midway: sent again",
        ],
        1.0,
    ),
    (
        "Telegram says \"too many requests\" for 20 s",
        &["as it comes: \"too many requests\" for 20 s: the answer comes after"],
        1.0,
    ),
    (
        "a model that hangs: you are told after",
        &["as it comes: a model that hangs: the person is told after"],
        1.0,
    ),
    (
        "reminder lateness",
        &["lateness of a reminder on an idle bot, p50"],
        1000.0,
    ),
    ("size", &["size of the program"], 1.0),
];

/// The numbers in a text, as they are written.
fn numbers(text: &str) -> Vec<&str> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    text.split(|c| !is_number(c))
        .filter(|part| part.starts_with(|c: char| c.is_ascii_digit()))
        .collect()
}

#[test]
fn the_comparison_shows_what_was_measured() {
    let measured: BTreeMap<String, f64> =
        serde_json::from_str(&read("benches/baseline.json")).unwrap();
    let readme = read("README.md");
    for (row, names, units) in ROWS {
        let line = readme
            .lines()
            .find(|line| line.starts_with(&format!("| {row} |")))
            .unwrap_or_else(|| panic!("no row {row:?}"));
        let ours = line.split('|').nth(2).unwrap();
        let rounded: Vec<String> = numbers(ours)
            .into_iter()
            .zip(*names)
            .map(|(shown, name)| {
                let decimals = shown.split_once('.').map_or(0, |(_, behind)| behind.len());
                format!("{:.decimals$}", measured[*name] / units)
            })
            .collect();
        assert_eq!(rounded.len(), names.len(), "{ours}");
        assert_eq!(numbers(ours), rounded, "{row}");
    }
}
