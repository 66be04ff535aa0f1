//! What is done to a page: clicks and typing, as a person's hand does them.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::devtools::Mouse;
use super::look::{Aim, Seen, understood};
use super::page::Page;
use super::watch::Patience;
use crate::core::action::ClickLeads;
use crate::core::browser::{BrowserError, BrowserResult, Filling};

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
    Missing,
    Hidden,
    Disabled,
    NoOption,
    NoField,
}

impl Page {
    /// Clicks where an element was seen, and tells whether that opened a window.
    pub(super) fn press(
        &mut self,
        seen: &Seen,
        leads: &ClickLeads,
        until: Instant,
    ) -> BrowserResult<Opened> {
        let before = self.devtools.loading().begun();
        for (kind, buttons) in [("mousePressed", 1), ("mouseReleased", 0)] {
            let at = json!({
                "type": kind, "x": seen.x, "y": seen.y, "button": "left", "buttons": buttons, "clickCount": 1,
            });
            self.devtools.call(Mouse(at), Patience::SHORT)?;
        }
        let moment = match leads {
            ClickLeads::Nowhere => REACTION,
            ClickLeads::To(_) | ClickLeads::Unknown => DEPARTURE,
        };
        self.follow(before, moment, until);
        Ok(
            if self.devtools.loading().begun().windows > before.windows {
                Opened::Window
            } else {
                Opened::Nothing
            },
        )
    }

    /// Brings an element into view and says why it cannot be clicked, if so.
    pub(super) fn aim_at(&mut self, selector: &str) -> BrowserResult<Seen> {
        let seen = self.look_at(selector, Aim::BringIntoView)?;
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

    /// Fills a field.
    pub(super) fn fill(&mut self, field: &Filling) -> BrowserResult<()> {
        let (selector, text) = (&field.selector, &field.text);
        let script = include_str!("scripts/fill.js");
        let mut answer: Value = self.run(script, &[json!(selector), json!(text)])?;
        let failed = |why: &str| Err(BrowserError::Failed(format!("{selector:?} {why}")));
        match understood(answer["state"].take())? {
            Filled::Done => Ok(()),
            Filled::Missing | Filled::Hidden => Err(BrowserError::NotFound(selector.clone())),
            Filled::Disabled => failed("cannot be changed"),
            Filled::NoOption => failed("has no such option"),
            Filled::NoField => failed("is no field that can be filled"),
        }
    }
}
