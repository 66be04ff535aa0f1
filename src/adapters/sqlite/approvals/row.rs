//! A question as it is stored.

use sea_query::{Expr, ExprTrait, Query, SelectStatement};

use super::super::iden::Approvals;
use super::super::statement::word;
use super::super::values;
use crate::core::approval::{Approval, ApprovalKey, Decision, Fingerprint, Settlement};
use crate::core::channel::ChatTarget;
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::{TurnId, UserId};
use crate::core::markup::FormattedText;

#[derive(Clone, sqlx::FromRow)]
pub(super) struct StoredApproval {
    turn: i64,
    number: u32,
    channel: String,
    chat: String,
    thread: String,
    pub(super) person: String,
    pub(super) tool: String,
    fingerprint: String,
    pub(super) arguments_hash: String,
    pub(super) arguments: String,
    pub(super) rule: String,
    pub(super) always: Option<String>,
    card: Option<String>,
    state: String,
    decided_by: Option<String>,
    decided_always: i64,
    decided_at: Option<i64>,
    asked_at: i64,
    expires_at: i64,
}

impl StoredApproval {
    pub(super) fn key(&self) -> ApprovalKey {
        ApprovalKey {
            turn: TurnId(self.turn),
            number: self.number,
        }
    }

    pub(super) fn target(&self) -> ChatTarget {
        values::target(self.channel.clone(), self.chat.clone(), self.thread.clone())
    }

    /// What its card says. One that cannot be read must not keep the question from its end: the line of that says
    /// enough.
    pub(super) fn card(&self) -> Option<FormattedText> {
        let card = self.card.as_deref().map(values::from_json)?;
        let key = self.key().card_key();
        card.inspect_err(|error| tracing::error!(approval = %key, %error, "a card cannot be read"))
            .ok()
    }
}

/// Selects a question.
pub(super) fn select(key: ApprovalKey) -> SelectStatement {
    all()
        .and_where(Expr::col(Approvals::Turn).eq(key.turn.0))
        .and_where(Expr::col(Approvals::Number).eq(key.number))
        .take()
}

/// Selects those of a turn that wait.
pub(super) fn select_waiting(turn: TurnId) -> SelectStatement {
    all()
        .and_where(Expr::col(Approvals::Turn).eq(turn.0))
        .and_where(Expr::col(Approvals::State).eq(word("waiting")))
        .take()
}

fn all() -> SelectStatement {
    Query::select()
        .columns([
            Approvals::Turn,
            Approvals::Number,
            Approvals::Channel,
            Approvals::Chat,
            Approvals::Thread,
            Approvals::Person,
            Approvals::Tool,
            Approvals::Fingerprint,
            Approvals::ArgumentsHash,
            Approvals::Arguments,
            Approvals::Rule,
            Approvals::Always,
            Approvals::Card,
            Approvals::State,
            Approvals::DecidedBy,
            Approvals::DecidedAlways,
            Approvals::DecidedAt,
            Approvals::AskedAt,
            Approvals::ExpiresAt,
        ])
        .from(Approvals::Table)
        .take()
}

impl TryFrom<StoredApproval> for Approval {
    type Error = StoreError;

    fn try_from(row: StoredApproval) -> StoreResult<Self> {
        let (key, target) = (row.key(), row.target());
        let settled = Decision::named(&row.state).map(|decision| {
            Ok::<_, StoreError>(Settlement {
                decision,
                by: row.decided_by,
                at: values::moment(row.decided_at.unwrap_or(row.expires_at))?,
                always: row.decided_always != 0,
            })
        });
        Ok(Self {
            key,
            target,
            person: UserId::new(row.person),
            tool: row.tool,
            fingerprint: Fingerprint::stored(row.fingerprint),
            always: row.always.as_deref().map(values::from_json).transpose()?,
            settled: settled.transpose()?,
            asked_at: values::moment(row.asked_at)?,
            expires_at: values::moment(row.expires_at)?,
        })
    }
}
