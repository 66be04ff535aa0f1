//! The log: to stderr, and to a file when asked. It never holds a secret, because none is ever
//! handed to it: secrets have a type that does not print.

pub mod config;
mod daily;

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use self::config::{LogFormat, LoggingConfig};
use self::daily::DailyFile;
use crate::core::clock::Clock;

/// What these crates say below a warning is about themselves, and some of it holds addresses.
const QUIET: &str = "warn,minibot";

/// These write down what passes between the browser and its pages: passwords, what is typed, what is read.
/// So does the parser of pages, word by word.
const SILENT: [&str; 3] = ["headless_chrome=off", "tungstenite=off", "html5ever=off"];

/// Keeps the log file flowing; dropped at the very end.
#[derive(Debug)]
#[must_use = "dropping it ends the log file"]
pub struct LogGuard {
    _file: Option<WorkerGuard>,
}

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level or directives do not read.
    #[error(
        "runtime.log_level = {given:?}: {reason}; write a level (error, warn, info, debug, trace) or directives such as \"info,minibot::app=debug\""
    )]
    Level {
        /// What was given.
        given: String,
        /// What is wrong.
        reason: String,
    },
    /// The file cannot be written.
    #[error("logging.file = {file:?}: {reason}")]
    File {
        /// Which.
        file: String,
        /// Why.
        reason: String,
    },
    /// There is one already.
    #[error("the log is set up already")]
    Twice,
}

/// Starts the log of this process.
pub fn start(
    config: &LoggingConfig,
    level: &str,
    clock: Arc<dyn Clock>,
) -> Result<LogGuard, LogError> {
    let mut layers = vec![to_stderr(config.format).with_filter(filter(level)?).boxed()];
    let mut guard = None;
    if let Some(file) = &config.file {
        let (writer, kept) = tracing_appender::non_blocking(daily(file, clock)?);
        guard = Some(kept);
        let layer = tracing_logfmt::builder().layer().with_writer(writer);
        layers.push(layer.with_filter(filter(level)?).boxed());
    }
    tracing_subscriber::registry()
        .with(layers)
        .try_init()
        .map_err(|_| LogError::Twice)?;
    Ok(LogGuard { _file: guard })
}

/// A bare level is meant for this program; what others say below a warning is left out.
fn filter(level: &str) -> Result<EnvFilter, LogError> {
    let bare = level.parse::<tracing::Level>().is_ok();
    let directives = if bare {
        format!("{QUIET}={level}")
    } else {
        level.to_owned()
    };
    let filter = EnvFilter::try_new(&directives).map_err(|error| LogError::Level {
        given: level.to_owned(),
        reason: error.to_string(),
    })?;
    let silent = SILENT.iter().filter_map(|target| target.parse().ok());
    Ok(silent.fold(filter, EnvFilter::add_directive))
}

fn to_stderr(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    let terminal = std::io::stderr().is_terminal();
    match format {
        LogFormat::Pretty => pretty(terminal),
        LogFormat::Auto if terminal => pretty(terminal),
        LogFormat::Auto | LogFormat::Logfmt => tracing_logfmt::builder()
            .layer()
            .with_writer(std::io::stderr)
            .boxed(),
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .with_writer(std::io::stderr)
            .boxed(),
    }
}

fn pretty(terminal: bool) -> Box<dyn Layer<Registry> + Send + Sync> {
    tracing_subscriber::fmt::layer()
        .with_ansi(terminal && !plain_wanted())
        .with_target(false)
        .with_writer(std::io::stderr)
        .boxed()
}

/// Whether the person asked for no colours (<https://no-color.org>).
#[expect(
    clippy::disallowed_methods,
    reason = "NO_COLOR is a convention of the environment"
)]
pub fn plain_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

fn daily(file: &Path, clock: Arc<dyn Clock>) -> Result<DailyFile, LogError> {
    let failed = |reason: String| LogError::File {
        file: file.display().to_string(),
        reason,
    };
    let name = file.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| failed("this is not the name of a file".into()))?;
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    DailyFile::open(folder, name, clock).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::filter;

    #[test]
    fn what_passes_through_the_browser_is_never_written_down() {
        for level in ["trace", "trace,minibot=info", "headless_chrome=trace"] {
            let shown = filter(level).unwrap().to_string();
            for target in ["headless_chrome=off", "tungstenite=off"] {
                assert!(shown.contains(target), "{shown}");
            }
            assert!(!shown.contains("headless_chrome=trace"), "{shown}");
        }
    }
}
