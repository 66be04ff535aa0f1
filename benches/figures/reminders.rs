//! How punctual reminders are: one by one, and ten thousand in the same second.

use std::time::Duration;

use anyhow::{Result, bail};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::time::{Instant, sleep};

use crate::Scale;
use crate::figure::{Figure, Goal, milliseconds, percentile};
use crate::seed;
use crate::world::{FIRST, PEOPLE, World};

/// The bot is up and idle by then.
const LEAD: TimeDelta = TimeDelta::seconds(3);
/// Chats that have reminders in the flood; the last person has none.
const REMINDED: i64 = PEOPLE - 1;

pub async fn measure(scale: Scale) -> Result<Vec<Figure>> {
    let mut figures = one_by_one(scale.of(200, 20)).await?;
    figures.extend(flood(scale.of(10_000, 200)).await?);
    Ok(figures)
}

async fn one_by_one(count: usize) -> Result<Vec<Figure>> {
    let world = World::new("info").await?;
    let first = (Utc::now() + LEAD).trunc_subsecs(3);
    let due: Vec<(i64, DateTime<Utc>)> = (FIRST..FIRST + REMINDED)
        .cycle()
        .zip(0..i32::try_from(count)?)
        .map(|(chat, index)| (chat, first + TimeDelta::milliseconds(150) * index))
        .collect();
    seed::reminders(&world.database(), &due).await?;
    let (bot, _) = world.start().await?;
    let (wall, monotonic) = (Utc::now(), Instant::now());
    let sent = world.telegram.wait_for_calls("sendMessage", count).await;
    let mut late = Vec::new();
    for ((_, due), call) in due.iter().zip(&sent) {
        let sent_at = wall + TimeDelta::from_std(call.at - monotonic)?;
        late.push(milliseconds((sent_at - *due).to_std().unwrap_or_default()));
    }
    bot.stop()?;
    let name = |which| format!("lateness of a reminder on an idle bot, {which}");
    Ok(vec![
        Figure::new(name("p50"), Goal::None, percentile(&late, 0.5), "ms"),
        Figure::new(
            name("p99"),
            Goal::AtMost(100.0),
            percentile(&late, 0.99),
            "ms",
        ),
    ])
}

/// All are due at the same moment; then somebody else writes.
async fn flood(count: usize) -> Result<Vec<Figure>> {
    let world = World::new("info").await?;
    let due_at = (Utc::now() + LEAD + TimeDelta::seconds(1)).trunc_subsecs(3);
    let due: Vec<(i64, DateTime<Utc>)> = (FIRST..FIRST + REMINDED)
        .cycle()
        .take(count)
        .map(|chat| (chat, due_at))
        .collect();
    seed::reminders(&world.database(), &due).await?;
    let (bot, _) = world.start().await?;
    let due_in = (due_at - Utc::now()).to_std();
    let Ok(due_in) = due_in else {
        bail!("the bot was not there in time")
    };
    let due = Instant::now() + due_in;
    tokio::time::sleep_until(due).await;
    let (handed_over, meanwhile) = tokio::join!(handed_over(&world, count), meanwhile(&world));
    let (answered_after, sent_by_then) = meanwhile?;
    let all = world
        .telegram
        .wait_for_calls("sendMessage", count + 1)
        .await;
    let last = all.iter().map(|call| call.at).max().unwrap_or(due);
    bot.stop()?;
    let (handed_over, last) = (
        (handed_over? - due).as_secs_f64(),
        (last - due).as_secs_f64(),
    );
    Ok(vec![
        Figure::new(
            "10,000 reminders due at once: all handed to the sender",
            Goal::AtMost(1.0),
            handed_over,
            "s",
        ),
        Figure::new("… all sent", Goal::None, last, "s"),
        Figure::new(
            "… a message of another chat meanwhile is answered after",
            Goal::None,
            answered_after,
            "ms",
        ),
        Figure::new(
            "… reminders that were sent by then",
            Goal::None,
            sent_by_then,
            "",
        ),
    ])
}

/// When there was a receipt, and with it a row of the outbox, for each.
async fn handed_over(world: &World, count: usize) -> Result<Instant> {
    let mut database = seed::look_into(&world.database()).await?;
    loop {
        let done: i64 = sqlx::query_scalar("SELECT count(*) FROM occurrences")
            .fetch_one(&mut database)
            .await?;
        if usize::try_from(done)? >= count {
            return Ok(Instant::now());
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// A message in the middle of it: how long its answer took, and how many reminders were sent by then.
async fn meanwhile(world: &World) -> Result<(f64, f64)> {
    sleep(Duration::from_millis(100)).await;
    let took = world.turn(FIRST + REMINDED).await?;
    let sent = world.telegram.calls("sendMessage").len() - 1;
    Ok((milliseconds(took), sent as f64))
}
