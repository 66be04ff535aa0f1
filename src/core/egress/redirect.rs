//! Redirects: what the next request is, after an answer that points elsewhere.

use url::Url;

use super::fetch::FetchMethod;
use super::refusal::Refusal;
use super::written::resolve_location;

/// Headers that mean the same to every server; all others stay with the one they were meant for.
const KEPT_ACROSS_ORIGINS: [&str; 4] = ["accept", "accept-language", "content-type", "user-agent"];

/// One request of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// What it does.
    pub method: FetchMethod,
    /// Where it goes.
    pub url: Url,
    /// Its headers, by name and value.
    pub headers: Vec<(String, String)>,
    /// What it sends along.
    pub body: Option<Vec<u8>>,
}

/// What follows an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it is the answer.
    Done(Hop),
    /// Another request.
    Follow(Hop),
}

impl Hop {
    /// What follows when the server answers this hop with a status and a `Location`.
    ///
    /// # Errors
    /// When the redirect leads to what cannot be read, or from https to http.
    pub fn after(self, status: u16, location: Option<&str>) -> Result<Next, Refusal> {
        let Some(location) = location.filter(|_| matches!(status, 301 | 302 | 303 | 307 | 308))
        else {
            return Ok(Next::Done(self));
        };
        let url = resolve_location(&self.url, location)?;
        if self.url.scheme() == "https" && url.scheme() != "https" {
            return Err(Refusal::Downgrade);
        }
        let becomes_get = match status {
            301 | 302 => self.method == FetchMethod::Post,
            303 => !matches!(self.method, FetchMethod::Get | FetchMethod::Head),
            _ => false,
        };
        let same_origin = url.origin() == self.url.origin();
        let mut next = Self { url, ..self };
        if becomes_get {
            next.method = FetchMethod::Get;
            next.body = None;
            next.keep_headers(|name| !name.starts_with("content-"));
        }
        if !same_origin {
            next.keep_headers(|name| KEPT_ACROSS_ORIGINS.contains(&name));
        }
        Ok(Next::Follow(next))
    }

    fn keep_headers(&mut self, keep: impl Fn(&str) -> bool) {
        self.headers
            .retain(|(name, _)| keep(&name.to_ascii_lowercase()));
    }
}
