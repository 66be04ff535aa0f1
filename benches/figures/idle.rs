//! What the bot takes while nothing happens.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use crate::Scale;
use crate::figure::{Figure, Goal, milliseconds};
use crate::world::World;

pub async fn measure(scale: Scale) -> Result<Vec<Figure>> {
    let world = World::new("info").await?;
    let (bot, _) = world.start().await?;
    bot.settles().await?;
    let memory = bot.memory()?;
    let seconds = scale.of(60, 10);
    let before = bot.cpu()?;
    sleep(Duration::from_secs(seconds as u64)).await;
    let used = milliseconds(bot.cpu()?.saturating_sub(before));
    bot.stop()?;
    let cpu = used / seconds as f64;
    Ok(vec![
        Figure::new(
            "resident memory, idle",
            Goal::AtMost(12.0),
            memory.resident,
            "MB",
        ),
        Figure::new(
            "… of that not from the program's file",
            Goal::None,
            memory.anonymous,
            "MB",
        ),
        Figure::new("idle CPU per second", Goal::AtMost(1.0), cpu, "ms"),
    ])
}
