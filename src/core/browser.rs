//! The browser: pages as people see them, one session for each chat, and the port to it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use super::action::ClickLeads;
use super::files::WorkspaceId;
use super::label::{Labels, Source};
use super::tool::ErrorCode;

/// An address that a browser may be sent to: http or https, without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageUrl(Url);

impl PageUrl {
    /// Takes an address; the error says what is expected instead.
    ///
    /// # Errors
    /// When it is of another scheme (`file:`, `data:`, `view-source:`, `chrome:` …), has no host, or
    /// holds a user name or a password.
    pub fn new(url: Url) -> Result<Self, BrowserError> {
        let refuse = |why: &str| Err(BrowserError::Refused(why.to_owned()));
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return refuse("only http and https pages can be opened");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("an address may not hold a user name or a password");
        }
        Ok(Self(url))
    }

    /// The address.
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

/// Where to go, and for how long to wait there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The address.
    pub url: PageUrl,
    /// What counts as arrived.
    pub wait_until: Milestone,
    /// A page that has not arrived by then is taken as it is.
    pub within: Duration,
}

/// A point in the loading of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// The document is read.
    DomContentLoaded,
    /// Its pictures, styles and scripts too.
    Load,
    /// Nothing was fetched for half a second.
    NetworkIdle,
}

/// A page that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageInfo {
    /// Its present address.
    pub url: Url,
    /// Its title.
    pub title: String,
}

impl PageInfo {
    /// Where content that is read from it comes from.
    pub fn labels(&self) -> Labels {
        let host = self.url.host_str().unwrap_or(self.url.scheme());
        Labels::of(Source::Web {
            host: host.to_owned(),
        })
    }
}

/// How a visit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The page.
    pub page: PageInfo,
    /// Whether it came to rest.
    pub rest: Rest,
}

/// Whether a page came to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// It did.
    Settled,
    /// The time was over: it is as far as it came.
    CutOff,
}

/// What to read of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What is visible of it, as simple HTML without scripts, styles and navigation; addresses are absolute.
    Article,
    /// The visible text.
    Text,
    /// The links, as simple HTML.
    Links,
    /// The document as it stands.
    RawHtml,
}

/// What was read of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageContent {
    /// The page.
    pub page: PageInfo,
    /// The content, as far as the browser reads.
    pub content: String,
}

/// An element of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Its text.
    pub text: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
}

/// The elements that a selector finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elements {
    /// The page.
    pub page: PageInfo,
    /// The first of them.
    pub elements: Vec<Element>,
    /// How many there are.
    pub total: u64,
}

/// What an element is waited for to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementState {
    /// Seen.
    Visible,
    /// In the document.
    Attached,
    /// Not seen, or not there.
    Hidden,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// It is so.
    Reached,
    /// The time was over.
    TimedOut,
}

/// What a picture shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The window.
    Window,
    /// The whole page.
    FullPage,
    /// The first element that a selector finds.
    Element(String),
}

/// A picture of a page.
#[derive(Clone, PartialEq, Eq)]
pub struct Screenshot {
    /// The page.
    pub page: PageInfo,
    /// The picture.
    pub png: Vec<u8>,
}

impl fmt::Debug for Screenshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screenshot")
            .field("page", &self.page)
            .field("bytes", &self.png.len())
            .finish()
    }
}

/// What is seen of an element before something is done to it: what a person allows.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The address of the page.
    pub page: Url,
    /// What a click on it leads to.
    pub leads: ClickLeads,
}

impl Preview {
    /// Whether a page is still the one that was looked at: the part behind `#` is not another page.
    pub fn is_of(&self, page: &Url) -> bool {
        let without_fragment = |url: &Url| {
            let mut url = url.clone();
            url.set_fragment(None);
            url
        };
        without_fragment(&self.page) == without_fragment(page)
    }

    /// Whether a click that leads there now is covered by what was seen. Where nobody could tell, it may be
    /// anything.
    pub fn covers(&self, leads: &ClickLeads) -> bool {
        self.leads == ClickLeads::Unknown || self.leads == *leads
    }
}

