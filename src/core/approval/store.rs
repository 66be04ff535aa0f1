//! What is stored of questions and rules, and the port to it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::card::MOST_NAME;
use super::visible::visible_head;
use super::{AllowRule, ApprovalKey, Decision, Fingerprint, RuleTarget};
use crate::core::audit::AuditedArguments;
use crate::core::card::clock_time;
use crate::core::channel::ChatTarget;
use crate::core::error::StoreResult;
use crate::core::ids::{RuleId, UserId};
use crate::core::markup::FormattedText;

/// A question, on its way into the store together with the card that shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewApproval {
    /// Which of its turn.
    pub number: u32,
    /// Who may answer.
    pub person: UserId,
    /// The tool.
    pub tool: String,
    /// What the answer is bound to.
    pub fingerprint: Fingerprint,
    /// The arguments, for the audit log.
    pub arguments: AuditedArguments,
    /// Which rule asks, for the audit log.
    pub rule: String,
    /// What "always allow this" would cover.
    pub always: Option<RuleTarget>,
    /// What the card says, to be shown again with the outcome; `None` on a channel whose messages
    /// are not shown again.
    pub card: Option<FormattedText>,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// From then on it cannot be answered.
    pub expires_at: DateTime<Utc>,
}

/// A question as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Which.
    pub key: ApprovalKey,
    /// Where it was asked.
    pub target: ChatTarget,
    /// Who may answer.
    pub person: UserId,
    /// The tool.
    pub tool: String,
    /// What the answer is bound to.
    pub fingerprint: Fingerprint,
    /// What "always allow this" would cover.
    pub always: Option<RuleTarget>,
    /// How it ended; `None` while it waits.
    pub settled: Option<Settlement>,
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
    /// From then on it cannot be answered.
    pub expires_at: DateTime<Utc>,
}

/// How a question ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// How.
    pub decision: Decision,
    /// The name of who decided; `None` where nobody did.
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether a rule was stored as well.
    pub always: bool,
}

impl Settlement {
    /// The line that the card gets: "✅ Approved by Alice, 10:12".
    pub fn line(&self, zone: Tz) -> String {
        let time = clock_time(self.at, self.at, zone);
        let by = self.by.as_deref().map_or_else(String::new, |name| {
            format!(" by {}", visible_head(name, MOST_NAME))
        });
        match self.decision {
            Decision::Approved if self.always => {
                format!("✅ Approved{by}, {time}, and always from now on (see /approvals)")
            }
            Decision::Approved => format!("✅ Approved{by}, {time}"),
            Decision::Denied => format!("⛔ Denied{by}, {time}"),
            Decision::Expired => format!("⌛ Not run: nobody answered by {time}"),
            Decision::Superseded => format!("⏭ Not run: you went on, {time}"),
        }
    }

    /// What whoever presses later is told.
    pub fn late_notice(&self) -> &'static str {
        match self.decision {
            Decision::Approved => "Already approved",
            Decision::Denied => "Already denied",
            Decision::Expired => "Too late: this was not run",
            Decision::Superseded => "No longer asked: you went on",
        }
    }
}

/// The end of a question that nobody answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// How.
    pub decision: Decision,
    /// The line that the card gets.
    pub line: String,
}

/// The tables of questions and rules. Questions are written by the turn journal, answers and
/// revocations are changes.
#[async_trait]
pub trait ApprovalStore: Send + Sync + std::fmt::Debug {
    /// A question.
    async fn get(&self, key: ApprovalKey) -> StoreResult<Option<Approval>>;

    /// Ends a question that still waits, and shows that on its card. Returns it as it is then:
    /// somebody may have answered before.
    async fn close(
        &self,
        key: ApprovalKey,
        closing: Closing,
        now: DateTime<Utc>,
    ) -> StoreResult<Option<Approval>>;

    /// The rule of a chat that covers a call.
    async fn find_rule(
        &self,
        chat: &ChatTarget,
        tool: &str,
        target: &RuleTarget,
    ) -> StoreResult<Option<RuleId>>;

    /// The rules of a chat, oldest first.
    async fn list_rules(&self, chat: &ChatTarget) -> StoreResult<Vec<AllowRule>>;
}
