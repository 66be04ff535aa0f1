//! Sections whose parts do not exist in this version: accepted and checked all the same, so that a
//! file need not change when they arrive.

use secrecy::SecretString;
use serde::Deserialize;

use crate::core::http_url::HttpUrl;
use crate::core::units::{Seconds, none_if_empty};

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
