//! Approvals: asks the rules about each call, and a person where the rules say so. The decision
//! itself counts where it is stored; whoever waits for it reads it there.

mod press;
mod wait;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

pub use self::wait::Waited;
use super::at_once::AtOnce;
use super::channels::Channels;
use super::signals::Signals;
use super::toolbox::Toolbox;
use crate::core::action::Action;
use crate::core::approval::card::Origin;
use crate::core::approval::{
    ApprovalStore, Considered, RuleTarget, Ruling, ToolPolicy, Verdict, guarded, rule_on,
};
use crate::core::channel::{Asking, ChatTarget};
use crate::core::clock::Clock;
use crate::core::command;
use crate::core::error::StoreResult;
use crate::core::exits::{Surroundings, escalation};
use crate::core::inbox::InboxStore;
use crate::core::message::{Incoming, IncomingContent};
use crate::core::redact::Secrets;
use crate::core::tool::ToolContext;
use crate::core::turn::PlannedCall;

/// Settings of the approvals.
#[derive(Debug, Clone)]
pub struct ApprovalSettings {
    /// Who may run what.
    pub policy: ToolPolicy,
    /// How long a question can be answered.
    pub timeout: TimeDelta,
    /// Whether content from outside makes calls doubtful.
    pub escalation: Escalation,
    /// The person's zone.
    pub zone: Tz,
}

/// Whether content from outside makes calls doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escalation {
    /// It does.
    On,
    /// It does not: the person wants it so.
    Off,
}

/// Decides about calls, and waits for those who decide.
#[derive(Debug)]
pub struct Approvals {
    /// Questions and rules.
    pub store: Arc<dyn ApprovalStore>,
    /// What arrived.
    pub inbox: Arc<dyn InboxStore>,
    /// What is done about it while a question waits.
    pub at_once: Arc<dyn AtOnce>,
    /// Where people are.
    pub channels: Channels,
    /// Rings when a question is answered.
    pub signals: Arc<Signals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What must not stand in the audit log.
    pub secrets: Arc<Secrets>,
    /// The settings.
    pub settings: ApprovalSettings,
}

impl Approvals {
    /// What the rules say about a call.
    pub async fn rule_on(
        &self,
        tools: &Toolbox,
        call: &PlannedCall,
        context: &ToolContext,
        surroundings: &Surroundings,
    ) -> StoreResult<Ruling> {
        let Some(action) = tools.action(call, context).await else {
            return Ok(Ruling {
                verdict: Verdict::Ask { always: None },
                rule: "unknown action".to_owned(),
                reason: "it cannot be told what it would do".to_owned(),
            });
        };
        let tool = call.call.name.as_str();
        let target = RuleTarget::of(tool, &action, &call.arguments);
        let (policy, chat) = (&self.settings.policy, &context.target);
        let mut considered = Considered {
            tool,
            command: self::command(&action),
            guarded: guarded(&action),
            escalated: self.escalated(&action, surroundings),
            target,
            stored: None,
        };
        let ruling = rule_on(policy, considered.clone());
        // Most calls may run anyway: only a question is worth a look at the rules.
        if let Verdict::Ask {
            always: Some(target),
        } = &ruling.verdict
        {
            let stored = self.store.find_rule(chat, tool, target).await?;
            considered.stored = stored;
            return Ok(self.askable(placed(rule_on(policy, considered), &action), chat));
        }
        Ok(self.askable(placed(ruling, &action), chat))
    }

    /// Why content from outside makes the call doubtful.
    fn escalated(&self, action: &Action, surroundings: &Surroundings) -> Option<String> {
        match self.settings.escalation {
            Escalation::Off => None,
            Escalation::On => escalation(action, surroundings).map(|reason| reason.to_string()),
        }
    }

    /// A question that nobody can answer is a refusal.
    fn askable(&self, ruling: Ruling, chat: &ChatTarget) -> Ruling {
        let channel = self.channels.of(chat);
        let asking = channel.map_or(Asking::Impossible, |channel| channel.capabilities().asking);
        match (&ruling.verdict, asking) {
            (Verdict::Ask { .. }, Asking::Impossible) => Ruling {
                verdict: Verdict::Deny,
                rule: format!("{}; {NOBODY}", ruling.rule),
                reason: "it needs the person's approval, and nobody can be asked here".to_owned(),
            },
            _ => ruling,
        }
    }

    /// Until when a question that is asked now can be answered.
    pub fn expires_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + self.settings.timeout
    }
}

/// A question about a page says which: the arguments do not.
fn placed(mut ruling: Ruling, action: &Action) -> Ruling {
    if let (Verdict::Ask { .. }, Some(place)) = (&ruling.verdict, action.place()) {
        ruling.reason = format!("{}; {place}", ruling.reason);
    }
    ruling
}

/// How the rule of a refusal ends whose question nobody could have answered.
pub const NOBODY: &str = "nobody can be asked";

/// What is to be thought of the command line that an action runs.
fn command(action: &Action) -> Option<command::Verdict> {
    match action {
        Action::Command { line, confinement } => Some(command::classify(line, *confinement)),
        _ => None,
    }
}

/// What started a turn, for the card.
pub fn origin(asked: &Incoming) -> Origin {
    let name = asked.sender.name.clone();
    match &asked.content {
        IncomingContent::Scheduled(prompt) => Origin::Scheduled {
            name,
            text: prompt.content.clone(),
        },
        _ => Origin::Message {
            name,
            text: asked
                .message()
                .map(|message| message.text.clone())
                .unwrap_or_default(),
        },
    }
}
