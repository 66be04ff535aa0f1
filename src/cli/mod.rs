//! The command line: one file a command.

mod audit;
mod backup;
mod check;
mod completions;
mod console;
mod doctor;
mod history;
mod jobs;
mod read_pdf;
mod run;
mod setup;
mod usage;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::adapters::config::{Environment, Loaded, Source, WhenMissing, load};
use crate::adapters::media::READ_PDF;
use crate::adapters::sandbox;
use crate::adapters::sqlite::AuditFilter;
use crate::wiring::settings::{RULES, Settings};

/// A personal AI assistant that you run yourself and talk to in Telegram.
#[derive(Debug, Parser)]
#[command(
    name = "minibot",
    version,
    about,
    after_help = "Example: minibot console"
)]
struct Arguments {
    /// The configuration file [default: $MINIBOT_CONFIG, else ./config.toml]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every enabled channel, the scheduler and the outbox (the default)
    #[command(after_help = "Example: minibot run --config /etc/minibot/config.toml")]
    Run,
    /// Chat in the terminal; works without a configuration
    #[command(
        after_help = "Example: minibot console --once \"remind me in 30 minutes to stretch\""
    )]
    Console {
        /// Print one answer and exit
        #[arg(long, value_name = "TEXT")]
        once: Option<String>,
    },
    /// Ask for what the bot needs, try it, and write config.toml
    #[command(after_help = "Example: minibot setup")]
    Setup(Box<setup::Options>),
    /// Check the configuration and show every problem
    #[command(after_help = "Example: minibot check --config config.toml")]
    Check,
    /// Check what the bot needs here
    #[command(after_help = "Example: minibot doctor --quick")]
    Doctor {
        /// Only whether the running bot is well: lock, database, updates
        #[arg(long)]
        quick: bool,
    },
    /// Look into the scheduled jobs and change them, also while the bot runs
    #[command(after_help = "Example: minibot jobs list")]
    Jobs {
        /// For programs
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: Option<jobs::Command>,
    },
    /// Show the conversations, or what was said in a chat
    #[command(after_help = "Example: minibot history --chat 123456789")]
    History {
        /// The chat's id, as listed: its summary and its newest messages
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        chat: Option<String>,
        /// How many of the newest messages
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Show which tools were called, who decided, and how it ended
    #[command(
        after_help = "Example: minibot audit --tool bash --limit 5\n         minibot audit --verify"
    )]
    Audit {
        /// Only of this chat
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        chat: Option<String>,
        /// Only of this tool
        #[arg(long, value_name = "NAME")]
        tool: Option<String>,
        /// How many of the newest entries
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// Check that no row was changed or is missing; code 1 and the first such row if one is
        #[arg(long, conflicts_with_all = ["chat", "tool", "limit"])]
        verify: bool,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Show tokens and money: today, this month, by model, and what is left of the budget
    #[command(after_help = "Example: minibot usage --json")]
    Usage {
        /// For programs; amounts are millionths of a dollar
        #[arg(long)]
        json: bool,
    },
    /// Copy the database to a file, also while the bot runs, and check the copy
    #[command(after_help = "Example: minibot backup minibot-backup.db")]
    Backup {
        /// Where to; it must not exist
        file: PathBuf,
    },
    /// Put a copy in the place of the database; the old one is kept beside it
    #[command(after_help = "Example: minibot restore minibot-backup.db")]
    Restore {
        /// A file that `minibot backup` made
        file: PathBuf,
    },
    /// Print a completion script for a shell
    #[command(after_help = "Example: minibot completions bash > /etc/bash_completion.d/minibot")]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// The helper of one run in the sandbox; only the bot calls it
    #[command(name = sandbox::HELPER, hide = true)]
    Sandbox,
    /// The second stage of such a run
    #[command(name = sandbox::SECOND_STAGE, hide = true)]
    Confine {
        order: String,
        #[arg(last = true)]
        command: Vec<OsString>,
    },
    /// A browser that sees its profile and speaks to one port
    #[command(name = sandbox::BROWSER_STAGE, hide = true)]
    ConfineBrowser {
        #[arg(long)]
        profile: PathBuf,
        #[arg(long)]
        port: u16,
        #[arg(long)]
        parent: i32,
        #[arg(last = true)]
        command: Vec<OsString>,
    },
    /// Read a PDF from standard input for the bot and print its text
    #[command(name = READ_PDF, hide = true)]
    ReadPdf,
}

