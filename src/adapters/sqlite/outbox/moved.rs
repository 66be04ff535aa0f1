//! A chat that lives on under another id takes everything of it along.

use chrono::{DateTime, Utc};
use sea_query::{Alias, Condition, Expr, ExprTrait, Func, Query, UpdateStatement};
use sqlx::SqliteConnection;

use super::super::iden::{ApprovalRules, Approvals, Conversations, Inbox, Jobs, Notes, Outbox};
use super::super::notes;
use super::super::statement::{execute, word};
use super::super::values::millis;
use super::finish::{Chat, of};
use crate::core::error::StoreResult;
use crate::core::ids::ChatId;
use crate::core::notes::NoteOwner;

/// Moves what is not done with, and the notes and jobs, to the id `to`.
pub(super) async fn move_chat(
    connection: &mut SqliteConnection,
    from: &Chat,
    to: &ChatId,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let moves = [
        outbox(from, to),
        inbox(from, to),
        end_twins(from, to, now),
        conversations(from, to),
        jobs(from, to),
        notes(from, to),
        approvals(from, to),
        approval_rules(from, to),
    ];
    for update in &moves {
        execute(&mut *connection, update).await?;
    }
    Ok(())
}

fn outbox(from: &Chat, to: &ChatId) -> UpdateStatement {
    let unsent = [word("open"), word("pending"), word("sending")];
    Query::update()
        .table(Outbox::Table)
        .value(Outbox::Chat, to.as_str())
        .cond_where(of([Outbox::Channel, Outbox::Chat], from))
        .and_where(Expr::col(Outbox::State).is_in(unsent))
        .take()
}

/// What was said names its chat a second time. What is no JSON stays as it is and keeps nothing else from moving.
fn inbox(from: &Chat, to: &ChatId) -> UpdateStatement {
    let is_json = Func::cust("json_valid").arg(Expr::col(Inbox::Incoming));
    let incoming = Func::cust("json_set").args([
        Expr::col(Inbox::Incoming),
        Expr::val("$.target.chat"),
        Expr::val(to.as_str()),
    ]);
    Query::update()
        .table(Inbox::Table)
        .value(Inbox::Chat, to.as_str())
        .value(
            Inbox::Incoming,
            Expr::case(Expr::expr(is_json).eq(1), incoming).finally(Expr::col(Inbox::Incoming)),
        )
        .cond_where(of([Inbox::Channel, Inbox::Chat], from))
        .and_where(Expr::col(Inbox::State).is_in([word("waiting"), word("running")]))
        .take()
}

/// Ends the conversations in whose place one runs under the new id already.
fn end_twins(from: &Chat, to: &ChatId, now: DateTime<Utc>) -> UpdateStatement {
    let new = |column| Expr::col((Alias::new("new"), column));
    let old = |column| Expr::col((Conversations::Table, column));
    let twin = Query::select()
        .expr(Expr::val(1))
        .from_as(Conversations::Table, "new")
        .and_where(new(Conversations::ClosedAt).is_null())
        .and_where(new(Conversations::Chat).eq(to.as_str()))
        .and_where(new(Conversations::Channel).eq(old(Conversations::Channel)))
        .and_where(new(Conversations::Thread).eq(old(Conversations::Thread)))
        .and_where(new(Conversations::Agent).eq(old(Conversations::Agent)))
        .take();
    Query::update()
        .table(Conversations::Table)
        .value(Conversations::ClosedAt, millis(now))
        .cond_where(running(from))
        .and_where(Expr::exists(twin))
        .take()
}

fn conversations(from: &Chat, to: &ChatId) -> UpdateStatement {
    Query::update()
        .table(Conversations::Table)
        .value(Conversations::Chat, to.as_str())
        .cond_where(running(from))
        .take()
}

fn running(chat: &Chat) -> Condition {
    of([Conversations::Channel, Conversations::Chat], chat)
        .add(Expr::col(Conversations::ClosedAt).is_null())
}

fn jobs(from: &Chat, to: &ChatId) -> UpdateStatement {
    Query::update()
        .table(Jobs::Table)
        .value(Jobs::Chat, to.as_str())
        .cond_where(of([Jobs::Channel, Jobs::Chat], from))
        .take()
}

fn approvals(from: &Chat, to: &ChatId) -> UpdateStatement {
    Query::update()
        .table(Approvals::Table)
        .value(Approvals::Chat, to.as_str())
        .cond_where(of([Approvals::Channel, Approvals::Chat], from))
        .and_where(Expr::col(Approvals::State).eq(word("waiting")))
        .take()
}

/// A rule stays behind where the chat has the same under its new id.
fn approval_rules(from: &Chat, to: &ChatId) -> UpdateStatement {
    let new = |column| Expr::col((Alias::new("new"), column));
    let old = |column| Expr::col((ApprovalRules::Table, column));
    let twin = Query::select()
        .expr(Expr::val(1))
        .from_as(ApprovalRules::Table, "new")
        .and_where(new(ApprovalRules::Chat).eq(to.as_str()))
        .and_where(new(ApprovalRules::Channel).eq(old(ApprovalRules::Channel)))
        .and_where(new(ApprovalRules::Tool).eq(old(ApprovalRules::Tool)))
        .and_where(new(ApprovalRules::Target).eq(old(ApprovalRules::Target)))
        .take();
    Query::update()
        .table(ApprovalRules::Table)
        .value(ApprovalRules::Chat, to.as_str())
        .cond_where(of([ApprovalRules::Channel, ApprovalRules::Chat], from))
        .and_where(Expr::exists(twin).not())
        .take()
}

/// A note stays behind where the chat has one of the same title under its new id.
fn notes(from: &Chat, to: &ChatId) -> UpdateStatement {
    let owner = |chat: &ChatId| {
        notes::owner_key(&NoteOwner::Chat {
            channel: from.channel.clone(),
            chat: chat.clone(),
        })
    };
    let (old, new) = (owner(&from.chat), owner(to));
    let twin = Query::select()
        .expr(Expr::val(1))
        .from_as(Notes::Table, "new")
        .and_where(Expr::col((Alias::new("new"), Notes::Owner)).eq(new.as_str()))
        .and_where(
            Expr::col((Alias::new("new"), Notes::Title))
                .eq(Expr::col((Notes::Table, Notes::Title))),
        )
        .take();
    Query::update()
        .table(Notes::Table)
        .value(Notes::Owner, new)
        .and_where(Expr::col(Notes::Owner).eq(old))
        .and_where(Expr::exists(twin).not())
        .take()
}
