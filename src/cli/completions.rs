//! `minibot completions`: scripts for shells.

use std::process::ExitCode;

use clap::CommandFactory;

use super::Arguments;

pub(super) fn run(shell: clap_complete::Shell) -> anyhow::Result<ExitCode> {
    clap_complete::generate(
        shell,
        &mut Arguments::command(),
        "minibot",
        &mut std::io::stdout(),
    );
    Ok(ExitCode::SUCCESS)
}
