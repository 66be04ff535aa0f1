//! The ports of the workspaces over the folders on disk.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::OwnedMutexGuard;

use super::area::{self, Location, STAGING};
use super::beneath::{self, Missing, failure};
use super::saving::Content;
use super::sweep;
use crate::core::file_labels::{FOLDER, FileLabelStore, PROGRAMS};
use crate::core::files::{
    FileContent, FileError, NewPlace, SavedFile, WorkspaceId, WorkspacePath, Workspaces,
};
use crate::core::label::Labels;
use crate::core::units::ByteCount;

/// The folders of all chats below one folder. Nothing is opened before it is needed.
#[derive(Debug)]
pub struct CapWorkspaces {
    pub(super) root: PathBuf,
    pub(super) quota: ByteCount,
    pub(super) labels: Arc<dyn FileLabelStore>,
    /// One writer at a time in each area: what is measured must still be true when it is written.
    writers: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Names of files on their way; the process id tells them from those of another process.
    next: AtomicU64,
}

impl CapWorkspaces {
    /// Workspaces below `root`; each may hold `quota`.
    pub fn new(root: PathBuf, quota: ByteCount, labels: Arc<dyn FileLabelStore>) -> Self {
        Self {
            root,
            quota,
            labels,
            writers: Mutex::default(),
            next: AtomicU64::new(0),
        }
    }

    /// Waits until nobody else writes in this area.
    pub(super) async fn writer(&self, area: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
            writers.entry(area.to_owned()).or_default().clone()
        };
        lock.lock_owned().await
    }

    /// The same for what touches two areas. Always in the same order: so no two wait for each other.
    pub(super) async fn writers(&self, one: &str, other: &str) -> Vec<OwnedMutexGuard<()>> {
        let mut areas = vec![one, other];
        areas.sort_unstable();
        areas.dedup();
        let mut writers = Vec::new();
        for area in areas {
            writers.push(self.writer(area).await);
        }
        writers
    }

    pub(super) fn staging_name(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", std::process::id())
    }

    /// Looks at what is there, without opening it.
    pub(super) async fn look(
        &self,
        location: &Location,
    ) -> Result<cap_std::fs::Metadata, FileError> {
        let (root, location) = (self.root.clone(), location.clone());
        blocking(move || {
            let dir = location.open_area(&root)?;
            let failed = |error| failure(&location.shown, &error);
            let Some((folders, name)) = location.split() else {
                return dir.dir_metadata().map_err(failed);
            };
            let parent = beneath::open_folder(&dir, &folders, Missing::Fail)?;
            parent.symlink_metadata(name).map_err(failed)
        })
        .await
    }
}

/// Removes what an earlier process left half written. Only the process that holds the database
/// may do that.
pub async fn clean(root: PathBuf) -> Result<(), FileError> {
    blocking(move || {
        if !root.is_dir() {
            return Ok(());
        }
        let root = area::open_root(&root)?;
        let failed = |error| failure(STAGING, &error);
        let staging = beneath::open_folder(&root, &[STAGING], Missing::Make)?;
        for entry in staging.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            entry.remove_file().map_err(failed)?;
        }
        Ok(())
    })
    .await
}

/// Runs what waits for the disk where nobody else has to wait for it.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(FileError::Failed(error.to_string())))
}

#[async_trait]
impl Workspaces for CapWorkspaces {
    async fn save_new(
        &self,
        workspace: &WorkspaceId,
        folder: &str,
        name: &str,
        content: FileContent,
    ) -> Result<SavedFile, FileError> {
        let (place, bytes) = (NewPlace { folder, name }, Content::Bytes(content.bytes));
        self.save(workspace, place, bytes, &content.labels).await
    }

    async fn make_folder(
        &self,
        workspace: &WorkspaceId,
        folder: &WorkspacePath,
        labels: &Labels,
    ) -> Result<(), FileError> {
        let location = Location::of(workspace, Some(folder))?;
        let _writer = self.writer(&location.area).await;
        let mut folders = location.folders();
        folders.extend(location.split().is_some().then(|| location.clone()));
        self.remember_new_folders(folders, labels).await?;
        let root = self.root.clone();
        let made = move || {
            let names: Vec<&str> = location.path.split('/').filter(|n| !n.is_empty()).collect();
            let area = location.open_area(&root)?;
            beneath::open_folder(&area, &names, Missing::Make).map(drop)
        };
        blocking(made).await
    }

    async fn read(
        &self,
        workspace: &WorkspaceId,
        path: &WorkspacePath,
        most_bytes: u64,
    ) -> Result<FileContent, FileError> {
        let location = Location::of(workspace, Some(path))?;
        let (root, place) = (self.root.clone(), location.clone());
        let read = move || {
            let dir = place.open_area(&root)?;
            let (folders, name) = place.named()?;
            let parent = beneath::open_folder(&dir, &folders, Missing::Fail)?;
            beneath::read_whole(&parent, name, &place.shown, most_bytes)
        };
        let (bytes, stamp) = blocking(read).await?;
        let known = self.known(&location.area).await?;
        let labels = known.of_file(&location.path, stamp).clone();
        Ok(FileContent { bytes, labels })
    }

    async fn directory(&self, workspace: &WorkspaceId) -> Result<PathBuf, FileError> {
        let location = Location::of(workspace, None)?;
        let root = self.root.clone();
        let path = root.join(&location.area);
        blocking(move || location.open_area(&root).map(drop)).await?;
        Ok(path)
    }

    async fn labels(&self, workspace: &WorkspaceId) -> Result<Labels, FileError> {
        let location = Location::of(workspace, None)?;
        let known = self.known(&location.area).await?;
        Ok(known.of_anything().clone())
    }

    async fn expose(&self, workspace: &WorkspaceId, labels: &Labels) -> Result<(), FileError> {
        let location = Location::of(workspace, None)?;
        // What two add at the same time must both be there.
        let _writer = self.writer(&location.area).await;
        let before = self.known(&location.area).await?.of_programs();
        let mut all = before.clone();
        all.join(labels);
        if all == before {
            return Ok(());
        }
        debug_assert_eq!(location.path, PROGRAMS);
        self.remember(&location, FOLDER, all).await
    }

    async fn move_chat(&self, from: &WorkspaceId, to: &WorkspaceId) -> Result<(), FileError> {
        self.move_folder(from, to).await
    }

    async fn sweep(&self, folder: &str, older_than: DateTime<Utc>) -> Result<u64, FileError> {
        let folder = WorkspacePath::parse(folder)?;
        let root = self.root.clone();
        let mut count = 0;
        for area in blocking(move || sweep::areas(&root)).await? {
            // What is deleted and forgotten must still be the same file.
            let _writer = self.writer(&area).await;
            let (root, folder) = (self.root.clone(), folder.clone());
            let swept = move || sweep::sweep(&root, &area, &folder, older_than);
            for location in blocking(swept).await? {
                self.forget(&location).await?;
                count += 1;
            }
        }
        Ok(count)
    }
}
