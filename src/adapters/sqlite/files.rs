//! The files of the database: made private before anything is in them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::geteuid;

use super::error::OpenError;

/// Creates the folder (0700) and an empty file (0600) where there are none, and takes the rights
/// of others from a file that is there. SQLite gives its log files the mode of the database.
pub(super) fn create_private(path: &Path) -> Result<(), OpenError> {
    let failed = |error: io::Error| OpenError::File {
        path: path.to_owned(),
        error,
    };
    create_folder_of(path)?;
    let file = private().create(true).open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))
            .map_err(failed)?;
    }
    Ok(())
}

/// Creates an empty file for its owner alone, where there is nothing of that name, with its folder.
pub(super) fn create_new_private(path: &Path) -> Result<(), OpenError> {
    create_folder_of(path)?;
    let created = private().create_new(true).open(path);
    created.map(drop).map_err(|error| OpenError::File {
        path: path.to_owned(),
        error,
    })
}

/// Opens a file for reading and writing; one that is not there yet becomes the owner's alone. No link is followed, by
/// root of neither kind: it may be at work in the folder of another user, who could lead it anywhere.
pub(super) fn open_private(path: &Path) -> Result<File, OpenError> {
    let open = || {
        let file = private()
            .create(true)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)?;
        let found = file.metadata()?;
        if geteuid().is_root() && !(found.is_file() && found.nlink() == 1) {
            return Err(io::Error::other("it is no plain file of one name"));
        }
        Ok(file)
    };
    open().map_err(|error| OpenError::File {
        path: path.to_owned(),
        error,
    })
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).truncate(false).mode(0o600);
    options
}

fn create_folder_of(path: &Path) -> Result<(), OpenError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), create_folder)
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
