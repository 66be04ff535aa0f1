//! `getUpdates` and the queue behind it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::params::Params;
use super::refusal::Refusal;
use super::state::{Shared, State};

/// Kinds that are only delivered when asked for by name (Bot API, getUpdates).
const OPT_IN: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

const TERMINATED: &str = "terminated by other getUpdates request; \
                          make sure that only one bot instance is running";
const WEBHOOK_ACTIVE: &str = "can't use getUpdates method while webhook is active; \
                              use deleteWebhook to delete the webhook first";

/// A long poll: answers as soon as there is an update, at the latest when its time is over.
pub async fn get_updates(shared: &Shared, params: &Params) -> Result<Value, Refusal> {
    let seconds = params.number("timeout")?.unwrap_or(0);
    let wait = Duration::from_secs(u64::try_from(seconds).unwrap_or(0).min(50));
    let limit = params.number("limit")?.unwrap_or(100).clamp(1, 100);
    let limit = usize::try_from(limit).unwrap_or(100);
    let mut changed = shared.changed.subscribe();
    let (poll, longest) = shared.with(|state| begin_poll(state, params))?;
    shared.announce();
    let deadline = Instant::now() + wait.min(longest);
    loop {
        let ready = shared.with(|state| look(state, poll, limit))?;
        if !ready.is_empty() {
            return Ok(Value::Array(ready));
        }
        if timeout_at(deadline, changed.changed()).await.is_err() {
            return Ok(json!([]));
        }
    }
}

fn begin_poll(state: &mut State, params: &Params) -> Result<(u64, Duration), Refusal> {
    if state.webhook.is_some() {
        return Err(Refusal::conflict(WEBHOOK_ACTIVE));
    }
    if let Some(allowed) = params.json("allowed_updates")? {
        state.allowed_updates = allowed;
    }
    state.poll += 1;
    confirm(state, params.number("offset")?.unwrap_or(0));
    Ok((state.poll, state.options.longest_poll))
}

/// Forgets what lies below `offset`; a negative one keeps only that many of the newest.
fn confirm(state: &mut State, offset: i64) {
    let below = if offset < 0 {
        let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
        let first = state.updates.len().saturating_sub(keep);
        state.updates.get(first).map_or(0, update_id)
    } else {
        offset
    };
    if below > 0 {
        state.updates.retain(|update| update_id(update) >= below);
        state.confirmed_offset = state.confirmed_offset.max(below);
    }
}

fn look(state: &State, poll: u64, limit: usize) -> Result<Vec<Value>, Refusal> {
    if state.poll != poll {
        return Err(Refusal::conflict(TERMINATED));
    }
    if state.webhook.is_some() {
        return Err(Refusal::conflict("terminated by setWebhook request"));
    }
    Ok(state.updates.iter().take(limit).cloned().collect())
}

pub fn update_id(update: &Value) -> i64 {
    update["update_id"].as_i64().unwrap_or_default()
}

/// Queues an update, unless the bot does not want its kind. Gives it an id if it has none.
pub fn enqueue(state: &mut State, mut update: Value) -> i64 {
    if update["update_id"].as_i64().is_none() {
        update["update_id"] = state.next_update_id().into();
    }
    let id = update_id(&update);
    let kind = update
        .as_object()
        .and_then(|fields| fields.keys().find(|name| *name != "update_id"))
        .cloned()
        .unwrap_or_default();
    let wanted = if state.allowed_updates.is_empty() {
        !OPT_IN.contains(&kind.as_str())
    } else {
        state.allowed_updates.contains(&kind)
    };
    if wanted {
        state.updates.push_back(update);
    } else {
        state.filtered.push(update);
    }
    id
}
