//! What processes hold that no folder shows and no count of memory: files without a name, which take
//! their space until they are closed, and the buffers of sockets and pipes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use rustix::fs::{FileType, stat};

use super::folders::{Usage, kind};
use super::tree::Process;

/// As much as the kernel lets a socket hold back of each side, and a pipe altogether, by default.
const SOCKET_BYTES: u64 = 208 << 10;
const PIPE_BYTES: u64 = 64 << 10;

/// What is held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Files without a name.
    pub files: Usage,
    /// The most that the buffers of all sockets and pipes can hold.
    pub buffers: u64,
}

/// What the processes of `tree` hold. Where they have another user than this process it looks with the
/// eyes of `user`, for a root without all its rights is shown less of others than they are.
pub(super) fn held(tree: &[Process], user: Option<u32>, folders: &[&Path]) -> Held {
    let Some(user) = user else {
        return look(tree, folders);
    };
    // In a thread of its own: the change of eyes costs the signal at the end of the parent.
    thread::scope(|scope| {
        let looking = scope.spawn(|| {
            setfsgid(Gid::from_raw(user));
            setfsuid(Uid::from_raw(user));
            look(tree, folders)
        });
        looking.join().unwrap_or_default()
    })
}

fn look(tree: &[Process], folders: &[&Path]) -> Held {
    let mut found = Held::default();
    let mut seen = BTreeSet::new();
    for process in tree {
        // Threads can have descriptors of their own.
        for task in entries(&PathBuf::from(format!("/proc/{}/task", process.pid))) {
            for descriptor in entries(&task.join("fd")) {
                found.take(&descriptor, &mut seen);
            }
        }
    }
    for process in tree {
        found.take_mapped(process.pid, folders, &mut seen);
    }
    found
}

/// What goes while it is looked at is not there.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

impl Held {
    fn take(&mut self, descriptor: &Path, seen: &mut BTreeSet<(u64, u64)>) {
        let Ok(stat) = stat(descriptor) else { return };
        if !seen.insert((stat.st_dev, stat.st_ino)) {
            return;
        }
        match kind(&stat) {
            FileType::RegularFile if stat.st_nlink == 0 => {
                self.files.entries += 1;
                self.files.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
            }
            FileType::Socket => self.buffers += SOCKET_BYTES,
            FileType::Fifo => self.buffers += PIPE_BYTES,
            _ => {}
        }
    }

    /// Files of the run that are only mapped: closed, and without a name.
    fn take_mapped(&mut self, pid: i32, folders: &[&Path], seen: &mut BTreeSet<(u64, u64)>) {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        for mapped in maps.lines().filter_map(mapped) {
            let of_the_run = folders.iter().any(|folder| mapped.path.starts_with(folder));
            // A part of a file may be mapped more than once, but no file is mapped less than it is large
            // by one who wants to hide it.
            let known = seen.iter().any(|(_, inode)| *inode == mapped.inode);
            if of_the_run && !known {
                self.files.entries += 1;
                self.files.bytes += mapped.bytes;
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Mapped<'a> {
    bytes: u64,
    inode: u64,
    path: &'a Path,
}

/// A line of `/proc/PID/maps`, if it is of a file without a name.
fn mapped(line: &str) -> Option<Mapped<'_>> {
    let line = line.strip_suffix(" (deleted)")?;
    let mut fields = line.splitn(6, ' ');
    let (from, to) = fields.next()?.split_once('-')?;
    let address = |text: &str| u64::from_str_radix(text, 16).ok();
    let inode = fields.nth(3)?.parse().ok()?;
    Some(Mapped {
        bytes: address(to)?.checked_sub(address(from)?)?,
        inode,
        path: Path::new(fields.next()?.trim_start()),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    use super::super::tree::itself;
    use super::{Mapped, look, mapped};

    #[test]
    fn a_file_without_a_name_counts_once_and_one_with_a_name_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let tree = [itself(), itself()];
        let before = look(&tree, &[]);
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(&[1; 100_000]).unwrap();
        file.sync_all().unwrap();
        let _again = file.try_clone().unwrap();
        assert_eq!(look(&tree, &[]).files, before.files);
        fs::remove_file(&path).unwrap();
        let held = look(&tree, &[]).files;
        assert_eq!(held.entries, before.files.entries + 1);
        let bytes = held.bytes - before.files.bytes;
        assert!((100_000..1_000_000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn sockets_and_pipes_are_counted() {
        let tree = [itself()];
        let before = look(&tree, &[]).buffers;
        let _pair = std::os::unix::net::UnixStream::pair().unwrap();
        let _pipe = std::io::pipe().unwrap();
        assert_eq!(look(&tree, &[]).buffers - before, (2 * 208 + 64) << 10);
    }

    #[test]
    fn only_mappings_without_a_name_are_read() {
        let line = "7f00-8f00 rw-s 00000000 fd:01 4711     /data/run-1/a b (deleted)";
        let expected = Mapped {
            bytes: 0x1000,
            inode: 4711,
            path: Path::new("/data/run-1/a b"),
        };
        assert_eq!(mapped(line), Some(expected));
        for other in [
            "7f00-8f00 rw-s 00000000 fd:01 4711 /data/a",
            "",
            " (deleted)",
            "7f00-8f00 rw-p (deleted)",
        ] {
            assert_eq!(mapped(other), None, "{other}");
        }
    }
}
