//! Presses below cards that ask, and below the list of what is always allowed.

use super::wait::refusal_words;
use crate::app::presses::{Pressed, Presses, Told};
use crate::core::approval::{Answer, Answered, ApprovalKey, Settlement, card};
use crate::core::change::{Change, ChangeOutcome};
use crate::core::channel::{Buttons, Sender};
use crate::core::error::StoreResult;
use crate::core::ids::RuleId;
use crate::core::inbox::AskedByRow;

const RULE_GONE: &str = "This rule is no longer there";

impl Presses {
    /// An answer to a question.
    pub(in crate::app) async fn approval(
        &self,
        pressed: &Pressed<'_>,
        by: &Sender,
        (key, answer): (ApprovalKey, Answer),
    ) -> StoreResult<Told> {
        let settled = Settlement {
            decision: answer.decision(),
            by: Some(by.name.clone()),
            at: pressed.now,
            always: answer == Answer::Always,
        };
        let answered = Answered {
            key,
            answer,
            by: by.clone(),
            chat: pressed.target.clone(),
            message: pressed.message.cloned(),
        };
        let line = settled.line(self.zone);
        let asked = AskedByRow {
            change: Change::AnswerApproval { answered, line },
            replies: Box::new(|_| Vec::new()),
        };
        let Some(outcome) = self.inbox.finish_with(pressed.row, asked).await? else {
            return Ok(Told::Before);
        };
        self.signals.tell_decided();
        Ok(Told::Notice(match outcome {
            ChangeOutcome::ApprovalAnswered(Ok(_)) => match answer {
                Answer::Approve => "Approved".to_owned(),
                Answer::Always => "Approved, now and always".to_owned(),
                Answer::Deny => "Denied".to_owned(),
            },
            ChangeOutcome::ApprovalAnswered(Err(refused)) => refusal_words(&refused),
            _ => return Ok(Told::Nothing),
        }))
    }

    /// A rule that is taken back. The list is then shown as it is now.
    pub(in crate::app) async fn revoke(
        &self,
        pressed: &Pressed<'_>,
        by: &Sender,
        rule: RuleId,
    ) -> StoreResult<Told> {
        let asked = AskedByRow {
            change: Change::RevokeRule {
                target: pressed.target.clone(),
                rule,
                by: by.user.clone(),
            },
            replies: Box::new(|_| Vec::new()),
        };
        let Some(outcome) = self.inbox.finish_with(pressed.row, asked).await? else {
            return Ok(Told::Before);
        };
        // A crash before this leaves an old list, and an old list does no harm.
        let rules = self.approvals.list_rules(pressed.target).await?;
        let edit = pressed.edit(card::rules(&rules, Buttons::Shown));
        self.outbox.add(edit).await?;
        Ok(Told::notice(match outcome {
            ChangeOutcome::RuleRevoked(Some(_)) => "Revoked: I will ask again",
            _ => RULE_GONE,
        }))
    }
}
