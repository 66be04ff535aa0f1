//! The folder of one run: its home, its temporary files, where it works, and what it was given.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use nix::unistd::getpid;

use super::super::confine::NOBODY;
use super::super::order::{Order, OrderPlace};
use super::{becomes_nobody, folders};

/// The name under which a program finds the chat's workspace.
pub(super) const WORKSPACE: &str = "workspace";

/// How the names of the runs' folders begin.
pub(in super::super) const RUN_PREFIX: &str = "run-";

/// How the name of the folder of a helper's run begins.
pub(in super::super) fn run_prefix(helper: u32) -> String {
    format!("{RUN_PREFIX}{helper}-")
}

/// A folder that goes when this does, unless it is to stay.
#[derive(Debug)]
pub(super) struct RunFolder {
    top: PathBuf,
    stays: bool,
}

impl RunFolder {
    /// Makes it, with nothing of any run before.
    pub(super) fn make(order: &Order) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("no folder for the run in {}: {error}", order.runs.display())
        };
        let made = tempfile::Builder::new()
            .prefix(&run_prefix(getpid().as_raw().unsigned_abs()))
            .tempdir_in(&order.runs);
        let folder = Self {
            top: made.map_err(|error| failed(&error))?.keep(),
            stays: false,
        };
        for name in ["home", "tmp", "work", "given"] {
            let made = fs::DirBuilder::new()
                .mode(0o700)
                .create(folder.top.join(name));
            made.map_err(|error| failed(&error))?;
        }
        if let OrderPlace::Private {
            workspace: Some(workspace),
        } = &order.place
        {
            symlink(workspace, folder.work().join(WORKSPACE)).map_err(|error| failed(&error))?;
        }
        Ok(folder)
    }

    /// Lets the user in that the program will be, where that is another one than the bot.
    pub(super) fn hand_over(&self, order: &Order) -> Result<(), String> {
        if !becomes_nobody(order) {
            return Ok(());
        }
        let places = [Some(&self.top), order.place.workspace()];
        for place in places.into_iter().flatten() {
            folders::hand_over(place, NOBODY).map_err(|error| {
                format!(
                    "{} cannot be handed to the user {NOBODY}: {error}",
                    place.display()
                )
            })?;
        }
        Ok(())
    }

    pub(super) fn top(&self) -> &Path {
        &self.top
    }

    pub(super) fn work(&self) -> PathBuf {
        self.top.join("work")
    }

    /// Where a file among the arguments goes. Its name is a plain one, or it is refused.
    pub(super) fn give(&self, name: &str, content: &[u8]) -> Result<PathBuf, String> {
        if name.is_empty() || name.contains(['/', '\0']) || name.starts_with('.') {
            return Err(format!("{name:?} is no plain file name"));
        }
        let path = self.top.join("given").join(name);
        fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// Leaves it where processes of the run live on: only where a folder is left does anybody look for them.
    pub(super) fn stay(mut self) {
        self.stays = true;
    }

    /// Removes it; what stops that is worth knowing.
    pub(super) fn remove(self) -> Result<(), String> {
        folders::remove(&self.top)
            .map_err(|error| format!("{} cannot be removed: {error}", self.top.display()))
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if !self.stays {
            let _ = folders::remove(&self.top);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RunFolder;

    #[test]
    fn a_folder_goes_unless_it_is_to_stay() {
        for stays in [false, true] {
            let runs = tempfile::tempdir().unwrap();
            let top = runs.path().join("run");
            std::fs::create_dir(&top).unwrap();
            let folder = RunFolder {
                top: top.clone(),
                stays: false,
            };
            if stays {
                folder.stay();
            } else {
                drop(folder);
            }
            assert_eq!(top.exists(), stays);
        }
    }
}
