//! `/start` and `/help`: who the bot is and what it can do here.

use super::{Answer, CommandCall, Commands};
use crate::core::error::StoreResult;

pub(super) async fn start(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    let name = call
        .row
        .incoming
        .sender
        .name
        .split_whitespace()
        .next()
        .unwrap_or_default();
    let greeting = if name.is_empty() {
        "Hello".to_owned()
    } else {
        format!("Hello {name}")
    };
    Ok(Answer::Text(format!(
        "{greeting}. I am minibot, your own assistant. Just write to me.\n\n{}\n\n/help shows more.",
        examples(commands)
    )))
}

pub(super) async fn help(commands: &Commands, _call: &CommandCall<'_>) -> StoreResult<Answer> {
    let abilities: Vec<String> = commands
        .about
        .abilities
        .iter()
        .map(|ability| format!("- {ability}"))
        .collect();
    let table: Vec<String> = commands
        .menu()
        .map(|(name, summary)| format!("/{name} – {summary}"))
        .collect();
    Ok(Answer::Text(format!(
        "**What I can do here**\n\n{}\n\n{}\n\n**Commands**\n\n{}",
        abilities.join("\n"),
        examples(commands),
        table.join("\\\n")
    )))
}

fn examples(commands: &Commands) -> String {
    let lines: Vec<String> = commands
        .about
        .examples
        .iter()
        .map(|example| format!("- {example}"))
        .collect();
    format!("**Try**\n\n{}", lines.join("\n"))
}
