//! What went wrong, as the decisions of `ModelErrorKind`: from statuses, error bodies and the
//! several ways in which servers say the same.

use std::error::Error;
use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::body::Load;
use crate::core::model::ModelErrorKind;

/// A failed call. `detail` may still hold what the server repeats of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: ModelErrorKind,
    pub detail: String,
}

impl Failure {
    /// Nothing came in time, or no more.
    pub fn timed_out(detail: impl Into<String>) -> Self {
        Self {
            kind: ModelErrorKind::TimedOut,
            detail: detail.into(),
        }
    }

    /// The answer broke off.
    pub fn broken_off(detail: impl Into<String>) -> Self {
        Self {
            kind: ModelErrorKind::BrokenOff,
            detail: detail.into(),
        }
    }

    /// The answer does not read as one.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self {
            kind: ModelErrorKind::Malformed,
            detail: detail.into(),
        }
    }

    /// What the HTTP client says, without the address: its query may hold a key.
    pub fn of_client(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut innermost: &dyn Error = &error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        let (outer, inner) = (error.to_string(), innermost.to_string());
        let detail = if outer == inner {
            outer
        } else {
            format!("{outer}: {inner}")
        };
        Self {
            kind: ModelErrorKind::Transport,
            detail,
        }
    }

    /// An answer with a status other than 2xx.
    pub fn of_status(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let error = serde_json::from_slice::<Value>(body)
            .ok()
            .and_then(|body| ServerError::of_body(&body))
            .unwrap_or_else(|| ServerError::plain(body));
        Self {
            kind: error.kind(status, retry_after(headers)),
            detail: format!("HTTP {status}: {}", error.message),
        }
    }

    /// The same of a request with such a load: one that is too large for the server without any
    /// files is too long.
    pub fn of_load(self, load: Load) -> Self {
        let kind = match (self.kind, load) {
            (ModelErrorKind::FilesTooLarge, Load::Words) => ModelErrorKind::ContextTooLong,
            (kind, _) => kind,
        };
        Self { kind, ..self }
    }

    /// An error object within an answer with status 200, plain or streamed.
    pub fn of_answer(error: &ServerError) -> Self {
        let kind = match error.status() {
            Some(status) => error.kind(status, None),
            None => match error.kind(200, None) {
                ModelErrorKind::BadRequest { .. } => ModelErrorKind::Malformed,
                clear => clear,
            },
        };
        Self {
            kind,
            detail: format!("an error instead of an answer: {}", error.message),
        }
    }
}

/// The error object of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerError {
    message: String,
    /// `code`, `type` and `status` (Google's), in small letters.
    codes: Vec<String>,
    /// What a gateway tells of the server behind it (OpenRouter's `metadata.raw`), in small letters.
    behind: String,
    /// How long the server asks to be left alone, where that stands in the body (Google's RetryInfo).
    retry_delay: Option<Duration>,
}

impl ServerError {
    /// The error in a body that is known to be one.
    pub fn of_body(body: &Value) -> Option<Self> {
        // Google's compatible server sends a list of one.
        let body = body.get(0).unwrap_or(body);
        Self::within(body).or_else(|| body.is_object().then(|| Self::of_object(body)))
    }

    /// The error in what should be an answer, if it is one.
    pub fn within(answer: &Value) -> Option<Self> {
        match answer.get("error") {
            Some(Value::String(message)) if !message.is_empty() => Some(Self {
                message: message.clone(),
                ..Self::default()
            }),
            Some(error @ Value::Object(_)) => Some(Self::of_object(error)),
            Some(Value::Bool(true)) => Some(Self::of_object(answer)),
            _ => {
                let is_error = |field| answer.get(field).is_some_and(|kind| kind == "error");
                (is_error("object") || is_error("type")).then(|| Self::of_object(answer))
            }
        }
    }

    fn of_object(error: &Value) -> Self {
        let message = ["message", "msg", "detail", "error"]
            .iter()
            .filter_map(|field| error.get(field))
            .find(|value| !value.is_null())
            .map(word)
            .unwrap_or_default();
        let codes = ["code", "type", "status"]
            .iter()
            .filter_map(|field| error.get(field))
            .map(|value| word(value).to_lowercase())
            .collect();
        let metadata = error.get("metadata");
        let behind = metadata.map(|metadata| metadata.to_string().to_lowercase());
        let message = match metadata.and_then(|metadata| metadata.get("raw")) {
            Some(raw) if !raw.is_null() => format!("{message} ({})", word(raw)),
            _ => message,
        };
        Self {
            message,
            codes,
            behind: behind.unwrap_or_default(),
            retry_delay: retry_delay(error),
        }
    }

