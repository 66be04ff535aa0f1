//! The example file is the reference: all keys, their defaults, and nothing else.

use std::path::Path;

use minibot::adapters::config::{Checked, known_keys};
use minibot::wiring::settings::Settings;

use super::{lines, read};

const EXAMPLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.toml"));

#[test]
fn the_example_is_the_defaults_without_a_remark() {
    let loaded = read(EXAMPLE).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let mut defaults = Settings::default();
    defaults.resolve_paths(Path::new("/base"));
    assert_eq!(format!("{:#?}", loaded.settings), format!("{defaults:#?}"));
}

/// The example with its commented-out keys switched on.
fn whole_example() -> String {
    let is_setting = |text: &str| {
        text.parse::<toml::Table>()
            .is_ok_and(|table| !table.is_empty())
    };
    EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(text) if is_setting(text) => text,
            _ => line,
        })
        .fold(String::new(), |whole, line| whole + line + "\n")
}

#[test]
fn the_example_has_every_key_and_no_other() {
    let example: toml::Table = whole_example().parse().unwrap();
    let known = known_keys::<Settings>();
    assert!(known.len() > 150, "{}", known.len());
    for key in known.iter().filter(|key| !key.starts_with("llm.profiles.")) {
        assert!(has(&example, key), "config.example.toml lacks {key}");
    }
    let found = read(&whole_example());
    let unknown = found.err().map(|problems| lines(&problems.problems));
    let unknown = unknown.unwrap_or_default().into_iter();
    let unknown: Vec<String> = unknown
        .filter(|line| line.contains("unknown key"))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

fn has(table: &toml::Table, key: &str) -> bool {
    let Some((first, rest)) = key.split_once('.') else {
        return table.contains_key(key);
    };
    let below = |value: &toml::Value| value.as_table().is_some_and(|table| has(table, rest));
    match first {
        "NAME" => table.values().any(below),
        _ => table.get(first).is_some_and(below),
    }
}

#[test]
fn a_profile_takes_the_keys_of_llm() {
    let known = known_keys::<Settings>();
    let below = |prefix: &'static str| {
        let keys = known.iter().filter_map(move |key| key.strip_prefix(prefix));
        keys.filter(|key| !key.contains('.') || key.starts_with("openrouter"))
    };
    let profile: Vec<&str> = below("llm.profiles.NAME.").collect();
    assert_eq!(below("llm.").collect::<Vec<_>>(), profile);
}
