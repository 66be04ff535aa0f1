//! One HTTP call: sends a request and reads the answer as it comes, within its limits.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Response, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout};

use super::ServerSettings;
use super::answer::Answer;
use super::body::Body;
use super::errors::Failure;
use super::reading::{Progress, Reading};
use crate::core::model::ReplySink;

/// Long enough for a slow handshake, short enough for a person who waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than a NAT forgets a connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// What is read of an error's body.
const LARGEST_ERROR: usize = 64 * 1024;
/// For what may come behind the end of an answer, such as the counts. Servers that keep the
/// connection open must not keep the person waiting.
const REST: Duration = Duration::from_secs(1);
/// For the end of the body after the last event; a connection that is read to its end is kept.
const LINGER: Duration = Duration::from_millis(50);

/// Why a model cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Such as one with a line break in its middle.
    #[error("the API key holds characters that no HTTP header can carry")]
    Key,
    /// The HTTP client does not start.
    #[error("the HTTP client does not start: {0}")]
    Client(String),
}

/// Whether the server may have worked on a call, and charge for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::llm::providers) enum Taken {
    /// It was refused, or never went out.
    No,
    /// It went out, and an answer had begun or might have been on its way.
    Perhaps,
}

/// Calls one server with one key.
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    authorization: Option<HeaderValue>,
    /// The whole of a call.
    total: Duration,
    /// Between two pieces of the answer, once it has begun.
    silence: Duration,
}

impl Client {
    /// # Errors
    /// When the key fits into no header, or the HTTP client does not start.
    pub(super) fn new(settings: &ServerSettings, path: &str) -> Result<Self, SetupError> {
        let base_url = &settings.base_url;
        let authorization = authorization(settings.api_key.as_ref())?;
        // A redirect would carry the conversation to a server that nobody named.
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent(concat!("minibot/", env!("CARGO_PKG_VERSION")));
        if base_url.is_loopback() {
            // The proxy of the person's network knows nothing of this machine's servers.
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| SetupError::Client(Failure::of_client(error).detail))?;
        let mut url = base_url.as_url().clone();
        let whole = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&whole);
        Ok(Self {
            http,
            url,
            authorization,
            total: settings.request_timeout,
            silence: settings.stall_timeout,
        })
    }

    /// Sends `body` and reads the answer, whose text goes to `sink` as it comes.
    pub(super) async fn ask(
        &self,
        body: Body,
        answer: &mut impl Answer,
        sink: &dyn ReplySink,
    ) -> (Taken, Result<(), Failure>) {
        let total = self.total;
        let call = async {
            match self.send(body).await {
                Ok(response) => (Taken::Perhaps, self.read(response, answer, sink).await),
                Err((taken, failure)) => (taken, Err(failure)),
            }
        };
        timeout(total, call).await.unwrap_or_else(|_| {
            let detail = format!("no whole answer within {} s", total.as_secs_f64());
            (Taken::Perhaps, Err(Failure::timed_out(detail)))
        })
    }

    /// The answer, once it has begun.
    async fn send(&self, body: Body) -> Result<Response, (Taken, Failure)> {
        let load = body.load();
        let mut request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream, application/json")
            // Known beforehand: some servers take no body in chunks.
            .header(CONTENT_LENGTH, body.length())
            .body(body.into_stream());
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let sent = request.send().await;
        let mut response = sent.map_err(|error| (taken(&error), Failure::of_client(error)))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = self.error_body(&mut response).await;
        let failure = Failure::of_status(status.as_u16(), response.headers(), &body);
        Err((Taken::No, failure.of_load(load)))
    }

    async fn read(
        &self,
        mut response: Response,
        answer: &mut impl Answer,
        sink: &dyn ReplySink,
    ) -> Result<(), Failure> {
        let mut reading = Reading::of(answer);
        // Since when it is finished, and how much of it had come. What goes on after that was not
        // finished: some servers say so in each event.
        let mut finished: Option<(Instant, usize)> = None;
        let over = loop {
            if reading.is_finished() {
                let size = reading.size();
                let known = finished.filter(|(_, known)| *known == size);
                finished = known.or_else(|| Some((Instant::now(), size)));
            }
            let rest = finished.map(|(since, _)| REST.saturating_sub(since.elapsed()));
            if rest.is_some_and(|rest| rest.is_zero()) {
                break Ok(());
            }
            // Before that the server reads the request, or thinks.
            let silence = if reading.is_flowing() {
                self.silence
            } else {
                self.total
            };
            let longest = rest.unwrap_or(silence).min(silence);
            match next_bytes(&mut response, longest).await {
                Ok(Some(bytes)) => match reading.take(&bytes, sink) {
                    Ok(Progress::More) => {}
                    Ok(Progress::Done) => {
                        let _ = timeout(LINGER, response.chunk()).await;
                        break Ok(());
                    }
                    Err(failure) => break Err(failure),
                },
                Ok(None) => break reading.end(sink),
                Err(failure) => break Err(failure),
            }
        };
        // What matters has come: the rest may break.
        if !reading.is_finished() {
            over?;
        }
        answer.close(sink);
        Ok(())
    }

    /// As much as comes: the status alone says enough to go on.
    async fn error_body(&self, response: &mut Response) -> Vec<u8> {
        let mut body = Vec::new();
        while let Ok(Some(bytes)) = next_bytes(response, self.silence).await {
            body.extend_from_slice(&bytes);
            if body.len() > LARGEST_ERROR {
                break;
            }
        }
        body
    }
}

async fn next_bytes(
    response: &mut Response,
    longest: Duration,
) -> Result<Option<Vec<u8>>, Failure> {
    match timeout(longest, response.chunk()).await {
        Ok(Ok(bytes)) => Ok(bytes.map(Into::into)),
        Ok(Err(error)) => Err(Failure::broken_off(Failure::of_client(error).detail)),
        Err(_) => Err(Failure::timed_out(format!(
            "the answer stopped for {} s",
            longest.as_secs_f64()
        ))),
    }
}

/// Whether the server may have got the request that `error` came of. It has not where there was no
/// connection, where that closed before anything went out, and where a file broke off on the way.
pub(in crate::llm::providers) fn taken(error: &reqwest::Error) -> Taken {
    if error.is_connect() || error.is_builder() {
        return Taken::No;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_of_hyper = cause.downcast_ref::<hyper::Error>();
        if cause_of_hyper.is_some_and(|cause| cause.is_canceled() || cause.is_user()) {
            return Taken::No;
        }
        source = cause.source();
    }
    Taken::Perhaps
}

/// The header that carries a key; marked, so that nothing prints it.
pub(in crate::llm::providers) fn authorization(
    key: Option<&SecretString>,
) -> Result<Option<HeaderValue>, SetupError> {
    let Some(key) = key
        .map(|key| key.expose_secret().trim())
        .filter(|key| !key.is_empty())
    else {
        return Ok(None);
    };
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| SetupError::Key)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
