//! Doing something to pages: both leave the chat's own world, and neither is done twice.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{BrowserPorts, TEXTS, chat, failed, of_page, within};
use crate::core::action::{Action, ClickLeads};
use crate::core::browser::{BrowserError, BrowserResult, Click, Filling, PageInfo, Preview};
use crate::core::channel::ChatTarget;
use crate::core::tool::{ToolContext, ToolEffect, ToolOutcome};
use crate::llm::tools::typed::TypedTool;

/// What was seen when the rules were asked, in each chat and topic. A person allows a call on a page: what
/// runs must be what they were shown, whatever else happened to the browser since.
#[derive(Debug, Default)]
struct Looks(Mutex<HashMap<ChatTarget, Look>>);

#[derive(Debug)]
struct Look {
    selector: String,
    seen: BrowserResult<Preview>,
}

impl Looks {
    /// Looks at an element, and keeps what is seen.
    async fn look(
        &self,
        ports: &BrowserPorts,
        context: &ToolContext,
        selector: String,
    ) -> Option<Preview> {
        let seen = ports.browser.preview(&chat(context), &selector).await;
        let preview = seen.clone().ok();
        let look = Look { selector, seen };
        self.all().insert(context.target.clone(), look);
        preview
    }

    /// What was seen of it, once.
    fn take(&self, context: &ToolContext, selector: &str) -> BrowserResult<Preview> {
        match self.all().remove(&context.target) {
            Some(look) if look.selector == selector => look.seen,
            _ => Err(BrowserError::Changed),
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<ChatTarget, Look>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct ClickTool {
    ports: BrowserPorts,
    looks: Looks,
}

impl ClickTool {
    pub(super) fn new(ports: BrowserPorts) -> Self {
        let looks = Looks::default();
        Self { ports, looks }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClickArguments {
    /// A CSS selector.
    selector: String,
    timeout_seconds: Option<f64>,
}

#[async_trait]
impl TypedTool for ClickTool {
    const NAME: &'static str = "browser_click";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::OutsideOnce;
    type Arguments = ClickArguments;

    async fn action(&self, context: &ToolContext, arguments: ClickArguments) -> Action {
        let looks = self.looks.look(&self.ports, context, arguments.selector);
        let (page, leads) = match looks.await {
            Some(seen) => (Some(seen.page), seen.leads),
            // Nobody can tell.
            None => (None, ClickLeads::Unknown),
        };
        Action::Click { page, leads }
    }

    async fn run(&self, context: &ToolContext, arguments: ClickArguments) -> ToolOutcome {
        let time = within(arguments.timeout_seconds, self.ports.limits.action);
        let selector = arguments.selector;
        let seen = match self.looks.take(context, &selector) {
            Ok(seen) => seen,
            Err(error) => return failed(&error),
        };
        let click = Click { selector, seen };
        let browser = &self.ports.browser;
        done(browser.click(&chat(context), click, time).await)
    }
}

#[derive(Debug)]
pub(super) struct FillTool {
    ports: BrowserPorts,
    looks: Looks,
}

impl FillTool {
    pub(super) fn new(ports: BrowserPorts) -> Self {
        let looks = Looks::default();
        Self { ports, looks }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FillArguments {
    /// A CSS selector.
    selector: String,
    /// What the field holds afterwards.
    text: String,
    timeout_seconds: Option<f64>,
}

#[async_trait]
impl TypedTool for FillTool {
    const NAME: &'static str = "browser_fill";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::OutsideOnce;
    type Arguments = FillArguments;

    async fn action(&self, context: &ToolContext, arguments: FillArguments) -> Action {
        let looks = self.looks.look(&self.ports, context, arguments.selector);
        let page = looks.await.map(|seen| seen.page);
        Action::FillField { page }
    }

    async fn run(&self, context: &ToolContext, arguments: FillArguments) -> ToolOutcome {
        let time = within(arguments.timeout_seconds, self.ports.limits.action);
        let (selector, text) = (arguments.selector, arguments.text);
        let seen = match self.looks.take(context, &selector) {
            Ok(seen) => seen,
            Err(error) => return failed(&error),
        };
        let field = Filling {
            selector,
            text,
            seen,
        };
        let browser = &self.ports.browser;
        done(browser.fill(&chat(context), field, time).await)
    }
}

fn done(result: BrowserResult<PageInfo>) -> ToolOutcome {
    match result {
        Ok(page) => of_page(&page, json!({ "ok": true, "url": page.url })),
        Err(error) => failed(&error),
    }
}
