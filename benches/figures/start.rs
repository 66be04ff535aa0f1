//! How soon the bot is there: on an empty database, on a full one, after a kill in the middle of its work.

use anyhow::Result;
use tokio::time::Instant;

use crate::Scale;
use crate::figure::{Figure, Goal, milliseconds, percentile};
use crate::process::PROGRAM;
use crate::seed;
use crate::world::{FIRST, World};

/// Each start is measured so often; the middle one counts.
const STARTS: usize = 5;

pub async fn measure(scale: Scale) -> Result<Vec<Figure>> {
    let stored = scale.of(100_000, 100);
    let bytes = std::fs::metadata(PROGRAM)?.len();
    let size = bytes as f64 / 1e6;
    let mut figures = vec![Figure::new(
        "size of the program",
        Goal::AtMost(30.0),
        size,
        "MB",
    )];
    for (stored, name) in [(0, "an empty database"), (stored, "100,000 messages")] {
        let world = World::new("info").await?;
        let first = if stored > 0 {
            seed::messages(&world.database(), stored).await?;
            None
        } else {
            let (bot, took) = world.start().await?;
            bot.stop()?;
            Some(took)
        };
        let mut took = Vec::new();
        for _ in 0..STARTS {
            let (bot, start) = world.start().await?;
            bot.stop()?;
            took.push(milliseconds(start));
        }
        if let Some(first) = first {
            let name = "the very first start, which creates the database, to getUpdates";
            figures.push(Figure::new(name, Goal::None, milliseconds(first), "ms"));
        }
        let name = format!("start to the first getUpdates, {name}");
        figures.push(Figure::new(
            name,
            Goal::AtMost(30.0),
            percentile(&took, 0.5),
            "ms",
        ));
        if stored > 0 {
            let kill = Goal::AtMost(500.0);
            let took = after_kill(&world).await?;
            figures.push(Figure::new(
                "SIGKILL under load to getUpdates, 100,000 messages",
                kill,
                took,
                "ms",
            ));
        }
    }
    Ok(figures)
}

/// Kills it while 50 chats are being answered.
async fn after_kill(world: &World) -> Result<f64> {
    let mut took = Vec::new();
    for _ in 0..STARTS {
        let (bot, _) = world.start().await?;
        let answers = world.answers(FIRST).await;
        for person in FIRST..FIRST + 50 {
            for _ in 0..5 {
                world.telegram.user_sends(person, person, "How are you?");
            }
        }
        world.answered(FIRST, answers + 1).await?;
        let killed = Instant::now();
        bot.kill()?;
        let (bot, _) = world.start().await?;
        let polls = world.telegram.calls("getUpdates");
        let back = polls.into_iter().find(|call| call.at > killed);
        took.extend(back.map(|call| milliseconds(call.at - killed)));
        world.answered(FIRST, answers + 5).await?;
        bot.stop()?;
    }
    Ok(percentile(&took, 0.5))
}
