//! The debugging protocol: calls to a page that always end, and what it tells of itself.

use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use headless_chrome::Tab;
use headless_chrome::browser::ConnectionClosed;
use headless_chrome::protocol::cdp::types::{Event, Method};
use headless_chrome::types::RemoteError;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::watch::{Killer, Patience, Watch};
use crate::core::browser::BrowserError;

/// Methods with free arguments and results: a browser that is older or newer than the crate's types says
/// less or more than they expect.
macro_rules! methods {
    ($($name:ident = $method:literal),+ $(,)?) => {$(
        #[derive(Debug, Serialize)]
        #[serde(transparent)]
        pub(super) struct $name(pub(super) Value);

        impl Method for $name {
            const NAME: &'static str = $method;
            type ReturnObject = Value;
        }
    )+};
}

methods! {
    SetHeaders = "Network.setExtraHTTPHeaders",
    GrantPermissions = "Browser.grantPermissions",
    AnswerDialog = "Page.handleJavaScriptDialog",
    Call = "Runtime.callFunctionOn",
    CloseBrowser = "Browser.close",
    EnableInspector = "Inspector.enable",
    EnableNetwork = "Network.enable",
    FetchOff = "Fetch.disable",
    FetchOn = "Fetch.enable",
    IsolatedWorld = "Page.createIsolatedWorld",
    Mouse = "Input.dispatchMouseEvent",
    Navigate = "Page.navigate",
    RefuseDownloads = "Browser.setDownloadBehavior",
    SetPlace = "Emulation.setGeolocationOverride",
    StopLoading = "Page.stopLoading",
    StopScripts = "Runtime.terminateExecution",
    TakePicture = "Page.captureScreenshot",
    TargetInfo = "Target.getTargetInfo",
}

/// A new page answers within this time, or not at all.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

/// Why a call came to nothing.
#[derive(Debug)]
pub(super) enum CallError {
    /// The browser is gone.
    Gone,
    /// The page hung until the browser was killed for it.
    Hung,
    /// The browser says no.
    Refused(String),
}

impl From<CallError> for BrowserError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Gone => Self::Crashed,
            CallError::Hung => Self::TimedOut(
                "the page did not answer and was closed; open another with browser_navigate"
                    .to_owned(),
            ),
            CallError::Refused(why) => Self::Failed(format!("the browser refused: {why}")),
        }
    }
}

/// A page's connection.
#[derive(Clone)]
pub(super) struct Devtools {
    tab: Arc<Tab>,
    killer: Killer,
    loading: Arc<Loading>,
}

impl Devtools {
    /// Listens to a page from now on.
    pub(super) fn attach(tab: Arc<Tab>, killer: Killer) -> Result<Self, CallError> {
        let loading = Arc::new(Loading::new(tab.get_target_id().clone()));
        let (heard, doomed, page) = (loading.clone(), killer.clone(), Arc::downgrade(&tab));
        let listener = move |event: &Event| match event {
            Event::PageJavascriptDialogOpening(dialog) => {
                let Some(page) = page.upgrade() else { return };
                // "Leave this page?" is answered with yes, everything else with no.
                let leaves =
                    format!("{:?}", dialog.params.Type).eq_ignore_ascii_case("beforeunload");
                let _ = page.call_method(AnswerDialog(json!({ "accept": leaves })));
            }
            // Calls to a page that broke down would wait for ever.
            Event::InspectorTargetCrashed(_) => doomed.kill(),
            other => heard.hear(other),
        };
        let added = tab.add_event_listener(Arc::new(listener));
        added.map_err(|error| CallError::Refused(error.to_string()))?;
        Ok(Self {
            tab,
            killer,
            loading,
        })
    }

    /// The page's number in the browser. It is the number of its outermost frame as well.
    pub(super) fn target(&self) -> &str {
        self.tab.get_target_id()
    }

    /// What it loads.
    pub(super) fn loading(&self) -> &Loading {
        &self.loading
    }

    /// Answers the next challenges of the proxy with these words.
    pub(super) fn authenticate(&self, user: String, password: String) -> Result<(), CallError> {
        let done = self.tab.authenticate(Some(user), Some(password));
        done.map(|_| ())
            .map_err(|error| CallError::Refused(error.to_string()))
    }

    /// Closes the page. Nobody waits for it: a page that closed itself meanwhile never answers.
    pub(super) fn close(self) {
        thread::spawn(move || self.tab.close_target());
    }

