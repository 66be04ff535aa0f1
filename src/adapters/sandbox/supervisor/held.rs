//! What processes hold that no folder shows and no count of memory: files without a name, which take
//! their space until they are closed, and the buffers of sockets and pipes.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread;

use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use rustix::fs::{FileType, stat};

use super::folders::{Usage, kind};
use super::tree::Process;

/// As much as the kernel lets a socket hold back of each side, and a pipe altogether, by default.
const SOCKET_BYTES: u64 = 208 << 10;
const PIPE_BYTES: u64 = 64 << 10;

/// So many mappings are looked at, of all processes together: as many as the kernel lets one process have
/// by default. Who has more would make the next look wait, and takes memory that no count shows.
const MOST_MAPPINGS: usize = 65_530;

/// What is held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Files without a name.
    pub files: Usage,
    /// The most that the buffers of all sockets and pipes can hold.
    pub buffers: u64,
    /// There are more mappings than anybody looks at.
    pub too_many_mappings: bool,
}

/// What the processes of `tree` hold. Where they have another user than this process it looks with the
/// eyes of `user`, for a root without all its rights is shown less of others than they are. A file of the
/// run in `folders` is `largest` where its size cannot be told.
pub(super) fn held(
    tree: &[Process],
    user: Option<u32>,
    (folders, largest): (&[&Path], u64),
) -> Held {
    let Some(user) = user else {
        return look(tree, (folders, largest));
    };
    // In a thread of its own: the change of eyes costs the signal at the end of the parent.
    thread::scope(|scope| {
        let looking = scope.spawn(|| {
            setfsgid(Gid::from_raw(user));
            setfsuid(Uid::from_raw(user));
            look(tree, (folders, largest))
        });
        looking.join().unwrap_or_default()
    })
}

fn look(tree: &[Process], (folders, largest): (&[&Path], u64)) -> Held {
    let mut found = Held::default();
    let mut seen = Seen::default();
    for process in tree {
        // Threads can have descriptors of their own.
        for task in entries(&PathBuf::from(format!("/proc/{}/task", process.pid))) {
            for descriptor in entries(&task.join("fd")) {
                found.take(&descriptor, &mut seen);
            }
        }
    }
    let mut mapped = MappedFiles::new(MOST_MAPPINGS);
    for process in tree {
        if let Ok(maps) = File::open(format!("/proc/{}/maps", process.pid)) {
            mapped.read(BufReader::new(maps), folders);
        }
    }
    found.too_many_mappings = mapped.left == 0;
    for bytes in mapped.without(&seen.files, largest) {
        found.files.entries += 1;
        found.files.bytes = found.files.bytes.saturating_add(bytes);
    }
    found
}

/// What descriptors lead to.
#[derive(Debug, Default)]
struct Seen {
    all: BTreeSet<(u64, u64)>,
    /// The inodes of the plain files among them. A mapping names its device in another way.
    files: BTreeSet<u64>,
}

/// What goes while it is looked at is not there.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

impl Held {
    fn take(&mut self, descriptor: &Path, seen: &mut Seen) {
        let Ok(stat) = stat(descriptor) else { return };
        if !seen.all.insert((stat.st_dev, stat.st_ino)) {
            return;
        }
        match kind(&stat) {
            FileType::RegularFile => {
                seen.files.insert(stat.st_ino);
                if stat.st_nlink == 0 {
                    self.files.entries += 1;
                    self.files.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
                }
            }
            FileType::Socket => self.buffers += SOCKET_BYTES,
            FileType::Fifo => self.buffers += PIPE_BYTES,
            _ => {}
        }
    }
}

/// Files of the run that are mapped and have no name, and how large each is at least: it reaches to the
/// end of the mapping that lies furthest in it, however often parts of it are mapped.
#[derive(Debug)]
struct MappedFiles {
    ends: BTreeMap<(String, u64), u64>,
    /// So many mappings are still looked at.
    left: usize,
}

impl MappedFiles {
    fn new(most_mappings: usize) -> Self {
        Self {
            ends: BTreeMap::new(),
            left: most_mappings,
        }
    }

    /// Reads one process's list line by line, for it can be as long as a program likes.
    fn read(&mut self, mut maps: impl BufRead, folders: &[&Path]) {
        let mut line = Vec::new();
        while self.left > 0 && matches!(maps.read_until(b'\n', &mut line), Ok(1..)) {
            self.left -= 1;
            let of_the_run =
                |file: &Mapped<'_>| folders.iter().any(|one| file.path.starts_with(one));
            if let Some(file) = mapped(line.trim_ascii_end()).filter(of_the_run) {
                let end = self.ends.entry((file.device.to_owned(), file.inode));
                let end = end.or_default();
                *end = file.end.max(*end);
            }
            line.clear();
        }
    }

