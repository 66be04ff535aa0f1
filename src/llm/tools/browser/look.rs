//! Reading pages.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BrowserPorts, TEXTS, chat, failed, of_page, within};
use crate::core::browser::{Element, ElementState, Frame, View, Waited};
use crate::core::files::{FileContent, FileError};
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome};
use crate::llm::tools::page::PageReader;
use crate::llm::tools::typed::{TypedTool, failure};

/// Elements in a result when the model does not say, and at most.
const FEW: u32 = 20;
const MANY: u32 = 100;

/// Pictures are saved here.
const PICTURES: &str = "screenshots";

#[derive(Debug)]
pub(super) struct GetData {
    ports: BrowserPorts,
    pages: PageReader,
}

impl GetData {
    pub(super) fn new(ports: BrowserPorts) -> Self {
        let pages = PageReader::default();
        Self { ports, pages }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DataArguments {
    /// Default: markdown.
    r#type: Option<DataType>,
    /// Characters to skip.
    offset: Option<u32>,
    /// Characters to return.
    limit: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum DataType {
    #[default]
    Markdown,
    Text,
    Links,
    RawHtml,
}

#[async_trait]
impl TypedTool for GetData {
    const NAME: &'static str = "browser_get_data";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = DataArguments;

    async fn run(&self, context: &ToolContext, arguments: DataArguments) -> ToolOutcome {
        let kind = arguments.r#type.unwrap_or_default();
        let view = match kind {
            DataType::Markdown => View::Article,
            DataType::Text => View::Text,
            DataType::Links => View::Links,
            DataType::RawHtml => View::RawHtml,
        };
        let read = match self.ports.browser.read(&chat(context), view).await {
            Ok(read) => read,
            Err(error) => return failed(&error),
        };
        let data = match kind {
            DataType::Text | DataType::RawHtml => read.content,
            DataType::Markdown | DataType::Links => {
                let address = read.page.url.clone();
                match self.pages.markdown(read.content, address).await {
                    Ok(markdown) => markdown,
                    Err(error) => {
                        let why = format!("{error}; read it as raw_html");
                        return failure(ErrorCode::Failed, why);
                    }
                }
            }
        };
        let most = self.ports.limits.chars;
        let limit = arguments
            .limit
            .map_or(most, |asked| (asked as usize).min(most));
        let total = data.chars().count();
        let offset = arguments.offset.unwrap_or(0) as usize;
        let part: String = data.chars().skip(offset).take(limit).collect();
        let mut result = json!({
            "ok": true,
            "url": read.page.url,
            "data": part,
            "total_chars": total,
        });
        result["truncated"] = json!(offset.saturating_add(limit) < total);
        of_page(&read.page, result)
    }
}

#[derive(Debug)]
pub(super) struct QuerySelector(pub(super) BrowserPorts);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QueryArguments {
    /// A CSS selector.
    selector: String,
    /// Matches to return.
    limit: Option<u32>,
}

#[async_trait]
impl TypedTool for QuerySelector {
    const NAME: &'static str = "browser_query_selector";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = QueryArguments;

    async fn run(&self, context: &ToolContext, arguments: QueryArguments) -> ToolOutcome {
        let limit = arguments.limit.unwrap_or(FEW).clamp(1, MANY) as usize;
        let browser = &self.0.browser;
        let found = browser
            .query(&chat(context), &arguments.selector, limit)
            .await;
        let found = match found {
            Ok(found) => found,
            Err(error) => return failed(&error),
        };
        let matches = fitting(found.elements, self.0.limits.chars);
        let is_cut = (matches.len() as u64) < found.total;
        of_page(
            &found.page,
            json!({ "ok": true, "matches": matches, "total": found.total, "truncated": is_cut }),
        )
    }
}

/// As many elements as fit into so many characters, and the first in any case.
fn fitting(elements: Vec<Element>, most_chars: usize) -> Vec<Value> {
    let mut chars = 0;
    let mut matches = Vec::new();
    for element in elements {
        let shown = json!({ "text": element.text, "attributes": element.attributes });
        chars += shown.to_string().chars().count();
        if chars > most_chars && !matches.is_empty() {
            break;
        }
        matches.push(shown);
    }
    matches
}

#[derive(Debug)]
pub(super) struct WaitFor(pub(super) BrowserPorts);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitArguments {
    /// A CSS selector.
    selector: String,
    /// Default: visible.
    state: Option<State>,
    timeout_seconds: Option<f64>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    Visible,
    Attached,
    Hidden,
}

#[async_trait]
impl TypedTool for WaitFor {
    const NAME: &'static str = "browser_wait_for";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::ReadOnly;
    type Arguments = WaitArguments;

    async fn run(&self, context: &ToolContext, arguments: WaitArguments) -> ToolOutcome {
        let state = match arguments.state.unwrap_or(State::Visible) {
            State::Visible => ElementState::Visible,
            State::Attached => ElementState::Attached,
            State::Hidden => ElementState::Hidden,
        };
        let time = within(arguments.timeout_seconds, self.0.limits.action);
        let chat = chat(context);
        let browser = &self.0.browser;
        let waited = browser.wait_for(&chat, &arguments.selector, state, time);
        let result = match waited.await {
            Ok(Waited::Reached) => json!({ "ok": true }),
            Ok(Waited::TimedOut) => json!({ "ok": false, "timed_out": true }),
            Err(error) => return failed(&error),
        };
        match browser.info(&chat).await {
            Ok(page) => of_page(&page, result),
            Err(error) => failed(&error),
        }
    }
}

#[derive(Debug)]
pub(super) struct Screenshot(pub(super) BrowserPorts);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScreenshotArguments {
    /// Default: only what the window shows.
    full_page: Option<bool>,
    /// Only the first element that this CSS selector finds.
    selector: Option<String>,
}

#[async_trait]
impl TypedTool for Screenshot {
    const NAME: &'static str = "browser_screenshot";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::OutsideIdempotent;
    type Arguments = ScreenshotArguments;

    async fn run(&self, context: &ToolContext, arguments: ScreenshotArguments) -> ToolOutcome {
        let frame = match (arguments.selector, arguments.full_page) {
            (Some(selector), _) => Frame::Element(selector),
            (None, Some(true)) => Frame::FullPage,
            (None, Some(false) | None) => Frame::Window,
        };
        let chat = chat(context);
        let shot = match self.0.browser.screenshot(&chat, frame).await {
            Ok(shot) => shot,
            Err(error) => return failed(&error),
        };
        let name = format!("{}.png", shot.page.url.host_str().unwrap_or("page"));
        let content = FileContent {
            labels: shot.page.labels(),
            bytes: shot.png,
        };
        let workspaces = &self.0.workspaces;
        match workspaces.save_new(&chat, PICTURES, &name, content).await {
            Ok(saved) => of_page(
                &shot.page,
                json!({ "ok": true, "path": saved.path.as_str() }),
            ),
            Err(error) => failure(unsaved(&error), error),
        }
    }
}

fn unsaved(error: &FileError) -> ErrorCode {
    match error {
        FileError::TooLarge(_) => ErrorCode::TooLarge,
        _ => ErrorCode::Failed,
    }
}
