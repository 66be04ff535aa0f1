//! `minibot doctor`: whether the bot has what it needs, each thing tried live. With `--quick` only whether the
//! running bot is well, for health checks.

mod bot;
mod folders;
mod machine;
mod reach;

use std::path::PathBuf;
use std::process::ExitCode;

use super::{answer, printable, runtime};
use crate::adapters::config::{Loaded, WhenMissing};
use crate::wiring::settings::Settings;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Quick,
    Full,
}

impl From<bool> for Depth {
    fn from(quick: bool) -> Self {
        if quick { Self::Quick } else { Self::Full }
    }
}

/// One row of the table.
#[derive(Debug)]
struct Row {
    what: &'static str,
    found: Found,
}

/// What was found, and what to do about it.
#[derive(Debug)]
enum Found {
    /// As it should be.
    Well(String),
    /// The bot runs, but the person may want to know.
    Remark {
        /// What is so.
        what: String,
        /// What to do.
        fix: String,
    },
    /// Something does not work.
    Broken {
        /// What is so.
        what: String,
        /// What to do.
        fix: String,
    },
}

impl Row {
    fn new(what: &'static str, found: Found) -> Self {
        Self { what, found }
    }
}

impl Found {
    fn remark(what: impl Into<String>, fix: impl Into<String>) -> Self {
        let (what, fix) = (what.into(), fix.into());
        Self::Remark { what, fix }
    }

    fn broken(what: impl Into<String>, fix: impl Into<String>) -> Self {
        let (what, fix) = (what.into(), fix.into());
        Self::Broken { what, fix }
    }

    fn line(&self) -> (char, String) {
        match self {
            Self::Well(words) => ('✓', words.clone()),
            Self::Remark { what, fix } => ('!', format!("{what}\n    → {fix}")),
            Self::Broken { what, fix } => ('✗', format!("{what}\n    → {fix}")),
        }
    }
}

pub(super) fn run(config: Option<PathBuf>, depth: Depth) -> anyhow::Result<ExitCode> {
    let loaded = super::settings(config, WhenMissing::UseDefaults)?;
    let rows = runtime()?.block_on(look(&loaded, depth));
    let mut exit = ExitCode::SUCCESS;
    for row in rows {
        let (sign, words) = row.found.line();
        answer(&format!("{sign} {}: {}", row.what, printable(&words)));
        if sign == '✗' {
            exit = ExitCode::FAILURE;
        }
    }
    Ok(exit)
}

async fn look(loaded: &Loaded<Settings>, depth: Depth) -> Vec<Row> {
    let settings = &loaded.settings;
    let mut rows = vec![
        Row::new("config", bot::config(loaded)),
        Row::new("process", bot::process(settings, depth)),
        Row::new("database", bot::database(settings, depth).await),
    ];
    if settings.channels.telegram.enabled {
        if depth == Depth::Full {
            rows.push(Row::new("Telegram", reach::telegram(settings).await));
        }
        rows.extend(bot::updates(settings, depth).map(|found| Row::new("updates", found)));
        if depth == Depth::Full {
            let webhook = reach::webhook(settings).await;
            rows.extend(webhook.map(|found| Row::new("webhook", found)));
        }
    }
    if depth == Depth::Full {
        rows.push(Row::new("folders", folders::folders(settings)));
        rows.extend(reach::models(settings).await);
        let transcription = reach::transcription(settings).await;
        rows.extend(transcription.map(|found| Row::new("transcription", found)));
        rows.extend(machine::rows(settings).await);
    }
    rows
}
