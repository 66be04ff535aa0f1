//! `minibot run`: everything that is enabled, until a signal comes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use sd_notify::NotifyState;
use tracing::{error, info};

use super::{runtime, settings};
use crate::adapters::config::WhenMissing;
use crate::adapters::system::SystemClock;
use crate::adapters::telemetry;
use crate::core::clock::Clock;
use crate::wiring::lifecycle::{Running, Store};
use crate::wiring::settings::Settings;
use crate::wiring::telegram::Telegram;

pub(super) fn run(config: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let loaded = settings(config, WhenMissing::Refuse)?;
    let settings = loaded.settings;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let level = &settings.runtime.log_level;
    let _log = telemetry::start(&settings.logging, level, clock.clone())?;
    let runtime = runtime()?;
    let result = runtime.block_on(serve(&settings, &clock));
    // Whatever still blocks must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}

async fn serve(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<ExitCode> {
    let Some(telegram) = Telegram::configured(settings, clock)? else {
        bail!(
            "no channel is enabled; set channels.telegram.enabled = true, or try \
             \"minibot console\""
        );
    };
    let store = Store::open(settings).await?;
    let mut running = Running::start(settings, &store, vec![telegram.channel()]).await?;
    telegram.start(&store, &mut running);
    let environment = settings.runtime.environment.as_str();
    info!(version = env!("CARGO_PKG_VERSION"), environment, "started");
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    let result = running.until_stopped().await;
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    store.close().await;
    // In the log, wherever that is written to.
    Ok(match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("ended: {error:#}");
            ExitCode::FAILURE
        }
    })
}
