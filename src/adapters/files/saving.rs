//! New files: staged within the quota, remembered, and given the first free name.

use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use cap_std::fs::Dir;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use super::area::{self, Location, STAGING};
use super::beneath::{self, Missing, Opened, failure};
use super::quota;
use super::staging::Staged;
use super::workspaces::{CapWorkspaces, blocking};
use crate::core::file_name::{numbered, safe_name};
use crate::core::files::{FileError, NewPlace, Overwrite, SavedFile, WorkspaceId, WorkspacePath};
use crate::core::label::Labels;
use crate::core::media::{Blob, MediaError};

/// So many files may have one name but for the number in it.
const MOST_NUMBERED: u32 = 1000;

/// Copied at once.
const PIECE: usize = 256 * 1024;

/// What is written.
pub(super) enum Content {
    Bytes(Vec<u8>),
    Blob(Arc<dyn Blob>),
}

impl Content {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Blob(blob) => blob.size(),
        }
    }
}

impl CapWorkspaces {
    /// Stages a file for `location`, within the quota. `replaced` bytes go when it takes its place.
    pub(super) async fn stage(
        &self,
        location: &Location,
        content: Content,
        replaced: u64,
    ) -> Result<(Staged, Dir), FileError> {
        let (root, quota, name) = (self.root.clone(), self.quota, self.staging_name());
        let (place, size) = (location.clone(), content.size());
        let begun = move || {
            let dir = place.open_area(&root)?;
            quota::check(quota::measure(&dir)?.saturating_sub(replaced), size, quota)?;
            let (folders, _) = place.named()?;
            let parent = beneath::open_folder(&dir, &folders, Missing::Make)?;
            let staging =
                beneath::open_folder(&area::open_root(&root)?, &[STAGING], Missing::Make)?;
            Ok((Staged::begin(staging, name, &place.shown)?, parent))
        };
        let (mut staged, parent) = blocking(begun).await?;
        match content {
            Content::Bytes(bytes) => {
                staged = blocking(move || staged.append(&bytes)).await?;
            }
            Content::Blob(blob) => {
                let mut offset = 0;
                while offset < size {
                    let piece = blob.read_at(offset, PIECE).await.map_err(unread)?;
                    if piece.is_empty() {
                        break;
                    }
                    offset += piece.len() as u64;
                    staged = blocking(move || staged.append(&piece)).await?;
                }
            }
        }
        blocking(move || Ok((staged.seal(&parent)?, parent))).await
    }

    /// Saves under the first free name.
    pub(super) async fn save(
        &self,
        workspace: &WorkspaceId,
        place: NewPlace<'_>,
        content: Content,
        labels: &Labels,
    ) -> Result<SavedFile, FileError> {
        let (folder, name) = placed(workspace, place)?;
        let _writer = self.writer(&folder.area).await;
        self.save_in(&folder, &name, content, labels).await
    }

    /// The same, unless there is a file of that name, but for the number in it, with that content:
    /// then it is the one.
    pub(super) async fn save_once(
        &self,
        workspace: &WorkspaceId,
        place: NewPlace<'_>,
        content: &Arc<dyn Blob>,
        labels: &Labels,
    ) -> Result<SavedFile, FileError> {
        let (folder, name) = placed(workspace, place)?;
        let _writer = self.writer(&folder.area).await;
        for number in 1..=MOST_NUMBERED {
            let location = folder.join(&numbered(&name, number));
            if self.look(&location).await.is_err() {
                break;
            }
            // What cannot be opened is another one.
            let Ok(there) = self.opened(&location).await else {
                continue;
            };
            if self.is_same(&there, content).await? {
                return self.renew(&location, there, labels).await;
            }
        }
        let content = Content::Blob(content.clone());
        self.save_in(&folder, &name, content, labels).await
    }

    async fn save_in(
        &self,
        folder: &Location,
        name: &str,
        content: Content,
        labels: &Labels,
    ) -> Result<SavedFile, FileError> {
        let (mut staged, parent) = self.stage(&folder.join(name), content, 0).await?;
        for number in 1..=MOST_NUMBERED {
            let name = numbered(name, number);
            if parent.symlink_metadata(&name).is_ok() {
                continue;
            }
            match self
                .settle((staged, &parent), &folder.join(&name), labels)
                .await?
            {
                Ok(saved) => return Ok(saved),
                Err(again) => staged = again,
            }
        }
        Err(FileError::Exists(format!(
            "{name}, {MOST_NUMBERED} times over,"
        )))
    }

