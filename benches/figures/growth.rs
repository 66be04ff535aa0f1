//! Whether a turn costs more when more is stored: two bots, one with a long past, are asked in turn.

use anyhow::Result;

use crate::Scale;
use crate::figure::{Figure, Goal, milliseconds, percentile};
use crate::seed;
use crate::world::{FIRST, World};

pub async fn measure(scale: Scale) -> Result<Vec<Figure>> {
    let turns = scale.of(500, 20);
    let worlds = [World::new("info").await?, World::new("info").await?];
    seed::messages(&worlds[0].database(), 100).await?;
    seed::messages(&worlds[1].database(), scale.of(1_000_000, 1_000)).await?;
    let bots = [worlds[0].start().await?.0, worlds[1].start().await?.0];
    for world in &worlds {
        world.turns(FIRST, 20).await?;
    }
    for bot in &bots {
        bot.settles().await?;
    }
    let before = [bots[0].cpu()?, bots[1].cpu()?];
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..turns {
        for (world, took) in worlds.iter().zip(&mut took) {
            took.extend(world.turns(FIRST, 1).await?);
        }
    }
    let cpu = |index: usize| -> Result<f64> {
        let used = bots[index].cpu()?.saturating_sub(before[index]);
        Ok(milliseconds(used) / turns as f64)
    };
    let (few, many) = (cpu(0)?, cpu(1)?);
    let [few_took, many_took] = took.map(|took| percentile(&took, 0.5));
    for bot in bots {
        bot.stop()?;
    }
    let name = |what, stored| format!("{what} with {stored} stored messages");
    // What differs by less is noise.
    let same = Goal::AtMost(1.2);
    Ok(vec![
        Figure::new(name("a turn", "100"), Goal::None, few_took, "ms"),
        Figure::new(name("a turn", "1,000,000"), Goal::None, many_took, "ms"),
        Figure::new(name("CPU of a turn", "100"), Goal::None, few, "ms"),
        Figure::new(name("CPU of a turn", "1,000,000"), Goal::None, many, "ms"),
        Figure::new("… one to the other: time", same, many_took / few_took, "×"),
        Figure::new("… one to the other: CPU", same, many / few, "×"),
    ])
}
