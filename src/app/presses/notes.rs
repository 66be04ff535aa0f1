//! The buttons of the list of notes.

use super::{Pressed, Presses, Told};
use crate::app::note_listing;
use crate::app::outbox::compose;
use crate::core::change::{Change, ChangeOutcome, Deleted};
use crate::core::channel::Buttons;
use crate::core::error::StoreResult;
use crate::core::inbox::AskedByRow;
use crate::core::note_list::{self, Asked, NoteAction, NoteKey};
use crate::core::notes::{Note, NoteOwner};
use crate::core::outbox::Outgoing;

const CHANGED: &str = "This note is gone or has changed";

impl Presses {
    /// Another page of the list of notes.
    pub(super) async fn note_page(
        &self,
        pressed: &Pressed<'_>,
        owner: &NoteOwner,
        page: u32,
    ) -> StoreResult<Told> {
        self.show_notes(pressed, owner, (page, Asked::Nothing), Told::Nothing)
            .await
    }

    /// Something done to a note of the list, by one whose notes are these.
    pub(super) async fn note(
        &self,
        pressed: &Pressed<'_>,
        owner: &NoteOwner,
        (key, action): (NoteKey, NoteAction),
        page: u32,
    ) -> StoreResult<Told> {
        let found = self.notes.get(owner, &key.selector(), pressed.now).await?;
        let Some(note) = found else {
            let told = Told::notice(CHANGED);
            let page = (page, Asked::Nothing);
            return self.show_notes(pressed, owner, page, told).await;
        };
        let asked = match action {
            NoteAction::Show => return self.show_note(pressed, &note).await,
            NoteAction::Delete => return self.delete_note(pressed, owner, key, page).await,
            NoteAction::AskDelete => Asked::Delete(key),
            NoteAction::Keep => Asked::Nothing,
        };
        self.show_notes(pressed, owner, (page, asked), Told::Nothing)
            .await
    }

    /// All of it, as a message of its own.
    async fn show_note(&self, pressed: &Pressed<'_>, note: &Note) -> StoreResult<Told> {
        let channel = self.channels.of(pressed.target);
        let rows = channel.map_or_else(Vec::new, |channel| {
            let whole = note_list::whole(note);
            compose::text(pressed.target, whole, channel.capabilities())
        });
        let first = self.inbox.finish(pressed.row, rows).await?;
        Ok(if first { Told::Nothing } else { Told::Before })
    }

    async fn delete_note(
        &self,
        pressed: &Pressed<'_>,
        owner: &NoteOwner,
        key: NoteKey,
        page: u32,
    ) -> StoreResult<Told> {
        let asked = AskedByRow {
            change: Change::DeleteNote {
                owner: owner.clone(),
                selector: key.selector(),
            },
            replies: Box::new(|_| Vec::new()),
        };
        let Some(outcome) = self.inbox.finish_with(pressed.row, asked).await? else {
            return Ok(Told::Before);
        };
        // A crash before this leaves an old list, and an old list does no harm.
        let card = self.notes_card(pressed, owner, (page, Asked::Nothing));
        self.outbox.add(pressed.edit(card.await?)).await?;
        Ok(Told::notice(match outcome {
            ChangeOutcome::Deleted(Deleted::Gone) => "Deleted",
            _ => CHANGED,
        }))
    }

    /// Ends the press, and shows a page as it is now.
    async fn show_notes(
        &self,
        pressed: &Pressed<'_>,
        owner: &NoteOwner,
        page: (u32, Asked),
        told: Told,
    ) -> StoreResult<Told> {
        let card = self.notes_card(pressed, owner, page).await?;
        let first = self.inbox.finish(pressed.row, pressed.edit(card)).await?;
        Ok(if first { told } else { Told::Before })
    }

    async fn notes_card(
        &self,
        pressed: &Pressed<'_>,
        owner: &NoteOwner,
        page: (u32, Asked),
    ) -> StoreResult<Outgoing> {
        let of = (owner, pressed.now);
        note_listing::page_card(self.notes.as_ref(), of, page, Buttons::Shown).await
    }
}
