//! `minibot audit`: which tools were called, who decided, and how it ended.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Form, answer, printable, runtime, say, settings};
use crate::adapters::config::WhenMissing;
use crate::adapters::sqlite::{AuditFilter, Broken};
use crate::core::audit::AuditEntry;
use crate::wiring::beside::Beside;

/// What to do with the log.
#[derive(Debug, Clone)]
pub(super) enum Request {
    /// Show entries.
    Show(AuditFilter),
    /// Check the chain.
    Verify,
}

pub(super) fn run(
    config: Option<PathBuf>,
    request: Request,
    form: Form,
) -> anyhow::Result<ExitCode> {
    let settings = settings(config, WhenMissing::UseDefaults)?.settings;
    runtime()?.block_on(async {
        let beside = Beside::open(&settings).await?;
        let result = match request {
            Request::Show(filter) => show(&beside, &filter, form).await,
            Request::Verify => verify(&beside, form).await,
        };
        beside.close().await;
        result
    })
}

async fn show(beside: &Beside, filter: &AuditFilter, form: Form) -> anyhow::Result<ExitCode> {
    let entries = beside.audit_log().list(filter).await?;
    match form {
        Form::Json => {
            let all = entries.iter().map(|(id, entry)| to_json(*id, entry));
            let all = all.collect::<serde_json::Result<Vec<Value>>>()?;
            answer(&json!({ "count": all.len(), "entries": all }).to_string());
        }
        Form::Text if entries.is_empty() => answer("No entries."),
        Form::Text => entries
            .iter()
            .for_each(|(id, entry)| answer(&printable(&line(*id, entry)))),
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(beside: &Beside, form: Form) -> anyhow::Result<ExitCode> {
    let broken = beside.audit_log().first_broken().await?;
    let words = match broken {
        None => "The audit log is whole.".to_owned(),
        Some(Broken::At(row)) => {
            format!("The audit log is broken: row {row} was changed, or one before it is missing.")
        }
        Some(Broken::After(row)) => {
            format!("The audit log is broken: rows behind row {row} are missing.")
        }
    };
    let (kind, row) = match broken {
        None => (None, None),
        Some(Broken::At(row)) => (Some("changed"), Some(row)),
        Some(Broken::After(row)) => (Some("cut_off"), Some(row)),
    };
    match form {
        Form::Json => {
            answer(&json!({ "whole": broken.is_none(), "broken": kind, "row": row }).to_string());
        }
        Form::Text if broken.is_none() => answer(&words),
        Form::Text => say(&format!("minibot: {words}")),
    }
    Ok(match broken {
        None => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
    })
}

fn to_json(id: i64, entry: &AuditEntry) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(entry)?;
    value["id"] = id.into();
    Ok(value)
}

fn line(id: i64, entry: &AuditEntry) -> String {
    let turn = entry
        .turn
        .map_or_else(|| "-".to_owned(), |turn| turn.to_string());
    format!(
        "{id}  {}  chat {}  user {}  turn {}  {}  {} ({})  {}  {}",
        entry.at.format("%Y-%m-%d %H:%M:%SZ"),
        entry.chat,
        entry.user,
        turn,
        entry.tool,
        entry.verdict,
        entry.rule,
        entry.outcome,
        entry.arguments,
    )
}
