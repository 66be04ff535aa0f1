//! The workspace: the files of a chat, and the port to them.
//!
//! Each chat has a folder of its own (`chats/<chat>/`), so that no chat reads another's files. Paths
//! of tools are relative to it; what begins with `shared/` is in the folder that all chats share.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::channel::ChatTarget;
use super::file_name::is_deceptive;
use super::label::Labels;
use super::media::Blob;

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
pub const LONGEST_NAME: usize = 255;

/// More folders within folders than this are refused: each is opened on its own.
const MOST_NAMES: usize = 32;

/// What the path of a file in the common folder begins with.
pub const SHARED: &str = "shared";

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
        if written.chars().any(is_deceptive) {
            return refuse("it has control or invisible characters");
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
        if names.len() > MOST_NAMES {
            return refuse("it is too deep");
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

    /// The path of something in this folder.
    pub fn join(&self, name: &str) -> Result<Self, FileError> {
        Self::parse(&format!("{}/{name}", self.0))
    }

    /// Whether it is in the folder that all chats share, or is that folder.
    pub fn is_shared(&self) -> bool {
        self.0.split('/').next() == Some(SHARED)
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

/// What is found in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Where it is.
    pub path: WorkspacePath,
    /// What it is.
    pub kind: EntryKind,
    /// Its size; 0 of what is no file.
    pub size_bytes: u64,
    /// When its content changed last.
    pub modified_at: DateTime<Utc>,
    /// Where its content, and so its name, may come from.
    pub labels: Labels,
    /// Whether that is remembered of this very content; else it is all that is in the folder.
    pub is_remembered: bool,
}

/// Kinds of what is found in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file of one name.
    File,
    /// A folder.
    Folder,
    /// A link, a pipe, a device: it is shown and never opened.
    Other,
}

/// What a folder holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// In the order of their paths.
    pub entries: Vec<FileEntry>,
    /// How many more there are: beyond the limit, or under names that no path can have.
    pub left_out: u64,
}

/// How deep a listing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The folder itself.
    Folder,
    /// With all folders in it.
    Tree,
}

/// What happens to a file of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and the writing is refused.
    Never,
    /// It is replaced, whole, at once.
    Replace,
}

/// The files of all chats, as those parts see them that bring files in or need some as they are.
///
/// An implementer opens everything beneath a handle of the chat's folder: no path and no link leads
/// out of it, at any time. Only regular files that have one name are read. What is written is there
/// whole or not at all, within the quota of its folder (the chat's, or the common one).
#[async_trait]
pub trait Workspaces: Send + Sync + fmt::Debug {
    /// Saves bytes as a new file in `folder`, under a safe name made of `name`; a number is added
    /// when there is one of that name. An empty `folder` is the workspace itself.
    async fn save_new(
        &self,
        workspace: &WorkspaceId,
        folder: &str,
        name: &str,
        content: FileContent,
    ) -> Result<SavedFile, FileError>;

    /// Makes a folder, with those above it, whose name was chosen by somebody who had read content
    /// with these labels: wherever it is shown, it is content too.
    async fn make_folder(
        &self,
        workspace: &WorkspaceId,
        folder: &WorkspacePath,
        labels: &Labels,
    ) -> Result<(), FileError>;

    /// Reads a regular file of at most `most_bytes`.
    async fn read(
        &self,
        workspace: &WorkspaceId,
        path: &WorkspacePath,
        most_bytes: u64,
    ) -> Result<FileContent, FileError>;

    /// The chat's folder, made where there is none: for the sandbox, which gives it to a program.
    async fn directory(&self, workspace: &WorkspaceId) -> Result<PathBuf, FileError>;

    /// Where anything may come from that can be read in the chat's folder.
    async fn labels(&self, workspace: &WorkspaceId) -> Result<Labels, FileError>;

    /// Says that a program is about to run in the chat's folder on content with these labels: what
    /// is in there afterwards and was not written through this port has them, with those of all that
    /// the program could read.
    async fn expose(&self, workspace: &WorkspaceId, labels: &Labels) -> Result<(), FileError>;

