//! A model that does what the message names, and fails now and then.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::support::fake_model::{Reply, Request};

/// One request in so many fails.
const FAILS: u32 = 25;

static WELL: AtomicBool = AtomicBool::new(false);
static FAULTS: AtomicUsize = AtomicUsize::new(0);

/// From now on nothing fails.
pub fn heal() {
    WELL.store(true, Ordering::SeqCst);
}

/// How often it has failed.
pub fn faults() -> usize {
    FAULTS.load(Ordering::SeqCst)
}

/// A message is "kind #number"; whatever is not asks for a summary, or is a health check.
pub fn reply(request: &Request) -> Reply {
    let question = request.last_user_text();
    let Some((kind, number)) = parts(&question) else {
        return Reply::text("Numbers were said.");
    };
    if !WELL.load(Ordering::SeqCst) && rand::random_ratio(1, FAILS) {
        FAULTS.fetch_add(1, Ordering::SeqCst);
        return failure();
    }
    let since = request.messages().iter().rev();
    let since = since.take_while(|message| message["role"] != "user");
    let results = since.filter(|message| message["role"] == "tool").count();
    let word = if kind == "task" { "did" } else { "answer" };
    let answer = Reply::text(format!("{word} {number}."));
    let Some(call) = call(&kind, &number, results) else {
        return paced(answer);
    };
    call
}

/// The kind and the number of a message, which its last line holds.
pub fn parts(text: &str) -> Option<(String, String)> {
    let line = text.lines().rev().find(|line| line.contains('#'))?;
    let (kind, number) = line.split_once(" #")?;
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    let kind = kind.split_whitespace().next_back()?;
    (!number.is_empty()).then(|| (kind.to_owned(), format!("#{number}")))
}

/// The tool that a kind of message takes next.
fn call(kind: &str, number: &str, results: usize) -> Option<Reply> {
    let digits = &number[1..];
    let path = format!("note-{digits}.txt");
    let (tool, arguments) = match (kind, results) {
        ("sum", 0) => (
            "calculate_expression",
            json!({ "expression": format!("{digits}+1") }),
        ),
        ("note", 0) => (
            "user_memory_save",
            json!({ "title": format!("n{}", digits.len()), "data": number }),
        ),
        ("file", 0) => (
            "create_file",
            json!({ "path": path, "content": number, "overwrite": true }),
        ),
        ("file", 1) => ("read_file", json!({ "path": path })),
        ("remind", 0) => (
            "schedule_prompt",
            json!({ "content": format!("reminder {number}."), "delay_seconds": 1 + number.len() % 3 }),
        ),
        ("run", 0) => (
            "schedule_prompt",
            json!({ "content": format!("task {number}"), "delay_seconds": 1, "role": "user" }),
        ),
        ("repeat", 0) => (
            "schedule_prompt",
            json!({
                "content": format!("again {number}."), "recurrence_type": "interval",
                "recurrence_interval_seconds": 2,
                "recurrence_end_at": (chrono::Utc::now() + chrono::TimeDelta::seconds(9)).to_rfc3339(),
            }),
        ),
        ("bash", 0) => (
            "bash",
            json!({ "command": format!("echo {digits} > out.txt; cat out.txt") }),
        ),
        ("python", 0) => (
            "python_execute",
            json!({ "code": format!("print({digits} + 1)") }),
        ),
        _ => return None,
    };
    Some(Reply::tools([(tool, arguments)]))
}

/// Some answers come at once, some grow before the eyes.
fn paced(answer: Reply) -> Reply {
    match rand::random_range(0..6) {
        0 => answer.slow(Duration::from_millis(150)),
        1 => answer.slow(Duration::from_millis(20)),
        _ => answer,
    }
}

fn failure() -> Reply {
    match rand::random_range(0..8) {
        0 | 1 => Reply::status(500),
        2 => Reply::rate_limited(1),
        3 => Reply::status(503),
        4 => Reply::half_stream("half of an ans"),
        5 => Reply::drop_connection(),
        6 => Reply::invalid_json(),
        _ => Reply::hang(),
    }
}
