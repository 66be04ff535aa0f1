//! The audit log: every tool call, decision and refusal, append-only and chained by hash.

use chrono::{DateTime, Utc};

use super::ids::{ChatId, TurnId, UserId};

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// In which chat.
    pub chat: ChatId,
    /// Whose turn.
    pub user: UserId,
    /// In which turn.
    pub turn: TurnId,
    /// Which tool.
    pub tool: String,
    /// The arguments' SHA-256, in hexadecimal digits.
    pub arguments_hash: String,
    /// What was decided (`allow`, `deny`, …).
    pub verdict: String,
    /// How it ended (`ok`, or the error code).
    pub outcome: String,
}
