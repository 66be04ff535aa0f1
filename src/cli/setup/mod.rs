//! `minibot setup`: asks for what the bot needs, tries each answer live, and writes the config file.

mod convert;
mod file;
mod interrupt;
mod model;
mod person;
mod telegram;
mod zone;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::file::{Answers, Place, whole};
use self::interrupt::Interruptible;
pub(super) use self::model::{CALLS_TOOLS, one_question};
use self::person::Person;
pub(super) use self::zone::guess as zone_of_this_machine;
use super::{runtime, say};
use crate::core::http_url::HttpUrl;

/// Answers given beforehand, for scripts. What is not given is asked for on a terminal.
#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    /// Replace a config file that is there; the old one is kept beside it
    #[arg(long)]
    force: bool,
    /// Take over the config file of the Python MiniBot instead of asking
    #[arg(long, value_name = "OLD.toml", conflicts_with_all = ["bot_token_file", "user_id", "api_url", "no_telegram",
        "provider", "base_url", "api_key_file", "model", "timezone", "data_dir"])]
    from: Option<PathBuf>,
    /// A file with the bot's token; the config will name it
    #[arg(long, value_name = "PATH", conflicts_with = "no_telegram")]
    bot_token_file: Option<PathBuf>,
    /// Your own id in Telegram; without it setup waits for your /start
    #[arg(long, value_name = "ID", conflicts_with = "no_telegram")]
    user_id: Option<i64>,
    /// An own Bot API server
    #[arg(long, value_name = "URL", value_parser = HttpUrl::parse, conflicts_with = "no_telegram")]
    api_url: Option<HttpUrl>,
    /// No Telegram: the terminal alone
    #[arg(long)]
    no_telegram: bool,
    /// builtin, openai, openai_responses or openrouter
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Any server that speaks the provider's API
    #[arg(long, value_name = "URL", value_parser = HttpUrl::parse)]
    base_url: Option<HttpUrl>,
    /// A file with the key of the model's server; the config will name it
    #[arg(long, value_name = "PATH")]
    api_key_file: Option<PathBuf>,
    /// The model's name
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// An IANA name, such as Europe/Madrid
    #[arg(long, value_name = "NAME")]
    timezone: Option<String>,
    /// Where the bot keeps what it writes [default: the folder "data" beside the config, or /var/lib/minibot for one in /etc/minibot]
    #[arg(long, value_name = "PATH")]
    data_dir: Option<PathBuf>,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<ExitCode> {
    let place = Place::find(config, options.force)?;
    if let Some(old) = &options.from {
        return convert::run(old, &place);
    }
    let person = Person::here();
    let runtime = runtime()?;
    let interruptible = match person {
        Person::Present => Some(Interruptible::start()?),
        Person::Absent => None,
    };
    let telegram = telegram::ask(&person, options, &runtime)?;
    let model = model::ask(&person, options, &runtime)?;
    let timezone = zone::ask(&person, options.timezone.as_deref())?;
    drop(interruptible);
    let answers = Answers {
        telegram,
        model,
        timezone,
        data_dir: options.data_dir.as_deref().map(whole).transpose()?,
    };
    place.write(&answers.to_toml())?;
    say(&format!(
        "✓ {} is written; only you can read it.",
        place.shown()
    ));
    say(&match &answers.telegram {
        Some(bot) => format!(
            "Start the bot with \"minibot run\" (in Docker: \"docker compose up -d\"), then write to @{} in Telegram. \
             \"minibot doctor\" looks for problems.",
            bot.name
        ),
        None => "Talk to it with \"minibot console\".".to_owned(),
    });
    Ok(ExitCode::SUCCESS)
}