    /// Whether the page answers. One that closed itself as soon as it was opened never does.
    pub(super) fn answers(&self) -> bool {
        let (tell, told) = channel();
        let tab = self.tab.clone();
        thread::spawn(move || tell.send(tab.call_method(EnableInspector(json!({}))).is_ok()));
        told.recv_timeout(FIRST_ANSWER) == Ok(true)
    }

    /// Calls a method. A page that hangs is made to stop its scripts; a browser that hangs is killed.
    pub(super) fn call<C>(&self, method: C, patience: Patience) -> Result<Value, CallError>
    where
        C: Method<ReturnObject = Value> + Serialize,
    {
        let tab = self.tab.clone();
        let _watch = Watch::over(patience, self.killer.clone(), move || {
            let _ = tab.call_method(StopScripts(json!({})));
        });
        self.plain_call(method)
    }

    /// Begins to load an address; ends when its first bytes are there, or the time is over.
    pub(super) fn navigate(&self, url: &str, within: Duration) -> Result<Value, CallError> {
        let tab = self.tab.clone();
        let _watch = Watch::over(Patience::of(within), self.killer.clone(), move || {
            let _ = tab.call_method(StopLoading(json!({})));
        });
        self.plain_call(Navigate(json!({ "url": url })))
    }

    fn plain_call<C>(&self, method: C) -> Result<Value, CallError>
    where
        C: Method<ReturnObject = Value> + Serialize,
    {
        let started = Instant::now();
        self.tab.call_method(method).map_err(|error| {
            if let Some(refusal) = error.downcast_ref::<RemoteError>() {
                return CallError::Refused(refusal.message.clone());
            }
            let is_gone = error.downcast_ref::<ConnectionClosed>().is_some();
            if is_gone && started.elapsed() > Patience::SHORT.kill {
                return CallError::Hung;
            }
            CallError::Gone
        })
    }
}

impl std::fmt::Debug for Devtools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Devtools").field(&self.target()).finish()
    }
}

/// Documents and windows that a page has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) documents: u64,
    pub(super) windows: u64,
}

/// What a page tells of its loading.
#[derive(Debug)]
pub(super) struct Loading {
    /// The outermost frame; others load what they like.
    frame: String,
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Progress {
    /// Documents of which loading began.
    started: u64,
    /// Windows that it has opened.
    windows: u64,
    /// Whether one is being loaded.
    is_loading: bool,
    /// The milestones of the newest document: its number, and their names.
    loader: String,
    milestones: Vec<String>,
}

impl Loading {
    fn new(frame: String) -> Self {
        Self {
            frame,
            progress: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, event: &Event) {
        let mut progress = self.progress();
        match event {
            Event::PageFrameStartedLoading(event) if event.params.frame_id == self.frame => {
                progress.started += 1;
                progress.is_loading = true;
            }
            Event::PageWindowOpen(_) => progress.windows += 1,
            Event::PageFrameStoppedLoading(event) if event.params.frame_id == self.frame => {
                progress.is_loading = false;
            }
            Event::PageLifecycleEvent(event) if event.params.frame_id == self.frame => {
                if progress.loader != event.params.loader_id {
                    progress.loader.clone_from(&event.params.loader_id);
                    progress.milestones.clear();
                }
                progress.milestones.push(event.params.name.clone());
            }
            _ => return,
        }
        drop(progress);
        self.changed.notify_all();
    }

    /// What it has begun so far.
    pub(super) fn begun(&self) -> Begun {
        let progress = self.progress();
        Begun {
            documents: progress.started,
            windows: progress.windows,
        }
    }

    /// Waits until a document has reached a milestone, or another has taken its place.
    pub(super) fn wait_for(&self, loader: &str, milestone: &str, until: Instant) -> bool {
        self.wait(until, |progress| {
            (progress.loader != loader && !progress.loader.is_empty() && !progress.is_loading)
                || (progress.loader == loader
                    && progress
                        .milestones
                        .iter()
                        .any(|reached| reached == milestone))
        })
    }

    /// Waits until another document or window has begun.
    pub(super) fn wait_for_start(&self, before: Begun, until: Instant) -> bool {
        self.wait(until, |progress| {
            progress.started > before.documents || progress.windows > before.windows
        })
    }

    /// Waits until nothing is being loaded.
    pub(super) fn wait_for_rest(&self, until: Instant) -> bool {
        self.wait(until, |progress| !progress.is_loading)
    }

    fn wait(&self, until: Instant, holds: impl Fn(&Progress) -> bool) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let waited = self
            .changed
            .wait_timeout_while(self.progress(), left, |progress| !holds(progress));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}
