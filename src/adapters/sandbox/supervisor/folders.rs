//! Folders that a hostile program has filled: measuring, handing over, and removing them. Every step
//! is relative to an open folder and follows no link.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat, Uid, chmod, chmodat, chownat, fstat,
    openat, renameat, statat, unlinkat,
};
use rustix::io::{Errno, Result};

/// Deeper than that nobody looks: who nests deeper wants to be in the way.
pub(super) const DEEPEST: usize = 64;

const OPEN_FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// What stands in a folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Space on the disk: a hole in a file takes none.
    pub bytes: u64,
    /// Files, folders, links, everything.
    pub entries: u64,
    /// Folders lie deeper than [`DEEPEST`].
    pub too_deep: bool,
}

impl Usage {
    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            entries: self.entries.saturating_add(other.entries),
            too_deep: self.too_deep || other.too_deep,
        }
    }

    pub(super) fn is_over(&self, bytes: u64, entries: u64) -> bool {
        self.too_deep || self.bytes > bytes || self.entries > entries
    }
}

/// What stands below `path`. Stops looking once more than `bytes` or `entries` are found.
pub(super) fn usage(path: &Path, bytes: u64, entries: u64) -> Usage {
    let mut usage = Usage::default();
    // What goes while it is looked at is not there.
    let _ = walk(path, &mut |visit| {
        match visit {
            Visit::Entry { stat, .. } => {
                usage.entries += 1;
                usage.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
            }
            Visit::TooDeep => usage.too_deep = true,
        }
        if usage.is_over(bytes, entries) {
            Next::Stop
        } else {
            Next::GoOn
        }
    });
    usage
}

/// One thing that a walk comes by.
pub(super) enum Visit<'a> {
    Entry {
        /// The folder that it lies in.
        folder: &'a OwnedFd,
        name: &'a CStr,
        stat: &'a Stat,
        /// The names of the folders above, from the top.
        above: &'a [CString],
    },
    /// A folder is not entered for its depth.
    TooDeep,
}

/// Whether a walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    GoOn,
    Stop,
}

/// Walks through everything below `top`, depth first, without following links.
pub(super) fn walk(top: &Path, visit: &mut dyn FnMut(Visit<'_>) -> Next) -> Result<()> {
    let mut names: Vec<CString> = Vec::new();
    let mut open = vec![enter(CWD, top)?];
    while let Some(Entered { folder, left, .. }) = open.last_mut() {
        let Some(name) = left.pop() else {
            open.pop();
            names.pop();
            continue;
        };
        let Ok(stat) = statat(&*folder, &name, AtFlags::SYMLINK_NOFOLLOW) else {
            continue;
        };
        let entry = Visit::Entry {
            folder,
            name: &name,
            stat: &stat,
            above: &names,
        };
        if visit(entry) == Next::Stop {
            return Ok(());
        }
        if kind(&stat) != FileType::Directory {
            continue;
        }
        if open.len() >= DEEPEST {
            if visit(Visit::TooDeep) == Next::Stop {
                return Ok(());
            }
            continue;
        }
        let Some(Entered { folder, .. }) = open.last() else {
            continue;
        };
        if let Ok(inner) = enter(folder.as_fd(), name.as_c_str()) {
            open.push(inner);
            names.push(name);
        }
    }
    Ok(())
}

/// A folder that a walk is in, and the names that it has not come by there.
#[derive(Debug)]
struct Entered {
    folder: OwnedFd,
    left: Vec<CString>,
    /// Shut again with this.
    _shut: Option<Shut>,
}

/// A folder that its owner has shut, and its mode. Files can be put into it all the same, or were before,
/// and without its rights none of them shows its size: it stays open while a walk is in it.
#[derive(Debug)]
struct Shut {
    folder: OwnedFd,
    before: Mode,
}

impl Shut {
    fn open(folder: OwnedFd) -> Result<Self> {
        let before = Mode::from_raw_mode(fstat(&folder)?.st_mode);
        let shut = Self { folder, before };
        shut.set(Mode::RWXU)?;
        Ok(shut)
    }

    fn set(&self, mode: Mode) -> Result<()> {
        // By its handle: what the name leads to may have changed since it was looked at.
        chmod(format!("/proc/self/fd/{}", self.folder.as_raw_fd()), mode)
    }
}

impl Drop for Shut {
    fn drop(&mut self) {
        let _ = self.set(self.before);
    }
}

/// Opens a folder for a walk, also one that is shut to be listed or passed.
fn enter<P: rustix::path::Arg + Copy>(above: impl AsFd + Copy, name: P) -> Result<Entered> {
    let handle = openat(above, name, OPEN_FOLDER | OFlags::PATH, Mode::empty())?;
    let open = |shut| {
        let (folder, left) = listing(openat(&handle, c".", OPEN_FOLDER, Mode::empty())?)?;
        // Without the right to pass, names are all that it shows.
        statat(&folder, c".", AtFlags::empty())?;
        Ok(Entered {
            folder,
            left,
            _shut: shut,
        })
    };
    match open(None) {
        Err(Errno::ACCESS) => open(Some(Shut::open(
            handle.try_clone().map_err(|_| Errno::MFILE)?,
        )?)),
        entered => entered,
    }
}

pub(super) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

type Listing = (OwnedFd, Vec<CString>);

fn listing(folder: OwnedFd) -> Result<Listing> {
    let mut names = Vec::new();
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    Ok((folder, names))
}

/// Gives a folder and all in it to a user: it must be able to read what the bot wrote there. A file
/// with a second name stays as it is, for that name may lie anywhere.
pub(super) fn hand_over(top: &Path, user: u32) -> Result<()> {
    let (owner, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(user)));
    chownat(CWD, top, owner, group, AtFlags::SYMLINK_NOFOLLOW)?;
    walk(top, &mut |visit| {
        if let Visit::Entry {
            folder, name, stat, ..
        } = visit
        {
            let is_plain = kind(stat) == FileType::Directory || stat.st_nlink == 1;
            if is_plain && stat.st_uid != user {
                let _ = chownat(folder, name, owner, group, AtFlags::SYMLINK_NOFOLLOW);
            }
        }
        Next::GoOn
    })
}

