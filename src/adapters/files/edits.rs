//! What the tools do with the files of a chat.

use async_trait::async_trait;

use super::area::Location;
use super::beneath::{self, Missing, failure};
use super::workspaces::{CapWorkspaces, Content, blocking, unremembered};
use super::{listing, quota, staging};
use crate::core::files::{
    Depth, FileContent, FileEntry, FileError, Listing, Overwrite, SavedFile, WorkspaceFiles,
    WorkspaceId, WorkspacePath,
};

impl CapWorkspaces {
    /// The size of the file that a new one would replace; refuses where it may not.
    async fn replaceable(&self, to: &Location, overwrite: Overwrite) -> Result<u64, FileError> {
        match (self.look(to).await, overwrite) {
            (Ok(_), Overwrite::Never) => Err(FileError::Exists(to.shown.clone())),
            (Ok(there), Overwrite::Replace) if there.is_dir() => {
                Err(FileError::Refused(format!("{} is a folder", to.shown)))
            }
            (Ok(there), Overwrite::Replace) => Ok(there.len()),
            (Err(FileError::NotFound(_)), _) => Ok(0),
            (Err(error), _) => Err(error),
        }
    }
}

#[async_trait]
impl WorkspaceFiles for CapWorkspaces {
    async fn list(
        &self,
        workspace: &WorkspaceId,
        folder: Option<&WorkspacePath>,
        depth: Depth,
        limit: usize,
    ) -> Result<Listing, FileError> {
        let location = Location::of(workspace, folder)?;
        let known = self.known(&location.area).await?;
        let root = self.root.clone();
        blocking(move || {
            let dir = location.open_area(&root)?;
            let names: Vec<&str> = location.path.split('/').filter(|n| !n.is_empty()).collect();
            let dir = beneath::open_folder(&dir, &names, Missing::Fail)?;
            listing::list(&dir, &location, &known, (depth, limit))
        })
        .await
    }

    async fn info(
        &self,
        workspace: &WorkspaceId,
        path: &WorkspacePath,
    ) -> Result<FileEntry, FileError> {
        let location = Location::of(workspace, Some(path))?;
        let metadata = self.look(&location).await?;
        let known = self.known(&location.area).await?;
        Ok(listing::describe(
            path.clone(),
            &location,
            &metadata,
            &known,
        ))
    }

    async fn write(
        &self,
        workspace: &WorkspaceId,
        path: &WorkspacePath,
        content: FileContent,
        overwrite: Overwrite,
    ) -> Result<SavedFile, FileError> {
        let location = Location::of(workspace, Some(path))?;
        let _writer = self.writer(&location.area).await;
        let replaced = self.replaceable(&location, overwrite).await?;
        let bytes = Content::Bytes(content.bytes);
        let (staged, parent) = self.stage(&location, bytes, replaced).await?;
        let size_bytes = staged.stamp.size_bytes;
        self.remember(&location, staged.stamp, content.labels)
            .await?;
        let commit = move || {
            let (_, name) = location.named()?;
            let done = staged.commit(&parent, name, overwrite);
            done.map_err(|(error, _)| failure(&location.shown, &error))
        };
        blocking(commit).await?;
        let path = path.clone();
        Ok(SavedFile { path, size_bytes })
    }

    async fn rename(
        &self,
        workspace: &WorkspaceId,
        from: &WorkspacePath,
        to: &WorkspacePath,
        overwrite: Overwrite,
    ) -> Result<SavedFile, FileError> {
        let (from, target) = (
            Location::of(workspace, Some(from))?,
            Location::of(workspace, Some(to))?,
        );
        let _writer = self.writer(&target.area).await;
        let there = self.look(&from).await?;
        if !there.is_file() {
            let why = format!("{} is not a plain file", from.shown);
            return Err(FileError::Refused(why));
        }
        let size_bytes = there.len();
        if from == target {
            let path = to.clone();
            return Ok(SavedFile { path, size_bytes });
        }
        let replaced = self.replaceable(&target, overwrite).await?;
        let stamp = beneath::stamp_of_entry(&there);
        let known = self.known(&from.area).await?;
        let labels = known.of_file(&from.path, stamp).clone();
        self.remember(&target, stamp, labels).await?;
        let (root, old, new) = (self.root.clone(), from.clone(), target.clone());
        let quota = self.quota;
        let moved = move || {
            let (from_area, to_area) = (old.open_area(&root)?, new.open_area(&root)?);
            if old.area != new.area {
                let used = quota::measure(&to_area)?.saturating_sub(replaced);
                quota::check(used, size_bytes, quota)?;
            }
            let ((folders, name), (new_folders, new_name)) = (old.named()?, new.named()?);
            let parent = beneath::open_folder(&from_area, &folders, Missing::Fail)?;
            let new_parent = beneath::open_folder(&to_area, &new_folders, Missing::Make)?;
            let failed = |error| failure(&new.shown, &error);
            staging::rename((&parent, name), (&new_parent, new_name), overwrite).map_err(failed)?;
            staging::sync(&new_parent);
            Ok(())
        };
        blocking(moved).await?;
        let there = beneath::stamp_of_entry(&self.look(&target).await?);
        if there != stamp {
            // A program put something else in its place: of that nothing is known.
            let labels = known.of_anything().clone();
            self.remember(&target, there, labels).await?;
        }
        let forgotten = self.labels.delete(&from.area, &from.path).await;
        forgotten.map_err(unremembered)?;
        let path = to.clone();
        Ok(SavedFile { path, size_bytes })
    }

    async fn delete(&self, workspace: &WorkspaceId, path: &WorkspacePath) -> Result<(), FileError> {
        let location = Location::of(workspace, Some(path))?;
        let _writer = self.writer(&location.area).await;
        let (root, place) = (self.root.clone(), location.clone());
        blocking(move || {
            let dir = place.open_area(&root)?;
            let (folders, name) = place.named()?;
            let parent = beneath::open_folder(&dir, &folders, Missing::Fail)?;
            let failed = |error| failure(&place.shown, &error);
            if parent.symlink_metadata(name).map_err(failed)?.is_dir() {
                parent.remove_dir(name).map_err(failed)
            } else {
                parent.remove_file(name).map_err(failed)
            }
        })
        .await?;
        let forgotten = self.labels.delete(&location.area, &location.path).await;
        forgotten.map_err(unremembered)
    }
}
