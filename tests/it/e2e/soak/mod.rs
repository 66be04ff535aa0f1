//! Everything at once for a while: people who write, send, press and stop, a Telegram and a model that fail in every way,
//! kills at random; then one life without a kill. At the end nothing may be lost, doubled without a cause, or left over.
//!
//! `scripts/soak 10` lets it run for ten minutes; a test run, for seconds.

mod ledger;
mod model;
mod people;
mod watch;

use std::fmt::Write;
use std::time::Duration;

use minibot::core::boundary::Boundary;
use tokio::time::{Instant, sleep};

use self::ledger::Ledger;
use self::people::{People, Trouble};
use self::watch::{Memory, left_over};
use crate::support::program::Program;

/// So many seconds unless `MINIBOT_SOAK_SECONDS` says otherwise.
const SECONDS: u64 = 10;

/// The share of the time in which kills fall.
const UNDER_KILLS: f64 = 0.5;

/// A life under kills, in milliseconds.
const LIFE: std::ops::Range<u64> = 1_500..8_000;

/// Between two acts of the people, in milliseconds.
const PAUSE: std::ops::Range<u64> = 20..180;

/// How long everything may take to come to rest in the end.
const REST: Duration = Duration::from_secs(90);

/// From so many messages on, a share of doubles can be told from chance.
const ENOUGH: usize = 1_000;

/// Memory may grow by so much over the last life, in kilobytes.
const GROWTH_KB: u64 = 6 * 1024;

const SETTINGS: &str = r#"
retry_attempts = 2
request_timeout_seconds = 20
stall_timeout_seconds = 2

[runtime]
shutdown_grace_seconds = 5

[scheduler.prompts]
min_recurrence_interval_seconds = 1

[approvals]
timeout_seconds = 8

[approvals.tools]
"*" = "allow"
user_memory_save = "ask"

[tools.file_storage]
enabled = true
"#;

const PROGRAMS: &str = r#"
[tools.bash]
enabled = true

[tools.python_exec]
enabled = true
"#;

