//! What other bots were measured by too: every setting as it comes, and what goes wrong in a chat.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::Scale;
use crate::crowd::all_answered;
use crate::figure::{Figure, Goal, milliseconds, percentile};
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::Fault;
use crate::world::{FIRST, World};

/// Between two turns, so that the limit over all chats (30 messages a second) holds up none of them.
const PACE: Duration = Duration::from_millis(40);
/// Messages around the kill.
const MESSAGES: i64 = 50;

pub async fn measure(scale: Scale) -> Result<Vec<Figure>> {
    let mut figures = paced_turns(scale.of(500, 50)).await?;
    figures.extend(chats_at_once().await?);
    figures.extend(killed_midway().await?);
    figures.push(flooded().await?);
    figures.push(kept_waiting().await?);
    Ok(figures)
}

fn row(name: &str, value: f64, unit: &'static str) -> Figure {
    Figure::new(format!("as it comes: {name}"), Goal::None, value, unit)
}

/// One turn after the other, each in the chat that was quiet for longest.
async fn paced_turns(count: usize) -> Result<Vec<Figure>> {
    const CHATS: usize = 100;
    let world = World::with_defaults().await?;
    let (bot, _) = world.start().await?;
    let mut took = Vec::new();
    for (turn, person) in (FIRST..FIRST + CHATS as i64)
        .cycle()
        .take(count + CHATS)
        .enumerate()
    {
        sleep(PACE).await;
        let turn_took = milliseconds(world.turn(person).await?);
        // The first of a chat makes what the others find.
        if turn >= CHATS {
            took.push(turn_took);
        }
    }
    bot.stop()?;
    let name = |which| format!("a turn with an instant model, {which}");
    Ok(vec![
        row(&name("median"), percentile(&took, 0.5), "ms"),
        row(&name("p95"), percentile(&took, 0.95), "ms"),
    ])
}

async fn chats_at_once() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for chats in [30, 200] {
        let world = World::with_defaults().await?;
        let (bot, _) = world.start().await?;
        let took = all_answered(&world, chats).await?;
        let name = format!("{chats} chats at once, 0.2 s model, all answered after");
        figures.push(row(&name, took.as_secs_f64(), "s"));
        if chats == 200 {
            let name = "resident memory after 200 chats";
            figures.push(row(name, bot.memory()?.resident, "MB"));
        }
        bot.stop()?;
    }
    Ok(figures)
}

/// SIGKILL when the middle one of the chats has its answer, and a start right after it.
async fn killed_midway() -> Result<Vec<Figure>> {
    let world = World::with_defaults().await?;
    let (bot, _) = world.start().await?;
    for person in FIRST..FIRST + MESSAGES {
        world.telegram.user_sends(person, person, "How are you?");
    }
    let half = FIRST + MESSAGES / 2;
    world.answered(half, 1).await?;
    bot.kill()?;
    let (bot, _) = world.start().await?;
    let (mut answered, mut answers) = (0, 0);
    for person in FIRST..FIRST + MESSAGES {
        // It is waited for by name: what never comes ends the run.
        world.answered(person, 1).await?;
        answered += 1;
        answers += world.answers(person).await;
    }
    bot.stop()?;
    let doubled = answers as f64 - f64::from(answered);
    Ok(vec![
        row("killed midway: answered of 50", f64::from(answered), ""),
        row("killed midway: sent again", doubled, ""),
    ])
}

/// The answer to a message while Telegram says for 20 s that it has had too many.
async fn flooded() -> Result<Figure> {
    let world = World::with_defaults().await?;
    let (bot, _) = world.start().await?;
    let flood = Fault::TooManyRequests { retry_after: 20 };
    world.telegram.fail("sendMessage", [flood]);
    let took = world.turn(FIRST).await?;
    bot.stop()?;
    let name = "\"too many requests\" for 20 s: the answer comes after";
    Ok(row(name, took.as_secs_f64(), "s"))
}

/// The first word to a person whose model accepts requests and never answers.
async fn kept_waiting() -> Result<Figure> {
    let world = World::with_defaults().await?;
    world.model.respond_with(|_| Reply::hang());
    let (bot, _) = world.start().await?;
    let started = Instant::now();
    world.telegram.user_sends(FIRST, FIRST, "How are you?");
    world.answered(FIRST, 1).await?;
    bot.kill()?;
    let name = "a model that hangs: the person is told after";
    Ok(row(name, started.elapsed().as_secs_f64(), "s"))
}
