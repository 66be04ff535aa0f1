//! What one turn takes: time, processor, statements, commits, model calls.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::Scale;
use crate::figure::{Figure, Goal, milliseconds, percentile};
use crate::process::own_cpu;
use crate::world::{FIRST, World};

pub async fn measure(scale: Scale) -> Result<Vec<Figure>> {
    let mut figures = one_after_the_other(scale.of(2_000, 50)).await?;
    figures.extend(counted().await?);
    Ok(figures)
}

/// Chats take turns, so that their histories are those of talk and not of a flood.
async fn one_after_the_other(count: usize) -> Result<Vec<Figure>> {
    let world = World::new("info").await?;
    let (bot, _) = world.start().await?;
    world.turns(FIRST, 50).await?;
    let (before, fakes_before) = (bot.cpu()?, own_cpu()?);
    let took = world.turns(FIRST, count).await?;
    let cpu = milliseconds(bot.cpu()?.saturating_sub(before)) / count as f64;
    let fakes = milliseconds(own_cpu()?.saturating_sub(fakes_before)) / count as f64;
    bot.stop()?;
    let name = |which| format!("a turn with an instant model, fakes included, {which}");
    Ok(vec![
        Figure::new(name("p50"), Goal::AtMost(3.0), percentile(&took, 0.5), "ms"),
        Figure::new(
            name("p99"),
            Goal::AtMost(15.0),
            percentile(&took, 0.99),
            "ms",
        ),
        Figure::new("CPU per turn", Goal::AtMost(1.0), cpu, "ms"),
        Figure::new("… and CPU of the fakes per turn", Goal::None, fakes, "ms"),
    ])
}

/// Few turns whose every statement is logged.
async fn counted() -> Result<Vec<Figure>> {
    const TURNS: usize = 10;
    let world = World::new("warn,minibot::adapters::sqlite=trace").await?;
    let (bot, _) = world.start().await?;
    // The first turn creates what later ones find.
    world.turns(FIRST, 1).await?;
    settle().await;
    let wal = world.database().with_extension("db-wal");
    let (statements, commits) = (statements(&world.log())?, commits_in(&wal)?);
    let calls = world.model.requests().len();
    world.turns(FIRST, TURNS).await?;
    settle().await;
    let statements = self::statements(&world.log())? - statements;
    let commits = commits_in(&wal)? - commits;
    let requests = world.model.requests();
    let first = requests.first().context("the model was asked")?;
    let size = match first.header("content-length") {
        Some(length) => length.parse::<f64>()?,
        None => first.body.to_string().len() as f64,
    };
    let per_turn = |count: usize| count as f64 / TURNS as f64;
    bot.stop()?;
    Ok(vec![
        Figure::new(
            "SQL statements per turn",
            Goal::None,
            per_turn(statements),
            "",
        ),
        Figure::new("commits per turn", Goal::None, per_turn(commits), ""),
        Figure::new(
            "model calls per plain message",
            Goal::AtMost(1.0),
            per_turn(requests.len() - calls),
            "",
        ),
        Figure::new(
            "first request with the default tools",
            Goal::AtMost(8.0),
            size / 1000.0,
            "kB",
        ),
    ])
}

/// What follows the answer, the receipt of its delivery for one, is part of the turn.
async fn settle() {
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
}

fn statements(log: &Path) -> Result<usize> {
    let text = fs::read_to_string(log)?;
    Ok(text.lines().filter(|line| line.contains(" sql=")).count())
}

/// The commits in a write-ahead log that has not been started anew yet: frames that say how large the database is
/// after them, and that bear the salt of the log (SQLite, "WAL File Format").
fn commits_in(wal: &Path) -> Result<usize> {
    const HEADER: usize = 32;
    const FRAME_HEADER: usize = 24;
    let bytes = fs::read(wal)?;
    let word = |at: usize| -> Option<u32> {
        Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
    };
    let page = word(8).context("the log has no header")? as usize;
    let salt = bytes.get(16..24).context("the log has no salt")?;
    let frames = (HEADER..bytes.len()).step_by(FRAME_HEADER + page);
    let valid = frames.take_while(|at| bytes.get(at + 8..at + 16) == Some(salt));
    Ok(valid.filter(|at| word(at + 4) > Some(0)).count())
}
