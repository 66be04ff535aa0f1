//! `minibot completions`: scripts for shells.

use std::process::ExitCode;

use clap::CommandFactory;

use super::{Arguments, answer};

const NAME: &str = "minibot";

pub(super) fn run(shell: clap_complete::Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut for_people(), NAME, &mut script);
    answer(String::from_utf8_lossy(&script).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// The command line without what only the bot itself calls.
fn for_people() -> clap::Command {
    let whole = Arguments::command();
    let shown = whole
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    clap::Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments())
        .subcommands(shown)
}
