//! The settings of http_request.

use std::num::NonZeroU32;

use serde::Deserialize;

use crate::core::units::{ByteCount, Seconds, count, none_if_empty};

/// `[tools.http_client]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpClientConfig {
    pub enabled: bool,
    /// For a whole call, redirects included.
    pub timeout_seconds: Seconds,
    /// What is read of an answer, after decompression.
    pub max_bytes: ByteCount,
    /// What the model reads of it.
    pub max_chars: NonZeroU32,
    pub normalize_whitespace: bool,
    pub response_processing_mode: ResponseProcessing,
    pub max_redirects: u32,
    #[serde(deserialize_with = "none_if_empty")]
    pub user_agent: Option<String>,
}

impl Default for HttpClientConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            timeout_seconds: Seconds::new(10),
            max_bytes: ByteCount::megabytes(1),
            max_chars: count(6000),
            normalize_whitespace: true,
            response_processing_mode: ResponseProcessing::Auto,
            max_redirects: 5,
            user_agent: None,
        }
    }
}

/// Whether a fetched page is turned into something readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseProcessing {
    Auto,
    None,
}
