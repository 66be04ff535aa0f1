//! `minibot usage`: tokens and money, read from the database while the bot runs or not.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{answer, runtime, settings};
use crate::adapters::config::WhenMissing;
use crate::app::spending;
use crate::wiring::beside::Beside;
use crate::wiring::settings::Settings;
use crate::wiring::spending::limits;

/// For whom the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Person,
    Program,
}

impl From<bool> for Reader {
    fn from(json: bool) -> Self {
        if json { Self::Program } else { Self::Person }
    }
}

pub(super) fn run(config: Option<PathBuf>, reader: Reader) -> anyhow::Result<ExitCode> {
    let settings = settings(config, WhenMissing::UseDefaults)?.settings;
    let text = runtime()?.block_on(report(&settings, reader))?;
    answer(&text);
    Ok(ExitCode::SUCCESS)
}

async fn report(settings: &Settings, reader: Reader) -> anyhow::Result<String> {
    let beside = Beside::open(settings).await?;
    let report = spending::report(
        beside.ports.usage.as_ref(),
        limits(&settings.llm.budget),
        settings.runtime.timezone,
        beside.ports.clock.now(),
    )
    .await;
    beside.close().await;
    let report = report?;
    Ok(match reader {
        Reader::Person => report.lines().join("\n"),
        Reader::Program => serde_json::to_string(&report)?,
    })
}