/// Removes a folder with all that is in it, however deep and whatever its modes.
pub(in super::super) fn remove(path: &Path) -> Result<()> {
    match empty(path) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Ok(()),
        Err(Errno::NOTDIR | Errno::LOOP) => {
            return unlinkat(CWD, path, AtFlags::empty());
        }
        Err(error) => return Err(error),
    }
    match unlinkat(CWD, path, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Empties a folder from the top: a folder that has folders hands them up to the top before it goes, so
/// that no depth is ever reached and two descriptors do.
fn empty(path: &Path) -> Result<()> {
    let top = open_folder(CWD, path)?;
    let mut handed_up = 0u64;
    loop {
        let (_, names) = listing(openat(&top, c".", OPEN_FOLDER, Mode::empty())?)?;
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            if !is_folder(&top, &name)? {
                gone(unlinkat(&top, &name, AtFlags::empty()))?;
                continue;
            }
            let (folder, inner) = listing(open_folder(top.as_fd(), name.as_c_str())?)?;
            for inner_name in inner {
                if is_folder(&folder, &inner_name)? {
                    // Its parent changes, so it must be writable itself.
                    let _ = chmodat(&folder, &inner_name, Mode::RWXU, AtFlags::empty());
                    hand_up((&folder, &inner_name), &top, &mut handed_up)?;
                } else {
                    gone(unlinkat(&folder, &inner_name, AtFlags::empty()))?;
                }
            }
            gone(unlinkat(&top, &name, AtFlags::REMOVEDIR))?;
        }
    }
}

/// Moves a folder to the top, under a name that is free there: the program may have guessed some.
fn hand_up((folder, name): (&OwnedFd, &CStr), top: &OwnedFd, number: &mut u64) -> Result<()> {
    loop {
        *number += 1;
        match renameat(folder, name, top, format!(".removed-{number}")) {
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
            moved => return gone(moved),
        }
    }
}

fn is_folder(folder: &OwnedFd, name: &CStr) -> Result<bool> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(kind(&stat) == FileType::Directory),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens a folder with the right to change it, whatever mode it has.
fn open_folder<P: rustix::path::Arg + Copy>(above: impl AsFd + Copy, name: P) -> Result<OwnedFd> {
    let opened = openat(above, name, OPEN_FOLDER, Mode::empty());
    if !matches!(opened, Err(Errno::ACCESS)) {
        if opened.is_ok() {
            let _ = chmodat(above, name, Mode::RWXU, AtFlags::empty());
        }
        return opened;
    }
    chmodat(above, name, Mode::RWXU, AtFlags::empty())?;
    openat(above, name, OPEN_FOLDER, Mode::empty())
}

