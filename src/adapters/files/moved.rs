//! A chat that lives on under another id takes its files along.

use super::area::{self, CHATS, Location};
use super::beneath::{self, Missing, failure};
use super::promises::unremembered;
use super::staging;
use super::workspaces::{CapWorkspaces, blocking};
use crate::core::files::{FileError, Overwrite, WorkspaceId};

/// What became of a chat's folder.
#[derive(Debug, Clone, Copy)]
enum Folder {
    Moved,
    /// It has moved before, or there never was one.
    NotThere,
}

impl CapWorkspaces {
    /// Moves a folder to the new name, unless something is there. Labels go first, so that a crash
    /// between leaves no file without its own.
    pub(super) async fn move_folder(
        &self,
        from: &WorkspaceId,
        to: &WorkspaceId,
    ) -> Result<(), FileError> {
        let (old, new) = (Location::of(from, None)?, Location::of(to, None)?);
        if old.area == new.area {
            return Ok(());
        }
        let _writers = self.writers(&old.area, &new.area).await;
        let records = self.labels.list(&old.area).await.map_err(unremembered)?;
        let mut promises = Vec::with_capacity(records.len());
        for record in &records {
            let location = Location {
                path: record.path.clone(),
                ..new.clone()
            };
            let promise = self.promise(&location, record.stamp, record.labels.clone());
            promises.push(promise.await?);
        }
        let (root, from, to) = (self.root.clone(), from.clone(), to.clone());
        let renamed = move || {
            let chats = beneath::open_folder(&area::open_root(&root)?, &[CHATS], Missing::Make)?;
            let (old, new) = (from.folder(), to.folder());
            match staging::rename((&chats, old), (&chats, new), Overwrite::Never) {
                Ok(()) => Ok(Folder::Moved),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Folder::NotThere),
                Err(error) => Err(failure("the new chat's folder", &error)),
            }
        };
        let folder = match blocking(renamed).await {
            Ok(folder) => folder,
            Err(error) => {
                for promise in promises {
                    self.withdraw(promise).await?;
                }
                return Err(error);
            }
        };
        for promise in promises {
            match folder {
                Folder::Moved => self.fulfil(promise).await?,
                Folder::NotThere => self.find_fulfilled(promise).await?,
            }
        }
        for record in &records {
            let forgotten = self.labels.delete(&record.area, &record.path).await;
            forgotten.map_err(unremembered)?;
        }
        Ok(())
    }
}
