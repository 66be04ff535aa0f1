//! A small client of the Bot API: one call, one answer, no retries, and no token in any text it makes.

use std::fmt::{self, Write as _};
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::multipart::Form;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::http_url::HttpUrl;

/// Long enough for a slow handshake, short enough for a person who waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A hundred updates of the largest kind are far below this.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// For everything but long polls.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes in a second: a line that is slower than this does not carry files.
const SLOWEST_UPLOAD: u64 = 100_000;
/// Shorter than a NAT forgets a connection: a request on a dead one would be ambiguous.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// A token is longer than this; what is shorter would be found in the midst of words.
const SHORTEST_HIDDEN: usize = 6;
/// More of a server's description than this says nothing new.
const DESCRIPTION_CHARS: usize = 300;

/// Calls methods of one bot. Clones share the connections.
#[derive(Clone)]
pub struct ApiClient {
    http: Client,
    api_url: HttpUrl,
    token: SecretString,
}

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// There was no connection: the request was not written.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// The request was written, at least in part, and no readable answer came.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The server answered that it would not.
    #[error("{0}")]
    Refused(Refusal),
}

/// An answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `error_code` of the answer, or the HTTP status where there is none.
    pub code: u16,
    /// `description` of the answer; never holds the token.
    pub description: String,
    /// `parameters.retry_after`, or the HTTP header of that name.
    pub retry_after: Option<Duration>,
    /// `parameters.migrate_to_chat_id`.
    pub migrate_to: Option<i64>,
    /// Who answered.
    pub origin: Origin,
}

/// Who made an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A Bot API server: the body has its form.
    Api,
    /// Something before it, such as a proxy.
    Elsewhere,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.description)
    }
}

impl fmt::Debug for ApiClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiClient")
            .field("api_url", &self.api_url)
            .finish_non_exhaustive()
    }
}

impl ApiClient {
    /// A client with its own connections. Proxies of the environment are not used: the token and
    /// every message would pass through whatever happens to be set there.
    pub fn new(api_url: &HttpUrl, token: &SecretString) -> Result<Self, ApiError> {
        let http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .map_err(|error| ApiError::Unreachable(causes(&error)))?;
        Ok(Self {
            http,
            api_url: api_url.clone(),
            token: token.clone(),
        })
    }

    /// Calls `method` with a JSON body.
    pub async fn call(&self, method: &str, body: &impl Serialize) -> Result<Value, ApiError> {
        self.call_within(method, body, CALL_TIMEOUT).await
    }

    /// Calls `method` with a JSON body; the whole call takes at most `limit`.
    pub async fn call_within(
        &self,
        method: &str,
        body: &impl Serialize,
        limit: Duration,
    ) -> Result<Value, ApiError> {
        self.finish(self.post(method).json(body), limit).await
    }

    /// Calls `method` with a multipart form.
    pub async fn upload(&self, method: &str, form: Form) -> Result<Value, ApiError> {
        self.finish(self.post(method).multipart(form), CALL_TIMEOUT)
            .await
    }

    /// Calls `method` with a multipart form that holds a file of `size_bytes`.
    pub async fn upload_file(
        &self,
        method: &str,
        form: Form,
        size_bytes: u64,
    ) -> Result<Value, ApiError> {
        let limit = CALL_TIMEOUT + Duration::from_secs(size_bytes / SLOWEST_UPLOAD);
        self.finish(self.post(method).multipart(form), limit).await
    }

    /// Whether it is Telegram's own server.
    pub(super) fn is_telegrams_own(&self) -> bool {
        let host = self.api_url.as_url().host_str().unwrap_or_default();
        host == "api.telegram.org"
    }

