//! Listing, cancelling and deleting what is scheduled in this chat.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::typed::{TypedTool, failure, lenient_id, outside};
use super::{TEXTS, recurrence, run_at, status};
use crate::core::action::{Action, Kept};
use crate::core::change::{Change, ChangeOutcome};
use crate::core::ids::JobId;
use crate::core::jobs::{Job, JobAction, JobFilter, JobStatus, JobStatusFilter, JobStore};
use crate::core::reminder::when;
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome, ToolResult};

/// Jobs in one result, unless the model asks for fewer.
const PAGE: u32 = 50;

#[derive(Debug)]
pub(super) struct ListPrompts {
    pub(super) jobs: Arc<dyn JobStore>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListArguments {
    /// Default true: leaves out what is over.
    active_only: Option<bool>,
    limit: Option<u32>,
    offset: Option<u32>,
}

#[async_trait]
impl TypedTool for ListPrompts {
    const NAME: &'static str = "list_scheduled_prompts";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = ListArguments;

    async fn run(&self, context: &ToolContext, arguments: ListArguments) -> ToolOutcome {
        let status = match arguments.active_only {
            None | Some(true) => JobStatusFilter::Open,
            Some(false) => JobStatusFilter::Any,
        };
        let filter = JobFilter {
            target: Some(context.target.clone()),
            status,
            limit: arguments.limit.unwrap_or(PAGE).clamp(1, PAGE),
            offset: arguments.offset.unwrap_or(0),
        };
        match self.jobs.list(filter).await {
            Ok(page) => {
                let labels = page.jobs.iter().map(|job| &job.details.labels).collect();
                let found = json!({
                    "count": page.total,
                    "jobs": page.jobs.iter().map(|job| row(job, context)).collect::<Vec<_>>(),
                });
                outside(found, labels)
            }
            Err(error) => failure(ErrorCode::Failed, error),
        }
    }
}

fn row(job: &Job, context: &ToolContext) -> Value {
    let mut row = json!({
        "job_id": job.id,
        "title": job.details.title,
        "text": job.details.content,
        "role": job.details.role,
        "status": status(job.status),
        "run_at": run_at(job),
        "recurrence": recurrence(&job.details.schedule),
        "human": when(job, context.now),
        "last_occurrence": job.last_occurrence.as_ref().map(|last| json!({
            "slot": last.slot,
            "state": last.state,
            "reason": last.reason,
        })),
    });
    if let Some(metadata) = &job.details.metadata {
        row["metadata"] = metadata.clone();
    }
    row
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JobArguments {
    #[serde(deserialize_with = "lenient_id")]
    job_id: i64,
}

#[derive(Debug)]
pub(super) struct CancelPrompt;

#[async_trait]
impl TypedTool for CancelPrompt {
    const NAME: &'static str = "cancel_scheduled_prompt";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::Database;
    type Arguments = JobArguments;

    async fn action(&self, _context: &ToolContext, _arguments: JobArguments) -> Action {
        Action::Forget(Kept::Reminder)
    }

    async fn run(&self, context: &ToolContext, arguments: JobArguments) -> ToolOutcome {
        let job = JobId(arguments.job_id);
        ToolOutcome::Change {
            change: Box::new(Change::ActOnJob {
                target: context.target.clone(),
                job,
                action: JobAction::Cancel,
            }),
            describe: Box::new(|outcome| ended(outcome, "cancelled")),
        }
    }
}

#[derive(Debug)]
pub(super) struct DeletePrompt;

#[async_trait]
impl TypedTool for DeletePrompt {
    const NAME: &'static str = "delete_scheduled_prompt";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::Database;
    type Arguments = JobArguments;

    async fn action(&self, _context: &ToolContext, _arguments: JobArguments) -> Action {
        Action::Forget(Kept::Reminder)
    }

    async fn run(&self, context: &ToolContext, arguments: JobArguments) -> ToolOutcome {
        let job = JobId(arguments.job_id);
        ToolOutcome::Change {
            change: Box::new(Change::DeleteJob {
                target: context.target.clone(),
                job,
            }),
            describe: Box::new(|outcome| ended(outcome, "deleted")),
        }
    }
}

fn ended(outcome: ChangeOutcome, done: &'static str) -> ToolResult {
    match outcome {
        ChangeOutcome::Job(Some(job)) => {
            let happened = done == "deleted" || job.status == JobStatus::Cancelled;
            ToolResult::ok(json!({
                done: happened,
                "job_id": job.id,
                "text": job.details.content,
                "status": status(job.status),
            }))
        }
        ChangeOutcome::Job(None) => ToolResult::error(
            ErrorCode::NotFound,
            "not found: this chat has no such reminder; list_scheduled_prompts shows the ids",
        ),
        other => super::super::unexpected(&other),
    }
}
