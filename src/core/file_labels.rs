//! What is remembered of the files that the bot wrote itself: where their content comes from.
//!
//! Programs write to a workspace too, and nobody sees what they write. So a record holds only for
//! the file that it was made for, recognised by its size and its time; every other file may hold
//! whatever could be read in that workspace.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::error::StoreResult;
use super::label::Labels;

/// The path that stands for the programs that ran in a folder.
pub const PROGRAMS: &str = "";

/// How a folder is recorded: no file looks like this.
pub const FOLDER: FileStamp = FileStamp {
    size_bytes: 0,
    modified_ns: 0,
};

/// A file as it was when its labels were written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    /// Its size.
    pub size_bytes: u64,
    /// When its content changed last, in nanoseconds since 1970.
    pub modified_ns: i64,
}

/// What is remembered of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Which folder it is in: a chat's, or the common one.
    pub area: String,
    /// Its path there, or [`PROGRAMS`]. A folder that was made has a record for its name.
    pub path: String,
    /// How it is recognised.
    pub stamp: FileStamp,
    /// Where its content comes from.
    pub labels: Labels,
}

/// The records of one folder, and what follows from them.
#[derive(Debug, Clone, Default)]
pub struct KnownFiles {
    records: BTreeMap<String, (FileStamp, Labels)>,
    all: Labels,
}

impl KnownFiles {
    /// Of the records of one folder.
    pub fn new(records: Vec<FileRecord>) -> Self {
        let mut all = Labels::default();
        let record = |record: FileRecord| {
            all.join(&record.labels);
            (record.path, (record.stamp, record.labels))
        };
        let records = records.into_iter().map(record).collect();
        Self { records, all }
    }

    /// The labels of a file that looks like `stamp` now: its own, or all there are.
    pub fn of_file(&self, path: &str, stamp: FileStamp) -> &Labels {
        match self.records.get(path) {
            Some((known, labels)) if *known == stamp => labels,
            _ => &self.all,
        }
    }

    /// Whether something is remembered of a file that looks like `stamp` now.
    pub fn knows(&self, path: &str, stamp: FileStamp) -> bool {
        self.records
            .get(path)
            .is_some_and(|(known, _)| *known == stamp)
    }

    /// The labels of a file of which nothing is known.
    pub fn of_anything(&self) -> &Labels {
        &self.all
    }

    /// The labels of the name of a folder: its own, those of what was put in it, and of programs
    /// that ran beside it.
    pub fn of_folder(&self, path: &str) -> Labels {
        let inside = format!("{path}/");
        let below = self.records.range(inside.clone()..);
        let below = below.take_while(|(path, _)| path.starts_with(&inside));
        let own = [PROGRAMS, path].into_iter();
        let own = own.filter_map(|path| self.records.get(path));
        let mut labels = Labels::default();
        for (_, found) in own.chain(below.map(|(_, record)| record)) {
            labels.join(found);
        }
        labels
    }

    /// What programs that ran there brought along.
    pub fn of_programs(&self) -> Labels {
        let programs = self.records.get(PROGRAMS);
        programs.map_or_else(Labels::default, |(_, labels)| labels.clone())
    }
}

/// The records.
#[async_trait]
pub trait FileLabelStore: Send + Sync + std::fmt::Debug {
    /// The record of a path.
    async fn get(&self, area: &str, path: &str) -> StoreResult<Option<FileRecord>>;

    /// All records of a folder.
    async fn list(&self, area: &str) -> StoreResult<Vec<FileRecord>>;

    /// Writes a record in place of the one for the same path.
    async fn add(&self, record: FileRecord) -> StoreResult<()>;

    /// Forgets the record of a path, if there is one.
    async fn delete(&self, area: &str, path: &str) -> StoreResult<()>;
}

#[cfg(test)]
mod tests {
    use super::{FileRecord, FileStamp, KnownFiles, PROGRAMS};
    use crate::core::label::{Labels, Source};

    fn stamp(size_bytes: u64) -> FileStamp {
        FileStamp {
            size_bytes,
            modified_ns: 7,
        }
    }

    #[test]
    fn a_file_that_nobody_wrote_through_us_may_hold_everything() {
        let web = Labels::of(Source::Web {
            host: "example.org".into(),
        });
        let record = |path: &str, labels: &Labels| FileRecord {
            area: "1".into(),
            path: path.into(),
            stamp: stamp(1),
            labels: labels.clone(),
        };
        let known = |paths: &[(&str, &Labels)]| {
            let records = paths.iter().map(|(path, labels)| record(path, labels));
            KnownFiles::new(records.collect())
        };
        let none = Labels::default();
        let files = known(&[("docs/page", &web), ("own", &none)]);
        for (path, size, labels) in [
            ("own", 1, &none),
            ("docs/page", 1, &web),
            ("own", 2, &web),
            ("new", 1, &web),
        ] {
            assert_eq!(files.of_file(path, stamp(size)), labels, "{path}");
        }
        assert_eq!(files.of_folder("docs"), web);
        assert_eq!(files.of_folder("doc"), none);
        let made = known(&[("docs", &web), ("docs/own", &none)]);
        assert_eq!(made.of_folder("docs"), web);
        assert_eq!(made.of_file("docs/own", stamp(1)), &none);
        assert_eq!(known(&[]).of_file("new", stamp(1)), &none);
        let exposed = known(&[(PROGRAMS, &web), ("own", &none)]);
        assert_eq!(exposed.of_file("own", stamp(1)), &none);
        assert_eq!(exposed.of_file("made", stamp(1)), &web);
        assert_eq!(exposed.of_folder("made"), web);
    }
}
