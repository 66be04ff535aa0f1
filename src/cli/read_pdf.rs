//! `minibot read-pdf`: reads one PDF for the bot, in a process that may die of it.

use std::process::ExitCode;

use crate::adapters::media::{PdfLimits, read_pdf};

pub(super) fn run() -> anyhow::Result<ExitCode> {
    read_pdf(PdfLimits::default())?;
    Ok(ExitCode::SUCCESS)
}
