//! What is done to a page: clicks and typing, as a person's hand does them.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::devtools::Mouse;
use super::look::{Seeing, Seen, Selector, look_until, understood};
use super::page::Page;
use super::watch::Patience;
use crate::core::browser::{BrowserError, BrowserResult, Click, Filling};

/// After a click on a link or a form's button, a page gets this long to begin to go elsewhere; its scripts may
/// have kept it from that.
const DEPARTURE: Duration = Duration::from_millis(1500);

/// After any other click.
const REACTION: Duration = Duration::from_millis(250);

/// What a click opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    Nothing,
    Window,
}

/// How filling a field went, as the page says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Filled {
    #[serde(rename = "filled")]
    Done,
    Disabled,
    NoOption,
    NoField,
}

/// What the page says when it is filled in.
#[derive(Debug, Deserialize)]
struct Answer {
    selector: Selector,
    /// Nothing, while there is no such field to be seen.
    state: Option<Filled>,
}

impl Page {
    /// Clicks where an element was seen, and tells whether that opened a window.
    pub(super) fn press(&mut self, seen: &Seen, until: Instant) -> BrowserResult<Opened> {
        let before = self.devtools.loading().begun();
        for (kind, buttons) in [("mousePressed", 1), ("mouseReleased", 0)] {
            let at = json!({
                "type": kind, "x": seen.x, "y": seen.y, "button": "left", "buttons": buttons, "clickCount": 1,
            });
            self.devtools.call(Mouse(at), Patience::SHORT)?;
        }
        let moment = if seen.leaves { DEPARTURE } else { REACTION };
        self.follow(before, moment, until);
        Ok(
            if self.devtools.loading().begun().windows > before.windows {
                Opened::Window
            } else {
                Opened::Nothing
            },
        )
    }

    /// Waits for an element, brings it into view, and says why it cannot be clicked, if so.
    pub(super) fn aim_at(&mut self, click: &Click, until: Instant) -> BrowserResult<Seen> {
        let selector = &click.selector;
        let seen = until_there(selector, until, || {
            let seen = self.bring_into_view(selector, &click.seen)?;
            Ok((seen.state == Seeing::Visible).then_some(seen))
        })?;
        if !click.seen.covers(&seen.leads()) {
            return Err(BrowserError::Changed);
        }
        if seen.disabled {
            return Err(BrowserError::Failed(format!("{selector:?} is disabled")));
        }
        if !seen.reached {
            return Err(BrowserError::Failed(format!(
                "{selector:?} lies under something else; close that first"
            )));
        }
        Ok(seen)
    }

    /// Waits for a field and fills it.
    pub(super) fn fill(&mut self, field: &Filling, until: Instant) -> BrowserResult<()> {
        let (selector, text) = (&field.selector, &field.text);
        let script = include_str!("scripts/fill.js");
        let filled = until_there(selector, until, || {
            let answer = self.run_on(&field.seen, script, &[json!(selector), json!(text)])?;
            let answer: Answer = understood(answer)?;
            match answer.selector {
                Selector::Bad => Err(BrowserError::BadSelector(selector.clone())),
                Selector::Ok => Ok(answer.state),
            }
        })?;
        let failed = |why: &str| Err(BrowserError::Failed(format!("{selector:?} {why}")));
        match filled {
            Filled::Done => Ok(()),
            Filled::Disabled => failed("cannot be changed"),
            Filled::NoOption => failed("has no such option"),
            Filled::NoField => failed("is no field that can be filled"),
        }
    }
}

/// Tries until it is there, or the time is over.
fn until_there<T>(
    selector: &str,
    until: Instant,
    find: impl FnMut() -> BrowserResult<Option<T>>,
) -> BrowserResult<T> {
    look_until(until, find)?.ok_or_else(|| {
        BrowserError::NotFound(format!(
            "nothing visible fits {selector:?}; look with browser_get_data or browser_query_selector"
        ))
    })
}
