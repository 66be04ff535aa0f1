//! What the tools do with the files of a chat.

use std::sync::Arc;

use async_trait::async_trait;

use super::area::Location;
use super::beneath::{self, Missing, failure};
use super::held::Held;
use super::saving::Content;
use super::workspaces::{CapWorkspaces, blocking};
use super::{listing, quota, staging};
use crate::core::files::{
    Depth, FileContent, FileEdit, FileEntry, FileError, Listing, NewName, NewPlace, OpenFile,
    Overwrite, SavedFile, WorkspaceFiles, WorkspaceId, WorkspacePath, Workspaces,
};
use crate::core::label::Labels;
use crate::core::media::Blob;

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

    /// Writes a file; whoever calls holds the area.
    async fn put(
        &self,
        location: &Location,
        content: FileContent,
        overwrite: Overwrite,
    ) -> Result<u64, FileError> {
        let FileContent { bytes, labels } = content;
        let replaced = self.replaceable(location, overwrite).await?;
        self.remember_new_folders(location.folders(), &labels)
            .await?;
        let (staged, parent) = self
            .stage(location, Content::Bytes(bytes), replaced)
            .await?;
        let (stamp, place) = (staged.stamp, location.clone());
        let promise = self.promise(location, stamp, labels).await?;
        let commit = move || {
            let (_, name) = place.named()?;
            let done = staged.commit(&parent, name, overwrite);
            done.map_err(|(error, _)| failure(&place.shown, &error))
        };
        match blocking(commit).await {
            Ok(()) => self.fulfil(promise).await?,
            Err(error) => {
                self.withdraw(promise).await?;
                return Err(error);
            }
        }
        Ok(stamp.size_bytes)
    }

    /// Whether a file that moves into another area has room there.
    async fn has_room(
        &self,
        from: &Location,
        to: &Location,
        size_bytes: u64,
        replaced: u64,
    ) -> Result<(), FileError> {
        if from.area == to.area {
            return Ok(());
        }
        let (root, to, quota) = (self.root.clone(), to.clone(), self.quota);
        blocking(move || {
            let used = quota::measure(&to.open_area(&root)?)?.saturating_sub(replaced);
            quota::check(used, size_bytes, quota)
        })
        .await
    }

    async fn give_name(
        &self,
        from: &Location,
        to: &Location,
        overwrite: Overwrite,
    ) -> Result<(), FileError> {
        let (root, old, new) = (self.root.clone(), from.clone(), to.clone());
        blocking(move || {
            let (from_area, to_area) = (old.open_area(&root)?, new.open_area(&root)?);
            let ((folders, name), (new_folders, new_name)) = (old.named()?, new.named()?);
            let parent = beneath::open_folder(&from_area, &folders, Missing::Fail)?;
            let new_parent = beneath::open_folder(&to_area, &new_folders, Missing::Make)?;
            let failed = |error| failure(&new.shown, &error);
            staging::rename((&parent, name), (&new_parent, new_name), overwrite).map_err(failed)?;
            staging::sync(&new_parent);
            Ok(())
        })
        .await
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

    async fn keep(
        &self,
        workspace: &WorkspaceId,
        place: NewPlace<'_>,
        content: &Arc<dyn Blob>,
        labels: &Labels,
    ) -> Result<SavedFile, FileError> {
        self.save_once(workspace, place, content, labels).await
    }

    async fn open(
        &self,
        workspace: &WorkspaceId,
        path: &WorkspacePath,
        most_bytes: u64,
    ) -> Result<OpenFile, FileError> {
        let location = Location::of(workspace, Some(path))?;
        let opened = self.opened(&location).await?;
        if opened.stamp.size_bytes > most_bytes {
            return Err(beneath::too_large(&location.shown, most_bytes));
        }
        let known = self.known(&location.area).await?;
        let labels = known.of_file(&location.path, opened.stamp).clone();
        let content = Held::blob(opened);
        Ok(OpenFile { content, labels })
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
        let size_bytes = self.put(&location, content, overwrite).await?;
        let path = path.clone();
        Ok(SavedFile { path, size_bytes })
    }

    async fn edit(
        &self,
        workspace: &WorkspaceId,
        path: &WorkspacePath,
        most_bytes: u64,
        edit: FileEdit<'_>,
    ) -> Result<(), FileError> {
        let location = Location::of(workspace, Some(path))?;
        let _writer = self.writer(&location.area).await;
        let content = self.read(workspace, path, most_bytes).await?;
        if let Some(content) = edit(content) {
            self.put(&location, content, Overwrite::Replace).await?;
        }
        Ok(())
    }

    async fn rename(
        &self,
        workspace: &WorkspaceId,
        from: &WorkspacePath,
        to: NewName<'_>,
    ) -> Result<SavedFile, FileError> {
        let (from, target) = (
            Location::of(workspace, Some(from))?,
            Location::of(workspace, Some(to.path))?,
        );
        let path = to.path.clone();
        let _writers = self.writers(&from.area, &target.area).await;
        let there = self.look(&from).await?;
        if !there.is_file() {
            let why = format!("{} is not a plain file", from.shown);
            return Err(FileError::Refused(why));
        }
        let size_bytes = there.len();
        if from == target {
            return Ok(SavedFile { path, size_bytes });
        }
        let replaced = self.replaceable(&target, to.overwrite).await?;
        self.has_room(&from, &target, size_bytes, replaced).await?;
        let stamp = beneath::stamp_of_entry(&there);
        let known = self.known(&from.area).await?;
        let mut labels = known.of_file(&from.path, stamp).clone();
        labels.join(to.labels);
        self.remember_new_folders(target.folders(), &labels).await?;
        let promise = self.promise(&target, stamp, labels.clone()).await?;
        let moved = self.give_name(&from, &target, to.overwrite);
        if let Err(error) = moved.await {
            self.withdraw(promise).await?;
            return Err(error);
        }
        self.fulfil(promise).await?;
        let there = beneath::stamp_of_entry(&self.look(&target).await?);
        if there != stamp {
            // A program put something else in its place: of that nothing is known.
            labels.join(known.of_anything());
            self.remember(&target, there, labels).await?;
        }
        self.forget(&from).await?;
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
        self.forget(&location).await
    }
}
