//! Artifacts: which of the files that a program leaves behind are taken out of its sandbox.

use serde::{Deserialize, Serialize};

/// What is wanted, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactRules {
    /// Patterns of paths below the working folder, such as `*.png` or `out/**`; empty: every file.
    pub globs: Vec<String>,
    /// Accepted endings, with their dot, such as `.png`; case does not matter.
    pub extensions: Vec<String>,
    /// So many files at most.
    pub most_files: u32,
    /// One file's size at most.
    pub most_file_bytes: u64,
    /// The size of all of them at most.
    pub most_total_bytes: u64,
}

/// A file that was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its path below the working folder, as text.
    pub name: String,
    /// What stands in it.
    pub content: Vec<u8>,
}

/// A file that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedFile {
    /// Its path below the working folder, as text.
    pub name: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why a file was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// It is a link, a pipe, a device.
    #[error("not a regular file")]
    NotRegular,
    /// It has a second name, which may lead anywhere.
    #[error("it has more than one name (a hard link)")]
    Linked,
    /// It could not be opened or read.
    #[error("it could not be read")]
    Unreadable,
    /// Its name is no text, or too long to be one.
    #[error("its name is not plain text")]
    BadName,
    /// Its ending is not among the accepted ones.
    #[error("files of this kind are not taken")]
    Extension,
    /// It is larger than a file may be.
    #[error("the file is too large")]
    TooLarge,
    /// There were as many as may be.
    #[error("too many files")]
    TooMany,
    /// All together would be too large.
    #[error("the files are too large together")]
    TotalTooLarge,
    /// It lies deeper than is looked.
    #[error("it lies too deep")]
    TooDeep,
}

/// What was taken so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many files.
    pub files: u32,
    /// How large together, in bytes.
    pub bytes: u64,
}

impl ArtifactRules {
    /// Whether a file of this name and size can be taken beside what was taken already.
    pub fn judge(&self, name: &str, size: u64, taken: Taken) -> Result<(), SkipReason> {
        let lower = name.to_lowercase();
        if name.chars().any(char::is_control) {
            return Err(SkipReason::BadName);
        }
        if !self
            .extensions
            .iter()
            .any(|extension| lower.ends_with(&extension.to_lowercase()))
        {
            return Err(SkipReason::Extension);
        }
        if size > self.most_file_bytes {
            return Err(SkipReason::TooLarge);
        }
        if taken.files >= self.most_files {
            return Err(SkipReason::TooMany);
        }
        if taken.bytes.saturating_add(size) > self.most_total_bytes {
            return Err(SkipReason::TotalTooLarge);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{ArtifactRules, SkipReason, Taken};

    #[test]
    fn files_are_taken_within_all_limits() {
        let rules = ArtifactRules {
            globs: Vec::new(),
            extensions: vec![".png".to_owned(), ".CSV".to_owned()],
            most_files: 2,
            most_file_bytes: 10,
            most_total_bytes: 15,
        };
        let none = Taken::default();
        let some = Taken {
            files: 1,
            bytes: 10,
        };
        let all = Taken { files: 2, bytes: 0 };
        for (name, size, taken, verdict) in [
            ("a.png", 10, none, Ok(())),
            ("out/b.PNG", 0, none, Ok(())),
            ("c.csv", 5, some, Ok(())),
            ("c.csv", 6, some, Err(SkipReason::TotalTooLarge)),
            ("a.png", 11, none, Err(SkipReason::TooLarge)),
            ("a.png", u64::MAX, some, Err(SkipReason::TooLarge)),
            ("a.png", 1, all, Err(SkipReason::TooMany)),
            ("a.exe", 1, none, Err(SkipReason::Extension)),
            ("png", 1, none, Err(SkipReason::Extension)),
            ("a\u{1b}[2J.png", 1, none, Err(SkipReason::BadName)),
        ] {
            assert_eq!(rules.judge(name, size, taken), verdict, "{name} {size}");
        }
    }
}
