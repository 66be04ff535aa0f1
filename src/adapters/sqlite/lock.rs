//! One process for each database: an operating system lock that dies with its holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::error::OpenError;
use super::files::open_private;

/// How a file is locked: not every file system can.
type TryLock = fn(&File) -> Result<(), TryLockError>;

/// Holds the lock until it is dropped, or the process ends in whatever way. The descriptor is
/// closed on exec, so no child keeps it.
#[derive(Debug)]
pub struct DatabaseLock {
    _file: File,
}

impl DatabaseLock {
    /// Takes the lock `<database>.lock`, or says who has it.
    pub fn acquire(database: &Path, now: DateTime<Utc>) -> Result<Self, OpenError> {
        Self::acquire_by(File::try_lock, database, now)
    }

    fn acquire_by(
        try_lock: TryLock,
        database: &Path,
        now: DateTime<Utc>,
    ) -> Result<Self, OpenError> {
        if let Some(folder) = database
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            super::files::create_folder(folder)?;
        }
        let path = lock_path(database);
        let mut file = open_private(&path)?;
        match try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = holder.lines().next().unwrap_or_default().to_owned();
                return Err(OpenError::AlreadyRunning { holder });
            }
            Err(TryLockError::Error(error)) => {
                return Err(OpenError::NoLocks {
                    path,
                    reason: error.to_string(),
                });
            }
        }
        // Where locks do nothing, a second one succeeds too.
        if try_lock(&open_private(&path)?).is_ok() {
            return Err(OpenError::NoLocks {
                path,
                reason: "a lock excluded nobody".into(),
            });
        }
        let failed = |error| OpenError::File {
            path: path.clone(),
            error,
        };
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        writeln!(
            file,
            "pid {} on {} since {}\n{}",
            std::process::id(),
            host(),
            now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            numbering()
        )
        .map_err(failed)?;
        Ok(Self { _file: file })
    }

    /// Who holds the lock of a database, if anyone does, in words.
    pub fn holder(database: &Path) -> Option<String> {
        let text = Self::text(database)?;
        Some(text.lines().next().unwrap_or_default().to_owned())
    }

    /// What the holder of the lock has written into it.
    fn text(database: &Path) -> Option<String> {
        let mut file = OpenOptions::new()
            .read(true)
            .open(lock_path(database))
            .ok()?;
        let Err(TryLockError::WouldBlock) = file.try_lock_shared() else {
            return None;
        };
        let mut holder = String::new();
        file.read_to_string(&mut holder).ok()?;
        Some(holder)
    }

    /// Where the holder of the lock of a database runs.
    pub fn holder_place(database: &Path) -> HolderPlace {
        let Some(text) = Self::text(database) else {
            return HolderPlace::Nowhere;
        };
        let (holder, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let words: Vec<&str> = holder.split(' ').collect();
        match words.as_slice() {
            // In another container the same number is another process, whatever the containers are called.
            ["pid", pid, "on", place, ..] if *place == host() && rest.trim() == numbering() => pid
                .parse()
                .map_or(HolderPlace::Elsewhere, |pid| HolderPlace::Here { pid }),
            _ => HolderPlace::Elsewhere,
        }
    }
}

/// Where the process runs that uses a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderPlace {
    /// There is none.
    Nowhere,
    /// On this machine.
    Here {
        /// Its id.
        pid: u32,
    },
    /// On another machine or in another container.
    Elsewhere,
}

fn host() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    host.trim().to_owned()
}

/// What gives the processes around this one their numbers: containers that share the machine's network share its
/// name, and count their processes each for itself.
fn numbering() -> String {
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    namespace.to_string_lossy().into_owned()
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::io::Error;

    use super::*;

    /// Network file systems do either, and two bots on one database answer everything twice.
    #[test]
    fn a_file_system_without_working_locks_is_refused() {
        let refuses: TryLock = |_| Err(TryLockError::Error(Error::other("not supported")));
        let excludes_nobody: TryLock = |_| Ok(());
        for (try_lock, why) in [
            (refuses, "not supported"),
            (excludes_nobody, "excluded nobody"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let database = folder.path().join("minibot.db");
            let acquired = DatabaseLock::acquire_by(try_lock, &database, DateTime::UNIX_EPOCH);
            let error = acquired.unwrap_err();
            assert!(matches!(error, OpenError::NoLocks { .. }), "{error}");
            let told = error.to_string();
            assert!(told.contains(why) && told.contains("local disk"), "{told}");
            assert_eq!(DatabaseLock::holder(&database), None);
        }
    }
}
