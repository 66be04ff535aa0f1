//! How much a folder holds.

use cap_fs_ext::DirExt;
use cap_std::fs::Dir;

use super::beneath;
use crate::core::files::FileError;
use crate::core::units::ByteCount;

/// More entries than this are not counted: the folder is full.
const MOST_ENTRIES: u32 = 50_000;

/// Deeper than this nothing is looked at: each level is an open folder.
pub(super) const DEEPEST: usize = 64;

/// The bytes in all files beneath a folder. A file with holes counts as long as it is: it can be filled.
pub(super) fn measure(area: &Dir) -> Result<u64, FileError> {
    let mut count = Count::default();
    count.add(area, DEEPEST)?;
    Ok(count.bytes)
}

#[derive(Default)]
struct Count {
    bytes: u64,
    entries: u32,
}

impl Count {
    fn add(&mut self, folder: &Dir, depth: usize) -> Result<(), FileError> {
        let failed = |error| beneath::failure("the workspace", &error);
        if depth == 0 {
            let why = "the folders of the workspace are too deep; delete some";
            return Err(FileError::TooLarge(why.to_owned()));
        }
        for entry in folder.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                let why = format!("the workspace has more than {MOST_ENTRIES} files; delete some");
                return Err(FileError::TooLarge(why));
            }
            // What has gone meanwhile takes no room.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                if let Ok(folder) = folder.open_dir_nofollow(entry.file_name()) {
                    self.add(&folder, depth - 1)?;
                }
            } else {
                self.bytes = self.bytes.saturating_add(metadata.len());
            }
        }
        Ok(())
    }
}

/// Whether `new` bytes have room beside those that are there.
pub(super) fn check(used: u64, new: u64, quota: ByteCount) -> Result<(), FileError> {
    if used.saturating_add(new) <= quota.get() {
        return Ok(());
    }
    Err(FileError::TooLarge(format!(
        "the workspace is full: {used} of {} bytes are used, and this needs {new}; delete something",
        quota.get()
    )))
}
