//! Settings of the logs: `[logging]`.

use std::path::PathBuf;

use serde::Deserialize;

use crate::core::units::none_if_empty;

/// `[logging]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoggingConfig {
    pub format: LogFormat,
    /// Also written there, rotated daily, 14 kept.
    #[serde(deserialize_with = "none_if_empty")]
    pub file: Option<PathBuf>,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Pretty on a terminal, else logfmt.
    #[default]
    Auto,
    Logfmt,
    Pretty,
    Json,
}
