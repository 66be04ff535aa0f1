//! The notes that a place shows: the person's own in a private chat, the group's in a group.

use chrono::{DateTime, Utc};

use crate::core::channel::Buttons;
use crate::core::error::StoreResult;
use crate::core::message::Incoming;
use crate::core::note_list::{Asked, card, last_page, page_size};
use crate::core::notes::{NoteOwner, NoteSearch, NoteStore};
use crate::core::outbox::Outgoing;

/// Whose notes are meant by whoever writes or presses this.
pub fn owner(incoming: &Incoming) -> NoteOwner {
    let (target, user) = (&incoming.target, &incoming.sender.user);
    NoteOwner::of(target, incoming.chat_kind, user)
}

/// The card of a page as it is now. A page that is no longer there becomes the last one.
pub async fn page_card(
    notes: &dyn NoteStore,
    (owner, now): (&NoteOwner, DateTime<Utc>),
    (page, asked): (u32, Asked),
    buttons: Buttons,
) -> StoreResult<Outgoing> {
    let size = page_size(buttons);
    let search = |page: u32| NoteSearch {
        owner: owner.clone(),
        query: None,
        limit: size,
        offset: page.saturating_mul(size),
        now,
    };
    let found = notes.search(search(page)).await?;
    let last = last_page(found.total);
    if buttons == Buttons::Shown && page > last {
        let found = notes.search(search(last)).await?;
        return Ok(card(&found, last, asked, buttons));
    }
    Ok(card(&found, page, asked, buttons))
}