/// What happened to the bot.
#[derive(Debug, Default)]
struct Lives {
    kills: usize,
    terminations: usize,
    /// Sends that were under way at a kill, or whose end was not written down.
    in_flight: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_whatever_happens_at_once() {
    let seconds = std::env::var("MINIBOT_SOAK_SECONDS").ok();
    let seconds = seconds.map_or(SECONDS, |text| text.parse().unwrap());
    let settings = format!("{SETTINGS}{}", programs().await);
    let mut program = Program::new(&settings).await;
    program.provider.respond_with(model::reply);
    let began = Instant::now();
    let ends = began + Duration::from_secs(seconds);
    let mut people = People::new(&program, ends);
    let under_kills = Duration::from_secs_f64(seconds as f64 * UNDER_KILLS);
    let mut lives = Lives::default();
    while began.elapsed() < under_kills {
        life(&mut program, &mut people, &mut lives).await;
    }
    let memory = last_life(&mut program, &mut people, ends).await;
    people.trouble = Trouble::None;
    model::heal();
    program.telegram.clear_faults();
    let ledger = Ledger::open(&program).await;
    // After several failures in a row the next poll may be half a minute away.
    let fetched = async {
        while program.telegram.pending_updates() > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let is_fetched = tokio::time::timeout(REST, fetched).await.is_ok();
    let in_time = is_fetched && ledger.has_come_to_rest(REST).await;
    let unrest = ledger.unrest().await;
    ledger.close().await;
    assert!(
        in_time,
        "it does not come to rest: {unrest}\n{}",
        troubles(&program)
    );
    // What a kill has left behind is cleared away by a start.
    assert_eq!(
        program.terminate().await.code(),
        Some(0),
        "{}",
        troubles(&program)
    );
    program.start();
    let polls = program.telegram.calls("getUpdates").len();
    program
        .telegram
        .wait_for_calls("getUpdates", polls + 2)
        .await;
    assert_eq!(
        program.terminate().await.code(),
        Some(0),
        "{}",
        troubles(&program)
    );
    let took = began.elapsed();
    let mut faults = left_over(&program);
    let account = Ledger::open(&program)
        .await
        .account(&program, &people)
        .await;
    faults.extend(account.faults.clone());
    faults.extend(
        program
            .provider
            .refusals()
            .into_iter()
            .map(|why| format!("an illegal request: {why}")),
    );
    faults.extend(audited(&program).await);
    let causes = lives.in_flight + people.lost_answers;
    if account.surplus > causes {
        faults.push(format!(
            "{} messages too many, and only {causes} causes",
            account.surplus
        ));
    }
    if account.messages >= ENOUGH && account.surplus * 100 > account.messages {
        faults.push(format!(
            "more than 1 % doubled: {} of {}",
            account.surplus, account.messages
        ));
    }
    if memory.can_be_judged() && memory.growth_kb() > GROWTH_KB {
        faults.push(format!("memory grows: {memory}"));
    }
    eprintln!("{}", report(took, &lives, &people, &account, &memory));
    assert!(
        faults.is_empty(),
        "{}\n{}",
        faults.join("\n"),
        troubles(&program)
    );
}

/// What the log says of troubles.
fn troubles(program: &Program) -> String {
    let output = program.output();
    let told = output.lines().filter(|line| !line.contains("level=info"));
    told.collect::<Vec<_>>().join("\n")
}

/// The programs that people ask for, where the machine has a sandbox for them.
async fn programs() -> &'static str {
    let program = Program::new(PROGRAMS).await;
    program.provider.respond_with(model::reply);
    let table = program.run(&["doctor"]).await.stdout;
    let table = String::from_utf8_lossy(&table);
    let broken = ["✗ Python", "✗ Bash", "✗ sandbox"];
    if broken.iter().any(|row| table.contains(row)) {
        crate::support::machine::cannot("run programs in the sandbox");
        return "";
    }
    PROGRAMS
}

/// Starts the bot, lets the people at it, and ends it: mostly without a warning.
async fn life(program: &mut Program, people: &mut People, lives: &mut Lives) {
    let log = program
        .data()
        .join(format!("passed{}", lives.kills + lives.terminations));
    program.start_with(&[("MINIBOT_FAILPOINT_LOG", log.to_str().unwrap())]);
    let end = Instant::now() + Duration::from_millis(rand::random_range(LIFE));
    act(people, end).await;
    if rand::random_ratio(1, 5) {
        lives.terminations += 1;
        let status = program.terminate().await;
        // So soon after the start that it cannot hear yet, it ends as any program does.
        let well = status.code().is_none_or(|code| code == 0);
        assert!(well, "{}", troubles(program));
    } else {
        lives.kills += 1;
        program.kill().await;
    }
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let passed = |boundary: Boundary| log.lines().filter(|line| *line == boundary.name()).count();
    lives.in_flight += passed(Boundary::Sending) - passed(Boundary::Recorded);
}

/// The life without a kill, over which memory is watched.
async fn last_life(program: &mut Program, people: &mut People, end: Instant) -> Memory {
    program.start();
    let process = program.child().id().unwrap();
    let mut memory = Memory::of(process, end);
    while Instant::now() < end {
        let next = (Instant::now() + Duration::from_secs(1)).min(end);
        act(people, next).await;
        memory.sample();
    }
    memory
}

async fn act(people: &mut People, until: Instant) {
    while Instant::now() < until {
        people.act();
        sleep(Duration::from_millis(rand::random_range(PAUSE))).await;
    }
}

/// What the program itself says of its audit log.
async fn audited(program: &Program) -> Option<String> {
    let output = program.run(&["audit", "--verify"]).await;
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    (!output.status.success()).then(|| format!("the audit log: {words}"))
}

fn report(
    took: Duration,
    lives: &Lives,
    people: &People,
    account: &ledger::Account,
    memory: &Memory,
) -> String {
    let mut text = format!("soak of {} s\n", took.as_secs());
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<34} {value}");
    };
    row(
        "kills, orderly ends",
        format!("{}, {}", lives.kills, lives.terminations),
    );
    row("messages of people", people.asked().to_string());
    for (kind, count) in people.kinds() {
        row(&format!("  {kind}"), count.to_string());
    }
    row(
        "presses, stops, edits",
        format!("{}, {}, {}", people.presses, people.stops, people.edits),
    );
    row(
        "faults of Telegram, of the model",
        format!("{}, {}", people.faults, model::faults()),
    );
    row(
        "turns answered, failed, stopped",
        format!(
            "{}, {}, {}",
            account.answered, account.failed, account.stopped
        ),
    );
    row("messages of the bot", account.messages.to_string());
    row("lost", account.lost.to_string());
    row("albums that came in pieces", account.torn.to_string());
    row("doubled or left beside", account.surplus.to_string());
    row(
        "  causes: sends at a kill, lost",
        format!("{}, {}", lives.in_flight, people.lost_answers),
    );
    row(
        "jobs, slots with their receipt",
        format!("{}, {}", account.jobs, account.slots),
    );
    row("tool calls with their result", account.calls.to_string());
    row("questions asked", account.questions.to_string());
    row("memory of the last life", memory.to_string());
    text
}
