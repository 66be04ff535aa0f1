//! Storing what arrives.

use chrono::{DateTime, Utc};
use sea_query::{Cond, Expr, ExprTrait, InsertStatement, OnConflict, Query};
use sqlx::SqliteConnection;

use super::super::iden::Inbox;
use super::super::outbox;
use super::super::statement::{Batch, at, execute, fetch_optional, insert, word};
use super::super::values::{self, millis};
use super::{PLACE, StoredRow, held, is_waiting, select};
use crate::core::channel::{ChatTarget, Sender};
use crate::core::error::StoreResult;
use crate::core::ids::InboxId;
use crate::core::inbox::{Arrival, Arrived, InboxRow, Stored};
use crate::core::message::{Incoming, IncomingContent, Message};

/// The statement that is all it takes to store an arrival of which nothing else follows.
pub(super) fn alone(arrival: &Arrival, now: DateTime<Utc>) -> StoreResult<Option<Batch>> {
    let follows = match &arrival.content {
        Arrived::Welcome { incoming, .. } => match &incoming.content {
            IncomingContent::Edit(_) => true,
            IncomingContent::Message(message) => message.album.is_some(),
            IncomingContent::Press(_) | IncomingContent::Scheduled(_) => false,
        },
        Arrived::Held { .. } => true,
        Arrived::Stranger { notice, .. } => notice.is_some(),
        Arrived::Ignored { .. } | Arrived::Unreadable { .. } => false,
    };
    if follows {
        return Ok(None);
    }
    Ok(Some(Batch::from(&insertion(arrival, now)?)))
}

/// What became of an arrival of which nothing else follows.
pub(super) fn stored_alone(arrival: &Arrival, id: Option<i64>) -> Stored {
    match (id, &arrival.content) {
        (None, _) => Stored::Duplicate,
        (Some(id), Arrived::Welcome { .. }) => Stored::Queued(InboxId(id)),
        (Some(_), _) => Stored::Kept,
    }
}

/// Stores one arrival.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    arrival: Arrival,
    now: DateTime<Utc>,
) -> StoreResult<Stored> {
    let statement = insertion(&arrival, now)?;
    let inserted: Option<(i64,)> = fetch_optional(&mut *connection, &statement).await?;
    let Some((id,)) = inserted else {
        return Ok(Stored::Duplicate);
    };
    match arrival.content {
        Arrived::Welcome { incoming, .. } => match incoming.content {
            IncomingContent::Edit(edited) => amend(connection, &incoming.target, edited).await,
            IncomingContent::Message(message) => {
                if let Some(album) = &message.album {
                    held::release(connection, &incoming.target, album).await?;
                }
                Ok(Stored::Queued(InboxId(id)))
            }
            IncomingContent::Press(_) | IncomingContent::Scheduled(_) => {
                Ok(Stored::Queued(InboxId(id)))
            }
        },
        Arrived::Held { raw, incoming } => held::hold(connection, id, (raw, &incoming), now).await,
        Arrived::Stranger {
            notice: Some(notice),
            ..
        } => {
            outbox::insert(connection, &notice, None, now).await?;
            Ok(Stored::Kept)
        }
        Arrived::Stranger { notice: None, .. }
        | Arrived::Ignored { .. }
        | Arrived::Unreadable { .. } => Ok(Stored::Kept),
    }
}

/// Changes the waiting message that `edited` replaces, where there is one. Its place in the line
/// and its album stay.
async fn amend(
    connection: &mut SqliteConnection,
    target: &ChatTarget,
    mut edited: Message,
) -> StoreResult<Stored> {
    let Some(message) = &edited.id else {
        return Ok(Stored::Kept);
    };
    let same = Cond::all()
        .add(at(PLACE, target))
        .add(is_waiting())
        .add(Expr::col(Inbox::Message).eq(message.as_str()));
    let row: Option<StoredRow> = fetch_optional(&mut *connection, &select(same)).await?;
    let Some(row) = row else {
        return Ok(Stored::Kept);
    };
    // A row that does not read must not keep the rest of the batch from being stored.
    let Ok(row) = InboxRow::try_from(row) else {
        return Ok(Stored::Kept);
    };
    let mut incoming = row.incoming;
    edited.album = incoming.message().and_then(|message| message.album.clone());
    incoming.content = IncomingContent::Message(edited);
    let update = Query::update()
        .table(Inbox::Table)
        .value(Inbox::Incoming, values::to_json(&incoming)?)
        .and_where(Expr::col(Inbox::Id).eq(row.id.0))
        .take();
    execute(connection, &update).await?;
    Ok(Stored::Amended(row.id))
}

