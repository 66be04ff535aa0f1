//! `minibot usage`: tokens and money, read from the database while the bot runs or not.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{Form, answer, runtime, settings};
use crate::adapters::config::WhenMissing;
use crate::app::spending;
use crate::wiring::beside::Beside;
use crate::wiring::settings::Settings;
use crate::wiring::spending::limits;

pub(super) fn run(config: Option<PathBuf>, form: Form) -> anyhow::Result<ExitCode> {
    let settings = settings(config, WhenMissing::UseDefaults)?.settings;
    let text = runtime()?.block_on(report(&settings, form))?;
    answer(&text);
    Ok(ExitCode::SUCCESS)
}

async fn report(settings: &Settings, form: Form) -> anyhow::Result<String> {
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
    Ok(match form {
        Form::Text => report.lines().join("\n"),
        Form::Json => serde_json::to_string(&report)?,
    })
}
