//! The browser tools before a browser that only writes down what it is asked.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;
use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use url::Url;

use super::*;
use crate::core::action::{Action, ClickLeads, Plainness};
use crate::core::browser::{
    Arrival, BrowserResult, Click, Element, ElementState, Elements, Filling, Frame, PageContent,
    Preview, Rest, Screenshot, View, Visit, Waited,
};
use crate::core::channel::{ChatKind, ChatTarget, Sender};
use crate::core::egress::{FetchError, FetchRequest, Fetched, Refusal};
use crate::core::files::{FileContent, FileError, SavedFile, WorkspacePath};
use crate::core::ids::{ChannelName, ChatId, ConversationId, ThreadId, UserId};
use crate::core::label::{Labels, Source};
use crate::core::notes::NoteOwner;
use crate::core::tool::{Tool, TurnOrigin};

/// Notes each call; every page is `https://example.org/page`.
#[derive(Debug, Default)]
struct RecordingBrowser {
    calls: Mutex<Vec<String>>,
    content: String,
    waited: Option<Waited>,
    fails: Option<BrowserError>,
}

impl RecordingBrowser {
    fn note(&self, call: impl Into<String>) -> BrowserResult<PageInfo> {
        self.calls.lock().unwrap().push(call.into());
        self.fails.clone().map_or_else(|| Ok(page()), Err)
    }
}