/// What is seen of the place where a click would land.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClickTarget {
    /// The address of the link in which it lies, in full.
    pub link: Option<String>,
    /// What else is there.
    pub beside: Beside,
}

/// What a click meets beside a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Nothing that shows.
    Nothing,
    /// A button, a field, a frame, a script, another link, or something that lies above it.
    Something,
}

impl ClickTarget {
    /// What a click there leads to.
    pub fn leads(&self) -> ClickLeads {
        let url = self.link.as_deref().and_then(|link| Url::parse(link).ok());
        match (url, self.beside) {
            (Some(url), Beside::Nothing) if matches!(url.scheme(), "http" | "https") => {
                ClickLeads::To(url)
            }
            _ => ClickLeads::Unknown,
        }
    }
}

/// Why the browser could not do something; the words are for the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrowserError {
    /// The address is not allowed.
    #[error("{0}")]
    Refused(String),
    /// No page is open in this chat.
    #[error("no page is open; call browser_navigate first")]
    NoPage,
    /// The selector cannot be read.
    #[error("{0:?} is not a CSS selector")]
    BadSelector(String),
    /// Nothing on the page fits.
    #[error("not found: {0}")]
    NotFound(String),
    /// The page, or what the click leads to, is not what was looked at before.
    #[error("the page has changed since it was looked at; look again before you click or type")]
    Changed,
    /// It took too long.
    #[error("{0}")]
    TimedOut(String),
    /// No browser can be started, or no further one.
    #[error("{0}")]
    Unavailable(String),
    /// The browser broke down. The next visit starts a new one.
    #[error("the browser broke down; open the page again with browser_navigate")]
    Crashed,
    /// The page or the network failed.
    #[error("{0}")]
    Failed(String),
}

impl BrowserError {
    /// The code by which a model reads it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(_) => ErrorCode::EgressRefused,
            Self::NoPage | Self::Unavailable(_) => ErrorCode::Unavailable,
            Self::BadSelector(_) => ErrorCode::BadArguments,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::TimedOut(_) => ErrorCode::Timeout,
            Self::Changed | Self::Crashed | Self::Failed(_) => ErrorCode::Failed,
        }
    }
}

/// What methods of the browser return.
pub type BrowserResult<T> = Result<T, BrowserError>;

/// The browsers of all chats.
///
/// An implementer gives each chat a session of its own, sends everything that a page fetches through the
/// one guard of all fetches, dismisses dialogs, follows windows that a click opens, and
/// leaves nothing behind when a session ends. Every method ends within its time, whatever the page does.
#[async_trait]
pub trait Browser: Send + Sync + fmt::Debug {
    /// Opens an address; starts a session where there is none. Beyond the most sessions the one that
    /// was idle for longest is closed.
    async fn navigate(&self, chat: &WorkspaceId, visit: Visit) -> BrowserResult<Arrival>;

    /// The page that is open.
    async fn info(&self, chat: &WorkspaceId) -> BrowserResult<PageInfo>;

    /// Reads the page.
    async fn read(&self, chat: &WorkspaceId, view: View) -> BrowserResult<PageContent>;

    /// The first `most` elements that a selector finds.
    async fn query(
        &self,
        chat: &WorkspaceId,
        selector: &str,
        most: usize,
    ) -> BrowserResult<Elements>;

    /// Waits for an element.
    async fn wait_for(
        &self,
        chat: &WorkspaceId,
        selector: &str,
        state: ElementState,
        within: Duration,
    ) -> BrowserResult<Waited>;

    /// What is seen of the first element that a selector finds. The page does not notice.
    async fn preview(&self, chat: &WorkspaceId, selector: &str) -> BrowserResult<Preview>;

    /// Waits for an element and clicks on it. [`BrowserError::Changed`] when the page, or what the click leads
    /// to, is not what was seen before.
    async fn click(
        &self,
        chat: &WorkspaceId,
        click: Click,
        within: Duration,
    ) -> BrowserResult<PageInfo>;

