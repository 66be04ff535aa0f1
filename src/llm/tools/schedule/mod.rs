//! The schedule tools: reminders and tasks of this chat.

mod manage;
mod request;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use self::manage::{CancelPrompt, DeletePrompt, ListPrompts};
use self::request::{Arguments, Role};
use super::typed::{TypedTool, failure};
use super::{Family, ToolRules, tool};
use crate::core::action::Action;
use crate::core::change::{Change, ChangeOutcome};
use crate::core::jobs::{Job, JobRole, JobStatus, JobStore, NewJob};
use crate::core::reminder::{MAX_CONTENT, when};
use crate::core::schedule::{Recurrence, Schedule};
use crate::core::tool::{
    ErrorCode, SchemaStrictness, ToolContext, ToolEffect, ToolOutcome, ToolResult, TurnOrigin,
};

const TEXTS: &str = include_str!("../../../../prompts/tools/schedule.md");

/// The longest title, in characters.
const MAX_TITLE: usize = 100;

pub(super) fn family(jobs: Arc<dyn JobStore>, rules: ToolRules) -> Family {
    Family {
        ability: "Reminders: once, every so often, or by the calendar",
        tools: vec![
            tool(SchedulePrompt { rules }),
            tool(ListPrompts { jobs }),
            tool(CancelPrompt),
            tool(DeletePrompt),
        ],
    }
}

#[derive(Debug)]
struct SchedulePrompt {
    rules: ToolRules,
}

#[async_trait]
impl TypedTool for SchedulePrompt {
    const NAME: &'static str = "schedule_prompt";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::Database;
    const SCHEMA: SchemaStrictness = SchemaStrictness::Loose;
    type Arguments = Arguments;

    async fn action(&self, _context: &ToolContext, arguments: Arguments) -> Action {
        match arguments.role {
            Some(Role::User) => Action::ScheduleRun,
            None | Some(Role::Assistant) => Action::Inside,
        }
    }

    async fn run(&self, context: &ToolContext, arguments: Arguments) -> ToolOutcome {
        if context.origin == TurnOrigin::Schedule {
            let message = "denied: a scheduled run may not create schedules";
            return failure(ErrorCode::Denied, message);
        }
        match self.job(context, arguments) {
            Ok(job) => self.add(job),
            Err(message) => failure(ErrorCode::BadArguments, message),
        }
    }
}

impl SchedulePrompt {
    fn job(&self, context: &ToolContext, arguments: Arguments) -> Result<NewJob, String> {
        let content = arguments.content.trim().to_owned();
        let length = content.chars().count();
        if length == 0 || length > MAX_CONTENT {
            return Err(format!(
                "content must have 1 to {MAX_CONTENT} characters, this has {length}"
            ));
        }
        let title = arguments
            .title()
            .map(|title| title.chars().take(MAX_TITLE).collect());
        let role = match arguments.role {
            None | Some(Role::Assistant) => JobRole::Assistant,
            Some(Role::User) => JobRole::User,
        };
        let schedule = arguments.schedule(context, self.rules.schedule)?;
        let next_run = schedule
            .first_run()
            .ok_or("this schedule would never run")?;
        Ok(NewJob {
            target: context.target.clone(),
            chat_kind: context.chat_kind,
            creator: context.sender.clone(),
            title,
            content,
            role,
            schedule,
            next_run,
            metadata: arguments.metadata.map(Value::Object),
            created_at: context.now,
            labels: context.labels.clone(),
        })
    }

    fn add(&self, job: NewJob) -> ToolOutcome {
        let now = job.created_at;
        ToolOutcome::Change {
            change: Box::new(Change::AddJob {
                job,
                limits: self.rules.jobs,
            }),
            describe: Box::new(move |outcome| match outcome {
                ChangeOutcome::Job(Some(job)) => scheduled(&job, now),
                ChangeOutcome::TooManyJobs { limit } => ToolResult::error(
                    ErrorCode::TooLarge,
                    format!("this chat already has {limit} active reminders; cancel some first"),
                ),
                other => super::unexpected(&other),
            }),
        }
    }
}

fn scheduled(job: &Job, now: DateTime<Utc>) -> ToolResult {
    ToolResult::ok(json!({
        "scheduled": true,
        "job_id": job.id,
        "status": status(job.status),
        "run_at": run_at(job),
        "human": when(job, now),
    }))
}

fn run_at(job: &Job) -> Option<String> {
    let zone = job.details.schedule.zone();
    job.next_run.map(|at| in_zone(at, zone))
}

fn recurrence(schedule: &Schedule) -> Value {
    let zone = schedule.zone();
    let mut told = match schedule.recurrence() {
        Recurrence::Once => json!({ "type": "none" }),
        Recurrence::Interval { every_seconds } => {
            json!({ "type": "interval", "interval_seconds": every_seconds, "timezone": zone.name() })
        }
        Recurrence::Cron { expression } => {
            json!({ "type": "cron", "cron": expression.as_str(), "timezone": zone.name() })
        }
    };
    if let Some(end) = schedule.ends_at() {
        told["end_at"] = in_zone(end, zone).into();
    }
    told
}

fn in_zone(moment: DateTime<Utc>, zone: Tz) -> String {
    moment
        .with_timezone(&zone)
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, false)
}

fn status(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Active => "active",
        JobStatus::Paused => "paused",
        JobStatus::Completed => "completed",
        JobStatus::Cancelled => "cancelled",
    }
}
