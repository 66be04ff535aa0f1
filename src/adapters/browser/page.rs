//! A page: visited, and asked by scripts that run in a world of their own, which scripts of the page can
//! neither see nor change.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use super::devtools::{Begun, Call, CallError, Devtools, IsolatedWorld, TargetInfo};
use super::watch::Patience;
use crate::core::browser::{
    Arrival, BrowserError, BrowserResult, Milestone, PageInfo, Preview, Rest, Visit,
};

/// A script that a page moves on under is begun again so many times.
const TRIES: usize = 4;

/// Our scripts walk through large pages as well.
const SCRIPT: Duration = Duration::from_secs(6);

/// After a page has arrived, it gets this long to begin to go elsewhere by itself.
const FORWARDING: Duration = Duration::from_millis(60);

/// A document that is waited for is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The longest title that is told.
const LONGEST_TITLE: usize = 300;

/// A page that is open.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) devtools: Devtools,
    /// Where our scripts run in the present document.
    world: Option<i64>,
}

impl Page {
    pub(super) fn new(devtools: Devtools) -> Self {
        Self {
            devtools,
            world: None,
        }
    }

    /// Goes to an address.
    pub(super) fn visit(&mut self, visit: &Visit) -> BrowserResult<Arrival> {
        let until = Instant::now() + visit.within;
        let url = visit.url.as_url().as_str();
        self.world = None;
        let answer = self.devtools.navigate(url, visit.within)?;
        let is_over = Instant::now() >= until;
        match answer["errorText"].as_str() {
            // Its first bytes did not come in time, or it is no page but a download.
            Some("net::ERR_ABORTED") if !is_over => {
                return Err(BrowserError::Failed(
                    "this is no page that can be shown (a download, or nothing at all)".to_owned(),
                ));
            }
            Some(_) if is_over => {
                let seconds = visit.within.as_secs();
                return Err(BrowserError::TimedOut(format!(
                    "nothing came from the server within {seconds} s"
                )));
            }
            Some(error) => return Err(network_error(error)),
            None => {}
        }
        let rest = match answer["loaderId"].as_str() {
            Some(loader) => self.arrive(loader, visit.wait_until, until),
            // Only another part of the same document.
            None => Rest::Settled,
        };
        let page = self.info()?;
        Ok(Arrival { page, rest })
    }

    fn arrive(&self, loader: &str, milestone: Milestone, until: Instant) -> Rest {
        let milestone = match milestone {
            Milestone::DomContentLoaded => "DOMContentLoaded",
            Milestone::Load => "load",
            Milestone::NetworkIdle => "networkIdle",
        };
        let loading = self.devtools.loading();
        let began = loading.begun();
        if !loading.wait_for(loader, milestone, until) {
            return Rest::CutOff;
        }
        if milestone != "DOMContentLoaded" {
            self.follow(began, FORWARDING, until)
        } else {
            Rest::Settled
        }
    }

    /// Waits a moment whether another document begins to load, and then for its end.
    pub(super) fn follow(&self, before: Begun, moment: Duration, until: Instant) -> Rest {
        let loading = self.devtools.loading();
        let soon = until.min(Instant::now() + moment);
        loading.wait_for_start(before, soon);
        if loading.wait_for_rest(until) {
            Rest::Settled
        } else {
            Rest::CutOff
        }
    }

