//! Parts of albums that wait for another part to say whom the album is for.

use chrono::{DateTime, Utc};
use sea_query::{Cond, Condition, Expr, ExprTrait, IntoIden, Order, Query};
use sqlx::SqliteConnection;

use super::super::iden::{HeldParts, Inbox};
use super::super::statement::{at, execute, fetch_all, fetch_optional, insert, word};
use super::super::values::{self, millis};
use super::PLACE;
use crate::core::channel::ChatTarget;
use crate::core::error::StoreResult;
use crate::core::ids::{AlbumId, InboxId};
use crate::core::inbox::Stored;
use crate::core::message::Incoming;

/// Holds a part whose row says nothing, unless a part of its album was meant already: then it waits
/// for its turn as that one does or did.
pub(super) async fn hold(
    connection: &mut SqliteConnection,
    id: i64,
    (raw, incoming): (String, &Incoming),
    now: DateTime<Utc>,
) -> StoreResult<Stored> {
    let message = incoming.message();
    let Some(album) = message.and_then(|message| message.album.as_ref()) else {
        return Ok(Stored::Kept);
    };
    if is_meant(&mut *connection, &incoming.target, album).await? {
        let json = values::to_json(incoming)?;
        let_in(connection, id, (raw, json), incoming).await?;
        return Ok(Stored::Queued(InboxId(id)));
    }
    let target = &incoming.target;
    let row = [
        (HeldParts::Inbox, Expr::val(id)),
        (HeldParts::Channel, Expr::val(target.channel.as_str())),
        (HeldParts::Chat, Expr::val(target.chat.as_str())),
        (HeldParts::Thread, Expr::val(values::thread(target))),
        (HeldParts::Album, Expr::val(album.as_str())),
        (HeldParts::Raw, Expr::val(raw)),
        (HeldParts::Incoming, Expr::val(values::to_json(incoming)?)),
        (HeldParts::HeldAt, Expr::val(millis(now))),
    ];
    execute(connection, &insert(HeldParts::Table, row)).await?;
    Ok(Stored::Held)
}

/// Lets in the parts of an album of which another part is meant.
pub(super) async fn release(
    connection: &mut SqliteConnection,
    target: &ChatTarget,
    album: &AlbumId,
) -> StoreResult<()> {
    let place = [HeldParts::Channel, HeldParts::Chat, HeldParts::Thread];
    let parts = of_album(place, HeldParts::Album, (target, album));
    let held = Query::select()
        .columns([HeldParts::Inbox, HeldParts::Raw, HeldParts::Incoming])
        .from(HeldParts::Table)
        .cond_where(parts)
        .order_by(HeldParts::Inbox, Order::Asc)
        .take();
    let held: Vec<(i64, String, String)> = fetch_all(&mut *connection, &held).await?;
    for (id, raw, json) in held {
        let incoming: Incoming = values::from_json(&json)?;
        let_in(&mut *connection, id, (raw, json), &incoming).await?;
        let released = Query::delete()
            .from_table(HeldParts::Table)
            .and_where(Expr::col(HeldParts::Inbox).eq(id))
            .take();
        execute(&mut *connection, &released).await?;
    }
    Ok(())
}

/// Forgets what was held until then; says how many parts that were.
pub(super) async fn forget(
    connection: &mut SqliteConnection,
    until: DateTime<Utc>,
) -> StoreResult<u64> {
    let forgotten = Query::delete()
        .from_table(HeldParts::Table)
        .and_where(Expr::col(HeldParts::HeldAt).lte(millis(until)))
        .take();
    execute(connection, &forgotten).await
}

/// Whether a part of the album was let in.
async fn is_meant(
    connection: &mut SqliteConnection,
    target: &ChatTarget,
    album: &AlbumId,
) -> StoreResult<bool> {
    let states = ["waiting", "running", "done"].map(word);
    let meant = Query::select()
        .column(Inbox::Id)
        .from(Inbox::Table)
        .cond_where(of_album(PLACE, Inbox::Album, (target, album)))
        .and_where(Expr::col(Inbox::State).is_in(states))
        .limit(1)
        .take();
    let meant: Option<(i64,)> = fetch_optional(connection, &meant).await?;
    Ok(meant.is_some())
}

/// Gives a row what it would have said from the start.
async fn let_in(
    connection: &mut SqliteConnection,
    id: i64,
    (raw, json): (String, String),
    incoming: &Incoming,
) -> StoreResult<()> {
    let (target, message) = (&incoming.target, incoming.message());
    let album = message.and_then(|message| message.album.as_ref());
    let message = message.and_then(|message| message.id.as_ref());
    let update = Query::update()
        .table(Inbox::Table)
        .values([
            (Inbox::Channel, Expr::val(target.channel.as_str())),
            (Inbox::Chat, Expr::val(target.chat.as_str())),
            (Inbox::Thread, Expr::val(values::thread(target))),
            (Inbox::Sender, Expr::val(incoming.sender.user.as_str())),
            (
                Inbox::Message,
                Expr::val(message.map(|id| id.as_str().to_owned())),
            ),
            (
                Inbox::Album,
                Expr::val(album.map(|id| id.as_str().to_owned())),
            ),
            (Inbox::State, word("waiting")),
            (Inbox::Raw, Expr::val(raw)),
            (Inbox::Incoming, Expr::val(json)),
            (Inbox::DoneAt, Expr::val(None::<i64>)),
        ])
        .and_where(Expr::col(Inbox::Id).eq(id))
        .take();
    execute(connection, &update).await.map(|_| ())
}

fn of_album<C: IntoIden>(
    place: [C; 3],
    column: C,
    (target, album): (&ChatTarget, &AlbumId),
) -> Condition {
    Cond::all()
        .add(at(place, target))
        .add(Expr::col(column).eq(album.as_str()))
}
