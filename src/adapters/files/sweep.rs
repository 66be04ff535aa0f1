//! Deleting what was only there for a time.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::area::{self, CHATS, Location};
use super::beneath::{self, Missing, failure};
use crate::core::files::{FileError, WorkspacePath};

/// The areas of all chats.
pub(super) fn areas(root: &Path) -> Result<Vec<String>, FileError> {
    if !root.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |error| failure("the workspaces", &error);
    let chats = beneath::open_folder(&area::open_root(root)?, &[CHATS], Missing::Make)?;
    let mut areas = Vec::new();
    for chat in chats.entries().map_err(failed)? {
        let chat = chat.map_err(failed)?.file_name();
        areas.extend(chat.to_str().map(|chat| format!("{CHATS}/{chat}")));
    }
    Ok(areas)
}

/// Deletes the files in `folder` of an area that did not change since `older_than`; says which.
pub(super) fn sweep(
    root: &Path,
    area: &str,
    folder: &WorkspacePath,
    older_than: DateTime<Utc>,
) -> Result<Vec<Location>, FileError> {
    let way = format!("{area}/{folder}");
    let names: Vec<&str> = way.split('/').collect();
    // In most there is no such folder, and in some a program has put something else there.
    let Ok(dir) = beneath::open_folder(&area::open_root(root)?, &names, Missing::Fail) else {
        return Ok(Vec::new());
    };
    let failed = |error| failure("the workspaces", &error);
    let mut gone = Vec::new();
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
                area: area.to_owned(),
                shown: path.clone(),
                path,
            });
        }
    }
    Ok(gone)
}
