//! What is remembered of files and folders, kept true over everything that can go wrong between
//! writing it down and the file being there.

use cap_fs_ext::DirExt;

use super::area::Location;
use super::workspaces::{CapWorkspaces, blocking};
use crate::core::error::StoreError;
use crate::core::file_labels::{FOLDER, FileRecord, FileStamp, KnownFiles};
use crate::core::files::FileError;
use crate::core::label::Labels;

/// A file that is about to be where another may be.
#[derive(Debug)]
#[must_use]
pub(super) struct Promise {
    new: FileRecord,
    before: Option<FileRecord>,
}

impl CapWorkspaces {
    pub(super) async fn known(&self, area: &str) -> Result<KnownFiles, FileError> {
        let records = self.labels.list(area).await.map_err(unremembered)?;
        Ok(KnownFiles::new(records))
    }

    pub(super) async fn remember(
        &self,
        location: &Location,
        stamp: FileStamp,
        labels: Labels,
    ) -> Result<(), FileError> {
        let record = record(location, stamp, labels);
        self.labels.add(record).await.map_err(unremembered)
    }

    pub(super) async fn forget(&self, location: &Location) -> Result<(), FileError> {
        let forgotten = self.labels.delete(&location.area, &location.path).await;
        forgotten.map_err(unremembered)
    }

    /// Labels are written before the file is there. Until it is known which of two files is, the
    /// record has the labels of both: whatever happens in between, no file is without its own.
    pub(super) async fn promise(
        &self,
        location: &Location,
        stamp: FileStamp,
        labels: Labels,
    ) -> Result<Promise, FileError> {
        let before = self.labels.get(&location.area, &location.path);
        let before = before.await.map_err(unremembered)?;
        let mut both = labels.clone();
        both.join(&before.iter().map(|before| &before.labels).collect());
        self.remember(location, stamp, both).await?;
        let new = record(location, stamp, labels);
        Ok(Promise { new, before })
    }

    /// The new file is there.
    pub(super) async fn fulfil(&self, promise: Promise) -> Result<(), FileError> {
        match promise.before {
            Some(before) if before.labels != promise.new.labels => {
                self.labels.add(promise.new).await.map_err(unremembered)
            }
            _ => Ok(()),
        }
    }

    /// The new file was there before, and what is remembered of its place may be of one that has replaced
    /// it since.
    pub(super) async fn find_fulfilled(&self, promise: Promise) -> Result<(), FileError> {
        match promise.before {
            Some(before) => self.labels.add(before).await.map_err(unremembered),
            None => Ok(()),
        }
    }

    /// The new file did not get there.
    pub(super) async fn withdraw(&self, promise: Promise) -> Result<(), FileError> {
        let FileRecord { area, path, .. } = &promise.new;
        let withdrawn = match promise.before {
            Some(before) => self.labels.add(before).await,
            None => self.labels.delete(area, path).await,
        };
        withdrawn.map_err(unremembered)
    }

    /// Remembers of the folders that are about to be made where their names come from.
    pub(super) async fn remember_new_folders(
        &self,
        folders: Vec<Location>,
        labels: &Labels,
    ) -> Result<(), FileError> {
        let Some(first) = folders.first().filter(|_| labels.is_untrusted()) else {
            return Ok(());
        };
        let (root, area, way) = (self.root.clone(), first.clone(), folders.clone());
        let there = move || {
            let mut dir = area.open_area(&root)?;
            for (count, folder) in way.iter().enumerate() {
                let name = folder.path.rsplit('/').next().unwrap_or_default();
                match dir.open_dir_nofollow(name) {
                    Ok(next) => dir = next,
                    Err(_) => return Ok(count),
                }
            }
            Ok(way.len())
        };
        let there = blocking(there).await?;
        for folder in &folders[there..] {
            self.remember(folder, FOLDER, labels.clone()).await?;
        }
        Ok(())
    }
}

fn record(location: &Location, stamp: FileStamp, labels: Labels) -> FileRecord {
    FileRecord {
        area: location.area.clone(),
        path: location.path.clone(),
        stamp,
        labels,
    }
}

pub(super) fn unremembered(error: StoreError) -> FileError {
    FileError::Failed(format!(
        "where it comes from could not be looked up or kept: {error}"
    ))
}
