//! Where runs take place: the helper's program, and the folder that holds the runs' own folders.

use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::geteuid;
use tracing::warn;

use super::order::Mark;
use super::supervisor::{RUN_PREFIX, end_strays, own_score, remove};

/// The helper, and the folder of all runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxPlace {
    helper: PathBuf,
    runs: PathBuf,
    mark: Mark,
}

/// Only the owner, and everybody who knows a name in it may pass.
const PASSABLE: u32 = 0o711;
const PRIVATE: u32 = 0o700;

/// How long processes of an earlier life may take to go.
const PATIENCE: Duration = Duration::from_secs(10);

impl SandboxPlace {
    /// Prepares `runs` for this process's program, and ends and removes what an earlier life left there. `within`
    /// are the bot's own folders above the runs and the workspaces: where the bot is root, other users
    /// are let pass through them, for programs run as one.
    pub fn prepare(runs: PathBuf, within: &[&Path]) -> io::Result<Self> {
        // Not the path of the program: that may lead to a newer one by now.
        Self::with_helper(PathBuf::from("/proc/self/exe"), runs, within)
    }

    /// As [`SandboxPlace::prepare`], with the helper of another program.
    pub fn with_helper(helper: PathBuf, runs: PathBuf, within: &[&Path]) -> io::Result<Self> {
        let mode = if geteuid().is_root() {
            PASSABLE
        } else {
            PRIVATE
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(&runs)?;
        fs::set_permissions(&runs, fs::Permissions::from_mode(mode))?;
        if geteuid().is_root() {
            within.iter().try_for_each(|folder| let_pass(folder))?;
        }
        let runs = fs::canonicalize(runs)?;
        let own = own_score();
        let mark = Mark::of(&runs, own);
        if mark.is(own) {
            warn!(
                "the bot's oom_score_adj is the highest there is, so its programs cannot be told by theirs: when a \
                 helper is killed, programs of its run may go on"
            );
        }
        let place = Self { helper, runs, mark };
        clear_of(fs::read_dir(&place.runs)?.flatten(), || place.end_strays())?;
        Ok(place)
    }

    /// Ends and removes what the runs of an earlier life left in a folder that is not for them alone.
    pub fn clear(&self, shared: &Path) -> io::Result<()> {
        let is_run = |left: &DirEntry| {
            let name = left.file_name();
            name.as_encoded_bytes().starts_with(RUN_PREFIX.as_bytes())
        };
        let left = fs::read_dir(shared)?.flatten().filter(is_run);
        clear_of(left, || self.end_strays())
    }

    fn end_strays(&self) -> bool {
        end_strays(self.mark, PATIENCE)
    }

    /// The folder of all runs, without links in it.
    pub(super) fn runs(&self) -> &Path {
        &self.runs
    }

    /// What the kernel knows the processes of these runs by.
    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    pub(super) fn helper(&self) -> &Path {
        &self.helper
    }
}

/// All processes are looked through only where a run has left its folder: that goes last, and not before
/// all of them have ended.
fn clear_of(
    left: impl Iterator<Item = DirEntry>,
    have_ended: impl FnOnce() -> bool,
) -> io::Result<()> {
    let mut left = left.peekable();
    if left.peek().is_some() && !have_ended() {
        warn!(
            "programs of the last process cannot be ended; the next start looks for them once more"
        );
        return Ok(());
    }
    left.try_for_each(|left| Ok(remove(&left.path())?))
}

/// Adds the right to pass through a folder to what others may do there already.
fn let_pass(folder: &Path) -> io::Result<()> {
    let found = match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    let mode = found.mode() & 0o7777;
    let wanted = mode | 0o011;
    if mode == wanted {
        Ok(())
    } else {
        fs::set_permissions(folder, fs::Permissions::from_mode(wanted))
    }
}

/// Closes this process's memory, environment and descriptors to all processes of the same user.
pub fn hide_from_others() -> io::Result<()> {
    Ok(nix::sys::prctl::set_dumpable(false)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::clear_of;

    #[test]
    fn a_run_keeps_its_folder_until_its_programs_have_ended() {
        let runs = tempfile::tempdir().expect("there is room");
        fs::create_dir(runs.path().join("run-1-a")).expect("there is room");
        let left = || fs::read_dir(runs.path()).expect("it is there").flatten();
        for have_ended in [false, true] {
            clear_of(left(), || have_ended).expect("it can be removed");
            assert_eq!(left().count(), usize::from(!have_ended));
        }
        clear_of(left(), || {
            panic!("nothing is left, so nobody is looked for")
        })
        .expect("it is empty");
    }
}
