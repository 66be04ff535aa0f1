//! The place of the browser in a program that was built without it.

use tokio::task::JoinSet;

use super::Ports;
use super::settings::Settings;

/// Nothing: the settings refuse to switch it on.
#[derive(Debug)]
pub struct RunningBrowser;

impl RunningBrowser {
    /// Starts nothing.
    pub(super) async fn start(
        _settings: &Settings,
        _ports: &mut Ports,
        _parts: &mut JoinSet<anyhow::Result<()>>,
    ) -> anyhow::Result<Self> {
        Ok(Self)
    }

    /// Ends nothing.
    pub(super) async fn end(&mut self) {}
}
