//! What the end of an attempt changes.

use chrono::{DateTime, Utc};
use sea_query::{Condition, Expr, ExprTrait, Query, UpdateStatement};
use sqlx::SqliteConnection;

use super::super::iden::{Jobs, Outbox};
use super::super::statement::{execute, fetch_all, fetch_optional, word};
use super::super::values::{self, millis};
use super::{insert, is_waiting, moved};
use crate::core::delivery::{Certainty, DeliveryOutcome, TopicJobs};
use crate::core::error::StoreResult;
use crate::core::ids::{ChannelName, ChatId, MessageId, OutboxId};
use crate::core::outbox::NewOutbox;

/// Where a chat is found.
pub(super) struct Chat {
    pub(super) channel: ChannelName,
    pub(super) chat: ChatId,
}

/// Writes how an attempt ended, and says how many jobs go on by that. A row that does not wait has ended
/// before, and stays as it is.
pub(super) async fn finish(
    connection: &mut SqliteConnection,
    id: OutboxId,
    outcome: DeliveryOutcome,
    now: DateTime<Utc>,
) -> StoreResult<usize> {
    match outcome {
        DeliveryOutcome::Sent { message } => {
            execute(&mut *connection, &sent(id, &message, now)).await?;
            let jobs: Vec<(i64,)> = fetch_all(connection, &reached(id, now)).await?;
            return Ok(jobs.len());
        }
        DeliveryOutcome::Retry {
            at,
            error,
            certainty,
        } => {
            let again = again(id, millis(at))
                .value(Outbox::Error, error)
                .value(
                    Outbox::Ambiguous,
                    Expr::col(Outbox::Ambiguous).add(doubts(certainty)),
                )
                .take();
            execute(connection, &again).await?;
        }
        DeliveryOutcome::OutOfTopic { jobs, error } => {
            if jobs == TopicJobs::Leave {
                execute(&mut *connection, &leave_topic(id)).await?;
            }
            execute(connection, &out_of_topic(id, error)).await?;
        }
        DeliveryOutcome::Replace {
            content,
            message,
            error,
        } => {
            let again = again(id, 0)
                .value(Outbox::Content, values::to_json(&content)?)
                .value(Outbox::Message, message.map(|id| id.as_str().to_owned()))
                .value(Outbox::Error, error)
                .take();
            execute(connection, &again).await?;
        }
        DeliveryOutcome::Split {
            content,
            rest,
            error,
        } => {
            let part = part(id, values::to_json(&content)?, error);
            with(connection, &part, Some(rest), now).await?;
        }
        DeliveryOutcome::Failed { error, notice } => {
            with(connection, &failed(id.0, &error, now), notice, now).await?;
        }
        DeliveryOutcome::ChatClosed { error } => {
            if let Some(chat) = find_chat(&mut *connection, id).await? {
                close(connection, &chat, error, now).await?;
            }
        }
        DeliveryOutcome::Migrated { to } => follow(connection, id, &to, now).await?,
    }
    Ok(0)
}

/// Goes on where the chat of a row is now.
async fn follow(
    connection: &mut SqliteConnection,
    id: OutboxId,
    to: &ChatId,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let Some(chat) = find_chat(&mut *connection, id).await? else {
        return Ok(());
    };
    execute(&mut *connection, &again(id, 0)).await?;
    moved::move_chat(connection, &chat, to, now).await
}

/// Tries a part of what a row held.
fn part(id: OutboxId, content: String, error: String) -> UpdateStatement {
    again(id, 0)
        .value(Outbox::Content, content)
        .value(Outbox::Error, error)
        .take()
}

/// Changes a row, and where it waited still, adds another one.
async fn with(
    connection: &mut SqliteConnection,
    change: &UpdateStatement,
    added: Option<Box<NewOutbox>>,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let changed = execute(&mut *connection, change).await?;
    if let Some(added) = added.filter(|_| changed > 0) {
        insert(connection, &added, None, now).await?;
    }
    Ok(())
}

fn doubts(certainty: Certainty) -> i64 {
    match certainty {
        Certainty::NotSent => 0,
        Certainty::Ambiguous => 1,
    }
}

/// Records that a row was sent, as this message.
pub(super) fn sent(id: OutboxId, message: &MessageId, now: DateTime<Utc>) -> UpdateStatement {
    change(id.0)
        .value(Outbox::State, word("sent"))
        .value(Outbox::Message, message.as_str())
        .value(Outbox::DoneAt, millis(now))
        .take()
}

