//! The files of the database: made private before anything is in them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::error::OpenError;

/// Creates the folder (0700) and an empty file (0600) where there are none, and takes the rights
/// of others from a file that is there. SQLite gives its log files the mode of the database.
pub(super) fn create_private(path: &Path) -> Result<(), OpenError> {
    let failed = |error: io::Error| OpenError::File {
        path: path.to_owned(),
        error,
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        create_folder(folder)?;
    }
    let file = open_private(path)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))
            .map_err(failed)?;
    }
    Ok(())
}

/// Opens a file for reading and writing; one that is not there yet becomes the owner's alone.
pub(super) fn open_private(path: &Path) -> Result<File, OpenError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| OpenError::File {
            path: path.to_owned(),
            error,
        })
}

/// Creates a folder that only its owner can enter, with those above it.
pub(super) fn create_folder(folder: &Path) -> Result<(), OpenError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| OpenError::File {
            path: folder.to_owned(),
            error,
        })
}
