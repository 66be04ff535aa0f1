//! `/notes`: the notes with their buttons; `/notes TITLE` shows one, `/notes delete TITLE` deletes it.

use super::{Answer, CommandCall, Commands};
use crate::app::note_listing;
use crate::app::outbox::compose;
use crate::core::change::{Change, ChangeOutcome, Deleted};
use crate::core::channel::Buttons;
use crate::core::error::StoreResult;
use crate::core::inbox::AskedByRow;
use crate::core::note_list::{self, Asked, NoteKey};
use crate::core::notes::{Note, NoteOwner, NoteSelector};
use crate::core::outbox::{NewOutbox, Outgoing};

const NO_SUCH_NOTE: &str = "There is no note with this title. /notes lists them.";

pub(super) async fn notes(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    let owner = note_listing::owner(&call.row.incoming);
    let command = call.row.incoming.command();
    let title = command.map_or("", |(_, arguments)| arguments.trim());
    if title.is_empty() {
        let channel = commands.channels.of(call.target);
        let buttons = channel.map_or(Buttons::None, |channel| channel.capabilities().buttons);
        let (of, page) = ((&owner, call.now), (0, Asked::Nothing));
        let card = note_listing::page_card(commands.notes.as_ref(), of, page, buttons).await?;
        return Ok(Answer::Card(card));
    }
    // A note may be called "delete …" too: what is there is shown.
    if let Some(note) = find(commands, call, (&owner, title)).await? {
        return Ok(Answer::Rows(shown(commands, call, &note)));
    }
    let to_delete = title.strip_prefix("delete ").map(str::trim);
    let note = match to_delete {
        Some(title) => find(commands, call, (&owner, title)).await?,
        None => None,
    };
    match note {
        Some(note) => delete(commands, call, (owner, note)).await,
        None => Ok(Answer::Text(NO_SUCH_NOTE.to_owned())),
    }
}

async fn find(
    commands: &Commands,
    call: &CommandCall<'_>,
    (owner, title): (&NoteOwner, &str),
) -> StoreResult<Option<Note>> {
    let selector = NoteSelector::Title(title.to_owned());
    commands.notes.get(owner, &selector, call.now).await
}

/// Deletes it, and shows it once more: what was deleted by mistake can be saved again.
async fn delete(
    commands: &Commands,
    call: &CommandCall<'_>,
    (owner, note): (NoteOwner, Note),
) -> StoreResult<Answer> {
    let target = call.target.clone();
    let gone = Outgoing::plain("Deleted. It said:");
    let mut told = vec![NewOutbox::answer(target.clone(), gone)];
    told.extend(shown(commands, call, &note));
    let asked = AskedByRow {
        change: Change::DeleteNote {
            owner,
            // What was saved meanwhile would not be shown.
            selector: NoteKey::of(&note).selector(),
        },
        replies: Box::new(move |outcome| match outcome {
            ChangeOutcome::Deleted(Deleted::Gone) => told,
            _ => vec![NewOutbox::answer(target, Outgoing::plain(NO_SUCH_NOTE))],
        }),
    };
    commands.inbox.finish_with(call.row.id, asked).await?;
    Ok(Answer::Silence)
}

fn shown(commands: &Commands, call: &CommandCall<'_>, note: &Note) -> Vec<NewOutbox> {
    let channel = commands.channels.of(call.target);
    channel.map_or_else(Vec::new, |channel| {
        let whole = note_list::whole(note);
        compose::text(call.target, whole, channel.capabilities())
    })
}