    /// Begins to fetch a file from where `getFile` said it is. The answer's body is the file.
    pub(super) async fn file(&self, path: &str) -> Result<Response, ApiError> {
        let refused = |code, description: &str, retry_after| {
            ApiError::Refused(Refusal {
                code,
                description: description.to_owned(),
                retry_after,
                migrate_to: None,
                origin: Origin::Api,
            })
        };
        let names: Vec<&str> = path.split('/').collect();
        if names.iter().any(|name| matches!(*name, "" | "." | "..")) {
            let odd = "the server names an odd place for the file";
            return Err(refused(400, odd, None));
        }
        let base = format!(
            "{}/file/bot{}",
            self.api_url.base(),
            self.token.expose_secret()
        );
        // Whatever the names hold, they are names: nothing of them becomes a query or another host.
        let mut url = reqwest::Url::parse(&base)
            .map_err(|_| ApiError::Unreachable("the address of files is no address".to_owned()))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(names);
        }
        let sent = tokio::time::timeout(CALL_TIMEOUT, self.http.get(url).send()).await;
        let response = sent
            .map_err(|_| ApiError::NoAnswer("no answer in time".to_owned()))?
            .map_err(|error| self.failure(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let reason = status.canonical_reason().unwrap_or("unknown status");
        let retry_after = retry_after_header(&response);
        Err(refused(status.as_u16(), reason, retry_after))
    }

    fn post(&self, method: &str) -> RequestBuilder {
        self.http.post(format!(
            "{}/bot{}/{method}",
            self.api_url.base(),
            self.token.expose_secret()
        ))
    }

    async fn finish(&self, request: RequestBuilder, limit: Duration) -> Result<Value, ApiError> {
        let response = request
            .timeout(limit)
            .send()
            .await
            .map_err(|error| self.failure(error))?;
        let status = response.status();
        let retry_after = retry_after_header(&response);
        let body = match self.body(response).await {
            Ok(body) => body,
            // The status alone says that it was refused.
            Err(_) if !status.is_success() => Default::default(),
            Err(error) => return Err(error),
        };
        match serde_json::from_slice::<Answer>(&body) {
            Ok(Answer {
                ok: true, result, ..
            }) if status.is_success() => Ok(result),
            Ok(answer) => Err(ApiError::Refused(self.refusal(status, retry_after, answer))),
            Err(_) if status.is_success() => Err(ApiError::NoAnswer(
                "the answer is not one of the Bot API".to_owned(),
            )),
            Err(_) => Err(ApiError::Refused(Refusal {
                code: status.as_u16(),
                description: status
                    .canonical_reason()
                    .unwrap_or("unknown status")
                    .to_owned(),
                retry_after,
                migrate_to: None,
                origin: Origin::Elsewhere,
            })),
        }
    }

    /// The whole answer, if it is not absurdly long.
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, ApiError> {
        let mut body = Vec::new();
        while let Some(piece) = response
            .chunk()
            .await
            .map_err(|error| self.failure(error))?
        {
            body.extend_from_slice(&piece);
            if body.len() > MAX_ANSWER {
                return Err(ApiError::NoAnswer("the answer is too long".to_owned()));
            }
        }
        Ok(body)
    }

    fn refusal(
        &self,
        status: StatusCode,
        retry_after: Option<Duration>,
        answer: Answer,
    ) -> Refusal {
        let parameters = answer.parameters.unwrap_or_default();
        let description = self.without_token(&answer.description.unwrap_or_default());
        Refusal {
            code: answer.error_code.unwrap_or_else(|| status.as_u16()),
            description: description.chars().take(DESCRIPTION_CHARS).collect(),
            retry_after: parameters
                .retry_after
                .map(Duration::from_secs)
                .or(retry_after),
            migrate_to: parameters.migrate_to_chat_id,
            origin: Origin::Api,
        }
    }

    pub(super) fn failure(&self, error: reqwest::Error) -> ApiError {
        let unwritten = error.is_connect() || error.is_builder();
        let text = self.without_token(&causes(&error.without_url()));
        if unwritten {
            ApiError::Unreachable(text)
        } else {
            ApiError::NoAnswer(text)
        }
    }

    /// Nobody but us should know the token; a server that repeats it must not bring it into a log.
    fn without_token(&self, text: &str) -> String {
        let token = self.token.expose_secret();
        if token.len() < SHORTEST_HIDDEN {
            text.to_owned()
        } else {
            text.replace(token, "<token>")
        }
    }
}

/// An error with all its causes: reqwest's own text names none.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

fn retry_after_header(response: &Response) -> Option<Duration> {
    let seconds = response
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// The form of every answer (Bot API, "Making requests").
#[derive(Debug, Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    result: Value,
    error_code: Option<u16>,
    description: Option<String>,
    parameters: Option<Parameters>,
}

#[derive(Debug, Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}