fn gone(result: Result<()>) -> Result<()> {
    match result {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;
    use std::thread;

    use nix::unistd::{Uid, geteuid, setfsuid};

    use super::super::super::confine::NOBODY;
    use super::{DEEPEST, Usage, hand_over, remove, usage};

    /// Nests folders by name, each made relative to the one above: no path of that length exists.
    fn nest(top: &Path, depth: usize) {
        use rustix::fs::{CWD, Mode, mkdirat, openat};
        let mut folder = openat(CWD, top, super::OPEN_FOLDER, Mode::empty()).unwrap();
        for _ in 0..depth {
            mkdirat(&folder, "d", Mode::RWXU).unwrap();
            folder = openat(&folder, "d", super::OPEN_FOLDER, Mode::empty()).unwrap();
        }
    }

    #[test]
    fn what_stands_in_a_folder_is_measured_without_following_links() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join("inner")).unwrap();
        fs::write(top.path().join("inner/a"), vec![1; 10_000]).unwrap();
        symlink("/usr", top.path().join("link")).unwrap();
        fs::File::create(top.path().join("hole"))
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        let found = usage(top.path(), u64::MAX, u64::MAX);
        assert_eq!((found.entries, found.too_deep), (4, false));
        assert!((10_000..100_000).contains(&found.bytes), "{found:?}");
    }

    /// Measures with the rights of a user who owns all below `top` and may not do what its modes forbid.
    fn usage_seen_by_its_owner(top: &Path) -> Usage {
        thread::scope(|scope| {
            let looking = scope.spawn(|| {
                if geteuid().is_root() {
                    hand_over(top, NOBODY).unwrap();
                    // For this thread only, and with it the right to pass over modes goes.
                    setfsuid(Uid::from_raw(NOBODY));
                }
                usage(top, u64::MAX, u64::MAX)
            });
            looking.join().unwrap()
        })
    }

    #[test]
    fn a_folder_that_is_shut_is_measured_as_well() {
        for shut_to in [0o300, 0o400, 0o600, 0o000] {
            let top = tempfile::tempdir().unwrap();
            let shut = top.path().join("shut");
            fs::create_dir_all(shut.join("inner")).unwrap();
            fs::write(shut.join("inner/a"), vec![1; 10_000]).unwrap();
            for folder in [shut.join("inner"), shut.clone(), top.path().to_owned()] {
                fs::set_permissions(folder, fs::Permissions::from_mode(shut_to)).unwrap();
            }
            let found = usage_seen_by_its_owner(top.path());
            let mode = fs::metadata(top.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, shut_to, "it is as shut as before");
            fs::set_permissions(top.path(), fs::Permissions::from_mode(0o700)).unwrap();
            let mode = fs::metadata(&shut).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, shut_to, "it is as shut as before");
            remove(top.path()).unwrap();
            assert_eq!(found.entries, 3, "{shut_to:o}");
            assert!(found.bytes >= 10_000, "{shut_to:o} {found:?}");
        }
    }

    #[test]
    fn measuring_ends_at_the_limit() {
        let top = tempfile::tempdir().unwrap();
        for number in 0..50 {
            fs::write(top.path().join(number.to_string()), "").unwrap();
        }
        assert_eq!(usage(top.path(), u64::MAX, 10).entries, 11);
        nest(top.path(), DEEPEST + 5);
        let found = usage(top.path(), u64::MAX, u64::MAX);
        assert!(matches!(found, Usage { too_deep: true, .. }));
    }

    #[test]
    fn everything_is_removed_and_nothing_beside_it() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("kept"), "").unwrap();
        let top = outside.path().join("run");
        fs::create_dir(&top).unwrap();
        nest(&top, 3000);
        fs::create_dir_all(top.join("closed/inner")).unwrap();
        fs::write(top.join("closed/inner/file"), "").unwrap();
        fs::set_permissions(top.join("closed/inner"), fs::Permissions::from_mode(0o000)).unwrap();
        fs::set_permissions(top.join("closed"), fs::Permissions::from_mode(0o500)).unwrap();
        symlink(outside.path(), top.join("link")).unwrap();
        fs::hard_link(outside.path().join("kept"), top.join("hard")).unwrap();
        remove(&top).unwrap();
        assert!(!top.exists());
        assert!(outside.path().join("kept").exists());
        remove(&top).unwrap();
    }
}