    /// Waits for the end of a document whose beginning nobody heard.
    pub(super) fn wait_until_complete(&mut self, until: Instant) -> BrowserResult<()> {
        const STATE: &str = "function () { return document.readyState + ' ' + location.href; }";
        loop {
            let state = self.run(STATE, &[])?;
            let state = state.as_str().unwrap_or_default();
            // A new window begins empty.
            let is_there = state.starts_with("complete") && !state.ends_with("about:blank");
            if is_there || Instant::now() >= until {
                return Ok(());
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Its address and title, which the browser knows even when the page hangs.
    pub(super) fn info(&self) -> BrowserResult<PageInfo> {
        let target = json!({ "targetId": self.devtools.target() });
        let answer = self.devtools.call(TargetInfo(target), Patience::SHORT)?;
        let info = &answer["targetInfo"];
        let address = info["url"].as_str().unwrap_or_default();
        let url = Url::parse(address).or_else(|_| Url::parse("about:blank"));
        let title = info["title"].as_str().unwrap_or_default();
        Ok(PageInfo {
            url: url.map_err(|error| BrowserError::Failed(error.to_string()))?,
            title: title.chars().take(LONGEST_TITLE).collect(),
        })
    }

    /// The address of the present document, as it says itself.
    pub(super) fn address(&mut self) -> BrowserResult<Url> {
        let address = self.run("function () { return location.href; }", &[])?;
        let address = Url::parse(address.as_str().unwrap_or_default());
        address.map_err(|error| BrowserError::Failed(error.to_string()))
    }

    /// Runs one of our scripts.
    pub(super) fn run(&mut self, script: &str, arguments: &[Value]) -> BrowserResult<Value> {
        self.retried(|page| page.run_once(script, arguments))
    }

    /// Runs one of our scripts on the page that was looked at before, and on no other.
    pub(super) fn run_on(
        &mut self,
        seen: &Preview,
        script: &str,
        arguments: &[Value],
    ) -> BrowserResult<Value> {
        self.retried(|page| {
            if !seen.is_of(&page.address()?) {
                return Err(BrowserError::Changed);
            }
            // In the document that has just told its address, or not at all.
            page.run_once(script, arguments)
        })
    }

    fn retried(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> BrowserResult<Option<Value>>,
    ) -> BrowserResult<Value> {
        for _ in 0..TRIES {
            if let Some(answer) = attempt(self)? {
                return Ok(answer);
            }
        }
        Err(BrowserError::Failed(
            "the page does not hold still; try again, or wait with browser_wait_for".to_owned(),
        ))
    }

    /// Nothing, when the page moved on under it.
    fn run_once(&mut self, script: &str, arguments: &[Value]) -> BrowserResult<Option<Value>> {
        let arguments: Vec<Value> = arguments
            .iter()
            .map(|argument| json!({ "value": argument }))
            .collect();
        let world = self.world()?;
        let call = Call(json!({
            "functionDeclaration": script,
            "executionContextId": world,
            "arguments": arguments,
            "returnByValue": true,
        }));
        match self.devtools.call(call, Patience::of(SCRIPT)) {
            // The page hung, and was made to stop; or a mistake of ours.
            Ok(answer) if !answer["exceptionDetails"].is_null() => {
                let thrown = &answer["exceptionDetails"];
                tracing::debug!(%thrown, "a script on a page failed");
            }
            Ok(mut answer) => return Ok(Some(answer["result"]["value"].take())),
            // The page has moved on to another document.
            Err(CallError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
        self.world = None;
        Ok(None)
    }

    fn world(&mut self) -> Result<i64, CallError> {
        if let Some(world) = self.world {
            return Ok(world);
        }
        let frame = json!({ "frameId": self.devtools.target(), "worldName": "minibot" });
        let answer = self.devtools.call(IsolatedWorld(frame), Patience::SHORT)?;
        let world = answer["executionContextId"].as_i64();
        self.world = world;
        world.ok_or_else(|| CallError::Refused("the page has no document".to_owned()))
    }
}

/// The browser's own names of errors say it best; some need a word more.
fn network_error(name: &str) -> BrowserError {
    match name {
        "net::ERR_TUNNEL_CONNECTION_FAILED" => BrowserError::Failed(
            "the server cannot be reached, or the address is not allowed (net::ERR_TUNNEL_CONNECTION_FAILED)"
                .to_owned(),
        ),
        "net::ERR_PROXY_CONNECTION_FAILED" => {
            BrowserError::Unavailable("the way to the web is closed".to_owned())
        }
        other => BrowserError::Failed(format!("the page cannot be opened ({other})")),
    }
}