fn page() -> PageInfo {
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
struct AdmittingFetcher;

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

/// Keeps what is saved.
#[derive(Debug, Default)]
struct KeepingWorkspaces(Mutex<Vec<(String, FileContent)>>);

#[async_trait]
impl Workspaces for KeepingWorkspaces {
    async fn save_new(
        &self,
        workspace: &WorkspaceId,
        folder: &str,
        name: &str,
        content: FileContent,
    ) -> Result<SavedFile, FileError> {
        let path = WorkspacePath::parse(&format!("{folder}/{name}"))?;
        let size_bytes = content.bytes.len() as u64;
        let place = format!("{}:{path}", workspace.folder());
        self.0.lock().unwrap().push((place, content));
        Ok(SavedFile { path, size_bytes })
    }

    async fn read(
        &self,
        _workspace: &WorkspaceId,
        path: &WorkspacePath,
        _most_bytes: u64,
    ) -> Result<FileContent, FileError> {
        Err(FileError::NotFound(path.to_string()))
    }

    async fn make_folder(
        &self,
        _: &WorkspaceId,
        _: &WorkspacePath,
        _: &Labels,
    ) -> Result<(), FileError> {
        Ok(())
    }

    async fn directory(&self, _workspace: &WorkspaceId) -> Result<PathBuf, FileError> {
        Err(FileError::Failed("no folder here".to_owned()))
    }

    async fn labels(&self, _: &WorkspaceId) -> Result<Labels, FileError> {
        Ok(Labels::default())
    }

    async fn expose(&self, _workspace: &WorkspaceId, _labels: &Labels) -> Result<(), FileError> {
        Ok(())
    }

    async fn move_chat(&self, _from: &WorkspaceId, _to: &WorkspaceId) -> Result<(), FileError> {
        Ok(())
    }

    async fn sweep(&self, _folder: &str, _before: DateTime<Utc>) -> Result<u64, FileError> {
        Ok(0)
    }
}

struct Desk {
    browser: Arc<RecordingBrowser>,
    files: Arc<KeepingWorkspaces>,
    tools: Vec<Arc<dyn Tool>>,
}

impl Desk {
    fn new(browser: RecordingBrowser) -> Self {
        let (browser, files) = (Arc::new(browser), Arc::new(KeepingWorkspaces::default()));
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

    fn tool(&self, name: &str) -> &dyn Tool {
        let found = self.tools.iter().find(|tool| tool.spec().name == name);
        found.unwrap().as_ref()
    }

    /// The result as JSON, and where it is from.
    async fn call(&self, name: &str, arguments: Value) -> (Value, Labels) {
        match self.tool(name).run(&context(), arguments).await {
            ToolOutcome::Finished(result) => (result.value().clone(), Labels::default()),
            ToolOutcome::Outside { result, labels } => (result.value().clone(), labels),
            _ => panic!("a page changes no database"),
        }
    }

    async fn action(&self, name: &str, arguments: Value) -> Action {
        self.tool(name).action(&context(), &arguments).await
    }

    fn calls(&self) -> Vec<String> {
        self.browser.calls.lock().unwrap().clone()
    }
}

fn context() -> ToolContext {
    let target = ChatTarget {
        channel: ChannelName::new("telegram"),
        chat: ChatId::new("7"),
        thread: None,
    };
    let user = UserId::new("42");
    ToolContext {
        notes_of: NoteOwner::of(&target, ChatKind::Private, &user),
        target,
        chat_kind: ChatKind::Private,
        conversation: ConversationId(1),
        sender: Sender {
            user,
            name: "Ada".to_owned(),
        },
        now: DateTime::default(),
        zone: chrono_tz::UTC,
        origin: TurnOrigin::Person,
        labels: Labels::default(),
    }
}

fn example_org() -> Labels {
    let host = "example.org".to_owned();
    Labels::of(Source::Web { host })
}

#[tokio::test]
async fn a_refused_address_reaches_no_browser() {
    let desk = Desk::new(RecordingBrowser::default());
    for (url, code) in [
        ("https://inside.example/", "egress_refused"),
        ("not an address", "egress_refused"),
        ("https://unknown.example/", "not_found"),
        ("file:///etc/passwd", "egress_refused"),
        ("view-source:https://example.org", "egress_refused"),
        ("chrome://settings", "egress_refused"),
        ("data:text/html,hello", "egress_refused"),
        ("javascript:alert(1)", "egress_refused"),
        ("https://me:secret@example.org", "egress_refused"),
    ] {
        let (result, _) = desk.call("browser_navigate", json!({ "url": url })).await;
        assert_eq!(result["code"], code, "{url}");
    }
    assert_eq!(desk.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_visit_tells_where_it_ended() {
    let desk = Desk::new(RecordingBrowser::default());
    let arguments = json!({ "url": "https://example.org/", "timeout_seconds": 99 });
    let (result, labels) = desk.call("browser_navigate", arguments).await;
    let there = json!({ "ok": true, "url": "https://example.org/page", "title": "A page" });
    assert_eq!((result, labels), (there, example_org()));
    let arguments = json!({ "url": "https://example.org/endless", "timeout_seconds": 3.5 });
    let (result, _) = desk.call("browser_navigate", arguments).await;
    assert_eq!(result["still_loading"], true);
    assert_eq!(
        desk.calls(),
        [
            "navigate 7 https://example.org/ 20",
            "navigate 7 https://example.org/endless 3"
        ]
    );
}

#[tokio::test]
async fn a_page_is_read_in_parts() {
    let content = format!("<h1>Title</h1><p>{}</p>", "é".repeat(400));
    let desk = Desk::new(RecordingBrowser {
        content,
        ..RecordingBrowser::default()
    });
    let (first, labels) = desk.call("browser_get_data", json!({})).await;
    assert_eq!(labels, example_org());
    assert_eq!(first["total_chars"], 409);
    assert_eq!(first["truncated"], true);
    let (second, _) = desk
        .call("browser_get_data", json!({ "offset": 300, "limit": 5000 }))
        .await;
    assert_eq!(second["truncated"], false);
    let whole = format!(
        "{}{}",
        first["data"].as_str().unwrap(),
        second["data"].as_str().unwrap()
    );
    assert_eq!(whole, format!("# Title\n\n{}", "é".repeat(400)));
    let (html, _) = desk
        .call(
            "browser_get_data",
            json!({ "type": "raw_html", "limit": 9 }),
        )
        .await;
    assert_eq!(html["data"], "<h1>Title");
    let (beyond, _) = desk
        .call("browser_get_data", json!({ "offset": 999_999 }))
        .await;
    assert_eq!(
        (&beyond["data"], &beyond["truncated"]),
        (&json!(""), &json!(false))
    );
}

#[tokio::test]
async fn elements_fit_into_the_limit() {
    let desk = Desk::new(RecordingBrowser::default());
    let (result, labels) = desk
        .call(
            "browser_query_selector",
            json!({ "selector": "p", "limit": 7000 }),
        )
        .await;
    assert_eq!(labels, example_org());
    let matches = result["matches"].as_array().unwrap().len();
    assert!((2..10).contains(&matches), "{matches}");
    assert_eq!(
        (&result["truncated"], &result["total"]),
        (&json!(true), &json!(500))
    );
    assert_eq!(desk.calls(), ["query p 100"]);
}

#[tokio::test]
async fn a_wait_that_is_over_is_no_error() {
    let desk = Desk::new(RecordingBrowser {
        waited: Some(Waited::TimedOut),
        ..RecordingBrowser::default()
    });
    let arguments = json!({ "selector": "p", "state": "hidden", "timeout_seconds": -1 });
    let (result, labels) = desk.call("browser_wait_for", arguments).await;
    assert_eq!(result, json!({ "ok": false, "timed_out": true }));
    // The page decides when it is over.
    assert_eq!(labels, example_org());
    assert_eq!(desk.calls(), ["wait p Hidden 10", "info"]);
}

#[tokio::test]
async fn a_picture_goes_to_the_workspace_with_its_source() {
    let desk = Desk::new(RecordingBrowser::default());
    let (result, labels) = desk
        .call("browser_screenshot", json!({ "full_page": true }))
        .await;
    assert_eq!(
        result,
        json!({ "ok": true, "path": "screenshots/example.org.png" })
    );
    assert_eq!(labels, example_org());
    let saved = desk.files.0.lock().unwrap();
    assert_eq!(saved[0].0, "7:screenshots/example.org.png");
    assert_eq!(saved[0].1.labels, example_org());
}

#[tokio::test]
async fn what_a_call_does_is_told_before_it_is_done() {
    let desk = Desk::new(RecordingBrowser::default());
    let url = Url::parse("https://example.org/a").unwrap();
    let visit = desk.action("browser_navigate", json!({ "url": url }));
    let plain = Plainness::Plain;
    assert_eq!(visit.await, Action::Fetch { url, plain });
    let page = Some(page().url);
    let fill = json!({ "selector": "#q", "text": "x" });
    let filled = desk.action("browser_fill", fill.clone()).await;
    assert_eq!(filled, Action::FillField { page: page.clone() });
    let click = json!({ "selector": "#go" });
    let clicked = desk.action("browser_click", click.clone()).await;
    let leads = ClickLeads::To(Url::parse("https://example.org/next").unwrap());
    assert_eq!(clicked, Action::Click { page, leads });
    desk.call("browser_fill", fill).await;
    desk.call("browser_click", click).await;
    assert_eq!(
        desk.calls(),
        [
            "preview #q",
            "preview #go",
            "fill #q x at https://example.org/page",
            "click #go 10 at https://example.org/page"
        ]
    );
    for tool in &desk.tools {
        let name = tool.spec().name;
        let is_once = tool.effect() == crate::core::tool::ToolEffect::OutsideOnce;
        assert_eq!(
            is_once,
            matches!(name, "browser_click" | "browser_fill"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_click_that_nobody_can_judge_leads_nobody_knows_where() {
    let desk = Desk::new(RecordingBrowser {
        fails: Some(BrowserError::NoPage),
        ..RecordingBrowser::default()
    });
    let click = desk
        .action("browser_click", json!({ "selector": "#go" }))
        .await;
    let (page, leads) = (None, ClickLeads::Unknown);
    assert_eq!(click, Action::Click { page, leads });
    let (result, _) = desk
        .call("browser_click", json!({ "selector": "#go" }))
        .await;
    assert_eq!(result["code"], "unavailable");
    let (result, _) = desk.call("browser_info", json!({})).await;
    assert_eq!(result["code"], "unavailable");
}

#[tokio::test]
async fn what_was_looked_at_is_what_is_done_and_only_once() {
    let desk = Desk::new(RecordingBrowser::default());
    for (tool, arguments) in [
        ("browser_click", json!({ "selector": "#go" })),
        ("browser_fill", json!({ "selector": "#go", "text": "x" })),
    ] {
        let never = desk.call(tool, arguments.clone()).await.0;
        assert!(
            never["error"].as_str().unwrap().contains("changed"),
            "{never}"
        );
        desk.action(tool, arguments.clone()).await;
        // Another topic of the chat, which has the same browser.
        let mut elsewhere = context();
        elsewhere.target.thread = Some(ThreadId::new("5"));
        let other = desk.tool(tool).run(&elsewhere, arguments.clone()).await;
        assert!(format!("{other:?}").contains("changed"), "{other:?}");
        let done = desk.call(tool, arguments.clone()).await.0;
        assert_eq!(done["ok"], true);
        let again = desk.call(tool, arguments.clone()).await.0;
        assert!(
            again["error"].as_str().unwrap().contains("changed"),
            "{again}"
        );
        let another = json!({ "selector": "#other", "text": "x" });
        desk.action(tool, arguments).await;
        let another = match tool {
            "browser_click" => json!({ "selector": "#other" }),
            _ => another,
        };
        let another = desk.call(tool, another).await.0;
        assert!(
            another["error"].as_str().unwrap().contains("changed"),
            "{another}"
        );
    }
    assert_eq!(desk.calls().len(), 6);
}
