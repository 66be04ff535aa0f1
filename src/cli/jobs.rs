//! `minibot jobs`: looks into the scheduled jobs and changes them, beside a running bot or without one.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Form, answer, printable, runtime, say, settings};
use crate::adapters::config::WhenMissing;
use crate::core::ids::JobId;
use crate::core::job_list;
use crate::core::jobs::{
    Job, JobAction, JobFilter, JobRole, JobStatus, JobStatusFilter, Occurrence,
};
use crate::core::reminder;
use crate::wiring::beside::{Beside, TakesEffect};

/// What to do with the jobs.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Command {
    /// List those that will run or are paused (the default)
    #[command(after_help = "Example: minibot jobs list --all --json")]
    List {
        /// Also those that are over
        #[arg(long)]
        all: bool,
    },
    /// Show one with its newest receipt
    #[command(after_help = "Example: minibot jobs show 12")]
    Show {
        /// As listed
        id: i64,
    },
    /// Cancel one for good
    #[command(after_help = "Example: minibot jobs cancel 12")]
    Cancel {
        /// As listed
        id: i64,
    },
    /// Run one once more, now
    #[command(after_help = "Example: minibot jobs run 12")]
    Run {
        /// As listed
        id: i64,
    },
    /// Keep one from running
    #[command(after_help = "Example: minibot jobs pause 12")]
    Pause {
        /// As listed
        id: i64,
    },
    /// Let a paused one run again
    #[command(after_help = "Example: minibot jobs resume 12")]
    Resume {
        /// As listed
        id: i64,
    },
}

pub(super) fn run(
    config: Option<PathBuf>,
    command: Option<Command>,
    form: Form,
) -> anyhow::Result<ExitCode> {
    let settings = settings(config, WhenMissing::UseDefaults)?.settings;
    let command = command.unwrap_or(Command::List { all: false });
    runtime()?.block_on(async {
        let beside = Beside::open(&settings).await?;
        let result = carry_out(&beside, command, form).await;
        beside.close().await;
        result.map(|()| ExitCode::SUCCESS)
    })
}

async fn carry_out(beside: &Beside, command: Command, form: Form) -> anyhow::Result<()> {
    match command {
        Command::List { all: false } => list(beside, JobStatusFilter::Open, form).await,
        Command::List { all: true } => list(beside, JobStatusFilter::Any, form).await,
        Command::Show { id } => show(beside, id, form).await,
        Command::Cancel { id } => act(beside, id, JobAction::Cancel, form).await,
        Command::Run { id } => act(beside, id, JobAction::RunNow, form).await,
        Command::Pause { id } => act(beside, id, JobAction::Pause, form).await,
        Command::Resume { id } => act(beside, id, JobAction::Resume, form).await,
    }
}

async fn list(beside: &Beside, status: JobStatusFilter, form: Form) -> anyhow::Result<()> {
    let filter = JobFilter {
        target: None,
        status,
        limit: u32::MAX,
        offset: 0,
    };
    let jobs = beside.ports.jobs.list(filter).await?.jobs;
    let now = beside.ports.clock.now();
    match form {
        Form::Json => {
            let jobs: Vec<Value> = jobs.iter().map(|job| to_json(job, now)).collect();
            answer(&json!({ "count": jobs.len(), "jobs": jobs }).to_string());
        }
        Form::Text if jobs.is_empty() => answer("No jobs."),
        Form::Text => jobs.iter().for_each(|job| answer(&line(job, now))),
    }
    Ok(())
}

async fn show(beside: &Beside, id: i64, form: Form) -> anyhow::Result<()> {
    let Some(job) = beside.ports.jobs.get(JobId(id)).await? else {
        bail!("there is no job {id}; \"minibot jobs list --all\" shows the ids");
    };
    let now = beside.ports.clock.now();
    match form {
        Form::Json => answer(&to_json(&job, now).to_string()),
        Form::Text => {
            answer(&line(&job, now));
            let last = job.last_occurrence.as_ref();
            answer(&last.map_or_else(|| "has not run yet".to_owned(), receipt));
            answer(&printable(&job.details.content));
        }
    }
    Ok(())
}

async fn act(beside: &Beside, id: i64, action: JobAction, form: Form) -> anyhow::Result<()> {
    let before = beside.ports.jobs.get(JobId(id)).await?;
    let Some(before) = before else {
        bail!("there is no job {id}; \"minibot jobs list --all\" shows the ids");
    };
    if matches!(before.status, JobStatus::Completed | JobStatus::Cancelled) {
        bail!("job {id} is over ({})", status(before.status));
    }
    let Some(job) = beside.ports.jobs.act(None, JobId(id), action).await? else {
        bail!("job {id} has just been deleted");
    };
    let effect = beside.tell();
    match form {
        Form::Json => answer(&to_json(&job, beside.ports.clock.now()).to_string()),
        Form::Text => {
            let label = printable(&job_list::label(&job));
            answer(&format!(
                "{}: #{id} {label}",
                job_list::outcome(&job, action)
            ));
        }
    }
    match effect {
        TakesEffect::Now => {}
        TakesEffect::AtNextLook => say("The bot runs elsewhere and takes it up within a minute."),
        TakesEffect::AtNextStart => say("The bot is not running; it takes it up when it starts."),
    }
    Ok(())
}

fn line(job: &Job, now: DateTime<Utc>) -> String {
    format!(
        "#{}  {}  {}  {}  {}",
        job.id,
        status(job.status),
        reminder::when(job, now),
        job.details.target,
        printable(&job_list::label(job))
    )
}

fn receipt(last: &Occurrence) -> String {
    let reason = last.reason.as_ref();
    let reason = reason.map_or_else(String::new, |reason| format!(" ({})", printable(reason)));
    format!("{} {}{reason}", last.slot.to_rfc3339(), state(last))
}

fn state(last: &Occurrence) -> String {
    let word = serde_json::to_value(last.state).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

fn status(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Active => "active",
        JobStatus::Paused => "paused",
        JobStatus::Completed => "completed",
        JobStatus::Cancelled => "cancelled",
    }
}

fn to_json(job: &Job, now: DateTime<Utc>) -> Value {
    let details = &job.details;
    json!({
        "id": job.id,
        "status": status(job.status),
        "title": details.title,
        "content": details.content,
        "role": match details.role {
            JobRole::Assistant => "assistant",
            JobRole::User => "user",
        },
        "target": details.target,
        "creator": details.creator,
        "when": reminder::when(job, now),
        "schedule": details.schedule,
        "next_run": job.next_run,
        "metadata": details.metadata,
        "created_at": details.created_at,
        "last_occurrence": job.last_occurrence.as_ref().map(|last| json!({
            "slot": last.slot,
            "state": last.state,
            "reason": last.reason,
            "recorded_at": last.recorded_at,
            "reaction": last.reaction,
        })),
    })
}
