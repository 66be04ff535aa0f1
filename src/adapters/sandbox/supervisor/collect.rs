//! Takes the wanted files out of a run's folder, after its last process is gone and before the folder is.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use globset::{Glob, GlobSet, GlobSetBuilder};
use rustix::fs::{FileType, Mode, OFlags, fstat, openat};

use super::folders::{Next, Visit, kind, walk};
use crate::core::artifacts::{ArtifactRules, SkipReason, SkippedFile, Taken};

/// So many files that were not taken are named; a program can leave any number.
const MOST_SKIPPED: usize = 50;

/// What was taken and what was not.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub files: Vec<(String, Vec<u8>)>,
    pub skipped: Vec<SkippedFile>,
    taken: Taken,
}

/// Looks through `folder`. `given` are paths that lay there before the run.
pub(super) fn collect(
    folder: &Path,
    rules: &ArtifactRules,
    given: &[&str],
) -> Result<Collected, String> {
    let wanted = patterns(&rules.globs)?;
    let mut found = Vec::new();
    let _ = walk(folder, &mut |visit| {
        match visit {
            Visit::Entry { stat, .. } if kind(stat) == FileType::Directory => {}
            Visit::Entry {
                folder,
                name,
                above,
                ..
            } => {
                let path = path(above, name);
                let shown = path.clone().unwrap_or_else(|lossy| lossy);
                if !given.contains(&shown.as_str()) && wanted.is_match(&shown) {
                    let opened = path
                        .map_err(|_| SkipReason::BadName)
                        .and_then(|_| open(folder, name));
                    found.push((shown, opened));
                }
            }
            Visit::TooDeep => found.push((String::new(), Err(SkipReason::TooDeep))),
        }
        if found.len() > MOST_FOUND {
            Next::Stop
        } else {
            Next::GoOn
        }
    });
    // In the order of their names, so that the same run takes the same files.
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let mut collected = Collected::default();
    for (name, opened) in found {
        if let Err(reason) = opened.and_then(|file| collected.take(&name, file, rules)) {
            collected.skip(name, reason);
        }
    }
    Ok(collected)
}

/// So many are looked at: each is an open descriptor until it is judged.
const MOST_FOUND: usize = 400;

impl Collected {
    fn take(&mut self, name: &str, file: File, rules: &ArtifactRules) -> Result<(), SkipReason> {
        let stat = fstat(&file).map_err(|_| SkipReason::Unreadable)?;
        if kind(&stat) != FileType::RegularFile {
            return Err(SkipReason::NotRegular);
        }
        if stat.st_nlink != 1 {
            return Err(SkipReason::Linked);
        }
        let size = u64::try_from(stat.st_size).map_err(|_| SkipReason::Unreadable)?;
        rules.judge(name, size, self.taken)?;
        let mut content = Vec::new();
        // No more than was judged, even if it could still grow.
        file.take(size)
            .read_to_end(&mut content)
            .map_err(|_| SkipReason::Unreadable)?;
        self.taken.files += 1;
        self.taken.bytes += content.len() as u64;
        self.files.push((name.to_owned(), content));
        Ok(())
    }

    fn skip(&mut self, name: String, reason: SkipReason) {
        if self.skipped.len() < MOST_SKIPPED {
            self.skipped.push(SkippedFile { name, reason });
        }
    }
}

/// Opens a file for reading without following a link and without waiting for the other side of a pipe.
fn open(folder: &OwnedFd, name: &CStr) -> Result<File, SkipReason> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match openat(folder, name, flags, Mode::empty()) {
        Ok(file) => Ok(file.into()),
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => Err(SkipReason::NotRegular),
        Err(_) => Err(SkipReason::Unreadable),
    }
}

/// The path below the working folder; as an error what can be shown of one that is no text.
fn path(above: &[CString], name: &CStr) -> Result<String, String> {
    let names = above.iter().map(CString::as_c_str).chain([name]);
    let bytes = names.map(CStr::to_bytes).collect::<Vec<_>>().join(&b'/');
    String::from_utf8(bytes).map_err(|error| error.to_string_lossy())
}

trait Lossy {
    fn to_string_lossy(&self) -> String;
}

impl Lossy for std::string::FromUtf8Error {
    fn to_string_lossy(&self) -> String {
        String::from_utf8_lossy(self.as_bytes()).into_owned()
    }
}

fn patterns(globs: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    let every = ["**".to_owned()];
    for glob in if globs.is_empty() { &every[..] } else { globs } {
        set.add(Glob::new(glob).map_err(|error| error.to_string())?);
    }
    set.build().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::collect;
    use crate::core::artifacts::{ArtifactRules, SkipReason};

    fn rules(globs: &[&str]) -> ArtifactRules {
        ArtifactRules {
            globs: globs.iter().map(|glob| (*glob).to_owned()).collect(),
            extensions: vec![".txt".to_owned()],
            most_files: 3,
            most_file_bytes: 100,
            most_total_bytes: 200,
        }
    }

    #[test]
    fn only_plain_files_within_the_limits_are_taken() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        fs::write(at("a.txt"), "a").unwrap();
        fs::write(at("sub/b.txt"), "b").unwrap();
        fs::write(at("c.exe"), "c").unwrap();
        fs::write(at("given.txt"), "given").unwrap();
        fs::write(at("large.txt"), vec![0; 101]).unwrap();
        fs::write(at("one.txt"), "").unwrap();
        fs::hard_link(at("one.txt"), at("other.txt")).unwrap();
        symlink("/etc/passwd", at("link.txt")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("pipe.txt"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        fs::File::create(at("hole.txt"))
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        let found = collect(top.path(), &rules(&[]), &["given.txt"]).unwrap();
        let names: Vec<_> = found.files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a.txt", "sub/b.txt"]);
        let skipped: Vec<_> = found
            .skipped
            .iter()
            .map(|file| (file.name.as_str(), file.reason))
            .collect();
        assert_eq!(
            skipped,
            [
                ("c.exe", SkipReason::Extension),
                ("hole.txt", SkipReason::TooLarge),
                ("large.txt", SkipReason::TooLarge),
                ("link.txt", SkipReason::NotRegular),
                ("one.txt", SkipReason::Linked),
                ("other.txt", SkipReason::Linked),
                ("pipe.txt", SkipReason::NotRegular),
            ]
        );
    }

    #[test]
    fn patterns_choose_and_a_bad_one_is_named() {
        let top = tempfile::tempdir().unwrap();
        for name in ["a.txt", "b.txt"] {
            fs::write(top.path().join(name), name).unwrap();
        }
        let found = collect(top.path(), &rules(&["a*"]), &[]).unwrap();
        assert_eq!((found.files.len(), found.skipped.len()), (1, 0));
        assert!(collect(top.path(), &rules(&["[a"]), &[]).is_err());
    }
}
