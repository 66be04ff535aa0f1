//! Every attempt of `probes.txt`, in every mode that is of interest: what comes of each, and that
//! nothing of it is left.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::sync::Arc;

use minibot::core::sandbox::{RunEnd, RunOutcome, Sandbox, SandboxMode};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::world::{World, own};

const MODES: [SandboxMode; 3] = [SandboxMode::Basic, SandboxMode::Rlimit, SandboxMode::Native];
/// So many are tried at once.
const PLACES: u32 = 6;
/// The memory of the bot is compared with what it was after so many, in kilobytes.
const WARM: usize = 12;
const MOST_GROWTH: u64 = 8_000;
const PRELUDE: &str = include_str!("prelude.py");

struct Probe {
    name: &'static str,
    expected: [&'static str; 3],
    body: String,
}

fn probes() -> Vec<Probe> {
    let mut probes: Vec<Probe> = Vec::new();
    for line in include_str!("probes.txt").lines() {
        if let Some(header) = line.strip_prefix("=== ") {
            let fields: Vec<&str> = header.split('|').map(str::trim).collect();
            let [name, expected @ ..] = &fields[..] else {
                panic!("{header}")
            };
            probes.push(Probe {
                name,
                expected: expected.try_into().unwrap(),
                body: String::new(),
            });
        } else if let Some(probe) = probes.last_mut() {
            writeln!(probe.body, "{line}").unwrap();
        }
    }
    probes
}

/// What came of a probe, in the words of the table.
fn verdict(outcome: &RunOutcome) -> String {
    match outcome.end {
        RunEnd::Killed(limit) => format!(
            "killed {}",
            serde_json::to_value(limit).unwrap().as_str().unwrap()
        ),
        RunEnd::Signalled(_) => "blocked".to_owned(),
        RunEnd::Exited(0) if outcome.stdout.text == "through\n" => "through".to_owned(),
        RunEnd::Exited(0) if outcome.stdout.text.starts_with("blocked ") => "blocked".to_owned(),
        RunEnd::Exited(_) => format!("broken: {outcome:?}"),
    }
}

fn is_expected(expected: &str, verdict: &str) -> bool {
    match expected {
        "any" => matches!(verdict, "through" | "blocked"),
        "works" => verdict == "through",
        expected => expected.split(" or ").any(|one| one == verdict),
    }
}

/// How a probe is tried.
struct Trial {
    mode: SandboxMode,
    expected: &'static str,
    /// An older kernel is played by this.
    variable: Option<(String, String)>,
}

/// One probe in a world of its own; what is wrong with it.
async fn attempt(probe: &Probe, trial: Trial) -> Option<String> {
    let (mode, expected) = (trial.mode, trial.expected);
    let world = World::new();
    let victim = world.victim();
    let services = world.services();
    let mut told = services.told();
    told.insert("victim", victim.id().into());
    told.insert("body", probe.body.clone().into());
    told.insert("mark", world.mark.clone().into());
    told.insert("data", world.data().display().to_string().into());
    let mut request = world.python(PRELUDE);
    request
        .environment
        .push(("WORLD".to_owned(), serde_json::to_string(&told).unwrap()));
    request.environment.extend(trial.variable);
    let outcome = world.sandbox(mode).run(request).await;
    let mut wrong = Vec::new();
    match &outcome {
        Ok(outcome) => {
            let verdict = verdict(outcome);
            if !is_expected(expected, &verdict) {
                wrong.push(format!("{verdict} instead of {expected}: {outcome:?}"));
            }
        }
        // Whoever is the same user as the helper can end it, and their own run with it.
        Err(error) if error.to_string().contains("did not answer") => {
            if !is_expected(expected, "ended") {
                wrong.push(error.to_string());
            }
        }
        Err(error) => wrong.push(error.to_string()),
    }
    if expected != "through" {
        let changes = victim.changes().into_iter();
        wrong.extend(changes.map(|change| format!("the victim was touched: {change}")));
    }
    if mode == SandboxMode::Native
        && fs::read_to_string(world.data().join("minibot.db")).unwrap() != "the database"
    {
        wrong.push("the database was touched".to_owned());
    }
    wrong.extend(world.left_behind());
    let (name, mode) = (probe.name, mode.name());
    (!wrong.is_empty()).then(|| format!("{name} in {mode}: {}", wrong.join("; ")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attempt_in_basic_ends_as_the_table_says() {
    try_column(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attempt_in_rlimit_ends_as_the_table_says() {
    try_column(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attempt_in_native_ends_as_the_table_says() {
    try_column(2).await;
}

async fn try_column(column: usize) {
    let trial = |probe: &Probe| Trial {
        mode: MODES[column],
        expected: probe.expected[column],
        variable: None,
    };
    let all = probes().into_iter().map(|probe| (trial(&probe), probe));
    try_all(all.map(|(trial, probe)| (probe, trial)).collect()).await;
}

/// What an older Landlock does not do, the filters do in its place.
#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_landlock_lets_no_more_through() {
    let mut all = Vec::new();
    for probe in probes() {
        // A filter knows no children: it refuses what Landlock lets go to nobody else.
        let expected = match probe.name {
            "signal every process there is" | "works: signals to one's own children" => "blocked",
            _ => probe.expected[2],
        };
        let variable = ("MINIBOT_LANDLOCK_AT_MOST".to_owned(), "1".to_owned());
        let trial = Trial {
            mode: SandboxMode::Native,
            expected,
            variable: Some(variable),
        };
        all.push((probe, trial));
    }
    try_all(all).await;
}

async fn try_all(all: Vec<(Probe, Trial)>) {
    let places = Arc::new(Semaphore::new(PLACES as usize));
    let mut attempts = JoinSet::new();
    for (probe, trial) in all {
        let places = places.clone();
        attempts.spawn(async move {
            // All runs here have one user, whose processes are counted together.
            let width = if probe.name.contains("fork bomb") {
                PLACES
            } else {
                1
            };
            let _place = places.acquire_many(width).await.unwrap();
            // It would reach everything else of this user on the machine.
            if trial.expected == "not tried" {
                None
            } else {
                attempt(&probe, trial).await
            }
        });
    }
    let mut wrong = Vec::new();
    let (mut tried, mut before) = (0, own().kilobytes);
    while let Some(attempt) = attempts.join_next().await {
        wrong.extend(attempt.unwrap());
        tried += 1;
        if tried == WARM {
            before = own().kilobytes;
        }
    }
    let grown = own().kilobytes.saturating_sub(before);
    assert!(grown < MOST_GROWTH, "the bot grew by {grown} kB");
    assert!(
        wrong.is_empty(),
        "{} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn there_are_enough_attempts_and_no_hole_in_native_but_the_known_ones() {
    let probes = probes();
    let mut count = BTreeMap::new();
    for probe in &probes {
        *count.entry(probe.expected[2]).or_insert(0) += 1;
        assert!(!probe.body.is_empty(), "{}", probe.name);
    }
    assert!(probes.len() >= 100, "{count:?}");
    let holes: Vec<_> = probes
        .iter()
        .filter(|probe| probe.expected[2] == "through")
        .map(|probe| probe.name)
        .collect();
    assert_eq!(
        holes,
        ["stat the database", "signal every process there is"]
    );
}

/// The table in the documentation is made of the same data as the attempts.
#[test]
fn the_documentation_shows_the_table() {
    let mut table = String::from("| attempt | basic | rlimit | native |\n|---|---|---|---|\n");
    for probe in probes() {
        let [basic, rlimit, native] = probe.expected.map(|word| {
            if word == "any" {
                "as the kernel is set"
            } else {
                word
            }
        });
        writeln!(table, "| {} | {basic} | {rlimit} | {native} |", probe.name).unwrap();
    }
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sandbox.md")).unwrap();
    assert!(
        page.contains(&table),
        "docs/sandbox.md does not have this table:\n{table}"
    );
}
