//! Files on their way: written whole in a folder of ours, then given their name at once.

use std::fs::File;
use std::io::{self, Write};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::{RenameFlags, renameat_with};

use super::beneath::{self, failure};
use crate::core::file_labels::FileStamp;
use crate::core::files::{FileError, Overwrite};

/// A file without its name yet. Dropped, it is gone.
#[derive(Debug)]
pub(super) struct Staged {
    folder: Dir,
    name: String,
    file: File,
    shown: String,
    /// As which it will be recognised, once it is sealed.
    pub(super) stamp: FileStamp,
}

impl Staged {
    /// An empty file in `folder`, for what is shown as `shown`.
    pub(super) fn begin(folder: Dir, name: String, shown: &str) -> Result<Self, FileError> {
        let mut private = OpenOptions::new();
        private.write(true).create_new(true).mode(0o600);
        let file = folder.open_with(&name, &private);
        let file = file.map_err(|error| failure(shown, &error))?.into_std();
        Ok(Self {
            folder,
            name,
            file,
            shown: shown.to_owned(),
            stamp: FileStamp {
                size_bytes: 0,
                modified_ns: 0,
            },
        })
    }

    /// Adds bytes at its end; when that fails, all of it is gone.
    pub(super) fn append(mut self, piece: &[u8]) -> Result<Self, FileError> {
        let written = self.file.write_all(piece);
        written.map_err(|error| failure(&self.shown, &error))?;
        Ok(self)
    }

    /// Makes it whole, and of whom the files in `parent` are.
    pub(super) fn seal(mut self, parent: &Dir) -> Result<Self, FileError> {
        let failed = |error: io::Error| failure(&self.shown, &error);
        if let Some((user, group)) = beneath::other_owner(parent).map_err(failed)? {
            rustix::fs::fchown(&self.file, Some(user), Some(group))
                .map_err(|error| failed(error.into()))?;
        }
        self.file.sync_all().map_err(failed)?;
        self.stamp = beneath::stamp(&self.file.metadata().map_err(failed)?);
        Ok(self)
    }

    /// Gives it its name: it is there whole, or it comes back.
    pub(super) fn commit(
        self,
        parent: &Dir,
        name: &str,
        overwrite: Overwrite,
    ) -> Result<(), (io::Error, Self)> {
        match rename((&self.folder, &self.name), (parent, name), overwrite) {
            Ok(()) => {
                sync(parent);
                Ok(())
            }
            Err(error) => Err((error, self)),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After the commit there is nothing under this name.
        let _ = self.folder.remove_file(&self.name);
    }
}

/// Renames beneath two handles.
pub(super) fn rename(
    (from, old): (&Dir, &str),
    (to, new): (&Dir, &str),
    overwrite: Overwrite,
) -> io::Result<()> {
    match overwrite {
        Overwrite::Replace => from.rename(old, to, new),
        Overwrite::Never => {
            let kept = renameat_with(from, old, to, new, RenameFlags::NOREPLACE);
            if kept != Err(rustix::io::Errno::INVAL) {
                return Ok(kept?);
            }
            // A file system that cannot say so: we look, and hold our own lock meanwhile.
            match to.symlink_metadata(new) {
                Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) => from.rename(old, to, new),
            }
        }
    }
}

/// Makes the names in a folder survive a power cut, as far as the file system does.
pub(super) fn sync(folder: &Dir) {
    if let Ok(folder) = folder.open(".") {
        let _ = folder.sync_all();
    }
}