    /// Waits for a field and fills it. [`BrowserError::Changed`] when the page is not the one that was seen
    /// before.
    async fn fill(
        &self,
        chat: &WorkspaceId,
        field: Filling,
        within: Duration,
    ) -> BrowserResult<PageInfo>;

    /// Takes a picture.
    async fn screenshot(&self, chat: &WorkspaceId, frame: Frame) -> BrowserResult<Screenshot>;

    /// Ends the session of a chat, if there is one, and waits until it is gone.
    async fn close(&self, chat: &WorkspaceId) -> BrowserResult<()>;
}

/// A click.
#[derive(Debug, Clone, PartialEq)]
pub struct Click {
    /// Finds the element.
    pub selector: String,
    /// What was seen of it.
    pub seen: Preview,
}

/// A field and what is typed into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Filling {
    /// Finds the field.
    pub selector: String,
    /// What it holds afterwards.
    pub text: String,
    /// What was seen of it.
    pub seen: Preview,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_web_pages_are_opened() {
        for text in ["http://example.org", "https://example.org:8443/a?b#c"] {
            assert!(PageUrl::new(Url::parse(text).unwrap()).is_ok(), "{text}");
        }
        for text in [
            "file:///etc/passwd",
            "view-source:http://example.org",
            "chrome://settings",
            "chrome-extension://abc/x.html",
            "devtools://devtools/bundled/inspector.html",
            "about:blank",
            "data:text/html,x",
            "blob:https://example.org/1",
            "filesystem:https://example.org/temporary/x",
            "javascript:alert(1)",
            "ftp://example.org",
            "ws://example.org",
            "intent://x",
            "mailto:a@example.org",
            "http://me@example.org",
            "http://me:secret@example.org",
        ] {
            let refused = PageUrl::new(Url::parse(text).unwrap());
            assert_eq!(
                refused.unwrap_err().code(),
                ErrorCode::EgressRefused,
                "{text}"
            );
        }
    }

    #[test]
    fn a_click_is_judged_by_where_it_leads() {
        let target = |link: Option<&str>, beside| ClickTarget {
            link: link.map(ToOwned::to_owned),
            beside,
        };
        for text in ["https://example.org/a?b=1#top", "http://other.example/"] {
            let leads = ClickLeads::To(Url::parse(text).unwrap());
            assert_eq!(target(Some(text), Beside::Nothing).leads(), leads);
            let among_others = target(Some(text), Beside::Something);
            assert_eq!(among_others.leads(), ClickLeads::Unknown);
        }
        for text in [
            "javascript:void(0)",
            "mailto:a@example.org",
            "not a URL",
            "",
        ] {
            let leads = target(Some(text), Beside::Nothing).leads();
            assert_eq!(leads, ClickLeads::Unknown, "{text}");
        }
        assert_eq!(target(None, Beside::Nothing).leads(), ClickLeads::Unknown);
    }

    #[test]
    fn what_was_seen_covers_the_same_page_and_the_same_link() {
        let url = |text: &str| Url::parse(text).unwrap();
        let seen = |leads| Preview {
            page: url("https://example.org/a?b#c"),
            leads,
        };
        let link = ClickLeads::To(url("https://example.org/next"));
        for (page, is_it) in [
            ("https://example.org/a?b", true),
            ("https://example.org/a?b#d", true),
            ("https://example.org/a", false),
            ("https://other.example/a?b", false),
        ] {
            assert_eq!(seen(link.clone()).is_of(&url(page)), is_it, "{page}");
        }
        assert!(seen(link.clone()).covers(&link));
        assert!(!seen(link.clone()).covers(&ClickLeads::Unknown));
        assert!(!seen(link.clone()).covers(&ClickLeads::To(url("https://example.org/"))));
        assert!(seen(ClickLeads::Unknown).covers(&link));
    }

    #[test]
    fn what_is_read_of_a_page_has_its_host_as_its_source() {
        let page = PageInfo {
            url: Url::parse("https://example.org/a").unwrap(),
            title: String::new(),
        };
        let host = "example.org".to_owned();
        assert_eq!(page.labels(), Labels::of(Source::Web { host }));
    }
}
