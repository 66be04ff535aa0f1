//! `/new`, `/stop`, `/retry` and `/history`: commands about the conversation itself.

use super::{Answer, CommandCall, Commands};
use crate::app::dispatcher::Cancelled;
use crate::core::compaction::{excerpt, with_enclosures};
use crate::core::conversation::Item;
use crate::core::error::StoreResult;
use crate::core::exits::Links;
use crate::core::markup::{FormattedText, render};

pub(super) async fn new(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    commands.conversations.close(call.target, call.now).await?;
    let text = "A fresh conversation. Your notes and reminders are still here.";
    Ok(Answer::Text(text.into()))
}

pub(super) async fn stop(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    let dispatcher = &commands.dispatcher;
    match dispatcher.cancel(call.target, call.row.id).await? {
        // The turn itself says that it stopped.
        Cancelled::Running => Ok(Answer::Silence),
        Cancelled::Nothing => Ok(Answer::Text("Nothing is running.".into())),
    }
}

pub(super) async fn retry(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    let journal = &commands.journal;
    match journal.reopen(call.target, call.row.id, call.now).await? {
        Some(turn) => Ok(Answer::Rerun(Box::new(turn))),
        None => Ok(Answer::Text("There is nothing to try again.".into())),
    }
}

/// How many of the newest items are shown, and how much of each.
const SHOWN: (u32, usize) = (10, 200);

pub(super) async fn history(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    let nothing = "We have not talked since the last /new.";
    let Some(conversation) = commands.conversations.current(call.target).await? else {
        return Ok(Answer::Text(nothing.into()));
    };
    let (count, longest) = SHOWN;
    let summary = commands.summaries.get(conversation.id).await?;
    let items = commands
        .conversations
        .newest_items(conversation.id, count)
        .await?;
    if items.is_empty() && summary.is_none() {
        return Ok(Answer::Text(nothing.into()));
    }
    let mut parts = Vec::new();
    if let Some(summary) = summary {
        parts.push(format!("Earlier, in short:\n{}", summary.text()));
    }
    parts.extend(items.iter().filter_map(|item| match item {
        Item::User {
            text, enclosures, ..
        } => {
            let words = with_enclosures(text, enclosures);
            Some(format!("You: {}", excerpt(&words, longest)))
        }
        Item::Assistant { text, .. } if text.is_empty() => None,
        // As it was shown, and not as it was written.
        Item::Assistant { text, .. } => {
            Some(format!("I: {}", excerpt(&render(text).text, longest)))
        }
        Item::Tool { name, .. } => Some(format!("({name} was used)")),
    }));
    let text = FormattedText::plain(parts.join("\n\n"));
    let links = Links::under(&conversation.labels);
    Ok(Answer::Finished(links.applied(text)))
}
