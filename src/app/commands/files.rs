//! `/files`: the chat's files with their buttons.

use super::{Answer, CommandCall, Commands};
use crate::app::file_listing::all_files;
use crate::core::channel::Buttons;
use crate::core::error::StoreResult;
use crate::core::file_list::{self, Asked};
use crate::core::files::WorkspaceId;
use crate::core::outbox::Outgoing;

pub(super) async fn list(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    let channel = commands.channels.of(call.target);
    let buttons = channel.map_or(Buttons::None, |channel| channel.capabilities().buttons);
    let workspace = WorkspaceId::of(call.target);
    let listing = all_files(commands.files.as_ref(), &workspace).await;
    let listing = match listing {
        Ok(listing) => listing,
        Err(error) => {
            tracing::warn!(%error, "the files cannot be listed");
            return Ok(Answer::Text("The files cannot be listed now.".to_owned()));
        }
    };
    let mut card = file_list::card(&listing, 0, Asked::Nothing, buttons);
    if buttons == Buttons::None
        && !listing.entries.is_empty()
        && let Ok(place) = commands.files.directory(&workspace).await
    {
        let text = format!("{}\n\nIn {}", card.visible_text(), place.display());
        card = Outgoing::plain(text);
    }
    Ok(Answer::Card(card))
}
