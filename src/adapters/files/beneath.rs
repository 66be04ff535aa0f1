//! Opening what is beneath a folder: one name after the other, so that no link is ever followed,
//! whenever it was planted.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions};

use crate::core::file_labels::FileStamp;
use crate::core::files::FileError;

/// What happens to folders that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// They are made.
    Make,
    /// There is nothing, then.
    Fail,
}

/// A file that may be read: regular, with one name.
#[derive(Debug)]
pub(super) struct Opened {
    /// The descriptor that was checked.
    pub(super) file: File,
    /// The file as it was then.
    pub(super) stamp: FileStamp,
}

/// The folder `names` beneath `root`.
pub(super) fn open_folder(root: &Dir, names: &[&str], missing: Missing) -> Result<Dir, FileError> {
    let shown = names.join("/");
    let failed = |error| failure(&shown, &error);
    let mut folder = root.try_clone().map_err(failed)?;
    for name in names {
        folder = match folder.open_dir_nofollow(name) {
            Ok(next) => next,
            Err(error) if error.kind() == io::ErrorKind::NotFound && missing == Missing::Make => {
                make_folder(&folder, name).map_err(failed)?;
                folder.open_dir_nofollow(name).map_err(failed)?
            }
            Err(error) => return Err(failed(error)),
        };
    }
    Ok(folder)
}

/// Makes a folder that is named by the settings, and those above it, for us alone.
pub(super) fn make_private(folder: &Path) -> io::Result<()> {
    std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700)
        .recursive(true)
        .create(folder)
}

/// Makes a folder for whom the one above it belongs to. Another may have made it meanwhile.
fn make_folder(folder: &Dir, name: &str) -> io::Result<()> {
    let mut private = DirBuilder::new();
    private.mode(0o700);
    match folder.create_dir_with(name, &private) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if let Some((user, group)) = other_owner(folder)? {
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::chownat(folder, name, Some(user), Some(group), flags)?;
    }
    Ok(())
}

/// The owner of a folder, when that is somebody else: a workspace can belong to the user as whom
/// the sandbox runs programs, and what we put there must be theirs.
pub(super) fn other_owner(folder: &Dir) -> io::Result<Option<(rustix::fs::Uid, rustix::fs::Gid)>> {
    let metadata = folder.dir_metadata()?;
    let user = cap_std::fs::MetadataExt::uid(&metadata);
    if user == rustix::process::geteuid().as_raw() {
        return Ok(None);
    }
    let group = cap_std::fs::MetadataExt::gid(&metadata);
    Ok(Some((
        rustix::fs::Uid::from_raw(user),
        rustix::fs::Gid::from_raw(group),
    )))
}

/// Opens a file to read it. Whatever stands under the name by then, it is the descriptor that is
/// checked.
pub(super) fn open_file(folder: &Dir, name: &str, shown: &str) -> Result<Opened, FileError> {
    let failed = |error| failure(shown, &error);
    // A look first: opening a device can have effects.
    let before = folder.symlink_metadata(name).map_err(failed)?;
    if !before.is_file() {
        return Err(not_served(shown));
    }
    let mut options = OpenOptions::new();
    // A pipe that took the file's place must not keep us waiting.
    options.read(true).follow(FollowSymlinks::No).nonblock(true);
    let file = folder.open_with(name, &options).map_err(failed)?;
    let file = file.into_std();
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(not_served(shown));
    }
    if metadata.nlink() != 1 {
        let why = format!("{shown} has {} names; copy it", metadata.nlink());
        return Err(FileError::Refused(why));
    }
    let stamp = stamp(&metadata);
    Ok(Opened { file, stamp })
}

/// Reads a file of at most `most_bytes`, and says what it was when it was read.
pub(super) fn read_whole(
    parent: &Dir,
    name: &str,
    shown: &str,
    most_bytes: u64,
) -> Result<(Vec<u8>, FileStamp), FileError> {
    let too_large = || Err(too_large(shown, most_bytes));
    let opened = open_file(parent, name, shown)?;
    if opened.stamp.size_bytes > most_bytes {
        return too_large();
    }
    let mut bytes = Vec::new();
    let failed = |error| failure(shown, &error);
    // It may grow while it is read.
    let mut content = (&opened.file).take(most_bytes.saturating_add(1));
    content.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most_bytes {
        return too_large();
    }
    // As it is after the reading: what a program wrote meanwhile is not what we wrote.
    let stamp = stamp(&opened.file.metadata().map_err(failed)?);
    Ok((bytes, stamp))
}

pub(super) fn too_large(shown: &str, most_bytes: u64) -> FileError {
    FileError::TooLarge(format!("{shown} is larger than {most_bytes} bytes"))
}

/// How a file is recognised.
pub(super) fn stamp(metadata: &std::fs::Metadata) -> FileStamp {
    FileStamp {
        size_bytes: metadata.len(),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
    }
}

/// The same of what was only looked at.
pub(super) fn stamp_of_entry(metadata: &cap_std::fs::Metadata) -> FileStamp {
    use cap_std::fs::MetadataExt;
    FileStamp {
        size_bytes: metadata.len(),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
    }
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
}

fn not_served(shown: &str) -> FileError {
    FileError::Refused(format!("{shown} is not a plain file"))
}

/// An error of the system, for whoever asked.
pub(super) fn failure(shown: &str, error: &io::Error) -> FileError {
    use io::ErrorKind;
    let linked = || {
        FileError::Refused(format!(
            "{shown}: a part of it is a link or no folder, and links are not followed"
        ))
    };
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return linked();
    }
    match error.kind() {
        ErrorKind::NotFound => FileError::NotFound(shown.to_owned()),
        ErrorKind::AlreadyExists => FileError::Exists(shown.to_owned()),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            FileError::TooLarge(format!("the disk is full; {shown} was not written"))
        }
        ErrorKind::NotADirectory => linked(),
        ErrorKind::IsADirectory => FileError::Refused(format!("{shown} is a folder")),
        ErrorKind::DirectoryNotEmpty => {
            FileError::Refused(format!("the folder {shown} is not empty"))
        }
        ErrorKind::InvalidFilename => FileError::BadPath(format!("{shown}: the name is too long")),
        // The text of other errors of the system names no path.
        _ => FileError::Failed(format!("{shown}: {error}")),
    }
}
