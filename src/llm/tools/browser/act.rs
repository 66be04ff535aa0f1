//! Doing something to pages: both leave the chat's own world, and neither is done twice.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{BrowserPorts, TEXTS, chat, failed, of_page, within};
use crate::core::action::{Action, ClickLeads};
use crate::core::browser::{BrowserResult, Filling, PageInfo};
use crate::core::tool::{ToolContext, ToolEffect, ToolOutcome};
use crate::llm::tools::typed::TypedTool;

#[derive(Debug)]
pub(super) struct Click(pub(super) BrowserPorts);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClickArguments {
    /// A CSS selector.
    selector: String,
    timeout_seconds: Option<f64>,
}

#[async_trait]
impl TypedTool for Click {
    const NAME: &'static str = "browser_click";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::OutsideOnce;
    type Arguments = ClickArguments;

    async fn action(&self, context: &ToolContext, arguments: ClickArguments) -> Action {
        let chat = chat(context);
        let browser = &self.0.browser;
        match browser.preview_click(&chat, &arguments.selector).await {
            Ok(preview) => Action::Click {
                page: Some(preview.page.url),
                leads: preview.leads,
            },
            // Nobody can tell.
            Err(_) => Action::Click {
                page: None,
                leads: ClickLeads::Unknown,
            },
        }
    }

    async fn run(&self, context: &ToolContext, arguments: ClickArguments) -> ToolOutcome {
        let time = within(arguments.timeout_seconds, self.0.limits.action);
        let browser = &self.0.browser;
        done(
            browser
                .click(&chat(context), &arguments.selector, time)
                .await,
        )
    }
}

#[derive(Debug)]
pub(super) struct Fill(pub(super) BrowserPorts);

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
impl TypedTool for Fill {
    const NAME: &'static str = "browser_fill";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::OutsideOnce;
    type Arguments = FillArguments;

    async fn action(&self, context: &ToolContext, _arguments: FillArguments) -> Action {
        let page = self.0.browser.info(&chat(context)).await;
        Action::FillField {
            page: page.ok().map(|page| page.url),
        }
    }

    async fn run(&self, context: &ToolContext, arguments: FillArguments) -> ToolOutcome {
        let time = within(arguments.timeout_seconds, self.0.limits.action);
        let field = Filling {
            selector: arguments.selector,
            text: arguments.text,
        };
        done(self.0.browser.fill(&chat(context), field, time).await)
    }
}

fn done(result: BrowserResult<PageInfo>) -> ToolOutcome {
    match result {
        Ok(page) => of_page(&page, json!({ "ok": true, "url": page.url })),
        Err(error) => failed(&error),
    }
}