    /// Gives a staged file its name; it comes back when there is a file by now.
    async fn settle(
        &self,
        (staged, parent): (Staged, &Dir),
        location: &Location,
        labels: &Labels,
    ) -> Result<Result<SavedFile, Staged>, FileError> {
        let path = WorkspacePath::parse(&location.shown)?;
        let (_, name) = location.named()?;
        let (stamp, size_bytes) = (staged.stamp, staged.stamp.size_bytes);
        let promise = self.promise(location, stamp, labels.clone()).await?;
        match staged.commit(parent, name, Overwrite::Never) {
            Ok(()) => {
                self.fulfil(promise).await?;
                Ok(Ok(SavedFile { path, size_bytes }))
            }
            Err((error, again)) => {
                self.withdraw(promise).await?;
                match error.kind() {
                    ErrorKind::AlreadyExists => Ok(Err(again)),
                    _ => Err(failure(&location.shown, &error)),
                }
            }
        }
    }

    /// The file at a place, open.
    pub(super) async fn opened(&self, location: &Location) -> Result<Opened, FileError> {
        let (root, place) = (self.root.clone(), location.clone());
        blocking(move || {
            let dir = place.open_area(&root)?;
            let (folders, name) = place.named()?;
            let parent = beneath::open_folder(&dir, &folders, Missing::Fail)?;
            beneath::open_file(&parent, name, &place.shown)
        })
        .await
    }

    async fn is_same(&self, there: &Opened, content: &Arc<dyn Blob>) -> Result<bool, FileError> {
        if there.stamp.size_bytes != content.size() {
            return Ok(false);
        }
        let mut offset = 0;
        while offset < content.size() {
            let piece = content.read_at(offset, PIECE).await.map_err(unread)?;
            let file = there.file.try_clone();
            let file = file.map_err(|error| FileError::Failed(error.to_string()))?;
            let count = piece.len() as u64;
            let equal = blocking(move || {
                let mut bytes = vec![0; piece.len()];
                let read = file.read_exact_at(&mut bytes, offset);
                Ok(read.is_ok() && bytes == piece)
            });
            if count == 0 || !equal.await? {
                return Ok(false);
            }
            offset += count;
        }
        Ok(true)
    }

    /// A file that comes again is as good as new, and has what is known of both.
    async fn renew(
        &self,
        location: &Location,
        there: Opened,
        labels: &Labels,
    ) -> Result<SavedFile, FileError> {
        let shown = location.shown.clone();
        let touched = move || {
            let failed = |error| failure(&shown, &error);
            let found = || there.file.metadata().map_err(failed);
            let compared = beneath::stamp(&found()?);
            let now = Timestamps {
                last_access: time(UTIME_OMIT),
                last_modification: time(UTIME_NOW),
            };
            rustix::fs::futimens(&there.file, &now).map_err(|error| failed(error.into()))?;
            Ok((compared, beneath::stamp(&found()?)))
        };
        let (compared, stamp) = blocking(touched).await?;
        // As it was behind the comparison: what a program wrote meanwhile is of nobody knows where.
        let known = self.known(&location.area).await?;
        let mut both = known.of_file(&location.path, compared).clone();
        both.join(labels);
        self.remember(location, stamp, both).await?;
        Ok(SavedFile {
            path: WorkspacePath::parse(&location.shown)?,
            size_bytes: stamp.size_bytes,
        })
    }
}

/// The folder for a new file, and its safe name.
fn placed(workspace: &WorkspaceId, place: NewPlace<'_>) -> Result<(Location, String), FileError> {
    let folder = match place.folder.trim_matches('/') {
        "" => None,
        folder => Some(WorkspacePath::parse(folder)?),
    };
    let folder = Location::of(workspace, folder.as_ref())?;
    Ok((folder, safe_name(place.name)))
}

/// One of the two times that are none.
fn time(tv_nsec: i64) -> Timespec {
    Timespec { tv_sec: 0, tv_nsec }
}

fn unread(error: MediaError) -> FileError {
    FileError::Failed(format!("the file could not be read: {error}"))
}
