//! A log file a day, `NAME.YYYY-MM-DD` by UTC. The oldest of these are removed, and no other file is.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use rustix::fs::OFlags;

use crate::core::clock::Clock;

/// How many daily files are kept.
const FILES_KEPT: usize = 14;

/// How the day is written behind the name.
const DAY: &str = "%Y-%m-%d";

/// The file of the day.
#[derive(Debug)]
pub(super) struct DailyFile {
    clock: Arc<dyn Clock>,
    folder: PathBuf,
    name: String,
    day: NaiveDate,
    file: File,
}

impl DailyFile {
    /// Opens that of today and removes what is too old. The folder is made where there is none.
    pub(super) fn open(folder: &Path, name: &str, clock: Arc<dyn Clock>) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let day = clock.now().date_naive();
        let daily = Self {
            file: open_file(folder, name, day)?,
            clock,
            folder: folder.to_owned(),
            name: name.to_owned(),
            day,
        };
        daily.prune();
        Ok(daily)
    }

    /// Goes on in the file of a new day. Where that cannot be opened, the old one takes the lines, and the next tries again.
    fn turn_to(&mut self, day: NaiveDate) {
        if let Ok(file) = open_file(&self.folder, &self.name, day) {
            self.file = file;
            self.day = day;
            self.prune();
        }
    }

    /// Leaves the newest files of earlier days. There is no log to tell a failure to; the next day tries again.
    fn prune(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut earlier: Vec<(NaiveDate, PathBuf)> = entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .filter_map(|entry| Some((self.day_of(entry.file_name().to_str()?)?, entry.path())))
            .filter(|(day, _)| *day < self.day)
            .collect();
        earlier.sort();
        let too_many = earlier.len().saturating_sub(FILES_KEPT - 1);
        for (_, path) in earlier.drain(..too_many) {
            let _ = fs::remove_file(path);
        }
    }

    /// The day of one of these files; `None` for every other name, however alike.
    fn day_of(&self, file: &str) -> Option<NaiveDate> {
        let written = file.strip_prefix(&self.name)?.strip_prefix('.')?;
        let day = NaiveDate::parse_from_str(written, DAY).ok()?;
        // Read leniently: 2026-1-1 is a day too, and not a name of ours.
        (day.format(DAY).to_string() == written).then_some(day)
    }
}

impl Write for DailyFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let today = self.clock.now().date_naive();
        if today != self.day {
            self.turn_to(today);
        }
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn open_file(folder: &Path, name: &str, day: NaiveDate) -> io::Result<File> {
    let path = folder.join(format!("{name}.{}", day.format(DAY)));
    let file = File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        // A link could lead anywhere, and a pipe would be waited for.
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no plain file")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;

    /// Tells the time that it is set to.
    #[derive(Debug)]
    struct SetClock(Mutex<DateTime<Utc>>);

    #[async_trait]
    impl Clock for SetClock {
        fn now(&self) -> DateTime<Utc> {
            *self.0.lock().unwrap()
        }

        async fn sleep_until(&self, _: DateTime<Utc>) {}
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_no_plain_file_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let start = "2026-01-30T12:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let clock = Arc::new(SetClock(Mutex::new(start)));
        fs::write(at("else"), "precious").unwrap();
        std::os::unix::fs::symlink(at("else"), at("a.2026-01-30")).unwrap();
        nix::unistd::mkfifo(&at("b.2026-01-30"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        for name in ["a", "b"] {
            let opened = DailyFile::open(folder.path(), name, clock.clone());
            assert!(opened.is_err(), "{name}");
        }
        DailyFile::open(folder.path(), "c", clock).unwrap();
        let mode = fs::metadata(at("c.2026-01-30")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(at("else")).unwrap(), "precious");
    }

    #[test]
    fn each_day_has_its_file_and_the_oldest_go_at_midnight() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for other in [
            "minibot.db",
            "minibot.db-wal",
            "minibot.db.before-upgrade-1",
        ] {
            fs::write(folder.join(other), "precious").unwrap();
        }
        let start = "2026-01-30T23:59:59Z".parse::<DateTime<Utc>>().unwrap();
        let clock = Arc::new(SetClock(Mutex::new(start)));
        let mut log = DailyFile::open(folder, "minibot", clock.clone()).unwrap();
        for day in 0..20 {
            *clock.0.lock().unwrap() = start + TimeDelta::days(day);
            log.write_all(format!("day {day}\n").as_bytes()).unwrap();
        }
        let left = names(folder);
        assert_eq!(left.len(), 3 + FILES_KEPT, "{left:?}");
        assert_eq!(left[0], "minibot.2026-02-05");
        assert_eq!(left[13], "minibot.2026-02-18");
        let last = fs::read_to_string(folder.join("minibot.2026-02-18")).unwrap();
        assert_eq!(last, "day 19\n");
        // A clock that is set back takes no file away.
        *clock.0.lock().unwrap() = start;
        log.write_all(b"again\n").unwrap();
        assert_eq!(names(folder).len(), 3 + FILES_KEPT + 1);
        let back = fs::read_to_string(folder.join("minibot.2026-01-30")).unwrap();
        assert_eq!(back, "again\n");
    }
}
