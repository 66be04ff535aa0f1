//! The session of a chat: one browser, one thread that owns it. The browser is started with the first
//! visit, again after a crash, and ends with the thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use headless_chrome::Browser as Connection;
use serde_json::json;
use tokio::time::Instant;

use super::act::Opened;
use super::devtools::{CloseBrowser, Devtools};
use super::launch::{Launcher, tabs};
use super::page::Page;
use super::process::ChromiumProcess;
use super::profile::{Keeping, Profile};
use super::watch::{Killer, Patience};
use crate::core::browser::{Arrival, BrowserError, BrowserResult, Click, Filling, PageInfo, Visit};
use crate::core::files::WorkspaceId;

/// So long a browser that is told to end may take to hear it.
const GOODBYE: Duration = Duration::from_secs(2);

/// So long it then may take to write down what it knows, before it is killed.
const LAST_WORDS: Duration = Duration::from_secs(6);

/// A new window is known after a few calls of the browser's.
const NEW_WINDOW: Duration = Duration::from_secs(3);

/// A window that closes itself is gone from the list a moment later.
const CLOSING: Duration = Duration::from_millis(500);

/// Something that the thread is to do with its session.
pub(super) type Job = Box<dyn FnOnce(&mut Session) + Send>;

/// A session, on the thread that owns it.
#[derive(Debug)]
pub(super) struct Session {
    launcher: Arc<Launcher>,
    chat: WorkspaceId,
    open: Option<Open>,
    /// How others end the present browser.
    kill: Arc<std::sync::Mutex<Killer>>,
}

/// A running browser. The order matters: the processes end before their folder goes.
#[derive(Debug)]
struct Open {
    page: Page,
    connection: ConnectionHandle,
    process: ChromiumProcess,
    _profile: Profile,
    /// Pages that were gone before they could be turned to.
    dead: Vec<String>,
}

struct ConnectionHandle(Connection);

impl std::fmt::Debug for ConnectionHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

impl Session {
    pub(super) fn new(
        launcher: Arc<Launcher>,
        chat: WorkspaceId,
        kill: Arc<std::sync::Mutex<Killer>>,
    ) -> Self {
        Self {
            launcher,
            chat,
            open: None,
            kill,
        }
    }

