//! One HTTP call: sends a request and reads the answer as it comes, within its limits.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::timeout;

use super::OpenAiSetupError;
use super::assemble::Answer;
use super::errors::{Failure, ServerError};
use super::response::Part;
use super::stream::{Event, EventReader, TooLong};
use crate::core::http_url::HttpUrl;
use crate::core::model::ReplySink;

/// Long enough for a slow handshake, short enough for a person who waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than a NAT forgets a connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// What is read of an error's body.
const LARGEST_ERROR: usize = 64 * 1024;
/// The bytes of an answer in one piece.
const LARGEST_BODY: usize = 8 * 1024 * 1024;
/// The bytes of a stream: each letter of an answer may come in a frame of its own.
const LARGEST_STREAM: usize = 64 * 1024 * 1024;
/// For the end of the body after the last event; a connection that is read to its end is kept.
const LINGER: Duration = Duration::from_millis(50);

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The whole of it.
    pub(super) total: Duration,
    /// Between two pieces of the answer.
    pub(super) silence: Duration,
}

/// Calls one server with one key.
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    authorization: Option<HeaderValue>,
    limits: Limits,
}

impl Client {
    /// # Errors
    /// When the key fits into no header, or the HTTP client does not start.
    pub(super) fn new(
        base_url: &HttpUrl,
        key: Option<&SecretString>,
        limits: Limits,
    ) -> Result<Self, OpenAiSetupError> {
        let authorization = authorization(key)?;
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
            .map_err(|error| OpenAiSetupError::Client(Failure::of_client(error).detail))?;
        let mut url = base_url.as_url().clone();
        let path = format!("{}/chat/completions", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(Self {
            http,
            url,
            authorization,
            limits,
        })
    }

    /// Sends `body` and reads the answer, whose text goes to `sink` as it comes.
    pub(super) async fn ask(&self, body: Vec<u8>, sink: &dyn ReplySink) -> Result<Answer, Failure> {
        let total = self.limits.total;
        timeout(total, self.call(body, sink))
            .await
            .unwrap_or_else(|_| {
                Err(Failure::transport(format!(
                    "no whole answer within {} s",
                    total.as_secs_f64()
                )))
            })
    }

    async fn call(&self, body: Vec<u8>, sink: &dyn ReplySink) -> Result<Answer, Failure> {
        let mut request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream, application/json")
            .body(body);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let mut response = request.send().await.map_err(Failure::of_client)?;
        let status = response.status();
        if !status.is_success() {
            let body = self.error_body(&mut response).await;
            return Err(Failure::of_status(
                status.as_u16(),
                response.headers(),
                &body,
            ));
        }
        let mut reading = Reading::default();
        let over = loop {
            match self.next_bytes(&mut response).await {
                Ok(Some(bytes)) => match reading.take(&bytes, sink)? {
                    Progress::More => {}
                    Progress::Done => {
                        let _ = timeout(LINGER, response.chunk()).await;
                        break Ok(());
                    }
                },
                Ok(None) => break reading.end(sink),
                // What matters has come: the rest may break.
                Err(_) if reading.answer.is_finished() => break Ok(()),
                Err(failure) => break Err(failure),
            }
        };
        over?;
        reading.answer.close(sink);
        Ok(reading.answer)
    }

    async fn next_bytes(&self, response: &mut Response) -> Result<Option<Vec<u8>>, Failure> {
        let silence = self.limits.silence;
        match timeout(silence, response.chunk()).await {
            Ok(Ok(bytes)) => Ok(bytes.map(Into::into)),
            Ok(Err(error)) => Err(Failure::of_client(error)),
            Err(_) => Err(Failure::transport(format!(
                "the answer stopped for {} s",
                silence.as_secs_f64()
            ))),
        }
    }

    /// As much as comes: the status alone says enough to go on.
    async fn error_body(&self, response: &mut Response) -> Vec<u8> {
        let mut body = Vec::new();
        while let Ok(Some(bytes)) = self.next_bytes(response).await {
            body.extend_from_slice(&bytes);
            if body.len() > LARGEST_ERROR {
                break;
            }
        }
        body
    }
}

fn authorization(key: Option<&SecretString>) -> Result<Option<HeaderValue>, OpenAiSetupError> {
    let Some(key) = key
        .map(|key| key.expose_secret().trim())
        .filter(|key| !key.is_empty())
    else {
        return Ok(None);
    };
    let mut value =
        HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| OpenAiSetupError::Key)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// An answer while it is read.
#[derive(Debug, Default)]
struct Reading {
    answer: Answer,
    form: Form,
    size: usize,
}

/// Servers that cannot stream answer in one piece, and not all of them name the right content type.
/// A JSON object begins with a brace, and no stream of events does.
#[derive(Debug, Default)]
enum Form {
    #[default]
    Unknown,
    Plain(Vec<u8>),
    Events(EventReader),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    More,
    Done,
}

impl Reading {
    fn take(&mut self, bytes: &[u8], sink: &dyn ReplySink) -> Result<Progress, Failure> {
        if matches!(self.form, Form::Unknown) {
            self.form = match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
                None => return Ok(Progress::More),
                Some(b'{' | b'[') => Form::Plain(Vec::new()),
                Some(_) => Form::Events(EventReader::default()),
            };
        }
        self.size += bytes.len();
        let mut events = Vec::new();
        let (read, largest) = match &mut self.form {
            Form::Unknown => (Ok(()), LARGEST_BODY),
            Form::Plain(body) => {
                body.extend_from_slice(bytes);
                (Ok(()), LARGEST_BODY)
            }
            Form::Events(reader) => (reader.feed(bytes, &mut events), LARGEST_STREAM),
        };
        if self.size > largest {
            return Err(Failure::malformed(format!(
                "the answer is larger than {largest} bytes"
            )));
        }
        self.take_events(read, events, sink)
    }

