//! `minibot backup` and `minibot restore`: a checked copy of the database, and the way back.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::{answer, runtime, say, settings};
use crate::adapters::config::WhenMissing;
use crate::adapters::sqlite::{DatabaseLock, Kept, back_up, put_back};
use crate::adapters::system::SystemClock;
use crate::core::clock::Clock;

/// Copies the database while the bot runs, or not.
pub(super) fn back_up_to(config: Option<PathBuf>, to: &Path) -> anyhow::Result<ExitCode> {
    let settings = settings(config, WhenMissing::UseDefaults)?.settings;
    runtime()?.block_on(back_up(&settings.database(), to))?;
    let size = std::fs::metadata(to).map_or(0, |file| file.len());
    answer(&format!("{}: {size} bytes, checked.", to.display()));
    say(
        "It holds the conversations: keep it as closed as the database. The config and the files of the workspace are not in it.",
    );
    Ok(ExitCode::SUCCESS)
}

/// Puts a copy in the place of the database. The bot must not run.
pub(super) fn restore(config: Option<PathBuf>, from: &Path) -> anyhow::Result<ExitCode> {
    let settings = settings(config, WhenMissing::UseDefaults)?.settings;
    let database = settings.database();
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