/// Lets the jobs go on that rested because nothing reached the chat of a row: this one has. What they
/// missed meanwhile is late. Returns their ids.
pub(super) fn reached(id: OutboxId, now: DateTime<Utc>) -> UpdateStatement {
    let place = Query::select()
        .columns([Outbox::Channel, Outbox::Chat])
        .from(Outbox::Table)
        .and_where(Expr::col(Outbox::Id).eq(id.0))
        .take();
    let here = Expr::tuple([Expr::col(Jobs::Channel), Expr::col(Jobs::Chat)]);
    Query::update()
        .table(Jobs::Table)
        .value(Jobs::Status, word("active"))
        .value(Jobs::ClosedAt, None::<i64>)
        .value(Jobs::UpdatedAt, millis(now))
        .and_where(Expr::col(Jobs::ClosedAt).is_not_null())
        .and_where(Expr::col(Jobs::Status).eq(word("paused")))
        .and_where(here.in_subquery(place))
        .returning_col(Jobs::Id)
        .take()
}

/// Tries a row as a new message of the chat. A reply would be sent to the topic of the message that it answers.
fn out_of_topic(id: OutboxId, error: String) -> UpdateStatement {
    again(id, 0)
        .value(Outbox::Thread, "")
        .value(Outbox::Message, None::<String>)
        .value(Outbox::ReplyTo, None::<String>)
        .value(Outbox::Error, error)
        .take()
}

/// Takes the jobs of a topic that is gone to where its rows go, where they are listed and can be
/// cancelled.
fn leave_topic(id: OutboxId) -> UpdateStatement {
    let place = Query::select()
        .columns([Outbox::Channel, Outbox::Chat, Outbox::Thread])
        .from(Outbox::Table)
        .and_where(Expr::col(Outbox::Id).eq(id.0))
        .cond_where(is_waiting())
        .and_where(Expr::col(Outbox::Thread).ne(""))
        .take();
    let here = [Jobs::Channel, Jobs::Chat, Jobs::Thread].map(Expr::col);
    Query::update()
        .table(Jobs::Table)
        .value(Jobs::Thread, "")
        .and_where(Expr::tuple(here).in_subquery(place))
        .take()
}

/// Gives a row up.
pub(super) fn failed(id: i64, error: &str, now: DateTime<Utc>) -> UpdateStatement {
    change(id)
        .value(Outbox::State, word("failed"))
        .value(Outbox::Error, error)
        .value(Outbox::DoneAt, millis(now))
        .take()
}

fn again(id: OutboxId, next_attempt_at: i64) -> UpdateStatement {
    change(id.0)
        .value(Outbox::State, word("pending"))
        .value(Outbox::NextAttemptAt, next_attempt_at)
        .take()
}

/// Changes a row as long as it waits.
fn change(id: i64) -> UpdateStatement {
    Query::update()
        .table(Outbox::Table)
        .and_where(Expr::col(Outbox::Id).eq(id))
        .cond_where(is_waiting())
        .take()
}

async fn find_chat(connection: &mut SqliteConnection, id: OutboxId) -> StoreResult<Option<Chat>> {
    let select = Query::select()
        .columns([Outbox::Channel, Outbox::Chat])
        .from(Outbox::Table)
        .and_where(Expr::col(Outbox::Id).eq(id.0))
        .cond_where(is_waiting())
        .take();
    let row: Option<(String, String)> = fetch_optional(connection, &select).await?;
    Ok(row.map(|(channel, chat)| Chat {
        channel: ChannelName::new(channel),
        chat: ChatId::new(chat),
    }))
}

/// Gives up all that waits for a chat, and pauses its jobs: nothing reaches it. An open answer
/// stays open; its turn will end.
async fn close(
    connection: &mut SqliteConnection,
    chat: &Chat,
    error: String,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let rows = Query::update()
        .table(Outbox::Table)
        .value(Outbox::State, word("failed"))
        .value(Outbox::Error, error)
        .value(Outbox::DoneAt, millis(now))
        .cond_where(is_waiting())
        .cond_where(of([Outbox::Channel, Outbox::Chat], chat))
        .take();
    execute(&mut *connection, &rows).await?;
    let jobs = Query::update()
        .table(Jobs::Table)
        .value(Jobs::Status, word("paused"))
        .value(Jobs::ClosedAt, millis(now))
        .value(Jobs::UpdatedAt, millis(now))
        .and_where(Expr::col(Jobs::Status).eq(word("active")))
        .cond_where(of([Jobs::Channel, Jobs::Chat], chat))
        .take();
    execute(connection, &jobs).await?;
    Ok(())
}

/// That a row belongs to a chat, in whatever topic; `columns` are the channel and the chat.
pub(super) fn of<C: sea_query::IntoIden>(columns: [C; 2], chat: &Chat) -> Condition {
    let [channel, id] = columns.map(sea_query::IntoIden::into_iden);
    Condition::all()
        .add(Expr::col(channel).eq(chat.channel.as_str()))
        .add(Expr::col(id).eq(chat.chat.as_str()))
}