    /// Moves the files of a chat that lives on under another id. What is there already stays, and
    /// then nothing moves.
    async fn move_chat(&self, from: &WorkspaceId, to: &WorkspaceId) -> Result<(), FileError>;

    /// Deletes the files in `folder` of all chats that did not change since `older_than`; says how
    /// many went.
    async fn sweep(&self, folder: &str, older_than: DateTime<Utc>) -> Result<u64, FileError>;
}

/// Where a new file is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewPlace<'a> {
    /// The folder; empty is the workspace itself.
    pub folder: &'a str,
    /// The name, as somebody else gave it.
    pub name: &'a str,
}

/// Where a file goes that is moved.
#[derive(Debug, Clone, Copy)]
pub struct NewName<'a> {
    /// Its path then.
    pub path: &'a WorkspacePath,
    /// What happens to a file that is there.
    pub overwrite: Overwrite,
    /// What had been read by whoever chose the path: the names in it are content too.
    pub labels: &'a Labels,
}

/// A file that is open; what is read of it is what stands there at that moment.
#[derive(Debug, Clone)]
pub struct OpenFile {
    /// Its bytes.
    pub content: Arc<dyn Blob>,
    /// Where they come from.
    pub labels: Labels,
}

/// Says what a file becomes of which it is given the content; `None` leaves it as it is.
pub type FileEdit<'a> = Box<dyn FnOnce(FileContent) -> Option<FileContent> + Send + 'a>;

/// What the tools and the person do with the files of a chat, beyond [`Workspaces`].
#[async_trait]
pub trait WorkspaceFiles: Workspaces {
    /// Keeps a file that somebody sent, piece by piece, as [`Workspaces::save_new`] does. The same
    /// content under the same name is kept once.
    async fn keep(
        &self,
        workspace: &WorkspaceId,
        place: NewPlace<'_>,
        content: &Arc<dyn Blob>,
        labels: &Labels,
    ) -> Result<SavedFile, FileError>;

    /// Opens a regular file of at most `most_bytes`.
    async fn open(
        &self,
        workspace: &WorkspaceId,
        path: &WorkspacePath,
        most_bytes: u64,
    ) -> Result<OpenFile, FileError>;

    /// What a folder holds, the workspace itself without one: at most `limit` entries.
    async fn list(
        &self,
        workspace: &WorkspaceId,
        folder: Option<&WorkspacePath>,
        depth: Depth,
        limit: usize,
    ) -> Result<Listing, FileError>;

    /// One entry.
    async fn info(
        &self,
        workspace: &WorkspaceId,
        path: &WorkspacePath,
    ) -> Result<FileEntry, FileError>;

    /// Writes a file whole; missing folders are made, and their names are labelled as the content is.
    async fn write(
        &self,
        workspace: &WorkspaceId,
        path: &WorkspacePath,
        content: FileContent,
        overwrite: Overwrite,
    ) -> Result<SavedFile, FileError>;

    /// Changes a file of at most `most_bytes`. Nobody else writes through this port between the
    /// reading and the writing.
    async fn edit(
        &self,
        workspace: &WorkspaceId,
        path: &WorkspacePath,
        most_bytes: u64,
        edit: FileEdit<'_>,
    ) -> Result<(), FileError>;

    /// Gives a file another path; its labels go with it, and those of the new name join them.
    async fn rename(
        &self,
        workspace: &WorkspaceId,
        from: &WorkspacePath,
        to: NewName<'_>,
    ) -> Result<SavedFile, FileError>;

    /// Deletes a file, a link or an empty folder.
    async fn delete(&self, workspace: &WorkspaceId, path: &WorkspacePath) -> Result<(), FileError>;
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
            "a\u{202e}gpj.exe",
            "a\u{200b}b",
            &long,
            &"d/".repeat(33),
        ] {
            assert!(WorkspacePath::parse(refused).is_err(), "{refused:?}");
        }
    }
}
