//! How a model's server is reached, and what is asked of it.

use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;

use crate::core::http_url::HttpUrl;

/// `Option`s are sent only when present.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// The provider, as configured; what a person and the usage rows are told.
    pub provider_name: String,
    /// Where the API lies below; a query is kept.
    pub base_url: HttpUrl,
    /// Local servers mostly need none.
    pub api_key: Option<SecretString>,
    /// The model's name, as the server knows it.
    pub model: String,
    /// The whole of one call.
    pub request_timeout: Duration,
    /// The longest silence within an answer. A server may think longer than this before its
    /// answer begins, or where it says that it thinks: only `request_timeout` bounds that.
    pub stall_timeout: Duration,
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// The most tokens of an answer.
    pub max_new_tokens: Option<NonZeroU32>,
    /// As the server spells it, such as `low`.
    pub reasoning_effort: Option<String>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// How PDFs reach the model.
    pub pdfs: Pdfs,
    /// Whether the server is asked to hold the model to the tools' schemas.
    pub strict_tools: StrictTools,
}

/// How PDFs reach a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pdfs {
    /// As they are.
    AsFiles,
    /// Their text.
    AsText,
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

impl ServerSettings {
    /// Whether it is OpenAI's own server.
    pub fn is_openai(&self) -> bool {
        let host = self.base_url.as_url().host_str().unwrap_or_default();
        host == "api.openai.com" || host.ends_with(".api.openai.com")
    }

    /// Whether the server is asked for strict schemas.
    pub fn wants_strict_tools(&self) -> bool {
        match self.strict_tools {
            StrictTools::Always => true,
            StrictTools::Never => false,
            StrictTools::WhereKnown => self.is_openai(),
        }
    }

    /// Who answers there and over which API, without anything secret: what one server has encrypted,
    /// or one model thought, is of no use to another.
    pub fn origin(&self, path: &str) -> String {
        let url = self.base_url.as_url();
        let server = url.origin().ascii_serialization();
        format!("{server}{}{path} {}", url.path(), self.model)
    }
}
