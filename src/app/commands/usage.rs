//! `/usage` and `/budget`: what models cost, and more money for today.

use super::{Answer, CommandCall, Commands};
use crate::core::change::{Change, ChangeOutcome};
use crate::core::error::StoreResult;
use crate::core::inbox::AskedByRow;
use crate::core::money::MicroUsd;
use crate::core::outbox::{NewOutbox, Outgoing};
use crate::core::usage_report::UsageReport;

pub(super) async fn usage(commands: &Commands, _call: &CommandCall<'_>) -> StoreResult<Answer> {
    let report = commands.spending.report().await?;
    Ok(Answer::Text(report.lines().join("\\\n")))
}

/// Without an amount the budget as it is; with one, and only from the owner, more of it.
pub(super) async fn budget(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    let incoming = &call.row.incoming;
    let written = incoming.command().map_or("", |(_, rest)| rest);
    let before = commands.spending.report().await?.budget;
    if before.is_empty() {
        let text = "There is no budget: nothing limits what models may cost.";
        return Ok(Answer::Text(text.into()));
    }
    if !written.is_empty() {
        if !commands.about.is_owner(incoming) {
            let text = "Only the owner of this bot can change the budget.";
            return Ok(Answer::Text(text.into()));
        }
        let Some(amount) = amount(written) else {
            let text = "Write how many dollars more, such as /budget +1 or /budget +0.50.";
            return Ok(Answer::Text(text.into()));
        };
        let report = commands.spending.report().await?.raised(amount);
        let told = Outgoing::plain(budget_lines(&report).join("\n"));
        let told = NewOutbox::answer(call.target.clone(), told);
        let asked = AskedByRow {
            change: Change::RaiseBudget { amount },
            replies: Box::new(|_| vec![told]),
        };
        let outcome = commands.inbox.finish_with(call.row.id, asked).await?;
        if let Some(ChangeOutcome::BudgetRaised { amount }) = outcome {
            commands.spending.note_raise(amount);
        }
        return Ok(Answer::Silence);
    }
    let report = commands.spending.report().await?;
    Ok(Answer::Text(budget_lines(&report).join("\\\n")))
}

fn budget_lines(report: &UsageReport) -> Vec<String> {
    let lines = report.lines().into_iter();
    lines.filter(|line| line.starts_with("Budget: ")).collect()
}

/// `+1`, `+$1`, `+0.50`: more than nothing, at most a thousand dollars.
fn amount(written: &str) -> Option<MicroUsd> {
    let digits = written.strip_prefix('+')?.trim_start_matches([' ', '$']);
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    let amount = MicroUsd::from_usd(digits.parse().ok().filter(|_| plain)?)?;
    (MicroUsd::ZERO < amount && amount <= MicroUsd::new(1_000_000_000)).then_some(amount)
}
