//! The browser tools: one browser for each chat, everything that is read in it from outside.

mod act;
mod look;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::typed::failure;
use super::{Family, tool};
use crate::core::browser::{Browser, BrowserError, PageInfo};
use crate::core::egress::Fetcher;
use crate::core::files::{WorkspaceId, Workspaces};
use crate::core::tool::{ToolContext, ToolOutcome, ToolResult};

const TEXTS: &str = include_str!("../../../../prompts/tools/browser.md");

/// What the browser tools work on.
#[derive(Debug, Clone)]
pub struct BrowserPorts {
    /// The browsers.
    pub browser: Arc<dyn Browser>,
    /// Says which addresses may be opened, before a browser is started for one.
    pub fetcher: Arc<dyn Fetcher>,
    /// Takes the pictures.
    pub workspaces: Arc<dyn Workspaces>,
    /// How much of everything.
    pub limits: BrowserLimits,
}

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub struct BrowserLimits {
    /// A page may load for this long.
    pub navigation: Duration,
    /// A click or a search on a page may take this long.
    pub action: Duration,
    /// Characters of a page that are told at once.
    pub chars: usize,
}

pub(super) fn family(ports: &BrowserPorts) -> Family {
    let ports = || ports.clone();
    Family {
        ability: "Web pages, in a real browser",
        tools: vec![
            tool(visit::Navigate(ports())),
            tool(visit::Info(ports())),
            tool(look::GetData::new(ports())),
            tool(look::QuerySelector(ports())),
            tool(look::WaitFor(ports())),
            tool(act::ClickTool::new(ports())),
            tool(act::FillTool::new(ports())),
            tool(look::Screenshot(ports())),
            tool(visit::Close(ports())),
        ],
    }
}

fn chat(context: &ToolContext) -> WorkspaceId {
    WorkspaceId::of(&context.target)
}

/// The time asked for, within the one allowed.
fn within(asked_seconds: Option<f64>, most: Duration) -> Duration {
    asked_seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .map_or(most, |asked| asked.min(most))
}

fn failed(error: &BrowserError) -> ToolOutcome {
    failure(error.code(), error)
}

/// A result with content of a page in it.
fn of_page(page: &PageInfo, result: Value) -> ToolOutcome {
    ToolOutcome::Outside {
        result: ToolResult::ok(result),
        labels: page.labels(),
    }
}

/// The result of having come to a page.
fn at_page(page: &PageInfo) -> ToolOutcome {
    of_page(
        page,
        json!({ "ok": true, "url": page.url, "title": page.title }),
    )
}

#[cfg(test)]
mod tests;
