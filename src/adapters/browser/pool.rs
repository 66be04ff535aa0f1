//! The sessions of all chats: one thread each, as many as the settings allow.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use tokio::sync::{Mutex, oneshot};
use tokio::time::Instant;

use super::launch::{LaunchSettings, Launcher};
use super::profile::remove_leftovers;
use super::session::{Job, Session};
use super::watch::Killer;
use crate::core::browser::{
    Arrival, Browser, BrowserError, BrowserResult, Click, ElementState, Elements, Filling, Frame,
    PageContent, PageInfo, Preview, Screenshot, View, Visit, Waited,
};
use crate::core::files::WorkspaceId;

/// Chromium, a session for each chat. Dropped, it ends them all.
#[derive(Debug)]
pub struct ChromiumBrowser {
    launcher: Arc<Launcher>,
    sessions: Mutex<HashMap<WorkspaceId, Handle>>,
}

impl ChromiumBrowser {
    /// Starts nothing yet, and removes what browsers of a process that was killed left.
    pub fn new(settings: LaunchSettings) -> Self {
        remove_leftovers(&settings.root);
        Self {
            launcher: Arc::new(Launcher::new(settings)),
            sessions: Mutex::default(),
        }
    }

    /// Ends all sessions and waits until they are gone.
    pub async fn close_all(&self) {
        let handles: Vec<Handle> = self
            .sessions
            .lock()
            .await
            .drain()
            .map(|(_, it)| it)
            .collect();
        join_all(handles.into_iter().map(Handle::end)).await;
    }

    /// Has the session of a chat do something; starts one for it first.
    async fn in_new<T: Send + 'static>(
        &self,
        chat: &WorkspaceId,
        act: impl FnOnce(&mut Session) -> BrowserResult<T> + Send + 'static,
    ) -> BrowserResult<T> {
        let answer = {
            let mut sessions = self.sessions.lock().await;
            sessions.retain(|_, handle| !handle.thread.is_finished());
            if !sessions.contains_key(chat) {
                self.make_room(&mut sessions).await?;
                let session = Handle::start(self.launcher.clone(), chat.clone());
                sessions.insert(chat.clone(), session);
            }
            let handle = sessions.get_mut(chat).ok_or(BrowserError::NoPage)?;
            handle.ask(act)
        };
        answer.await.unwrap_or(Err(BrowserError::Crashed))
    }

    /// Has the session of a chat do something.
    async fn in_open<T: Send + 'static>(
        &self,
        chat: &WorkspaceId,
        act: impl FnOnce(&mut Session) -> BrowserResult<T> + Send + 'static,
    ) -> BrowserResult<T> {
        let answer = {
            let mut sessions = self.sessions.lock().await;
            let handle = sessions.get_mut(chat).ok_or(BrowserError::NoPage)?;
            if handle.thread.is_finished() {
                return Err(BrowserError::NoPage);
            }
            handle.ask(act)
        };
        answer.await.unwrap_or(Err(BrowserError::Crashed))
    }

    /// Ends the session that was idle for longest, when there are as many as may be.
    async fn make_room(&self, sessions: &mut HashMap<WorkspaceId, Handle>) -> BrowserResult<()> {
        let most = self.launcher.settings.config.max_sessions.get() as usize;
        while sessions.len() >= most {
            let idle = sessions.iter().filter(|(_, handle)| !handle.is_busy());
            let longest = idle.min_by_key(|(_, handle)| handle.used_at);
            let chat = longest.map(|(chat, _)| chat.clone()).ok_or_else(|| {
                BrowserError::Unavailable(
                    "all browsers are in use by other chats; try again in a minute".to_owned(),
                )
            })?;
            if let Some(handle) = sessions.remove(&chat) {
                tracing::info!("closing the browser that was idle for longest");
                handle.end().await;
            }
        }
        Ok(())
    }
}

/// A session as others see it.
struct Handle {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
    kill: Arc<SyncMutex<Killer>>,
    waiting: Arc<AtomicUsize>,
    used_at: Instant,
}

