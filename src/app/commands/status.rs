//! `/status` and `/whoami`: how the bot is, and who is asking.

use bytesize::ByteSize;
use chrono::TimeDelta;

use super::{Answer, CommandCall, Commands};
use crate::core::approval::ToolMode;
use crate::core::channel::{Asking, ChatKind};
use crate::core::error::StoreResult;
use crate::core::jobs::{JobFilter, JobStatusFilter};
use crate::core::schedule::{describe_delay, describe_moment};

pub(super) async fn status(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    let about = &commands.about;
    let uptime = (call.now - about.started_at).max(TimeDelta::zero());
    // Only what is planned for this place: others' reminders are theirs.
    let filter = JobFilter {
        target: Some(call.target.clone()),
        status: JobStatusFilter::Active,
        limit: 1,
        offset: 0,
    };
    let page = commands.jobs.list(filter).await?;
    let next = match page.jobs.first().and_then(|job| job.next_run) {
        Some(at) => describe_moment(at, call.now, about.zone),
        None => "none".into(),
    };
    let lines = [
        format!("**minibot** {}", about.version),
        format!("Up for {}", describe_delay(uptime)),
        format!("Model: {}", about.model),
        format!(
            "Waiting: {} in, {} out; {} at work",
            commands.inbox.count_waiting().await?,
            commands.outbox.count_waiting(None).await?,
            commands.dispatcher.busy_places()
        ),
        format!("Next reminder: {next}"),
        format!("Database: {}", database_size(commands)),
    ];
    Ok(Answer::Text(lines.join("\\\n")))
}

pub(super) async fn whoami(commands: &Commands, call: &CommandCall<'_>) -> StoreResult<Answer> {
    let incoming = &call.row.incoming;
    let kind = match incoming.chat_kind {
        ChatKind::Private => "a private chat",
        ChatKind::Group => "a group",
    };
    let mut lines = vec![
        format!(
            "You are {}, user id `{}`",
            incoming.sender.name, incoming.sender.user
        ),
        format!("This is {kind}, chat id `{}`", incoming.target.chat),
    ];
    lines.extend(
        incoming
            .target
            .thread
            .as_ref()
            .map(|thread| format!("Topic `{thread}`")),
    );
    lines.push(format!("Time zone: {}", commands.about.zone));
    let may = if commands.about.is_owner(incoming) {
        "You are the owner, and may talk to me here"
    } else {
        "You may talk to me here; only the owner can change the budget"
    };
    lines.push(may.into());
    lines.extend(tools_here(commands, call));
    Ok(Answer::Text(lines.join("\\\n")))
}

/// What the settings make of the tools that are switched on: those that do not simply run.
fn tools_here(commands: &Commands, call: &CommandCall<'_>) -> Vec<String> {
    let channel = commands.channels.of(call.target);
    let asking = channel.map_or(Asking::Impossible, |channel| channel.capabilities().asking);
    let (tools, policy) = (&commands.about.tools, &commands.about.policy);
    let with = |wanted: ToolMode| -> Vec<String> {
        let of_this_mode = tools.iter().filter(|tool| policy.find(tool).0 == wanted);
        of_this_mode.map(|tool| format!("`{tool}`")).collect()
    };
    let (mut asked, mut refused) = (with(ToolMode::Ask), with(ToolMode::Deny));
    let judged = with(ToolMode::Classify);
    if asking == Asking::Impossible {
        refused.append(&mut asked);
    }
    if (&asked, &refused, &judged) == (&Vec::new(), &Vec::new(), &Vec::new()) {
        return vec!["Tools: all that I have run without a question".into()];
    }
    [
        ("Tools that I ask about first", asked),
        ("Tools that I ask about unless they only read", judged),
        ("Tools that are refused", refused),
    ]
    .into_iter()
    .filter(|(_, names)| !names.is_empty())
    .map(|(what, names)| format!("{what}: {}", names.join(", ")))
    .collect()
}

/// With its log, in which the newest stands until it is folded in.
fn database_size(commands: &Commands) -> String {
    let path = &commands.about.database;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let size = |path: &std::path::Path| path.metadata().map(|file| file.len());
    let logged = size(log.as_ref()).unwrap_or(0);
    size(path).map_or_else(
        |_| "unknown".into(),
        |bytes| ByteSize::b(bytes + logged).display().si().to_string(),
    )
}
