//! `/reminders`: the list with its buttons.

use super::{Answer, CommandCall, Commands};
use crate::core::channel::Buttons;
use crate::core::error::StoreResult;
use crate::core::job_list;

pub(super) async fn list(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    let channel = commands.channels.of(call.target);
    let buttons = channel.map_or(Buttons::None, |channel| channel.capabilities().buttons);
    let filter = job_list::filter(call.target, 0, buttons);
    let found = commands.jobs.list(filter.clone()).await?;
    Ok(Answer::Card(job_list::card(&found, &filter, call.now)))
}
