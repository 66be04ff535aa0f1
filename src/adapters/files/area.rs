//! Where a path leads: into the chat's own folder, or into the one that all chats share.

use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::beneath::{self, Missing};
use crate::core::files::{FileError, SHARED, WorkspaceId, WorkspacePath};

/// The folder of the chats' folders.
pub(super) const CHATS: &str = "chats";

/// Where files are written before they are where they belong: on the same file system, and out of
/// the reach of programs in the workspaces.
pub(super) const STAGING: &str = "staging";

/// A place in an area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Location {
    /// The area's path beneath the root; also the name under which labels are remembered.
    pub(super) area: String,
    /// The path within it; empty for the area itself.
    pub(super) path: String,
    /// The path as the chat sees it.
    pub(super) shown: String,
}

impl Location {
    /// The workspace itself, or something in it or in the common folder.
    pub(super) fn of(
        workspace: &WorkspaceId,
        path: Option<&WorkspacePath>,
    ) -> Result<Self, FileError> {
        let folder = workspace.folder();
        if !is_one_name(folder) {
            return Err(FileError::BadPath(format!("{folder:?} names no chat")));
        }
        let shown = path.map_or("", WorkspacePath::as_str).to_owned();
        Ok(match path.filter(|path| path.is_shared()) {
            Some(path) => {
                let within = path.as_str()[SHARED.len()..].trim_start_matches('/');
                Self {
                    area: SHARED.to_owned(),
                    path: within.to_owned(),
                    shown,
                }
            }
            None => Self {
                area: format!("{CHATS}/{folder}"),
                path: shown.clone(),
                shown,
            },
        })
    }

    /// The names of the folders on the way, and the last name; the area itself has none.
    pub(super) fn split(&self) -> Option<(Vec<&str>, &str)> {
        let mut names: Vec<&str> = self.path.split('/').collect();
        let last = names.pop().filter(|last| !last.is_empty())?;
        Some((names, last))
    }

    /// The same, of what must have a name.
    pub(super) fn named(&self) -> Result<(Vec<&str>, &str), FileError> {
        self.split()
            .ok_or_else(|| FileError::Refused(format!("{} is a folder", self.shown)))
    }

    /// The folders above it, the outermost first.
    pub(super) fn folders(&self) -> Vec<Self> {
        let (names, _) = self.split().unwrap_or_default();
        let shown = if self.area == SHARED { SHARED } else { "" };
        let mut here = Self {
            area: self.area.clone(),
            path: String::new(),
            shown: shown.to_owned(),
        };
        let mut folders = Vec::with_capacity(names.len());
        for name in names {
            here = here.join(name);
            folders.push(here.clone());
        }
        folders
    }

    /// Opens the area; it is made where there is none.
    pub(super) fn open_area(&self, root: &Path) -> Result<Dir, FileError> {
        let names: Vec<&str> = self.area.split('/').collect();
        beneath::open_folder(&open_root(root)?, &names, Missing::Make)
    }

    /// The same place in a folder of that name.
    pub(super) fn join(&self, name: &str) -> Self {
        let join = |path: &str| match path {
            "" => name.to_owned(),
            path => format!("{path}/{name}"),
        };
        Self {
            area: self.area.clone(),
            path: join(&self.path),
            shown: join(&self.shown),
        }
    }
}

fn is_one_name(folder: &str) -> bool {
    WorkspacePath::parse(folder).is_ok_and(|path| path.as_str() == folder && !folder.contains('/'))
}

/// Opens the folder of all workspaces, which the settings name; it is made where there is none.
pub(super) fn open_root(root: &Path) -> Result<Dir, FileError> {
    let failed = |error| beneath::failure("the folder of the files", &error);
    if let Ok(dir) = Dir::open_ambient_dir(root, ambient_authority()) {
        return Ok(dir);
    }
    beneath::make_private(root).map_err(failed)?;
    Dir::open_ambient_dir(root, ambient_authority()).map_err(failed)
}
