//! What is read off a page: its content, its elements, its picture.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::devtools::TakePicture;
use super::page::Page;
use super::watch::Patience;
use crate::core::action::ClickLeads;
use crate::core::browser::{
    Beside, BrowserError, BrowserResult, ClickTarget, Element, ElementState, Elements, Frame,
    PageContent, Preview, Screenshot, View, Waited,
};

/// So many characters of a page are read at most.
const MOST_CHARS: u64 = 1_000_000;

/// Pictures have so many pixels at most either way.
const MOST_PIXELS: f64 = 8192.0;

/// An element is looked for this often.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A picture of a long page takes its time.
const PICTURE: Duration = Duration::from_secs(15);

/// What the page says of the first element that a selector finds.
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    selector: Selector,
    #[serde(default)]
    pub(super) state: Seeing,
    #[serde(default)]
    link: Option<String>,
    /// Whether something else than a link is met there.
    #[serde(default)]
    acts: bool,
    /// Whether it looks as if the click led to another page.
    #[serde(default)]
    pub(super) leaves: bool,
    #[serde(default)]
    pub(super) x: f64,
    #[serde(default)]
    pub(super) y: f64,
    #[serde(default)]
    pub(super) reached: bool,
    #[serde(default)]
    pub(super) disabled: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Area {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Selector {
    Ok,
    Bad,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Seeing {
    Visible,
    Hidden,
    #[default]
    Missing,
}

impl Seen {
    fn read(answer: Value, selector: &str) -> BrowserResult<Self> {
        let seen: Self = understood(answer)?;
        match seen.selector {
            Selector::Ok => Ok(seen),
            Selector::Bad => Err(BrowserError::BadSelector(selector.to_owned())),
        }
    }

    /// What a click on it leads to. What is not to be seen yet may come to be anything.
    pub(super) fn leads(&self) -> ClickLeads {
        let target = ClickTarget {
            link: self.link.clone(),
            beside: if self.acts {
                Beside::Something
            } else {
                Beside::Nothing
            },
        };
        target.leads()
    }
}

impl Page {
    /// Reads the page.
    pub(super) fn read(&mut self, view: View) -> BrowserResult<PageContent> {
        let script = match view {
            View::Article => include_str!("scripts/article.js"),
            View::Text => include_str!("scripts/text.js"),
            View::Links => include_str!("scripts/links.js"),
            View::RawHtml => include_str!("scripts/html.js"),
        };
        let content = self.run(script, &[json!(MOST_CHARS)])?;
        Ok(PageContent {
            page: self.info()?,
            content: content.as_str().unwrap_or_default().to_owned(),
        })
    }

    /// The first `most` elements that a selector finds.
    pub(super) fn query(&mut self, selector: &str, most: usize) -> BrowserResult<Elements> {
        #[derive(Deserialize)]
        struct Found {
            selector: Selector,
            #[serde(default)]
            elements: Vec<FoundElement>,
            #[serde(default)]
            total: u64,
        }
        #[derive(Deserialize)]
        struct FoundElement {
            text: String,
            attributes: BTreeMap<String, String>,
        }
        let script = include_str!("scripts/query.js");
        let found: Found = understood(self.run(script, &[json!(selector), json!(most)])?)?;
        if found.selector == Selector::Bad {
            return Err(BrowserError::BadSelector(selector.to_owned()));
        }
        let elements = found.elements.into_iter().map(|element| Element {
            text: element.text,
            attributes: element.attributes,
        });
        Ok(Elements {
            elements: elements.collect(),
            total: found.total,
            page: self.info()?,
        })
    }

    /// Looks at the first element that a selector finds.
    fn look_at(&mut self, selector: &str) -> BrowserResult<Seen> {
        let script = include_str!("scripts/element.js");
        Seen::read(
            self.run(script, &[json!(selector), json!(false)])?,
            selector,
        )
    }

    /// Brings that element into view, on the page that was looked at before.
    pub(super) fn bring_into_view(
        &mut self,
        selector: &str,
        seen: &Preview,
    ) -> BrowserResult<Seen> {
        let script = include_str!("scripts/element.js");
        let answer = self.run_on(seen, script, &[json!(selector), json!(true)])?;
        Seen::read(answer, selector)
    }

    /// What is seen of the first element that a selector finds.
    pub(super) fn preview(&mut self, selector: &str) -> BrowserResult<Preview> {
        let leads = self.look_at(selector)?.leads();
        let page = self.address()?;
        Ok(Preview { page, leads })
    }

    /// Waits until the first element that a selector finds is in a state. What the page does not draw where it
    /// stands counts as hidden: looking closer would tell the page.
    pub(super) fn wait_for(
        &mut self,
        selector: &str,
        state: ElementState,
        until: Instant,
    ) -> BrowserResult<Waited> {
        let reached = look_until(until, || {
            let seen = self.look_at(selector)?.state;
            let is_so = match state {
                ElementState::Visible => seen == Seeing::Visible,
                ElementState::Attached => seen != Seeing::Missing,
                ElementState::Hidden => seen != Seeing::Visible,
            };
            Ok(is_so.then_some(Waited::Reached))
        });
        Ok(reached?.unwrap_or(Waited::TimedOut))
    }

    /// Takes a picture. Nothing is scrolled for it: where would tell the page what it shows.
    pub(super) fn screenshot(&mut self, frame: &Frame) -> BrowserResult<Screenshot> {
        let mut order = json!({ "format": "png" });
        if let Some(area) = self.area(frame)? {
            order["clip"] = json!({
                "x": area.x.max(0.0),
                "y": area.y.max(0.0),
                "width": area.width.clamp(1.0, MOST_PIXELS),
                "height": area.height.clamp(1.0, MOST_PIXELS),
                "scale": 1,
            });
            order["captureBeyondViewport"] = json!(true);
        }
        let answer = self
            .devtools
            .call(TakePicture(order), Patience::of(PICTURE))?;
        let written = answer["data"].as_str().unwrap_or_default();
        let png = STANDARD
            .decode(written)
            .map_err(|error| BrowserError::Failed(error.to_string()))?;
        let page = self.info()?;
        Ok(Screenshot { page, png })
    }

    fn area(&mut self, frame: &Frame) -> BrowserResult<Option<Area>> {
        #[derive(Deserialize)]
        struct Found {
            selector: Selector,
            area: Option<Area>,
        }
        match frame {
            Frame::Window => Ok(None),
            Frame::FullPage => {
                let extent = self.run(include_str!("scripts/extent.js"), &[])?;
                let length = |name: &str| extent[name].as_f64().unwrap_or(1.0);
                Ok(Some(Area {
                    x: 0.0,
                    y: 0.0,
                    width: length("width"),
                    height: length("height"),
                }))
            }
            Frame::Element(selector) => {
                let script = include_str!("scripts/area.js");
                let found: Found = understood(self.run(script, &[json!(selector)])?)?;
                match (found.selector, found.area) {
                    (Selector::Bad, _) => Err(BrowserError::BadSelector(selector.clone())),
                    (Selector::Ok, Some(area)) => Ok(Some(area)),
                    (Selector::Ok, None) => Err(BrowserError::NotFound(format!(
                        "nothing that is shown fits {selector:?}; full_page shows the whole page"
                    ))),
                }
            }
        }
    }
}

/// Looks until something is found, or the time is over.
pub(super) fn look_until<T>(
    until: Instant,
    mut look: impl FnMut() -> BrowserResult<Option<T>>,
) -> BrowserResult<Option<T>> {
    loop {
        let found = look()?;
        if found.is_some() || Instant::now() >= until {
            return Ok(found);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// What one of our scripts answered.
pub(super) fn understood<T: serde::de::DeserializeOwned>(answer: Value) -> BrowserResult<T> {
    serde_json::from_value(answer)
        .map_err(|error| BrowserError::Failed(format!("the page answers nonsense: {error}")))
}
