//! Many chats at once: how many turns get done, how long 300 people wait, and what stays in memory.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use crate::Scale;
use crate::figure::{Figure, Goal, milliseconds, percentile};
use crate::process::own_cpu;
use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::world::{FIRST, World};

const CHATS: i64 = 50;
/// Messages that each chat sends at once.
const EACH: usize = 20;
/// How long the model takes in the crowd of 300.
const THINKING: Duration = Duration::from_millis(200);

pub async fn measure(scale: Scale) -> Result<Vec<Figure>> {
    let mut figures = many_turns(scale.of(10, 2)).await?;
    figures.push(at_once(300).await?);
    Ok(figures)
}

/// Waves of 1,000 messages, with a look at the memory after half of them and after all.
async fn many_turns(waves: usize) -> Result<Vec<Figure>> {
    let world = World::new("info").await?;
    let (bot, _) = world.start().await?;
    let turns = EACH as f64 * CHATS as f64;
    let (mut rates, mut memory) = (Vec::new(), Vec::new());
    let (before, fakes_before) = (bot.cpu()?, own_cpu()?);
    for _ in 0..waves {
        rates.push(turns / wave(&world).await?.as_secs_f64());
        memory.push(bot.memory()?);
    }
    let per_turn = 1.0 / (turns * waves as f64);
    let cpu = milliseconds(bot.cpu()?.saturating_sub(before)) * per_turn;
    let fakes = milliseconds(own_cpu()?.saturating_sub(fakes_before)) * per_turn;
    let (half, all) = (memory[waves / 2 - 1], memory[waves - 1]);
    let grown = all.resident - half.resident;
    bot.stop()?;
    Ok(vec![
        Figure::new(
            "turns per second, 50 chats, instant model",
            Goal::AtLeast(500.0),
            percentile(&rates, 0.5),
            "",
        ),
        Figure::new("… CPU of the bot per turn", Goal::None, cpu, "ms"),
        Figure::new(
            "… CPU of the fakes per turn, on the same cores",
            Goal::None,
            fakes,
            "ms",
        ),
        Figure::new(
            "resident memory after 10,000 turns",
            Goal::AtMost(20.0),
            all.resident,
            "MB",
        ),
        Figure::new(
            "… of that not from the program's file, after 10,000 turns",
            Goal::None,
            all.anonymous,
            "MB",
        ),
        Figure::new(
            "… grown over the last 5,000",
            Goal::AtMost(1.0),
            grown,
            "MB",
        ),
    ])
}

/// Each chat sends all its messages at once; how long until the last is answered.
async fn wave(world: &World) -> Result<Duration> {
    let answers = world.answers(FIRST).await;
    let started = Instant::now();
    for _ in 0..EACH {
        for person in FIRST..FIRST + CHATS {
            world.telegram.user_sends(person, person, "How are you?");
        }
    }
    for person in FIRST..FIRST + CHATS {
        world.answered(person, answers + EACH).await?;
    }
    Ok(started.elapsed())
}

/// One message of each of so many chats, and a model that thinks; how long until all are answered.
pub async fn all_answered(world: &World, chats: i64) -> Result<Duration> {
    world.model.respond_with(|_| thoughtful());
    let started = Instant::now();
    for person in FIRST..FIRST + chats {
        world.telegram.user_sends(person, person, "How are you?");
    }
    for person in FIRST..FIRST + chats {
        world.answered(person, 1).await?;
    }
    Ok(started.elapsed())
}

/// The middle of three, each with a bot of its own.
async fn at_once(chats: i64) -> Result<Figure> {
    let mut took = Vec::new();
    for _ in 0..3 {
        let world = World::new("info").await?;
        let (bot, _) = world.start().await?;
        took.push(all_answered(&world, chats).await?.as_secs_f64());
        bot.stop()?;
    }
    let name = "300 chats at once, 0.2 s model, all answered after";
    Ok(Figure::new(
        name,
        Goal::AtMost(1.0),
        percentile(&took, 0.5),
        "s",
    ))
}

/// An answer that begins after a while.
fn thoughtful() -> Reply {
    let gate = Gate::new();
    let reply = Reply::text("Done.").held(&gate);
    tokio::spawn(async move {
        sleep(THINKING).await;
        gate.open();
    });
    reply
}
