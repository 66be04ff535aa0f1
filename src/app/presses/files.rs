//! The buttons of the list of files.

use super::{Pressed, Presses, Told};
use crate::app::file_listing::all_files;
use crate::core::change::Change;
use crate::core::channel::Buttons;
use crate::core::error::StoreResult;
use crate::core::file_list::{self, Asked, FileAction, FileKey};
use crate::core::files::{FileEntry, FileError, Listing, WorkspaceId};
use crate::core::inbox::AskedByRow;
use crate::core::markup::FormattedText;
use crate::core::outgoing_file::{SentAs, Wanted};

const CHANGED: &str = "This file is gone or has changed";

impl Presses {
    /// Another page of the list of files.
    pub(super) async fn file_page(&self, pressed: &Pressed<'_>, page: u32) -> StoreResult<Told> {
        let listing = self.listing(pressed).await;
        self.show(pressed, listing, (page, Asked::Nothing), None)
            .await
    }

    /// Something done to a file of the list.
    pub(super) async fn file(
        &self,
        pressed: &Pressed<'_>,
        (key, action): (FileKey, FileAction),
        page: u32,
    ) -> StoreResult<Told> {
        let listing = self.listing(pressed).await;
        let found = listing.as_ref().ok();
        let entry = found
            .and_then(|listing| file_list::find(listing, key))
            .cloned();
        let Some(entry) = entry else {
            let words = Some(CHANGED.to_owned());
            return self
                .show(pressed, listing, (page, Asked::Nothing), words)
                .await;
        };
        match action {
            FileAction::Send => self.send_file(pressed, &entry).await,
            FileAction::AskDelete => {
                let asked = Asked::Delete(key);
                self.show(pressed, listing, (page, asked), None).await
            }
            FileAction::Keep => {
                self.show(pressed, listing, (page, Asked::Nothing), None)
                    .await
            }
            FileAction::Delete => {
                let workspace = WorkspaceId::of(pressed.target);
                // Pressed twice, it is not there the second time.
                let words = match self.files.delete(&workspace, &entry.path).await {
                    Ok(()) => "Deleted".to_owned(),
                    Err(error) => line(&error),
                };
                let listing = self.listing(pressed).await;
                self.show(pressed, listing, (page, Asked::Nothing), Some(words))
                    .await
            }
        }
    }

    async fn listing(&self, pressed: &Pressed<'_>) -> Result<Listing, FileError> {
        let workspace = WorkspaceId::of(pressed.target);
        all_files(self.files.as_ref(), &workspace).await
    }

    /// Ends the press, and shows a page as it is now.
    async fn show(
        &self,
        pressed: &Pressed<'_>,
        listing: Result<Listing, FileError>,
        (page, asked): (u32, Asked),
        words: Option<String>,
    ) -> StoreResult<Told> {
        let (edit, words) = match listing {
            Ok(listing) => {
                let card = file_list::card(&listing, page, asked, Buttons::Shown);
                (pressed.edit(card), words)
            }
            Err(error) => (Vec::new(), Some(line(&error))),
        };
        let first = self.inbox.finish(pressed.row, edit).await?;
        Ok(match (first, words) {
            (false, _) => Told::Before,
            (true, Some(words)) => Told::Notice(words),
            (true, None) => Told::Nothing,
        })
    }

    async fn send_file(&self, pressed: &Pressed<'_>, entry: &FileEntry) -> StoreResult<Told> {
        let workspace = WorkspaceId::of(pressed.target);
        let kept = match self.copies.keep(&workspace, &entry.path).await {
            Ok(kept) => kept,
            Err(error) => {
                let first = self.inbox.finish(pressed.row, Vec::new()).await?;
                let words = Told::Notice(line(&error));
                return Ok(if first { words } else { Told::Before });
            }
        };
        let sent_as = kept.sent_as(Wanted::Auto).unwrap_or(SentAs::Document);
        let caption = FormattedText::plain(String::new());
        let file = kept.outgoing(entry.path.name(), sent_as, caption);
        let asked = AskedByRow {
            change: Change::SendFile {
                target: pressed.target.clone(),
                file: Box::new(file),
            },
            replies: Box::new(|_| Vec::new()),
        };
        let outcome = self.inbox.finish_with(pressed.row, asked).await?;
        Ok(outcome.map_or(Told::Before, |_| Told::notice("On its way")))
    }
}

/// Why not, in one line.
fn line(error: &FileError) -> String {
    match error {
        FileError::NotFound(_) => CHANGED.to_owned(),
        FileError::TooLarge(why) | FileError::Refused(why) => why.clone(),
        FileError::BadPath(_) | FileError::Exists(_) | FileError::Failed(_) => {
            "That did not work".to_owned()
        }
    }
}