/// What the row of an arrival holds beside its origin.
#[derive(Default)]
struct Fields<'a> {
    state: &'static str,
    target: Option<&'a ChatTarget>,
    sender: Option<&'a Sender>,
    message: Option<&'a Message>,
    incoming: Option<&'a Incoming>,
    raw: Option<&'a str>,
    error: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn of(content: &'a Arrived) -> Self {
        match content {
            Arrived::Welcome { raw, incoming } => Self {
                state: match incoming.content {
                    IncomingContent::Edit(_) => "ignored",
                    IncomingContent::Message(_)
                    | IncomingContent::Press(_)
                    | IncomingContent::Scheduled(_) => "waiting",
                },
                target: Some(&incoming.target),
                sender: Some(&incoming.sender),
                message: incoming.message(),
                incoming: Some(incoming),
                raw: Some(raw),
                error: None,
            },
            Arrived::Stranger {
                target,
                sender,
                notice: _,
            } => Self {
                state: "stranger",
                target: Some(target),
                sender: Some(sender),
                ..Self::default()
            },
            Arrived::Held { .. } => Self {
                state: "ignored",
                ..Self::default()
            },
            Arrived::Ignored { raw } => Self {
                state: "ignored",
                raw: raw.as_deref(),
                ..Self::default()
            },
            Arrived::Unreadable { raw, error } => Self {
                state: "unreadable",
                raw: Some(raw),
                error: Some(error),
                ..Self::default()
            },
        }
    }
}

fn insertion(arrival: &Arrival, now: DateTime<Utc>) -> StoreResult<InsertStatement> {
    let fields = Fields::of(&arrival.content);
    let text = |text: Option<&str>| Expr::val(text.unwrap_or_default());
    let optional = |text: Option<&str>| Expr::val(text.map(str::to_owned));
    let incoming = fields.incoming.map(values::to_json).transpose()?;
    // What does not wait is done with.
    let done_at = (fields.state != "waiting").then(|| millis(now));
    let message = fields.message;
    let row = [
        (Inbox::Source, Expr::val(arrival.source.as_str())),
        (Inbox::ExternalId, Expr::val(arrival.external_id)),
        (Inbox::Kind, Expr::val(arrival.kind.as_str())),
        (
            Inbox::Channel,
            text(fields.target.map(|target| target.channel.as_str())),
        ),
        (
            Inbox::Chat,
            text(fields.target.map(|target| target.chat.as_str())),
        ),
        (Inbox::Thread, text(fields.target.map(values::thread))),
        (
            Inbox::Sender,
            text(fields.sender.map(|sender| sender.user.as_str())),
        ),
        (
            Inbox::Message,
            optional(message.and_then(|m| m.id.as_ref()).map(|id| id.as_str())),
        ),
        (
            Inbox::Album,
            optional(message.and_then(|m| m.album.as_ref()).map(|id| id.as_str())),
        ),
        (Inbox::State, word(fields.state)),
        (Inbox::Raw, optional(fields.raw)),
        (Inbox::Incoming, Expr::val(incoming)),
        (Inbox::Error, optional(fields.error)),
        (Inbox::ReceivedAt, Expr::val(millis(now))),
        (Inbox::DoneAt, Expr::val(done_at)),
    ];
    let mut statement = insert(Inbox::Table, row);
    statement
        .on_conflict(
            OnConflict::columns([Inbox::Source, Inbox::ExternalId])
                .do_nothing()
                .to_owned(),
        )
        .returning_col(Inbox::Id);
    Ok(statement)
}