/// Runs the command line of this process. Errors of usage end it with code 2.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    #[cfg(feature = "failpoints")]
    crate::wiring::failpoints::arm();
    let result = match arguments.command.unwrap_or(Command::Run) {
        Command::Run => run::run(arguments.config),
        Command::Console { once } => console::run(arguments.config, once),
        Command::Setup(options) => setup::run(arguments.config, &options),
        Command::Check => check::run(arguments.config),
        Command::Doctor { quick } => doctor::run(arguments.config, quick.into()),
        Command::Jobs { json, command } => jobs::run(arguments.config, command, json.into()),
        Command::History { chat, limit, json } => {
            history::run(arguments.config, chat.as_deref(), limit, json.into())
        }
        Command::Audit {
            chat,
            tool,
            limit,
            verify,
            json,
        } => {
            let filter = AuditFilter { chat, tool, limit };
            let request = if verify {
                audit::Request::Verify
            } else {
                audit::Request::Show(filter)
            };
            audit::run(arguments.config, request, json.into())
        }
        Command::Usage { json } => usage::run(arguments.config, json.into()),
        Command::Backup { file } => backup::back_up_to(arguments.config, &file),
        Command::Restore { file } => backup::restore(arguments.config, &file),
        Command::Completions { shell } => completions::run(shell),
        Command::Sandbox => Ok(sandbox::supervise()),
        Command::Confine { order, command } => Ok(sandbox::confine(&order, &command)),
        Command::ConfineBrowser {
            profile,
            port,
            parent,
            command,
        } => Ok(sandbox::confine_browser(&profile, port, parent, &command)),
        Command::ReadPdf => read_pdf::run(),
    };
    result.unwrap_or_else(|error| {
        say(&format!("minibot: {error:#}"));
        ExitCode::FAILURE
    })
}

/// Reads the settings, or says every problem at once.
fn settings(named: Option<PathBuf>, when_missing: WhenMissing) -> anyhow::Result<Loaded<Settings>> {
    let working_dir = std::env::current_dir().context("there is no working directory")?;
    let source = Source {
        named,
        working_dir,
        when_missing,
    };
    let loaded = load::<Settings>(&source, &Environment::of_process(), &RULES);
    let mut loaded =
        loaded.map_err(|problems| anyhow::anyhow!("{}", problems.to_string().trim_end()))?;
    let sources = loaded.file.iter().chain(&loaded.secret_files);
    loaded.settings.sources = sources.cloned().collect();
    for warning in &loaded.warnings {
        say(&format!("minibot: warning: {warning}"));
    }
    Ok(loaded)
}

/// The runtime of a command. Everything is done on one thread, but for what blocks: the database's connections,
/// the browser, pictures and pages have their own. With a second one each turn only wakes it up and waits for it.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime can be started")
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl From<bool> for Form {
    fn from(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

/// Text of others must not drive the terminal.
fn printable(text: &str) -> String {
    let safe = |c: char| {
        if c.is_control() && c != '\n' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(safe).collect()
}

/// A line on standard error. Where nobody reads it, there is nobody to tell.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A line on standard output. Whoever has read enough, as `head` has, ends the command quietly.
fn answer(line: &str) {
    let mut output = io::stdout().lock();
    let written = writeln!(output, "{line}").and_then(|()| output.flush());
    if let Err(error) = written {
        if error.kind() != io::ErrorKind::BrokenPipe {
            say(&format!("minibot: the answer cannot be written: {error}"));
        }
        std::process::exit(1);
    }
}
