//! Workspaces on a real folder and a real database.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;
use std::sync::Arc;

use minibot::adapters::files::CapWorkspaces;
use minibot::adapters::sqlite::SqliteFileLabelStore;
use minibot::core::channel::ChatTarget;
use minibot::core::file_labels::FileLabelStore;
use minibot::core::files::{
    Depth, FileContent, FileError, Listing, NewName, Overwrite, SavedFile, WorkspaceFiles,
    WorkspaceId, WorkspacePath, Workspaces,
};
use minibot::core::ids::{ChannelName, ChatId};
use minibot::core::label::{Labels, Source};
use minibot::core::units::ByteCount;

use super::sqlite_fixture::Fixture;

/// Workspaces with a quota of a megabyte.
pub struct Folder {
    _fixture: Fixture,
    folder: tempfile::TempDir,
    pub files: Arc<CapWorkspaces>,
}

impl Folder {
    pub async fn new() -> Self {
        Self::below(tempfile::tempdir().unwrap()).await
    }

    pub async fn below(folder: tempfile::TempDir) -> Self {
        Self::with(folder, |labels| Arc::new(labels)).await
    }

    /// With something between the files and what is remembered of them.
    pub async fn with(
        folder: tempfile::TempDir,
        wrapped: impl FnOnce(SqliteFileLabelStore) -> Arc<dyn FileLabelStore>,
    ) -> Self {
        let fixture = Fixture::new().await;
        let labels = wrapped(SqliteFileLabelStore::new(fixture.database.clone()));
        let quota = ByteCount::megabytes(1);
        let files = CapWorkspaces::new(folder.path().join("files"), quota, labels);
        Self {
            _fixture: fixture,
            folder,
            files: Arc::new(files),
        }
    }

    /// Where the files of chat 7 are.
    pub async fn chat(&self) -> PathBuf {
        self.files.directory(&chat("7")).await.unwrap()
    }

    /// A folder that no chat may see.
    pub fn outside(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub async fn write(&self, at: &str, content: &str) -> Result<SavedFile, FileError> {
        self.write_labelled(at, content, Labels::default()).await
    }

    pub async fn write_labelled(
        &self,
        at: &str,
        content: &str,
        labels: Labels,
    ) -> Result<SavedFile, FileError> {
        let content = FileContent {
            bytes: content.into(),
            labels,
        };
        let overwrite = Overwrite::Replace;
        self.files
            .write(&chat("7"), &path(at), content, overwrite)
            .await
    }

    pub async fn read(&self, at: &str) -> Result<String, FileError> {
        let read = self.files.read(&chat("7"), &path(at), 1_000_000).await?;
        Ok(String::from_utf8(read.bytes).unwrap())
    }

    /// Reads in another chat.
    pub async fn read_in(&self, id: &str, at: &str) -> Result<Vec<u8>, FileError> {
        let read = self.files.read(&chat(id), &path(at), 1_000_000).await?;
        Ok(read.bytes)
    }

    /// What a folder of a chat holds, with all below it; an empty path is the workspace.
    pub async fn list(&self, id: &str, at: &str) -> Result<Listing, FileError> {
        let folder = (!at.is_empty()).then(|| path(at));
        let files = &self.files;
        files
            .list(&chat(id), folder.as_ref(), Depth::Tree, 99)
            .await
    }

    pub async fn rename(
        &self,
        from: &str,
        to: &str,
        overwrite: Overwrite,
    ) -> Result<SavedFile, FileError> {
        let labels = Labels::default();
        self.rename_labelled(from, to, overwrite, &labels).await
    }

    pub async fn rename_labelled(
        &self,
        from: &str,
        to: &str,
        overwrite: Overwrite,
        labels: &Labels,
    ) -> Result<SavedFile, FileError> {
        let (from, to) = (path(from), path(to));
        let to = NewName {
            path: &to,
            overwrite,
            labels,
        };
        self.files.rename(&chat("7"), &from, to).await
    }

    pub async fn delete(&self, at: &str) -> Result<(), FileError> {
        self.files.delete(&chat("7"), &path(at)).await
    }

    pub async fn labels(&self, at: &str) -> Labels {
        let read = self.files.read(&chat("7"), &path(at), 1_000_000).await;
        read.unwrap().labels
    }
}

pub fn chat(id: &str) -> WorkspaceId {
    WorkspaceId::of(&ChatTarget {
        channel: ChannelName::new("telegram"),
        chat: ChatId::new(id),
        thread: None,
    })
}

pub fn path(written: &str) -> WorkspacePath {
    WorkspacePath::parse(written).unwrap()
}

pub fn web() -> Labels {
    Labels::of(Source::Web {
        host: "example.org".into(),
    })
}

/// Of a file that somebody sent.
pub fn named(name: &str) -> Labels {
    Labels::of(Source::Document { name: name.into() })
}

/// The name of the variant, which is what callers decide on.
pub fn kind<T>(result: &Result<T, FileError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(FileError::BadPath(_)) => "bad path",
        Err(FileError::NotFound(_)) => "not found",
        Err(FileError::Exists(_)) => "exists",
        Err(FileError::TooLarge(_)) => "too large",
        Err(FileError::Refused(_)) => "refused",
        Err(FileError::Failed(_)) => "failed",
    }
}