    /// The body is over.
    fn end(&mut self, sink: &dyn ReplySink) -> Result<(), Failure> {
        match &mut self.form {
            Form::Unknown => Err(Failure::malformed("the answer is empty")),
            Form::Plain(body) => {
                let value = serde_json::from_slice(body)
                    .or_else(|_| serde_json::from_str(&String::from_utf8_lossy(body)))
                    .map_err(|_| Failure::malformed("the answer is no JSON"))?;
                self.answer.take(Part::read(&value)?, sink)
            }
            Form::Events(reader) => {
                let mut events = Vec::new();
                let read = reader.finish(&mut events);
                if self.take_events(read, events, sink)? == Progress::Done
                    || self.answer.is_finished()
                {
                    return Ok(());
                }
                Err(if self.answer.has_begun() {
                    Failure::transport("the stream ended before the answer did")
                } else {
                    Failure::malformed("the answer is neither JSON nor a stream of events")
                })
            }
        }
    }

    /// What was read before a line got too long still counts: it may hold the server's error.
    fn take_events(
        &mut self,
        read: Result<(), TooLong>,
        events: Vec<Event>,
        sink: &dyn ReplySink,
    ) -> Result<Progress, Failure> {
        for event in events {
            if self.take_event(&event, sink)? == Progress::Done {
                return Ok(Progress::Done);
            }
        }
        read.map_err(|TooLong| Failure::malformed("a line of the stream is longer than 1 MiB"))?;
        Ok(Progress::More)
    }

    fn take_event(&mut self, event: &Event, sink: &dyn ReplySink) -> Result<Progress, Failure> {
        for value in values(&event.data)? {
            let Some(value) = value else {
                return Ok(Progress::Done);
            };
            if event.name == "error"
                && let Some(error) = ServerError::of_body(&value)
            {
                return Err(Failure::of_answer(&error));
            }
            self.answer.take(Part::read(&value)?, sink)?;
        }
        Ok(Progress::More)
    }
}

/// The JSON values of an event, `None` for the end of the stream. Servers that leave out the blank
/// line between events make one event of several, each on a line.
fn values(data: &str) -> Result<Vec<Option<Value>>, Failure> {
    let one = |text: &str| match text.trim() {
        "[DONE]" => Ok(None),
        text => serde_json::from_str(text).map(Some),
    };
    if data.trim().is_empty() {
        return Ok(Vec::new());
    }
    if let Ok(value) = one(data) {
        return Ok(vec![value]);
    }
    data.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| one(line).map_err(|_| Failure::malformed("an event of the stream is no JSON")))
        .collect()
}