    /// The sizes of those that no descriptor leads to. A page can be all that is mapped of one, so it counts
    /// as the largest that there can be. Honest programs leave next to none: who maps a file with Python,
    /// or for libffi, keeps its descriptor.
    fn without(self, known: &BTreeSet<u64>, largest: u64) -> impl Iterator<Item = u64> {
        let others = self.ends.into_iter();
        others.filter_map(move |((_, inode), end)| {
            (!known.contains(&inode)).then_some(end.max(largest))
        })
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Mapped<'a> {
    /// Where in the file the mapping ends.
    end: u64,
    device: &'a str,
    inode: u64,
    path: &'a Path,
}

/// A line of `/proc/PID/maps`, if it is of a file without a name.
fn mapped(line: &[u8]) -> Option<Mapped<'_>> {
    let line = line.strip_suffix(b" (deleted)")?;
    let mut fields = line.splitn(6, |byte| *byte == b' ');
    let mut field = || str::from_utf8(fields.next()?).ok();
    let (from, to) = field()?.split_once('-')?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    let bytes = number(to)?.checked_sub(number(from)?)?;
    let _rights = field()?;
    let offset = number(field()?)?;
    let device = field()?;
    let inode = field()?.parse().ok()?;
    let path = fields.next()?.trim_ascii_start();
    Some(Mapped {
        end: offset.checked_add(bytes)?,
        device,
        inode,
        path: Path::new(OsStr::from_bytes(path)),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    use super::super::tree::itself;
    use super::{Mapped, MappedFiles, look, mapped};

    #[test]
    fn a_file_without_a_name_counts_once_and_one_with_a_name_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let tree = [itself(), itself()];
        let before = look(&tree, (&[], 0));
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(&[1; 100_000]).unwrap();
        file.sync_all().unwrap();
        let _again = file.try_clone().unwrap();
        assert_eq!(look(&tree, (&[], 0)).files, before.files);
        fs::remove_file(&path).unwrap();
        let held = look(&tree, (&[], 0)).files;
        assert_eq!(held.entries, before.files.entries + 1);
        let bytes = held.bytes - before.files.bytes;
        assert!((100_000..1_000_000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn sockets_and_pipes_are_counted() {
        let tree = [itself()];
        let before = look(&tree, (&[], 0)).buffers;
        let _pair = std::os::unix::net::UnixStream::pair().unwrap();
        let _pipe = std::io::pipe().unwrap();
        assert_eq!(look(&tree, (&[], 0)).buffers - before, (2 * 208 + 64) << 10);
    }

    const MAPS: &str = "\
7f00-8f00 rw-s 00001000 fd:01 4711     /data/run-1/a b (deleted)
8f00-9f00 rw-s 00000000 fd:01 4711     /data/run-1/a b (deleted)
9f00-af00 r--s 00000000 fd:01 4711     /data/run-1/a b (deleted)
7f00-ff00 rw-s 00000000 fd:01 4712     /data/run-1/open (deleted)
7f00-ff00 rw-s 00000000 fd:01 4713     /usr/lib/else (deleted)
7f00-ff00 rw-s 00000000 fd:01 4714     /data/run-1/named
";

    fn mapped_files(most: usize) -> MappedFiles {
        let mut files = MappedFiles::new(most);
        for _ in 0..2 {
            files.read(MAPS.as_bytes(), &[Path::new("/data/run-1")]);
        }
        files
    }

    #[test]
    fn a_file_that_is_only_mapped_counts_once_and_as_the_largest_that_it_can_be() {
        assert_eq!(mapped_files(100).left, 100 - 12);
        for (largest, counted) in [(0x1000, 0x2000), (0x5000, 0x5000)] {
            let files = mapped_files(100);
            let found: Vec<u64> = files.without(&BTreeSet::from([4712]), largest).collect();
            assert_eq!(found, [counted]);
        }
    }

    #[test]
    fn more_mappings_than_are_looked_at_are_seen() {
        assert_eq!(mapped_files(12).left, 0);
        assert_eq!(mapped_files(13).left, 1);
    }

    #[test]
    fn only_mappings_without_a_name_are_read() {
        let line = b"7f00-8f00 rw-s 00002000 fd:01 4711     /data/run-1/a b (deleted)";
        let expected = Mapped {
            end: 0x3000,
            device: "fd:01",
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
            assert_eq!(mapped(other.as_bytes()), None, "{other}");
        }
    }
}
