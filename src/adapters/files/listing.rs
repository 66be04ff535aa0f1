//! What a folder holds.

use cap_fs_ext::DirExt;
use cap_std::fs::{Dir, Metadata};
use chrono::DateTime;

use super::area::Location;
use super::beneath::{self, failure};
use super::quota::DEEPEST;
use crate::core::file_labels::KnownFiles;
use crate::core::files::{Depth, EntryKind, FileEntry, FileError, Listing, SHARED, WorkspacePath};

/// So many entries are looked at before the first are chosen.
const MOST_LOOKED_AT: usize = 20_000;

/// Lists a folder.
pub(super) fn list(
    folder: &Dir,
    location: &Location,
    known: &KnownFiles,
    (depth, limit): (Depth, usize),
) -> Result<Listing, FileError> {
    let mut walk = Walk {
        known,
        levels: match depth {
            Depth::Folder => 1,
            Depth::Tree => DEEPEST,
        },
        found: Listing::default(),
    };
    walk.add(folder, location, 0)?;
    let mut found = walk.found;
    found
        .entries
        .sort_by(|one, other| one.path.cmp(&other.path));
    if found.entries.len() > limit {
        found.left_out += (found.entries.len() - limit) as u64;
        found.entries.truncate(limit);
    }
    Ok(found)
}

struct Walk<'a> {
    known: &'a KnownFiles,
    levels: usize,
    found: Listing,
}

impl Walk<'_> {
    fn add(&mut self, folder: &Dir, location: &Location, level: usize) -> Result<(), FileError> {
        for entry in folder.entries().map_err(|e| failure(&location.shown, &e))? {
            let entry = entry.map_err(|error| failure(&location.shown, &error))?;
            let name = entry.file_name();
            let here = name.to_str().map(|name| location.join(name));
            let path = here.as_ref().map(|here| WorkspacePath::parse(&here.shown));
            let (Some(here), Some(Ok(path))) = (here, path) else {
                self.found.left_out += 1;
                continue;
            };
            // Under this name a chat sees the common folder, not one of its own.
            if path.is_shared() && here.area != SHARED {
                self.found.left_out += 1;
                continue;
            }
            // What has gone meanwhile is not listed.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            // A name that normalises to another one would be opened as that other one.
            if path.as_str() != here.shown || self.found.entries.len() >= MOST_LOOKED_AT {
                self.found.left_out += 1;
                continue;
            }
            let entry = describe(path, &here, &metadata, self.known);
            let is_folder = entry.kind == EntryKind::Folder;
            self.found.entries.push(entry);
            if is_folder
                && level + 1 < self.levels
                && let Ok(next) = folder.open_dir_nofollow(&name)
            {
                self.add(&next, &here, level + 1)?;
            }
        }
        Ok(())
    }
}

/// One entry, by what was seen of it without opening it.
pub(super) fn describe(
    path: WorkspacePath,
    location: &Location,
    metadata: &Metadata,
    known: &KnownFiles,
) -> FileEntry {
    let stamp = beneath::stamp_of_entry(metadata);
    let kind = if metadata.is_dir() {
        EntryKind::Folder
    } else if metadata.is_file() && cap_std::fs::MetadataExt::nlink(metadata) == 1 {
        EntryKind::File
    } else {
        EntryKind::Other
    };
    FileEntry {
        path,
        kind,
        size_bytes: match kind {
            EntryKind::File => stamp.size_bytes,
            EntryKind::Folder | EntryKind::Other => 0,
        },
        modified_at: DateTime::from_timestamp_nanos(stamp.modified_ns),
        is_remembered: known.knows(&location.path, stamp),
        labels: match kind {
            EntryKind::Folder => known.of_folder(&location.path),
            EntryKind::File | EntryKind::Other => known.of_file(&location.path, stamp).clone(),
        },
    }
}
