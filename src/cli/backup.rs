//! `minibot backup` and `minibot restore`: a checked copy of the database, and the way back.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::{answer, runtime, say, settings};
use crate::adapters::config::WhenMissing;
use crate::adapters::sqlite::{DatabaseLock, Kept, back_up, put_back};
use crate::adapters::system::SystemClock;
use crate::core::clock::Clock;

/// Copies the database while the bot runs, or not.
pub(super) fn back_up_to(config: Option<PathBuf>, to: &Path) -> anyhow::Result<ExitCode> {
    let database = database(config)?;
    runtime()?.block_on(back_up(&database, to))?;
    let size = std::fs::metadata(to).map_or(0, |file| file.len());
    answer(&format!("{}: {size} bytes, checked.", to.display()));
    say(
        "It holds the conversations: keep it as closed as the database. The config and the files of the workspace are not in it.",
    );
    Ok(ExitCode::SUCCESS)
}

/// Puts a copy in the place of the database. The bot must not run.
pub(super) fn restore(config: Option<PathBuf>, from: &Path) -> anyhow::Result<ExitCode> {
    let database = database(config)?;
    // Before the lock, which makes the folder of the database.
    if from.try_exists().is_ok_and(|there| !there) {
        bail!("nothing was restored: {} does not exist", from.display());
    }
    let now = SystemClock.now();
    let _lock = DatabaseLock::acquire(&database, now)?;
    let stamp = now.format("%Y%m%dT%H%M%SZ").to_string();
    let put = runtime()?.block_on(put_back(from, &database, &stamp));
    let kept = put.context("nothing was restored")?;
    answer(&format!("{} is restored.", database.display()));
    match kept {
        Kept::At(old) => answer(&format!("The old one is kept: {}", old.display())),
        Kept::None => answer("There was none before."),
    }
    Ok(ExitCode::SUCCESS)
}

/// The database that is meant. Without a config only one that is there can be: in a wrong folder the answer would
/// be about another one, or none.
fn database(config: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let loaded = settings(config, WhenMissing::UseDefaults)?;
    let database = loaded.settings.database();
    if loaded.file.is_none() && database.try_exists().is_ok_and(|there| !there) {
        bail!(
            "there is no config.toml here, and no {}: name the config of the bot with --config PATH or $MINIBOT_CONFIG, \
             or go to its folder",
            database.display()
        );
    }
    Ok(database)
}
