//! A browser that only writes down what it is asked, and the tools in front of it.

use std::sync::Mutex;

use async_trait::async_trait;
use url::Url;

use super::super::*;
use crate::core::action::{Action, ClickLeads};
use crate::core::browser::{
    Arrival, BrowserResult, Click, Element, ElementState, Elements, Filling, Frame, PageContent,
    Preview, Rest, Screenshot, View, Visit, Waited,
};
use crate::core::egress::{FetchError, FetchRequest, Fetched, Refusal};
use crate::core::label::{Labels, Source};
use crate::core::tool::Tool;
use crate::llm::tools::test_world::{MemoryWorkspaces, person_in};

/// Notes each call; every page is `https://example.org/page`.
#[derive(Debug, Default)]
pub(super) struct RecordingBrowser {
    pub(super) calls: Mutex<Vec<String>>,
    pub(super) content: String,
    pub(super) waited: Option<Waited>,
    pub(super) fails: Option<BrowserError>,
}

impl RecordingBrowser {
    fn note(&self, call: impl Into<String>) -> BrowserResult<PageInfo> {
        self.calls.lock().unwrap().push(call.into());
        self.fails.clone().map_or_else(|| Ok(page()), Err)
    }
}

pub(super) fn page() -> PageInfo {
    PageInfo {
        url: Url::parse("https://example.org/page").unwrap(),
        title: "A page".to_owned(),
    }
}

#[async_trait]
impl Browser for RecordingBrowser {
    async fn navigate(&self, chat: &WorkspaceId, visit: Visit) -> BrowserResult<Arrival> {
        let (url, time) = (visit.url.as_url(), visit.within.as_secs());
        let page = self.note(format!("navigate {} {url} {time}", chat.folder()))?;
        let rest = if url.path() == "/endless" {
            Rest::CutOff
        } else {
            Rest::Settled
        };
        Ok(Arrival { page, rest })
    }

    async fn info(&self, _chat: &WorkspaceId) -> BrowserResult<PageInfo> {
        self.note("info")
    }

    async fn read(&self, _chat: &WorkspaceId, view: View) -> BrowserResult<PageContent> {
        Ok(PageContent {
            page: self.note(format!("read {view:?}"))?,
            content: self.content.clone(),
        })
    }

    async fn query(
        &self,
        _chat: &WorkspaceId,
        selector: &str,
        most: usize,
    ) -> BrowserResult<Elements> {
        let element = |number| Element {
            text: format!("number {number}"),
            attributes: [("id".to_owned(), "x".repeat(20))].into(),
        };
        Ok(Elements {
            page: self.note(format!("query {selector} {most}"))?,
            elements: (0..most).map(element).collect(),
            total: 500,
        })
    }

    async fn wait_for(
        &self,
        _chat: &WorkspaceId,
        selector: &str,
        state: ElementState,
        within: Duration,
    ) -> BrowserResult<Waited> {
        self.note(format!("wait {selector} {state:?} {}", within.as_secs()))?;
        Ok(self.waited.unwrap_or(Waited::Reached))
    }

    async fn preview(&self, _chat: &WorkspaceId, selector: &str) -> BrowserResult<Preview> {
        let page = self.note(format!("preview {selector}"))?.url;
        let leads = ClickLeads::To(page.join("next").unwrap());
        Ok(Preview { page, leads })
    }

    async fn click(
        &self,
        _chat: &WorkspaceId,
        click: Click,
        within: Duration,
    ) -> BrowserResult<PageInfo> {
        let (selector, seconds) = (click.selector, within.as_secs());
        self.note(format!("click {selector} {seconds} at {}", click.seen.page))
    }

    async fn fill(
        &self,
        _chat: &WorkspaceId,
        field: Filling,
        _within: Duration,
    ) -> BrowserResult<PageInfo> {
        let (selector, text) = (field.selector, field.text);
        self.note(format!("fill {selector} {text} at {}", field.seen.page))
    }

    async fn screenshot(&self, _chat: &WorkspaceId, frame: Frame) -> BrowserResult<Screenshot> {
        Ok(Screenshot {
            page: self.note(format!("screenshot {frame:?}"))?,
            png: vec![1, 2, 3],
        })
    }

    async fn close(&self, _chat: &WorkspaceId) -> BrowserResult<()> {
        self.note("close").map(|_| ())
    }
}

/// Admits what is https, and fetches nothing.
#[derive(Debug)]
pub(super) struct AdmittingFetcher;

#[async_trait]
impl Fetcher for AdmittingFetcher {
    async fn admit(&self, url: &str) -> Result<Url, FetchError> {
        let url = Url::parse(url).map_err(|_| Refusal::NotAUrl)?;
        match url.host_str() {
            Some("inside.example") => Err(Refusal::LeadsInside.into()),
            Some("unknown.example") => Err(FetchError::UnknownHost),
            // As a guard with a gap would.
            _ => Ok(url),
        }
    }

    async fn fetch(&self, _request: FetchRequest) -> Result<Fetched, FetchError> {
        Err(FetchError::Failed("nothing is fetched here"))
    }
}

pub(super) struct Desk {
    pub(super) browser: Arc<RecordingBrowser>,
    pub(super) files: Arc<MemoryWorkspaces>,
    pub(super) tools: Vec<Arc<dyn Tool>>,
}

impl Desk {
    pub(super) fn new(browser: RecordingBrowser) -> Self {
        let (browser, files) = (Arc::new(browser), Arc::new(MemoryWorkspaces::default()));
        let ports = BrowserPorts {
            browser: browser.clone(),
            fetcher: Arc::new(AdmittingFetcher),
            workspaces: files.clone(),
            limits: BrowserLimits {
                navigation: Duration::from_secs(20),
                action: Duration::from_secs(10),
                chars: 300,
            },
        };
        let tools = family(&ports).tools;
        Self {
            browser,
            files,
            tools,
        }
    }

    pub(super) fn tool(&self, name: &str) -> &dyn Tool {
        let found = self.tools.iter().find(|tool| tool.spec().name == name);
        found.unwrap().as_ref()
    }

    /// The result as JSON, and where it is from.
    pub(super) async fn call(&self, name: &str, arguments: Value) -> (Value, Labels) {
        match self.tool(name).run(&context(), arguments).await {
            ToolOutcome::Finished(result) => (result.value().clone(), Labels::default()),
            ToolOutcome::Outside { result, labels } => (result.value().clone(), labels),
            _ => panic!("a page changes no database"),
        }
    }

    pub(super) async fn action(&self, name: &str, arguments: Value) -> Action {
        self.tool(name).action(&context(), &arguments).await
    }

    pub(super) fn calls(&self) -> Vec<String> {
        self.browser.calls.lock().unwrap().clone()
    }
}

pub(super) fn context() -> ToolContext {
    person_in("7")
}

pub(super) fn example_org() -> Labels {
    let host = "example.org".to_owned();
    Labels::of(Source::Web { host })
}
