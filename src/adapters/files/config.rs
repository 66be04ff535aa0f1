//! Settings of the workspaces: `[tools.file_storage]`.

use std::path::PathBuf;

use serde::Deserialize;

use crate::core::units::{ByteCount, none_if_empty};

/// `[tools.file_storage]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileStorageConfig {
    pub enabled: bool,
    /// `None` means inside the data folder.
    #[serde(deserialize_with = "none_if_empty")]
    pub root_dir: Option<PathBuf>,
    /// The largest file that a tool writes.
    pub max_write_bytes: ByteCount,
    /// What one chat's folder may hold; the common folder as much again.
    pub quota_bytes: ByteCount,
    pub save_incoming_uploads: bool,
    pub uploads_subdir: String,
    pub incoming_temp_subdir: String,
}

impl Default for FileStorageConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            root_dir: None,
            max_write_bytes: ByteCount::kilobytes(64),
            quota_bytes: ByteCount::megabytes(500),
            save_incoming_uploads: false,
            uploads_subdir: "uploads".to_owned(),
            incoming_temp_subdir: "uploads/temp".to_owned(),
        }
    }
}
