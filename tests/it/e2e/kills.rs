//! Kills at random under load: nothing may be lost, and nothing doubled but by a kill between the call of a send and its record.

use std::collections::HashMap;
use std::time::Duration;

use minibot::core::boundary::Boundary;
use serde_json::json;

use crate::support::fake_model::{Reply, Request};
use crate::support::fake_telegram::FakeMessage;
use crate::support::program::{ALICE, Program};

/// So many kills unless `MINIBOT_KILLS` says otherwise.
const KILLS: usize = 25;

/// A share of doubles can be told from chance from so many kills on.
const ENOUGH: usize = 100;

/// People who write all the time, in turn.
const CHATS: i64 = 6;

/// Between two messages, in milliseconds.
const PAUSE: u64 = 40;

/// The shortest and the longest life, in messages.
const LIFE: std::ops::Range<usize> = 10..80;

/// A third of the answers takes a tool. What is no question of ours asks for a summary.
fn reply(request: &Request) -> Reply {
    let question = request.last_user_text();
    let last_word = question.split(' ').next_back();
    let Some(Ok(number)) = last_word.map(str::parse::<usize>) else {
        return Reply::text("What was said is about numbers.");
    };
    let after_tool = request
        .messages()
        .last()
        .is_some_and(|m| m["role"] == "tool");
    if number.is_multiple_of(3) && !after_tool {
        let sum = json!({ "expression": format!("{number}+1") });
        return Reply::tools([("calculate_expression", sum)]);
    }
    Reply::text(format!("answer to {question}"))
}

/// What is counted over all lives.
#[derive(Debug, Default)]
struct Tally {
    asked: usize,
    kills: usize,
    /// Kills that came between the call of a send and its record.
    in_flight: usize,
    doubled: usize,
}

async fn life(program: &mut Program, tally: &mut Tally) {
    let log = program.data().join(format!("passed{}", tally.kills));
    program.start_with(&[("MINIBOT_FAILPOINT_LOG", log.to_str().unwrap())]);
    for _ in 0..rand::random_range(LIFE) {
        let chat = ALICE + i64::try_from(tally.asked).unwrap() % CHATS;
        tally.asked += 1;
        let question = format!("question {}", tally.asked);
        program.telegram.user_sends(chat, chat, &question);
        let pause = rand::random_range(0..2 * PAUSE);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    program.kill().await;
    tally.kills += 1;
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let passed = |boundary: Boundary| log.lines().filter(|line| *line == boundary.name()).count();
    tally.in_flight += passed(Boundary::Sending) - passed(Boundary::Recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn random_kills_lose_nothing() {
    let kills = std::env::var("MINIBOT_KILLS").ok();
    let kills = kills.map_or(KILLS, |text| text.parse().unwrap());
    let mut program = Program::new("").await;
    for chat in ALICE..ALICE + CHATS {
        program.telegram.add_private_chat(chat, "Somebody");
    }
    program.provider.respond_with(reply);
    let mut tally = Tally::default();
    for _ in 0..kills {
        life(&mut program, &mut tally).await;
    }
    program.start();
    let mut answered = 0;
    for chat in ALICE..ALICE + CHATS {
        // In turn, so behind everything else that was asked here.
        program.telegram.user_sends(chat, chat, "/done");
        program
            .telegram
            .wait_for_text(chat, "There is no command /done")
            .await;
        let messages = program.telegram.messages(chat);
        let times = times(&messages);
        answered += times.len();
        tally.doubled += times.values().map(|times| times - 1).sum::<usize>();
    }
    assert_eq!(program.terminate().await.code(), Some(0));
    eprintln!("{tally:?}, lost: {}", tally.asked - answered);
    assert_eq!(
        answered,
        tally.asked,
        "answers are lost\n{}",
        program.telegram.dump()
    );
    assert!(tally.doubled <= tally.in_flight, "{tally:?}");
    let few = tally.doubled * 100 <= tally.asked;
    assert!(few || kills < ENOUGH, "more than 1 %: {tally:?}");
}

/// How often each answer stands there.
fn times(messages: &[FakeMessage]) -> HashMap<&str, usize> {
    let mut times = HashMap::new();
    for message in messages {
        if message.text.starts_with("answer to") {
            *times.entry(message.text.as_str()).or_default() += 1;
        }
    }
    times
}
