//! The bot itself: its config, its process, its database, and whether updates arrive.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Depth, Found};
use crate::adapters::config::Loaded;
use crate::adapters::sqlite::{DatabaseLock, Health};
use crate::adapters::system::SystemClock;
use crate::adapters::telegram::config::UpdateMode;
use crate::wiring::settings::Settings;
use crate::wiring::telegram::Heartbeat;

/// A bot that is not running is what a health check looks for, and no fault before the first start.
pub(super) fn process(settings: &Settings, depth: Depth) -> Found {
    let start = "start it with \"minibot run\"; if it ended by itself, its log says why";
    match (DatabaseLock::holder(&settings.database()), depth) {
        (Some(holder), _) => Found::Well(format!("running, {holder}")),
        (None, Depth::Quick) => Found::broken("not running", start),
        (None, Depth::Full) => Found::remark("not running", start),
    }
}

pub(super) fn config(loaded: &Loaded<Settings>) -> Found {
    let file = loaded.file.as_ref();
    let name = file.map_or_else(
        || "none; the defaults hold".to_owned(),
        |file| format!("{}, no problems", file.display()),
    );
    match loaded.warnings.len() {
        0 => Found::Well(name),
        count => Found::remark(
            format!("{name}; warnings: {count}"),
            "they stand above; each says what to do",
        ),
    }
}

pub(super) async fn database(settings: &Settings, depth: Depth) -> Found {
    let path = settings.database();
    match path.try_exists() {
        Ok(false) if depth == Depth::Full => {
            let what = format!("{} does not exist yet", path.display());
            return Found::remark(what, "the first start makes it");
        }
        // Where nothing can be seen there may be one.
        Err(error) => {
            let what = format!("{}: {error}", path.display());
            return Found::broken(what, "check that the folders above it belong to this user");
        }
        Ok(_) => {}
    }
    let restore = "restore a backup: minibot restore FILE";
    let health = match Health::read(&path).await {
        Ok(health) => health,
        Err(error) => {
            let fix =
                "check that the file belongs to this user; if it is damaged, minibot restore FILE";
            return Found::broken(error.to_string(), fix);
        }
    };
    if depth == Depth::Full
        && let Err(error) = health.check_integrity().await
    {
        return Found::broken(error.to_string(), restore);
    }
    let size = std::fs::metadata(&path).map_or(0, |file| file.len());
    let (found, known) = (health.schema(), Health::newest_known());
    let words = format!("{}, {:.1} MB, schema {found}", path.display(), mega(size));
    match found.cmp(&known) {
        Ordering::Equal => Found::Well(words),
        Ordering::Less => Found::remark(
            format!("{words} of an older minibot"),
            format!("the next start makes a copy and brings it to schema {known}"),
        ),
        Ordering::Greater => Found::broken(
            format!("{words} of a newer minibot"),
            "run that version, or restore a copy made before the upgrade",
        ),
    }
}

/// Whether updates can arrive at a running bot; `None` where there is nothing to look at.
pub(super) fn updates(settings: &Settings, depth: Depth) -> Option<Found> {
    let is_running = DatabaseLock::holder(&settings.database()).is_some();
    if depth == Depth::Full && !is_running {
        return None;
    }
    let heartbeat = Heartbeat::of(settings, Arc::new(SystemClock));
    let (sign, none_yet) = match settings.channels.telegram.mode {
        UpdateMode::LongPolling => ("completed poll", "no poll has completed yet"),
        UpdateMode::Webhook => ("sign of the webhook", "the webhook does not listen yet"),
    };
    let log = "look at the log for the reason";
    let Some(age) = heartbeat.age() else {
        return Some(Found::broken(none_yet, log));
    };
    let words = format!("last {sign} {} s ago", age.as_secs());
    Some(if age > heartbeat.longest_age() {
        Found::broken(words, log)
    } else {
        Found::Well(words)
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "one digit behind the point is shown"
)]
pub(super) fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
