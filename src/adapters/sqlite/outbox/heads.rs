//! Which rows are next: one for each chat.

use chrono::{DateTime, Utc};
use sea_query::{Alias, Condition, Expr, ExprTrait, Order, Query, SelectStatement};

use super::super::iden::Outbox;
use super::super::statement::word;
use super::super::values::millis;
use super::{is_waiting, row, urgency};
use crate::core::channel::Urgency;
use crate::core::ids::{ChannelName, ChatId};

/// Selects the first waiting row of each chat where it is due and nothing is being sent, the most
/// urgent first, then the oldest.
pub(super) fn select(
    channels: &[ChannelName],
    least: Urgency,
    now: DateTime<Utc>,
    limit: u32,
) -> SelectStatement {
    let names: Vec<&str> = channels.iter().map(ChannelName::as_str).collect();
    let here = Expr::col((Outbox::Table, Outbox::Channel)).is_in(names);
    let urgent = Expr::col((Outbox::Table, Outbox::Urgency)).lte(urgency(least));
    rows(ids(here.and(urgent), now, limit))
}

/// Selects the first waiting row of one chat, on the same terms.
pub(super) fn of_chat(channel: &ChannelName, chat: &ChatId, now: DateTime<Utc>) -> SelectStatement {
    let own = |column, value: &str| Expr::col((Outbox::Table, column)).eq(value);
    let here = own(Outbox::Channel, channel.as_str()).and(own(Outbox::Chat, chat.as_str()));
    rows(ids(here, now, 1))
}

/// The heads are found in the index alone: only they are read from the table.
fn rows(ids: SelectStatement) -> SelectStatement {
    row::columns()
        .and_where(Expr::col(Outbox::Id).in_subquery(ids))
        .order_by(Outbox::Urgency, Order::Asc)
        .order_by(Outbox::Id, Order::Asc)
        .take()
}

fn ids(here: Expr, now: DateTime<Utc>, limit: u32) -> SelectStatement {
    Query::select()
        .column((Outbox::Table, Outbox::Id))
        .from(Outbox::Table)
        .cond_where(is_waiting())
        .and_where(here)
        .and_where(Expr::col(Outbox::State).eq(word("pending")))
        .and_where(Expr::col(Outbox::NextAttemptAt).lte(millis(now)))
        .and_where(Expr::exists(held_back_by()).not())
        .order_by((Outbox::Table, Outbox::Urgency), Order::Asc)
        .order_by((Outbox::Table, Outbox::Id), Order::Asc)
        .limit(limit.into())
        .take()
}

/// What holds a row back: a row of its chat that is being sent, or that goes first.
fn held_back_by() -> SelectStatement {
    let other = |column| Expr::col((Alias::new("other"), column));
    let own = |column| Expr::col((Outbox::Table, column));
    let goes_first = Expr::tuple([other(Outbox::Urgency), other(Outbox::Id)])
        .lt(Expr::tuple([own(Outbox::Urgency), own(Outbox::Id)]));
    Query::select()
        .expr(Expr::val(1))
        .from_as(Outbox::Table, "other")
        .and_where(other(Outbox::State).is_in([word("pending"), word("sending")]))
        .and_where(other(Outbox::Channel).eq(own(Outbox::Channel)))
        .and_where(other(Outbox::Chat).eq(own(Outbox::Chat)))
        .cond_where(
            Condition::any()
                .add(goes_first)
                .add(other(Outbox::State).eq(word("sending"))),
        )
        .take()
}
