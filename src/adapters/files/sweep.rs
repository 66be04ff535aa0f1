//! Deleting what was only there for a time.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::area::{self, CHATS, Location};
use super::beneath::{self, Missing, failure};
use crate::core::files::{FileError, WorkspacePath};

/// Deletes the files in `folder` of all chats that did not change since `older_than`; says which.
pub(super) fn sweep(
    root: &Path,
    folder: &WorkspacePath,
    older_than: DateTime<Utc>,
) -> Result<Vec<Location>, FileError> {
    let mut gone = Vec::new();
    if !root.is_dir() {
        return Ok(gone);
    }
    let failed = |error| failure("the workspaces", &error);
    let chats = beneath::open_folder(&area::open_root(root)?, &[CHATS], Missing::Make)?;
    let names: Vec<&str> = folder.as_str().split('/').collect();
    for chat in chats.entries().map_err(failed)? {
        let chat = chat.map_err(failed)?.file_name();
        let Some(chat) = chat.to_str() else {
            continue;
        };
        let way: Vec<&str> = std::iter::once(chat).chain(names.iter().copied()).collect();
        let Ok(dir) = beneath::open_folder(&chats, &way, Missing::Fail) else {
            continue;
        };
        for entry in dir.entries().map_err(failed)?.flatten() {
            let (name, metadata) = (entry.file_name(), entry.metadata());
            let (Some(name), Ok(metadata)) = (name.to_str(), metadata) else {
                continue;
            };
            let changed = beneath::stamp_of_entry(&metadata).modified_ns;
            let is_old = DateTime::from_timestamp_nanos(changed) < older_than;
            if !metadata.is_dir() && is_old && dir.remove_file(name).is_ok() {
                let path = format!("{folder}/{name}");
                gone.push(Location {
                    area: format!("{CHATS}/{chat}"),
                    shown: path.clone(),
                    path,
                });
            }
        }
    }
    Ok(gone)
}
