//! Chat completions: OpenAI's own server, and every server that speaks the same way.

mod assemble;
mod client;
mod errors;
mod manners;
mod redact;
mod request;
mod response;
mod stream;
mod think;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use self::client::{Client, Limits};
use self::errors::Failure;
use self::manners::Manners;
use self::redact::Redactor;
use crate::core::http_url::HttpUrl;
use crate::core::model::{ChatModel, ModelError, ModelReply, ModelRequest, ReplySink};
use crate::llm::watched_sink::WatchedSink;

/// How a model is reached and what is asked of it. `Option`s are sent only when present.
#[derive(Debug, Clone)]
pub struct OpenAiSettings {
    /// The provider, as configured; what a person and the usage rows are told.
    pub provider_name: String,
    /// Where `/chat/completions` lies below; a query is kept.
    pub base_url: HttpUrl,
    /// Local servers mostly need none.
    pub api_key: Option<SecretString>,
    /// The model's name, as the server knows it.
    pub model: String,
    /// The whole of one call.
    pub request_timeout: Duration,
    /// The longest silence within an answer. A server may think longer than this before its
    /// answer begins: only `request_timeout` bounds that.
    pub stall_timeout: Duration,
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// The most tokens of an answer.
    pub max_new_tokens: Option<NonZeroU32>,
    /// As the server spells it, such as `low`.
    pub reasoning_effort: Option<String>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// Whether the server is asked to hold the model to the tools' schemas.
    pub strict_tools: StrictTools,
}

/// Whether `strict: true` goes with the tools whose schema allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrictTools {
    /// To servers that are known to take it: OpenAI's.
    WhereKnown,
    /// To this server.
    Always,
    /// Not to this server.
    Never,
}

/// Why a model cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum OpenAiSetupError {
    /// Such as one with a line break in its middle.
    #[error("the API key holds characters that no HTTP header can carry")]
    Key,
    /// The HTTP client does not start.
    #[error("the HTTP client does not start: {0}")]
    Client(String),
}

/// A model behind the chat completions API.
pub struct OpenAiModel {
    settings: OpenAiSettings,
    client: Client,
    manners: Mutex<Manners>,
}

impl OpenAiModel {
    /// Sets it up; nothing is called yet.
    ///
    /// # Errors
    /// When the key cannot be sent, or the HTTP client does not start.
    pub fn new(settings: OpenAiSettings) -> Result<Self, OpenAiSetupError> {
        let limits = Limits {
            total: settings.request_timeout,
            silence: settings.stall_timeout,
        };
        let client = Client::new(&settings.base_url, settings.api_key.as_ref(), limits)?;
        let manners = Mutex::new(Manners::towards(&settings));
        Ok(Self {
            settings,
            client,
            manners,
        })
    }

    /// One call, and more only where the server says that it wants to be asked otherwise.
    async fn call(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
        tries: &mut u32,
    ) -> Result<ModelReply, Failure> {
        let sink = WatchedSink::new(sink);
        loop {
            *tries += 1;
            let manners = *self.manners.lock().unwrap_or_else(PoisonError::into_inner);
            let body = request::body(&self.settings, manners, request);
            let failure = match self.client.ask(body, &sink).await {
                Ok(answer) => return answer.into_reply(&self.settings),
                Err(failure) => failure,
            };
            let Some(better) = manners.after(&failure) else {
                return Err(failure);
            };
            *self.manners.lock().unwrap_or_else(PoisonError::into_inner) = better;
            sink.restart_if_begun();
        }
    }
}

#[async_trait]
impl ChatModel for OpenAiModel {
    async fn reply(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        let mut tries = 0;
        self.call(request, sink, &mut tries)
            .await
            .map_err(|failure| {
                let redactor = Redactor::new(self.settings.api_key.as_ref(), request);
                ModelError {
                    detail: redactor.detail(&failure.detail),
                    kind: failure.kind,
                    tries,
                    usage: Vec::new(),
                }
            })
    }

    fn describe(&self) -> String {
        format!("{} ({})", self.settings.provider_name, self.settings.model)
    }
}

impl fmt::Debug for OpenAiModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiModel")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