impl Handle {
    fn start(launcher: Arc<Launcher>, chat: WorkspaceId) -> Self {
        let (jobs, told) = channel();
        let kill = Arc::new(SyncMutex::new(Killer::default()));
        let idle = launcher.settings.config.session_ttl_seconds.get();
        let killed_by = kill.clone();
        // It starts the browser, which ends with the thread that started it.
        let thread =
            thread::spawn(move || Session::new(launcher, chat, killed_by).run(&told, idle));
        Self {
            jobs,
            thread,
            kill,
            waiting: Arc::default(),
            used_at: Instant::now(),
        }
    }

    fn is_busy(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    fn ask<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Session) -> BrowserResult<T> + Send + 'static,
    ) -> oneshot::Receiver<BrowserResult<T>> {
        let (tell, told) = oneshot::channel();
        self.used_at = Instant::now();
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let waiting = self.waiting.clone();
        let job: Job = Box::new(move |session| {
            let done = act(session);
            waiting.fetch_sub(1, Ordering::AcqRel);
            let _ = tell.send(done);
        });
        // A thread that has just ended drops the job, and with it the answer.
        let _ = self.jobs.send(job);
        told
    }

    /// Ends the session; one that is in the middle of something is not waited for.
    async fn end(self) {
        let _ = tokio::task::spawn_blocking(move || self.end_now()).await;
    }

    fn end_now(self) {
        if self.is_busy() {
            self.kill
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .kill();
        }
        drop(self.jobs);
        let _ = self.thread.join();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("is_busy", &self.is_busy())
            .finish_non_exhaustive()
    }
}

impl Drop for ChromiumBrowser {
    fn drop(&mut self) {
        for (_, handle) in self.sessions.get_mut().drain() {
            handle.end_now();
        }
    }
}

#[async_trait]
impl Browser for ChromiumBrowser {
    async fn navigate(&self, chat: &WorkspaceId, visit: Visit) -> BrowserResult<Arrival> {
        self.in_new(chat, move |session| session.navigate(&visit))
            .await
    }

    async fn info(&self, chat: &WorkspaceId) -> BrowserResult<PageInfo> {
        self.in_open(chat, |session| session.with_page(|page| page.info()))
            .await
    }

    async fn read(&self, chat: &WorkspaceId, view: View) -> BrowserResult<PageContent> {
        self.in_open(chat, move |session| {
            session.with_page(|page| page.read(view))
        })
        .await
    }

    async fn query(
        &self,
        chat: &WorkspaceId,
        selector: &str,
        most: usize,
    ) -> BrowserResult<Elements> {
        let selector = selector.to_owned();
        self.in_open(chat, move |session| {
            session.with_page(|page| page.query(&selector, most))
        })
        .await
    }

    async fn wait_for(
        &self,
        chat: &WorkspaceId,
        selector: &str,
        state: ElementState,
        within: Duration,
    ) -> BrowserResult<Waited> {
        let selector = selector.to_owned();
        self.in_open(chat, move |session| {
            let until = Instant::now() + within;
            session.with_page(|page| page.wait_for(&selector, state, until))
        })
        .await
    }

    async fn preview(&self, chat: &WorkspaceId, selector: &str) -> BrowserResult<Preview> {
        let selector = selector.to_owned();
        self.in_open(chat, move |session| {
            session.with_page(|page| page.preview(&selector))
        })
        .await
    }

    async fn click(
        &self,
        chat: &WorkspaceId,
        click: Click,
        within: Duration,
    ) -> BrowserResult<PageInfo> {
        self.in_open(chat, move |session| session.click(&click, within))
            .await
    }

    async fn fill(
        &self,
        chat: &WorkspaceId,
        field: Filling,
        within: Duration,
    ) -> BrowserResult<PageInfo> {
        self.in_open(chat, move |session| session.fill(&field, within))
            .await
    }

    async fn screenshot(&self, chat: &WorkspaceId, frame: Frame) -> BrowserResult<Screenshot> {
        self.in_open(chat, move |session| {
            session.with_page(|page| page.screenshot(&frame))
        })
        .await
    }

    async fn close(&self, chat: &WorkspaceId) -> BrowserResult<()> {
        let handle = self.sessions.lock().await.remove(chat);
        if let Some(handle) = handle {
            handle.end().await;
        }
        Ok(())
    }
}
