//! `/approvals`: what is always allowed here, and how to take it back.

use super::{Answer, CommandCall, Commands};
use crate::core::approval::card;
use crate::core::change::{Change, ChangeOutcome};
use crate::core::channel::Buttons;
use crate::core::error::StoreResult;
use crate::core::inbox::AskedByRow;
use crate::core::outbox::{NewOutbox, Outgoing};

pub(super) async fn approvals(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    let rules = commands.approvals.list_rules(call.target).await?;
    let command = call.row.incoming.command();
    let arguments = command.map_or("", |(_, arguments)| arguments);
    let Some(wanted) = arguments.strip_prefix("revoke") else {
        let channel = commands.channels.of(call.target);
        let buttons = channel.map_or(Buttons::None, |channel| channel.capabilities().buttons);
        return Ok(Answer::Card(card::rules(&rules, buttons)));
    };
    let number: Option<usize> = wanted.trim().parse().ok();
    let rule = number.and_then(|number| rules.get(number.checked_sub(1)?));
    let Some(rule) = rule else {
        let text = "Which one? /approvals lists them with their numbers.";
        return Ok(Answer::Text(text.into()));
    };
    let target = call.target.clone();
    let asked = AskedByRow {
        change: Change::RevokeRule {
            target: call.target.clone(),
            rule: rule.id,
            by: call.row.incoming.sender.user.clone(),
        },
        replies: Box::new(move |outcome| vec![NewOutbox::answer(target, revoked(outcome))]),
    };
    commands.inbox.finish_with(call.row.id, asked).await?;
    Ok(Answer::Silence)
}

fn revoked(outcome: &ChangeOutcome) -> Outgoing {
    Outgoing::plain(match outcome {
        ChangeOutcome::RuleRevoked(Some(rule)) => {
            format!(
                "Revoked: I will ask again for {} ({}).",
                rule.tool,
                rule.target.describe()
            )
        }
        _ => "This rule is no longer there.".to_owned(),
    })
}
