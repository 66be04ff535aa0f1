//! The ports of the workspaces over the folders on disk.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cap_std::fs::Dir;
use chrono::{DateTime, Utc};
use tokio::sync::OwnedMutexGuard;

use super::area::{self, Location, STAGING};
use super::beneath::{self, Missing, failure};
use super::quota;
use super::staging::Staged;
use super::sweep::sweep;
use crate::core::error::StoreError;
use crate::core::file_labels::{FileLabelStore, FileRecord, FileStamp, KnownFiles, PROGRAMS};
use crate::core::file_name::{numbered, safe_name};
use crate::core::files::{
    FileContent, FileError, NewPlace, Overwrite, SavedFile, WorkspaceId, WorkspacePath, Workspaces,
};
use crate::core::label::Labels;
use crate::core::units::ByteCount;

/// So many files may have one name but for the number in it.
const MOST_NUMBERED: u32 = 1000;

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

    pub(super) async fn known(&self, area: &str) -> Result<KnownFiles, FileError> {
        let records = self.labels.list(area).await.map_err(unremembered)?;
        Ok(KnownFiles::new(records))
    }

    /// Labels are written before the file is there: a crash between leaves a record that fits
    /// nothing, never a file without its labels.
    pub(super) async fn remember(
        &self,
        location: &Location,
        stamp: FileStamp,
        labels: Labels,
    ) -> Result<(), FileError> {
        let record = FileRecord {
            area: location.area.clone(),
            path: location.path.clone(),
            stamp,
            labels,
        };
        self.labels.add(record).await.map_err(unremembered)
    }

    fn staging_name(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", std::process::id())
    }

    /// Stages a file for `location`, within the quota. `replaced` bytes go when it takes its place.
    pub(super) async fn stage(
        &self,
        location: &Location,
        content: Content,
        replaced: u64,
    ) -> Result<(Staged, Dir), FileError> {
        let (root, quota, name) = (self.root.clone(), self.quota, self.staging_name());
        let location = location.clone();
        blocking(move || {
            let (content, size): (Box<dyn Read>, u64) = match content {
                Content::Bytes(bytes) => {
                    let size = bytes.len() as u64;
                    (Box::new(Cursor::new(bytes)), size)
                }
                Content::File(path) => {
                    let failed = |error| failure("the file", &error);
                    let file = File::open(path).map_err(failed)?;
                    let size = file.metadata().map_err(failed)?.len();
                    (Box::new(file), size)
                }
            };
            let dir = location.open_area(&root)?;
            quota::check(quota::measure(&dir)?.saturating_sub(replaced), size, quota)?;
            let (folders, _) = location.named()?;
            let parent = beneath::open_folder(&dir, &folders, Missing::Make)?;
            let staging =
                beneath::open_folder(&area::open_root(&root)?, &[STAGING], Missing::Make)?;
            let place = (&parent, location.shown.as_str());
            let staged = Staged::write((staging, name), content, size, place)?;
            Ok((staged, parent))
        })
        .await
    }

    /// Saves under the first free name.
    async fn save(
        &self,
        workspace: &WorkspaceId,
        place: NewPlace<'_>,
        content: Content,
        labels: &Labels,
    ) -> Result<SavedFile, FileError> {
        let folder = match place.folder.trim_matches('/') {
            "" => None,
            folder => Some(WorkspacePath::parse(folder)?),
        };
        let name = safe_name(place.name);
        let folder = Location::of(workspace, folder.as_ref())?;
        let _writer = self.writer(&folder.area).await;
        let (mut staged, parent) = self.stage(&folder.join(&name), content, 0).await?;
        for number in 1..=MOST_NUMBERED {
            let name = numbered(&name, number);
            if parent.symlink_metadata(&name).is_ok() {
                continue;
            }
            let location = folder.join(&name);
            let path = WorkspacePath::parse(&location.shown)?;
            let size_bytes = staged.stamp.size_bytes;
            self.remember(&location, staged.stamp, labels.clone())
                .await?;
            match staged.commit(&parent, &name, Overwrite::Never) {
                Ok(()) => return Ok(SavedFile { path, size_bytes }),
                Err((error, again)) if error.kind() == ErrorKind::AlreadyExists => {
                    staged = again;
                }
                Err((error, _)) => return Err(failure(&location.shown, &error)),
            }
        }
        Err(FileError::Exists(format!(
            "{name}, {MOST_NUMBERED} times over,"
        )))
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

/// What is written.
pub(super) enum Content {
    Bytes(Vec<u8>),
    File(PathBuf),
}

pub(super) fn unremembered(error: StoreError) -> FileError {
    FileError::Failed(format!(
        "where it comes from could not be looked up or kept: {error}"
    ))
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
        let place = NewPlace { folder, name };
        let bytes = Content::Bytes(content.bytes);
        self.save(workspace, place, bytes, &content.labels).await
    }

    async fn save_file(
        &self,
        workspace: &WorkspaceId,
        place: NewPlace<'_>,
        from: &Path,
        labels: &Labels,
    ) -> Result<SavedFile, FileError> {
        let content = Content::File(from.to_owned());
        self.save(workspace, place, content, labels).await
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
        let before = self.known(&location.area).await?.of_programs();
        let mut all = before.clone();
        all.join(labels);
        if all == before {
            return Ok(());
        }
        let nothing = FileStamp {
            size_bytes: 0,
            modified_ns: 0,
        };
        debug_assert_eq!(location.path, PROGRAMS);
        self.remember(&location, nothing, all).await
    }

    async fn move_chat(&self, from: &WorkspaceId, to: &WorkspaceId) -> Result<(), FileError> {
        self.move_folder(from, to).await
    }

    async fn sweep(&self, folder: &str, older_than: DateTime<Utc>) -> Result<u64, FileError> {
        let folder = WorkspacePath::parse(folder)?;
        let root = self.root.clone();
        let swept = move || sweep(&root, &folder, older_than);
        let gone = blocking(swept).await?;
        for location in &gone {
            let forgotten = self.labels.delete(&location.area, &location.path).await;
            forgotten.map_err(unremembered)?;
        }
        Ok(gone.len() as u64)
    }
}
