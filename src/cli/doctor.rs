//! `minibot doctor`: whether the bot has what it needs. With `--quick` only whether the running
//! bot is well, for health checks.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::{answer, runtime, settings};
use crate::adapters::config::WhenMissing;
use crate::adapters::sqlite::{DatabaseLock, Health};
use crate::adapters::system::SystemClock;
use crate::core::clock::Clock;
use crate::wiring::settings::Settings;
use crate::wiring::telegram::heartbeat_file;

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
            found: last_poll(&settings),
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

/// Three polls must not have failed in a row.
fn last_poll(settings: &Settings) -> Result<String, String> {
    let file = heartbeat_file(settings);
    let changed = file.metadata().and_then(|file| file.modified());
    let changed = changed.map_err(|_| "no poll has completed yet".to_owned())?;
    let age = (SystemClock.now() - chrono::DateTime::<chrono::Utc>::from(changed))
        .to_std()
        .unwrap_or(Duration::ZERO);
    let limit = settings.channels.telegram.poll_timeout_seconds.get() * 3;
    if age > limit {
        return Err(format!(
            "the last completed poll is {} s ago; look at the log for the reason",
            age.as_secs()
        ));
    }
    Ok(format!("last completed poll {} s ago", age.as_secs()))
}
