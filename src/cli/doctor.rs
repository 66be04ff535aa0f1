//! `minibot doctor`: whether the bot has what it needs. With `--quick` only whether the running
//! bot is well, for health checks.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::{answer, runtime, settings};
use crate::adapters::config::WhenMissing;
use crate::adapters::sqlite::{DatabaseLock, Health};
use crate::adapters::system::SystemClock;
use crate::adapters::telegram::config::UpdateMode;
use crate::wiring::settings::Settings;
use crate::wiring::telegram::Heartbeat;

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
struct Row {
    what: &'static str,
    found: Result<String, String>,
}

pub(super) fn run(config: Option<PathBuf>, depth: Depth) -> anyhow::Result<ExitCode> {
    let settings = settings(config, WhenMissing::UseDefaults)?.settings;
    let mut rows = vec![Row {
        what: "config",
        found: Ok("no problems".into()),
    }];
    rows.push(Row {
        what: "process",
        found: process(&settings),
    });
    rows.push(Row {
        what: "database",
        found: runtime()?.block_on(database(&settings, depth)),
    });
    if settings.channels.telegram.enabled {
        rows.push(Row {
            what: "Telegram",
            found: updates(&settings),
        });
    }
    let mut well = true;
    for row in rows {
        match row.found {
            Ok(words) => answer(&format!("✓ {}: {words}", row.what)),
            Err(words) => {
                well = false;
                answer(&format!("✗ {}: {words}", row.what));
            }
        }
    }
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn process(settings: &Settings) -> Result<String, String> {
    DatabaseLock::holder(&settings.database())
        .map(|holder| format!("running, {holder}"))
        .ok_or_else(|| "not running; start it with \"minibot run\"".into())
}

async fn database(settings: &Settings, depth: Depth) -> Result<String, String> {
    let path = settings.database();
    let health = Health::read(&path)
        .await
        .map_err(|error| error.to_string())?;
    if depth == Depth::Full {
        health
            .check_integrity()
            .await
            .map_err(|error| error.to_string())?;
    }
    Ok(format!(
        "{} can be read, schema {}",
        path.display(),
        health.schema()
    ))
}

fn updates(settings: &Settings) -> Result<String, String> {
    let heartbeat = Heartbeat::of(settings, Arc::new(SystemClock));
    let (sign, none_yet) = match settings.channels.telegram.mode {
        UpdateMode::LongPolling => ("completed poll", "no poll has completed yet"),
        UpdateMode::Webhook => ("sign of the webhook", "the webhook does not listen yet"),
    };
    let age = heartbeat.age().ok_or(none_yet)?;
    let seconds = age.as_secs();
    if age > heartbeat.longest_age() {
        return Err(format!(
            "the last {sign} is {seconds} s ago; look at the log for the reason"
        ));
    }
    Ok(format!("last {sign} {seconds} s ago"))
}
