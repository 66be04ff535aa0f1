//! Sections whose parts do not exist in this version: accepted and checked all the same, so that a
//! file need not change when they arrive.

use std::num::NonZeroU32;

use secrecy::SecretString;
use serde::Deserialize;

use crate::core::http_url::HttpUrl;
use crate::core::units::{ByteCount, Seconds, count, none_if_empty};

/// `[tools.http_client]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpClientConfig {
    pub enabled: bool,
    pub timeout_seconds: Seconds,
    pub max_bytes: ByteCount,
    pub max_chars: NonZeroU32,
    pub normalize_whitespace: bool,
    pub response_processing_mode: ResponseProcessing,
    pub max_redirects: u32,
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

/// `[tools.audio_transcription]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AudioTranscriptionConfig {
    pub enabled: bool,
    /// The server of `[llm]` when there is none.
    #[serde(deserialize_with = "none_if_empty")]
    pub base_url: Option<HttpUrl>,
    #[serde(deserialize_with = "none_if_empty")]
    pub api_key: Option<SecretString>,
    pub model: String,
    pub max_duration_seconds: Seconds,
}

impl Default for AudioTranscriptionConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            base_url: None,
            api_key: None,
            model: "whisper-1".to_owned(),
            max_duration_seconds: Seconds::new(600),
        }
    }
}
