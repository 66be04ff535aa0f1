//! Coming to pages and leaving them.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{BrowserPorts, TEXTS, at_page, chat, failed, of_page, within};
use crate::core::action::{Action, Plainness};
use crate::core::browser::{Milestone, PageUrl, Rest, Visit};
use crate::core::egress::{FetchError, parse_url};
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome};
use crate::llm::tools::typed::{TypedTool, failure, success};

#[derive(Debug)]
pub(super) struct Navigate(pub(super) BrowserPorts);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NavigateArguments {
    /// http or https.
    url: String,
    /// Default: load.
    wait_until: Option<WaitUntil>,
    /// A page that is not done by then is taken as it is.
    timeout_seconds: Option<f64>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum WaitUntil {
    Load,
    DomContentLoaded,
    NetworkIdle,
}

impl From<WaitUntil> for Milestone {
    fn from(wait_until: WaitUntil) -> Self {
        match wait_until {
            WaitUntil::Load => Self::Load,
            WaitUntil::DomContentLoaded => Self::DomContentLoaded,
            WaitUntil::NetworkIdle => Self::NetworkIdle,
        }
    }
}

#[async_trait]
impl TypedTool for Navigate {
    const NAME: &'static str = "browser_navigate";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::OutsideIdempotent;
    type Arguments = NavigateArguments;

    async fn action(&self, _context: &ToolContext, arguments: NavigateArguments) -> Action {
        match parse_url(&arguments.url) {
            Ok(url) => Action::Fetch {
                url,
                plain: Plainness::Plain,
            },
            // It will be refused as no address.
            Err(_) => Action::Inside,
        }
    }

    async fn run(&self, context: &ToolContext, arguments: NavigateArguments) -> ToolOutcome {
        // Before any browser is started for it.
        let url = match self.0.fetcher.admit(&arguments.url).await {
            Ok(url) => url,
            Err(error) => return failure(refusal(&error), error),
        };
        let url = match PageUrl::new(url) {
            Ok(url) => url,
            Err(error) => return failed(&error),
        };
        let visit = Visit {
            url,
            wait_until: arguments
                .wait_until
                .map_or(Milestone::Load, Milestone::from),
            within: within(arguments.timeout_seconds, self.0.limits.navigation),
        };
        let arrival = match self.0.browser.navigate(&chat(context), visit).await {
            Ok(arrival) => arrival,
            Err(error) => return failed(&error),
        };
        let page = &arrival.page;
        match arrival.rest {
            Rest::Settled => at_page(page),
            Rest::CutOff => of_page(
                page,
                json!({ "ok": true, "url": page.url, "title": page.title, "still_loading": true }),
            ),
        }
    }
}

fn refusal(error: &FetchError) -> ErrorCode {
    match error {
        FetchError::Refused(_) => ErrorCode::EgressRefused,
        FetchError::Timeout(_) => ErrorCode::Timeout,
        FetchError::UnknownHost => ErrorCode::NotFound,
        FetchError::TooManyRedirects(_) | FetchError::Bomb | FetchError::Failed(_) => {
            ErrorCode::Failed
        }
    }
}

#[derive(Debug)]
pub(super) struct Info(pub(super) BrowserPorts);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoArguments {}

#[async_trait]
impl TypedTool for Info {
    const NAME: &'static str = "browser_info";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = NoArguments;

    async fn run(&self, context: &ToolContext, _arguments: NoArguments) -> ToolOutcome {
        match self.0.browser.info(&chat(context)).await {
            Ok(page) => at_page(&page),
            Err(error) => failed(&error),
        }
    }
}

#[derive(Debug)]
pub(super) struct Close(pub(super) BrowserPorts);

#[async_trait]
impl TypedTool for Close {
    const NAME: &'static str = "browser_close";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::OutsideIdempotent;
    type Arguments = NoArguments;

    async fn run(&self, context: &ToolContext, _arguments: NoArguments) -> ToolOutcome {
        match self.0.browser.close(&chat(context)).await {
            Ok(()) => success(json!({ "ok": true })),
            Err(error) => failed(&error),
        }
    }
}
