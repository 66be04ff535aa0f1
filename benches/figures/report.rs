//! The document for people, and the numbers that the next run is compared with.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::figure::Figure;
use crate::machine::Machine;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/benchmarks.md");
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/baseline.json");

const HOW: &str = "\
Written by `just bench`; nobody edits it. The program runs as a process of its own against fake Telegram and model servers on
loopback, whose answers cost no time but processor; its database is in a folder below `target/`, on a real disk. Where a row does not say
otherwise, the config is the default but for `runtime.max_parallel_turns` (300) and Telegram's rate limits, which are raised so
far that they never hold anything up: with the default ones a chat gets one message a second. The rows that begin with \"as it
comes\" have every setting as it is when nobody changes it; they are there to be compared with other bots.

Goals are for an idle machine of this class. Rows that begin with \"…\" explain the one above them. \"Before\" is the previous run,
on whatever machine that was.
";

type Numbers = BTreeMap<String, f64>;

/// The whole document.
pub fn document(machine: &Machine, scale: f64, figures: &[Figure]) -> Result<String> {
    let before = baseline()?;
    let mut text = format!("# Benchmarks\n\n{HOW}\n{}\n", machine.described());
    if scale < 1.0 {
        writeln!(text, "\nAll amounts are {scale} of what the rows say.")?;
    }
    text.push_str("\n| figure | goal | measured | | before |\n|---|---|---|---|---|\n");
    for figure in figures {
        let before = before.get(&figure.name).map(|value| figure.shown(*value));
        writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            figure.name,
            figure.wanted(),
            figure.shown(figure.value),
            figure.verdict(),
            before.unwrap_or_default()
        )?;
    }
    Ok(text)
}

/// Keeps the document, and the numbers for the next run.
pub fn write(document: &str, figures: &[Figure]) -> Result<()> {
    let numbers: Numbers = figures
        .iter()
        .map(|figure| (figure.name.clone(), figure.value))
        .collect();
    fs::write(DOCUMENT, document)?;
    let text = serde_json::to_string_pretty(&numbers)? + "\n";
    Ok(fs::write(BASELINE, text)?)
}

fn baseline() -> Result<Numbers> {
    if !Path::new(BASELINE).exists() {
        return Ok(Numbers::new());
    }
    Ok(serde_json::from_str(&fs::read_to_string(BASELINE)?)?)
}
