//! Settings of the database: `[storage]`.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::core::units::{count, none_if_empty};

/// `[storage]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// The database file; `None` means inside the data folder.
    #[serde(deserialize_with = "none_if_empty")]
    pub path: Option<PathBuf>,
    /// Days for which rows that are done with are kept; conversations, notes and audit stay.
    pub keep_days: NonZeroU32,
    /// How long a statement waits for a lock, in milliseconds.
    pub busy_timeout_ms: u32,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            path: None,
            keep_days: count(90),
            busy_timeout_ms: 5000,
        }
    }
}

impl StorageConfig {
    /// SQLite counts it in 31 bits.
    pub const LONGEST_BUSY_TIMEOUT_MS: u32 = i32::MAX as u32;

    /// The database file.
    pub fn database(&self, data_dir: &Path) -> PathBuf {
        self.path
            .clone()
            .unwrap_or_else(|| data_dir.join("minibot.db"))
    }

    /// How long a statement waits for a lock.
    pub fn busy_timeout(&self) -> Duration {
        Duration::from_millis(self.busy_timeout_ms.into())
    }
}
