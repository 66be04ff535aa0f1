//! `minibot check`: the configuration alone.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{answer, settings};
use crate::adapters::config::WhenMissing;

pub(super) fn run(config: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let loaded = settings(config, WhenMissing::Refuse)?;
    let file = loaded.file.map_or_else(
        || "the environment".into(),
        |file| file.display().to_string(),
    );
    let remark = match loaded.warnings.len() {
        0 => String::new(),
        1 => ", with 1 warning".into(),
        count => format!(", with {count} warnings"),
    };
    answer(&format!("{file}: no problems{remark}"));
    Ok(ExitCode::SUCCESS)
}
