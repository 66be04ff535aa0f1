//! Files on their way: written whole in a folder of ours, then given their name at once.

use std::fs::File;
use std::io::{self, Read, Write};

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
    /// As which it will be recognised.
    pub(super) stamp: FileStamp,
}

impl Staged {
    /// Writes what `content` has, at most `most` bytes, for a file that will be in `parent`.
    pub(super) fn write(
        (folder, name): (Dir, String),
        content: impl Read,
        most: u64,
        (parent, shown): (&Dir, &str),
    ) -> Result<Self, FileError> {
        let failed = |error: io::Error| failure(shown, &error);
        let mut private = OpenOptions::new();
        private.write(true).create_new(true).mode(0o600);
        let mut file = folder
            .open_with(&name, &private)
            .map_err(failed)?
            .into_std();
        // From here on dropping it cleans up.
        let mut staged = Self {
            folder,
            name,
            stamp: FileStamp {
                size_bytes: 0,
                modified_ns: 0,
            },
        };
        let written = copy(content, &mut file, most).map_err(failed)?;
        if written > most {
            let why = format!("{shown} is larger than the {most} bytes that it may have");
            return Err(FileError::TooLarge(why));
        }
        if let Some((user, group)) = beneath::other_owner(parent).map_err(failed)? {
            rustix::fs::fchown(&file, Some(user), Some(group))
                .map_err(|error| failed(error.into()))?;
        }
        file.sync_all().map_err(failed)?;
        staged.stamp = beneath::stamp(&file.metadata().map_err(failed)?);
        Ok(staged)
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

/// Copies at most one byte more than `most`, so that more is noticed.
fn copy(content: impl Read, file: &mut File, most: u64) -> io::Result<u64> {
    let written = io::copy(&mut content.take(most.saturating_add(1)), file)?;
    file.flush()?;
    Ok(written)
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
