//! Settings of the terminal channel: `[channels.console]`.

use serde::Deserialize;

/// `[channels.console]`, which has no keys yet.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleConfig {}
