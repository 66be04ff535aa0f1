//! The audit log: every tool call, decision and refusal, append-only and chained by hash.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::approval::{Ruling, sha256_hex};
use super::ids::{ChatId, TurnId, UserId};
use super::redact::Secrets;
use super::tool::{ToolCall, ToolResult};

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// In which chat.
    pub chat: ChatId,
    /// Whose turn; of an answer, who gave it.
    pub user: UserId,
    /// In which turn; a rule is taken back outside of one.
    pub turn: Option<TurnId>,
    /// Which tool.
    pub tool: String,
    /// The arguments' SHA-256, in hexadecimal digits.
    pub arguments_hash: String,
    /// The arguments without secrets.
    pub arguments: String,
    /// What was decided: `allow`, `ask`, `deny`, `approved`, `denied`, `expired`, `superseded`;
    /// `refused` for a call that no rule was asked about, and for an answer that does not count;
    /// `revoked` for a rule that is taken back.
    pub verdict: String,
    /// Which rule decided.
    pub rule: String,
    /// How it ended: `ok` or an error code for a call; `asked`, `answered`, `closed` or `ignored` for
    /// a question; `revoked`.
    pub outcome: String,
}

/// The arguments of a call as the log keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditedArguments {
    /// Their SHA-256, in hexadecimal digits.
    pub hash: String,
    /// The same without secrets.
    pub redacted: String,
}

impl AuditedArguments {
    /// Of a call.
    pub fn of(call: &ToolCall, secrets: &Secrets) -> Self {
        Self {
            hash: sha256_hex(&call.arguments),
            redacted: secrets.redact_arguments(&call.arguments),
        }
    }
}

/// A finished call on its way into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedCall {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: AuditedArguments,
    /// What was decided.
    pub verdict: &'static str,
    /// Which rule decided.
    pub rule: String,
    /// How it ended: `ok`, or the error code.
    pub outcome: String,
}

impl AuditedCall {
    /// Of a call and its result. Without a ruling the turn itself has answered the call.
    pub fn of(
        call: &ToolCall,
        result: &ToolResult,
        ruling: Option<&Ruling>,
        secrets: &Secrets,
    ) -> Self {
        let outcome = outcome(result);
        let verdict = match (ruling.map(|ruling| ruling.verdict.name()), outcome.as_str()) {
            (Some("ask"), "denied") => "denied",
            (Some("ask"), "expired") => "expired",
            (Some("ask"), "superseded") => "superseded",
            (Some("ask"), _) => "approved",
            (Some(verdict), _) => verdict,
            (None, "ok") => "allow",
            (None, _) => "refused",
        };
        Self {
            tool: call.name.clone(),
            arguments: AuditedArguments::of(call, secrets),
            verdict,
            rule: ruling.map_or_else(|| "turn".to_owned(), |ruling| ruling.rule.clone()),
            outcome,
        }
    }
}

/// `ok`, or the code of the failure.
fn outcome(result: &ToolResult) -> String {
    if result.error_text().is_none() {
        return "ok".to_owned();
    }
    let code = result
        .value()
        .get("code")
        .and_then(serde_json::Value::as_str);
    code.unwrap_or("failed").to_owned()
}
