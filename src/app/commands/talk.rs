//! `/new`, `/stop` and `/retry`: commands about the conversation itself.

use super::{Answer, CommandCall, Commands};
use crate::app::dispatcher::Cancelled;
use crate::core::error::StoreResult;

pub(super) async fn new(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    commands.conversations.close(call.target, call.now).await?;
    let text = "A fresh conversation. Your notes and reminders are still here.";
    Ok(Answer::Text(text.into()))
}

pub(super) async fn stop(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    match commands.dispatcher.cancel(call.target, call.row.id) {
        // The turn itself says that it stopped.
        Cancelled::Running => Ok(Answer::Silence),
        Cancelled::Nothing => Ok(Answer::Text("Nothing is running.".into())),
    }
}

pub(super) async fn retry(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    match commands.journal.reopen(call.target, call.now).await? {
        Some(turn) => Ok(Answer::Rerun(Box::new(turn))),
        None => Ok(Answer::Text(
            "There is nothing to try again: your last message has its answer.".into(),
        )),
    }
}
