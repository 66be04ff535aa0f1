//! Files on their way: the rows that name copies, and pictures that become an album.

use chrono::{DateTime, TimeDelta, Utc};
use sea_query::{Expr, ExprTrait, Order, Query};
use sqlx::SqliteConnection;

use super::super::iden::Outbox;
use super::super::statement::{at, execute, fetch_all, fetch_optional, in_row};
use super::super::values::{self, millis};
use super::{SqliteOutboxStore, insert, is_waiting};
use crate::core::channel::ChatTarget;
use crate::core::error::StoreResult;
use crate::core::ids::CopyId;
use crate::core::outbox::{NewOutbox, Outgoing};
use crate::core::outgoing_file::{MAX_ALBUM, MAX_ALBUM_BYTES, OutgoingFile, SentAs};

/// A picture waits this long for others that are queued behind it.
const ALBUM_SETTLE: TimeDelta = TimeDelta::milliseconds(800);

/// Queues a file: as a row of its own, or with the pictures queued just before it.
pub(in crate::adapters::sqlite) async fn send_file(
    connection: &mut SqliteConnection,
    target: ChatTarget,
    file: OutgoingFile,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let is_picture = file.sent_as == SentAs::Photo;
    let album = if is_picture {
        settling(&mut *connection, &target, file.size_bytes, now).await?
    } else {
        None
    };
    let (id, files) = match album {
        Some((id, mut files)) => {
            files.push(file);
            (id, files)
        }
        None => {
            let files = vec![file];
            let content = Outgoing::Files {
                files: files.clone(),
            };
            let row = NewOutbox::answer(target, content);
            let Some(id) = insert(&mut *connection, &row, None, now).await? else {
                return Ok(());
            };
            (id.0, files)
        }
    };
    if is_picture {
        let wait = Query::update()
            .table(Outbox::Table)
            .value(
                Outbox::Content,
                values::to_json(&Outgoing::Files { files })?,
            )
            .value(Outbox::NextAttemptAt, millis(now + ALBUM_SETTLE))
            .and_where(Expr::col(Outbox::Id).eq(id))
            .take();
        execute(connection, &wait).await?;
    }
    Ok(())
}

/// The newest waiting row of a place, when it holds pictures, waits for more and has room for one of
/// so many bytes.
async fn settling(
    connection: &mut SqliteConnection,
    target: &ChatTarget,
    size_bytes: u64,
    now: DateTime<Utc>,
) -> StoreResult<Option<(i64, Vec<OutgoingFile>)>> {
    let newest = Query::select()
        .columns([
            Outbox::Id,
            Outbox::Content,
            Outbox::Attempts,
            Outbox::NextAttemptAt,
        ])
        .from(Outbox::Table)
        .cond_where(is_waiting())
        .cond_where(at([Outbox::Channel, Outbox::Chat, Outbox::Thread], target))
        .order_by(Outbox::Id, Order::Desc)
        .limit(1)
        .take();
    let newest: Option<(i64, String, i64, i64)> = fetch_optional(connection, &newest).await?;
    let Some((id, content, 0, next_attempt_at)) = newest else {
        return Ok(None);
    };
    if next_attempt_at <= millis(now) {
        return Ok(None);
    }
    let content = values::from_json(&content).map_err(in_row("outbox", id))?;
    let Outgoing::Files { files } = content else {
        return Ok(None);
    };
    let sizes = files.iter().map(|file| file.size_bytes);
    let has_room = files.len() < MAX_ALBUM && sizes.sum::<u64>() + size_bytes <= MAX_ALBUM_BYTES;
    let pictures = files.iter().all(|file| file.sent_as == SentAs::Photo);
    Ok((has_room && pictures).then_some((id, files)))
}

impl SqliteOutboxStore {
    /// The copies that are still to be sent.
    pub async fn copies_in_use(&self) -> StoreResult<Vec<CopyId>> {
        let files = Query::select()
            .columns([Outbox::Id, Outbox::Content])
            .from(Outbox::Table)
            .cond_where(is_waiting())
            .and_where(Expr::col(Outbox::Content).like("{\"kind\":\"files\"%"))
            .take();
        let rows: Vec<(i64, String)> = fetch_all(self.database.reader(), &files).await?;
        let mut copies = Vec::new();
        for (id, content) in rows {
            let content: Outgoing = values::from_json(&content).map_err(in_row("outbox", id))?;
            copies.extend(content.files().iter().map(|file| file.copy.clone()));
        }
        Ok(copies)
    }
}