    /// Does what it is told, until nothing came for `idle` or nobody is left to tell it.
    pub(super) fn run(mut self, jobs: &Receiver<Job>, idle: Duration) {
        loop {
            match jobs.recv_timeout(idle) {
                Ok(job) => job(&mut self),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Goes to an address, in a new browser where there is none that works.
    pub(super) fn navigate(&mut self, visit: &Visit) -> BrowserResult<Arrival> {
        if self
            .open
            .as_mut()
            .is_some_and(|open| !open.process.is_running())
        {
            self.open = None;
        }
        let was_open = self.open.is_some();
        match self.go(visit) {
            Err(BrowserError::Crashed) if was_open => self.go(visit),
            other => other,
        }
    }

    fn go(&mut self, visit: &Visit) -> BrowserResult<Arrival> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.start()?,
        };
        open.close_others();
        let arrival = open.page.visit(visit);
        self.keep(open, arrival)
    }

    /// Does something with the page that is open.
    pub(super) fn with_page<T>(
        &mut self,
        act: impl FnOnce(&mut Page) -> BrowserResult<T>,
    ) -> BrowserResult<T> {
        let mut open = self.open.take().ok_or(BrowserError::NoPage)?;
        let done = open
            .newest_page(&self.launcher)
            .and_then(|()| act(&mut open.page));
        self.keep(open, done)
    }

    /// Clicks, unless the click would be another than was looked at.
    pub(super) fn click(&mut self, click: &Click, within: Duration) -> BrowserResult<PageInfo> {
        let until = Instant::now() + within;
        let known = self.open.as_ref().map(Open::targets).unwrap_or_default();
        let opened = self.with_page(|page| {
            let seen = page.aim_at(click, until)?;
            page.press(&seen, until)
        })?;
        if opened == Opened::Nothing {
            return self.with_page(|page| page.info());
        }
        if let Some(open) = &self.open {
            open.wait_for_window(&known);
        }
        let _ = self.with_page(|page| page.wait_until_complete(until));
        match self.with_page(|page| page.info()) {
            // It closed itself, and the browser is about to say so.
            Err(BrowserError::Failed(_)) => {
                thread::sleep(CLOSING);
                self.with_page(|page| page.info())
            }
            other => other,
        }
    }

    /// Fills a field.
    pub(super) fn fill(&mut self, field: &Filling, within: Duration) -> BrowserResult<PageInfo> {
        let until = Instant::now() + within;
        self.with_page(|page| {
            page.fill(field, until)?;
            page.info()
        })
    }

    fn start(&self) -> BrowserResult<Open> {
        let settings = &self.launcher.settings;
        let keeping = if settings.config.keep_profile {
            Keeping::Keep
        } else {
            Keeping::Forget
        };
        let profile = Profile::open(&settings.root, &self.chat, keeping).map_err(|error| {
            tracing::error!(%error, "the browser's folder cannot be made");
            BrowserError::Unavailable("the browser's folder cannot be made".to_owned())
        })?;
        let process = self.launcher.start(profile.folder())?;
        if let Ok(mut kill) = self.kill.lock() {
            *kill = process.killer().clone();
        }
        let (connection, page) = self.launcher.connect(&process)?;
        Ok(Open {
            page: Page::new(page),
            connection: ConnectionHandle(connection),
            process,
            _profile: profile,
            dead: Vec::new(),
        })
    }

    /// Keeps the browser, unless it broke down.
    fn keep<T>(&mut self, open: Open, result: BrowserResult<T>) -> BrowserResult<T> {
        let mut open = open;
        let is_lost = matches!(result, Err(BrowserError::Crashed)) || !open.process.is_running();
        if !is_lost {
            self.open = Some(open);
        }
        result
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        // What it knows is written down when it ends by itself.
        let _ = open
            .page
            .devtools
            .call(CloseBrowser(json!({})), Patience::of(GOODBYE));
        open.process.wait(LAST_WORDS);
    }
}

impl Open {
    fn targets(&self) -> Vec<String> {
        let tabs = tabs(&self.connection.0).into_iter();
        tabs.map(|tab| tab.get_target_id().clone()).collect()
    }

    /// A window that a click opened is known a moment later.
    fn wait_for_window(&self, known: &[String]) {
        let until = Instant::now() + NEW_WINDOW;
        while Instant::now() < until && self.targets().iter().all(|target| known.contains(target)) {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Turns to the newest page, which a click or the page itself has opened, or to what is left when the
    /// present one closed itself.
    fn newest_page(&mut self, launcher: &Launcher) -> BrowserResult<()> {
        let mut tabs = tabs(&self.connection.0);
        tabs.retain(|tab| !self.dead.contains(tab.get_target_id()));
        let Some(newest) = tabs.last() else {
            return Ok(());
        };
        if newest.get_target_id() == self.page.devtools.target() {
            return Ok(());
        }
        let devtools = Devtools::attach(newest.clone(), self.process.killer().clone())?;
        // It may close itself in the middle.
        if !devtools.answers() || launcher.prepare(&devtools).is_err() {
            self.dead.push(newest.get_target_id().clone());
            return Ok(());
        }
        self.page = Page::new(devtools);
        Ok(())
    }

    /// Closes every page but the present one.
    fn close_others(&self) {
        for tab in tabs(&self.connection.0) {
            if tab.get_target_id() == self.page.devtools.target() {
                continue;
            }
            if let Ok(other) = Devtools::attach(tab, self.process.killer().clone()) {
                other.close();
            }
        }
    }
}