    /// A body that is no JSON: its first line, unless it is a page for people.
    fn plain(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let line = text.trim().lines().next().unwrap_or_default();
        let message = if line.starts_with('<') {
            "a web page"
        } else {
            line
        };
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// The HTTP status that the object itself names, as a number or in a word.
    fn status(&self) -> Option<u16> {
        let numbers = self
            .codes
            .iter()
            .filter_map(|code| code.parse::<u16>().ok());
        let named = |codes: &[&str]| self.has_code(codes);
        numbers
            .into_iter()
            .find(|code| (400..600).contains(code))
            .or_else(|| {
                Some(match () {
                    () if named(&[
                        "rate_limit_exceeded",
                        "rate_limit_error",
                        "resource_exhausted",
                    ]) =>
                    {
                        429
                    }
                    () if named(&["overloaded_error", "unavailable"]) => 503,
                    () if named(&["server_error", "api_error", "internal_server_error"]) => 500,
                    () if named(&["authentication_error", "invalid_api_key"]) => 401,
                    () if named(&["invalid_request_error", "badrequesterror"]) => 400,
                    () => return None,
                })
            })
    }

    /// What to do about it.
    fn kind(&self, status: u16, retry_after: Option<Duration>) -> ModelErrorKind {
        let retry_after = retry_after.or(self.retry_delay);
        let said = format!("{} {}", self.message.to_lowercase(), self.behind);
        // A server's limit on bytes, mostly that of the proxy before it (nginx: 1 MB), unless it
        // speaks of tokens (Groq).
        if status == 413 && !self.is_about_tokens(&said) {
            return ModelErrorKind::FilesTooLarge;
        }
        if self.is_about_length(status, &said) {
            return ModelErrorKind::ContextTooLong;
        }
        // Waiting does not help where money is missing, so these are final although many servers
        // send 429 for them.
        if self.has_code(&OUT_OF_MONEY) || self.is_about_money(&said) {
            return ModelErrorKind::QuotaExhausted;
        }
        if self.has_code(&FILTERED) || FILTERED_PHRASES.iter().any(|phrase| said.contains(phrase)) {
            return ModelErrorKind::Refused;
        }
        if self.has_code(&["invalid_api_key"]) {
            return ModelErrorKind::Unauthorized;
        }
        match status {
            402 => ModelErrorKind::QuotaExhausted,
            401 | 403 => ModelErrorKind::Unauthorized,
            429 => ModelErrorKind::RateLimited { retry_after },
            408 | 425 | 500.. => ModelErrorKind::Overloaded {
                status,
                retry_after,
            },
            _ => ModelErrorKind::BadRequest { status },
        }
    }

    fn is_about_length(&self, status: u16, said: &str) -> bool {
        match status {
            401 | 403 => false,
            413 => true,
            // "Tokens per minute" are a matter of waiting, except for a request that is larger than
            // a minute's worth.
            429 => said.contains("request too large"),
            _ => {
                self.has_code(&TOO_LONG)
                    || TOO_LONG_PHRASES.iter().any(|phrase| said.contains(phrase))
            }
        }
    }

    /// Google says the same of a minute's quota, with the time to wait.
    fn is_about_money(&self, said: &str) -> bool {
        let is_named = OUT_OF_MONEY_PHRASES
            .iter()
            .any(|phrase| said.contains(phrase));
        is_named && self.retry_delay.is_none() && !said.contains("please retry in")
    }

    fn is_about_tokens(&self, said: &str) -> bool {
        let speaks_of_it = |text: &str| {
            let phrases = ["token", "context", "prompt"];
            phrases.iter().any(|phrase| text.contains(phrase))
        };
        speaks_of_it(said) || self.codes.iter().any(|code| speaks_of_it(code))
    }

    fn has_code(&self, codes: &[&str]) -> bool {
        self.codes.iter().any(|code| codes.contains(&code.as_str()))
    }
}

const TOO_LONG: [&str; 4] = [
    "context_length_exceeded",
    "context_window_exceeded",
    "exceed_context_size_error",
    "request_too_large",
];

/// As said by OpenAI, vLLM, llama.cpp, Ollama, LM Studio, Anthropic, Google, Mistral, xAI, Bedrock
/// and text-generation-inference.
const TOO_LONG_PHRASES: [&str; 14] = [
    "context length",
    "context window",
    "context size",
    "context the overflows",
    "context limit",
    "prompt is too long",
    "input is too long",
    "prompt too long",
    "maximum prompt length",
    "tokens to keep from the initial prompt",
    "reduce the length of the messages",
    "exceeds the maximum number of tokens",
    "`inputs` tokens + `max_new_tokens` must be",
    "request too large",
];

const OUT_OF_MONEY: [&str; 4] = [
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "insufficient_balance",
];

const FILTERED: [&str; 4] = [
    "content_filter",
    "content_policy_violation",
    "data_inspection_failed",
    "prohibited_content",
];

/// OpenAI, and a limit that a person has set for a key of OpenRouter's.
const OUT_OF_MONEY_PHRASES: [&str; 2] = ["exceeded your current quota", "key limit exceeded"];

/// Azure, OpenRouter and OpenAI.
const FILTERED_PHRASES: [&str; 4] = [
    "content management policy",
    "requires moderation",
    "flagged as potentially violating",
    "rejected by the safety system",
];

/// How long the server asks to be left alone: milliseconds (OpenAI's own header), seconds, or a
/// date, which is read against the date of the answer (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let duration = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
    if let Some(milliseconds) = text("retry-after-ms").and_then(|value| value.parse::<f64>().ok()) {
        return duration(milliseconds / 1000.0);
    }
    let value = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = value.parse::<f64>() {
        return duration(seconds);
    }
    let until = DateTime::parse_from_rfc2822(value).ok()?;
    let now = DateTime::parse_from_rfc2822(text(DATE.as_str())?).ok()?;
    (until - now).to_std().ok()
}

/// The same in an error object: a duration as Protocol Buffers write it in JSON, such as `34.5s`.
fn retry_delay(error: &Value) -> Option<Duration> {
    let details = error.get("details").and_then(Value::as_array)?;
    let delay = details
        .iter()
        .find_map(|detail| detail.get("retryDelay")?.as_str())?;
    let seconds = delay.strip_suffix('s')?.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// A JSON value as a word: a text without its quotes.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
