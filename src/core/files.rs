//! The workspace: the files of a chat, and the port to them.
//!
//! Each chat has a folder of its own (`chats/<chat>/`), so that no chat reads another's files. Paths
//! of tools are relative to it.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;

use super::channel::ChatTarget;
use super::label::Labels;

/// The workspace of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkspaceId(String);

impl WorkspaceId {
    /// The workspace of the chat in which this happens; topics of a chat share it.
    pub fn of(target: &ChatTarget) -> Self {
        if target.channel.as_str() == "console" {
            return Self("console".to_owned());
        }
        Self(target.chat.as_str().to_owned())
    }

    /// The name of its folder below `chats/`.
    pub fn folder(&self) -> &str {
        &self.0
    }
}

/// A path within a workspace: relative, of plain names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspacePath(String);

/// The longest name of a file or folder, in bytes.
const LONGEST_NAME: usize = 255;

impl WorkspacePath {
    /// Checks a path as a model or a person wrote it.
    pub fn parse(written: &str) -> Result<Self, FileError> {
        let refuse = |why: &str| Err(FileError::BadPath(format!("{written:?}: {why}")));
        if written.is_empty() {
            return Err(FileError::BadPath("the path is empty".to_owned()));
        }
        if written.starts_with('/') {
            return refuse("give it relative to the workspace");
        }
        if written.starts_with('~') || written.contains('\\') {
            return refuse("~ and \\ have no meaning here");
        }
        if written.chars().any(char::is_control) {
            return refuse("it has control characters");
        }
        let names: Vec<&str> = written
            .split('/')
            .filter(|name| !name.is_empty() && *name != ".")
            .collect();
        if names.is_empty() {
            return refuse("it names no file");
        }
        if names.contains(&"..") {
            return refuse("it may not leave the workspace");
        }
        if names.iter().any(|name| name.len() > LONGEST_NAME) {
            return refuse("a name is longer than 255 bytes");
        }
        Ok(Self(names.join("/")))
    }

    /// The path, with `/` between its names.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last name.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for WorkspacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedFile {
    /// Where it is.
    pub path: WorkspacePath,
    /// Its size.
    pub size_bytes: u64,
}

/// A file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContent {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Where they came from.
    pub labels: Labels,
}

/// Why a file could not be read or written; the words are for the model and the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The path is refused.
    #[error("the path is refused: {0}")]
    BadPath(String),
    /// There is no such file.
    #[error("not found: {0}")]
    NotFound(String),
    /// There is something already.
    #[error("{0} exists already; set overwrite to replace it")]
    Exists(String),
    /// Over a limit.
    #[error("{0}")]
    TooLarge(String),
    /// Not a regular file, or a link, or something else that is not served.
    #[error("{0}")]
    Refused(String),
    /// The disk failed.
    #[error("the file could not be used: {0}")]
    Failed(String),
}

/// The files of all chats.
///
/// An implementer opens everything beneath a handle of the chat's folder: no path and no link leads
/// out of it, at any time.
#[async_trait]
pub trait Workspaces: Send + Sync + fmt::Debug {
    /// Saves bytes as a new file in `folder`, under a safe name made of `name`; a number is added
    /// when there is one of that name.
    async fn save_new(
        &self,
        workspace: &WorkspaceId,
        folder: &str,
        name: &str,
        content: FileContent,
    ) -> Result<SavedFile, FileError>;

    /// Reads a regular file of at most `most_bytes`.
    async fn read(
        &self,
        workspace: &WorkspaceId,
        path: &WorkspacePath,
        most_bytes: u64,
    ) -> Result<FileContent, FileError>;

    /// The chat's folder, made where there is none: for the sandbox, which gives it to a program.
    async fn directory(&self, workspace: &WorkspaceId) -> Result<PathBuf, FileError>;
}

#[cfg(test)]
mod tests {
    use super::WorkspacePath;

    #[test]
    fn only_plain_relative_paths_are_taken() {
        for (written, read) in [
            ("a.txt", "a.txt"),
            ("a//b/./c.txt", "a/b/c.txt"),
            ("...", "..."),
            ("ü/日本.txt", "ü/日本.txt"),
        ] {
            let path = WorkspacePath::parse(written).map(|path| path.as_str().to_owned());
            assert_eq!(path.as_deref(), Ok(read));
        }
        let long = "n".repeat(256);
        for refused in [
            "",
            "/etc/passwd",
            "..",
            "a/../b",
            "~/x",
            "a\\b",
            "a\0b",
            "a\nb",
            ".",
            "//",
            &long,
        ] {
            assert!(WorkspacePath::parse(refused).is_err(), "{refused:?}");
        }
    }
}
