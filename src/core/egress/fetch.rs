//! The port through which requests made for the model go out.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use url::Url;

use super::refusal::Refusal;

/// What a request does to what it names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FetchMethod {
    #[default]
    Get,
    Head,
    Options,
    Post,
    Put,
    Patch,
    Delete,
}

impl FetchMethod {
    /// As it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A request. Its `Debug` leaves out what it carries.
#[derive(Clone)]
pub struct FetchRequest {
    /// What it does.
    pub method: FetchMethod,
    /// The URL, as written.
    pub url: String,
    /// Headers, each of which [`super::check_header`] allows.
    pub headers: Vec<(String, String)>,
    /// What it sends along.
    pub body: Option<Vec<u8>>,
    /// How much of everything.
    pub limits: FetchLimits,
}

impl fmt::Debug for FetchRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FetchRequest")
            .field("method", &self.method)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The limits of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// For all of it, from the first look-up to the last byte, redirects included.
    pub time: Duration,
    /// Bytes of the answer, after decompression; what is beyond them is cut off.
    pub bytes: u64,
    /// Redirects that are followed.
    pub redirects: u32,
}

/// An answer. Its `Debug` leaves out what it carries.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// Where the answer comes from, after all redirects.
    pub url: Url,
    /// The headers, names in lower case; bytes that are no text are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// Whether that is all of it.
    pub ending: BodyEnding,
}

impl Fetched {
    /// The value of a header, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Fetched")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnding {
    /// With its end.
    Whole,
    /// At the limit of bytes.
    Limit,
    /// In the middle: the server broke off.
    BrokenOff,
}

/// Why there is no answer; the words are for the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// It may not go there.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The name has no address.
    #[error("the host name is not known")]
    UnknownHost,
    /// The time is over.
    #[error("no whole answer came within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// Redirects without end.
    #[error("the server redirects more than {0} times")]
    TooManyRedirects(u32),
    /// Compressed so much that it can only mean harm.
    #[error("the answer is compressed beyond all measure")]
    Bomb,
    /// The network or the server failed.
    #[error("{0}")]
    Failed(&'static str),
}

/// Sends requests made for the model.
///
/// An implementer connects only along a [`super::Route`] of its policy, checks each redirect like
/// a new request, and uses no proxy, cookie or credential of its own.
#[async_trait]
pub trait Fetcher: Send + Sync + fmt::Debug {
    /// Whether a request may go there: the URL as written, and every address of its host. Sends
    /// nothing.
    async fn admit(&self, url: &str) -> Result<Url, FetchError>;

    /// Sends a request and reads the answer.
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, FetchError>;
}

/// Where a program on this machine finds the proxy that lets it out.
#[derive(Debug, Clone)]
pub struct ProxyEndpoint {
    /// Where the proxy listens.
    pub address: SocketAddr,
    /// The user that it knows.
    pub username: String,
    /// The password of that user, made for this process.
    pub password: SecretString,
}
