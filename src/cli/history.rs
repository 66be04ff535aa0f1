//! `minibot history`: the conversations, and what was said in them.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use serde_json::{Value, json};

use super::{Form, answer, printable, runtime, settings};
use crate::adapters::config::WhenMissing;
use crate::core::conversation::{ConversationOverview, Item};
use crate::core::markup::render;
use crate::wiring::beside::Beside;

pub(super) fn run(
    config: Option<PathBuf>,
    chat: Option<&str>,
    limit: u32,
    form: Form,
) -> anyhow::Result<ExitCode> {
    let settings = settings(config, WhenMissing::UseDefaults)?.settings;
    runtime()?.block_on(async {
        let beside = Beside::open(&settings).await?;
        let result = match chat {
            None => list(&beside, form).await,
            Some(chat) => show(&beside, chat, limit, form).await,
        };
        beside.close().await;
        result.map(|()| ExitCode::SUCCESS)
    })
}

async fn list(beside: &Beside, form: Form) -> anyhow::Result<()> {
    let running = beside.ports.conversations.running().await?;
    match form {
        Form::Json => {
            let all: Vec<Value> = running.iter().map(overview).collect();
            answer(&json!({ "count": all.len(), "conversations": all }).to_string());
        }
        Form::Text if running.is_empty() => answer("No conversations."),
        Form::Text => running.iter().for_each(|one| answer(&line(one))),
    }
    Ok(())
}

/// Each conversation of the chat: its topics have their own.
async fn show(beside: &Beside, chat: &str, limit: u32, form: Form) -> anyhow::Result<()> {
    let mut running = beside.ports.conversations.running().await?;
    running.retain(|one| one.conversation.target.chat.as_str() == chat);
    if running.is_empty() {
        bail!("there is no conversation in chat {chat:?}; \"minibot history\" lists them");
    }
    let mut all = Vec::new();
    for one in &running {
        let id = one.conversation.id;
        let summary = beside.ports.summaries.get(id).await?;
        let summary = summary.map(|summary| summary.text().to_owned());
        let items = beside.ports.conversations.newest_items(id, limit).await?;
        match form {
            Form::Json => {
                let mut whole = overview(one);
                whole["summary"] = json!(summary);
                whole["newest_items"] = json!(items);
                all.push(whole);
            }
            Form::Text => {
                answer(&line(one));
                if let Some(summary) = summary {
                    answer(&format!("Earlier, in short: {}", printable(&summary)));
                }
                items.iter().for_each(|item| answer(&said(item)));
            }
        }
    }
    if form == Form::Json {
        answer(&json!({ "count": all.len(), "conversations": all }).to_string());
    }
    Ok(())
}

fn line(one: &ConversationOverview) -> String {
    let last = one.last_item_at;
    let last = last.map_or_else(|| "never".to_owned(), |at| at.to_rfc3339());
    format!(
        "{}  {} items, the last {last}",
        one.conversation.target, one.items
    )
}

fn said(item: &Item) -> String {
    printable(&match item {
        Item::User { text, .. } => format!("  person: {text}"),
        Item::Assistant { text, calls, .. } => {
            // As it was shown, and not as it was written.
            let text = render(text).text;
            let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
            match (text.as_str(), names.as_slice()) {
                (text, []) => format!("  bot: {text}"),
                ("", names) => format!("  bot calls {}", names.join(", ")),
                (text, names) => format!("  bot: {text} (and calls {})", names.join(", ")),
            }
        }
        Item::Tool { name, result, .. } => match result.error_text() {
            Some(error) => format!("  {name} failed: {error}"),
            None => format!("  {name} answered"),
        },
    })
}

fn overview(one: &ConversationOverview) -> Value {
    let conversation = &one.conversation;
    json!({
        "id": conversation.id,
        "target": conversation.target,
        "started_at": conversation.started_at,
        "items": one.items,
        "last_item_at": one.last_item_at,
    })
}
