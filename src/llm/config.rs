//! Settings of the models: `[llm]` with its profiles, prices and budget.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::core::http_url::HttpUrl;
use crate::core::units::{Seconds, count, none_if_empty};

const DEFAULT_SYSTEM_PROMPT: &str = include_str!("../../prompts/system.md");

/// `[llm]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LlmConfig {
    pub provider: Provider,
    #[serde(deserialize_with = "none_if_empty")]
    pub api_key: Option<SecretString>,
    /// The provider's own server when there is none.
    #[serde(deserialize_with = "none_if_empty")]
    pub base_url: Option<HttpUrl>,
    pub model: String,
    /// Steps of one turn.
    pub max_tool_iterations: NonZeroU32,
    /// The built-in one when there is none.
    #[serde(deserialize_with = "none_if_empty")]
    pub system_prompt: Option<String>,
    /// One model request, the whole of it.
    pub request_timeout_seconds: Seconds,
    /// The longest silence while an answer streams, once something of it has come.
    pub stall_timeout_seconds: Seconds,
    /// Tries of one request, the first included.
    pub retry_attempts: NonZeroU32,
    /// Before the second try; it doubles from there.
    pub retry_delay_seconds: Seconds,
    /// Sent only when present, like the next three.
    pub temperature: Option<f64>,
    pub max_new_tokens: Option<NonZeroU32>,
    #[serde(deserialize_with = "none_if_empty")]
    pub reasoning_effort: Option<String>,
    pub top_p: Option<f64>,
    pub pdf_as: PdfAs,
    /// The model's window.
    pub context_tokens: NonZeroU32,
    /// Profiles tried in order when this model gives up.
    pub fallbacks: Vec<String>,
    pub profiles: BTreeMap<String, ProfileConfig>,
    pub openrouter: OpenRouterConfig,
    /// By the model's name.
    pub prices: BTreeMap<String, PriceConfig>,
    pub budget: BudgetConfig,
}

impl Default for LlmConfig {
    fn default() -> Self {
        Self {
            provider: Provider::Builtin,
            api_key: None,
            base_url: None,
            model: String::new(),
            max_tool_iterations: count(15),
            system_prompt: None,
            request_timeout_seconds: Seconds::new(180),
            stall_timeout_seconds: Seconds::new(60),
            retry_attempts: count(3),
            retry_delay_seconds: Seconds::new(2),
            temperature: None,
            max_new_tokens: None,
            reasoning_effort: None,
            top_p: None,
            pdf_as: PdfAs::File,
            context_tokens: count(128_000),
            fallbacks: Vec::new(),
            profiles: BTreeMap::new(),
            openrouter: OpenRouterConfig::default(),
            prices: BTreeMap::new(),
            budget: BudgetConfig::default(),
        }
    }
}

impl LlmConfig {
    /// What the model is told about itself.
    pub fn system_prompt(&self) -> &str {
        self.system_prompt
            .as_deref()
            .unwrap_or(DEFAULT_SYSTEM_PROMPT)
            .trim()
    }

    /// The models that the server itself may ask in place of this one.
    pub fn stand_ins(&self) -> &[String] {
        match self.provider {
            Provider::OpenRouter => &self.openrouter.models,
            _ => &[],
        }
    }

    /// The settings of a profile. What it leaves out is as in `[llm]`, except that another provider
    /// or server never gets this one's key, and that another model starts without this one's
    /// sampling.
    pub fn profile(&self, name: &str) -> Option<Self> {
        let profile = self.profiles.get(name)?.clone();
        let (api_key, base_url) = if self.is_server_of(&profile) {
            (self.api_key.clone(), self.base_url.clone())
        } else {
            (None, None)
        };
        // Another model may have a smaller window than this one.
        let usual = Self::default().context_tokens;
        Some(Self {
            provider: profile.provider.unwrap_or(self.provider),
            api_key: profile.api_key.or(api_key),
            base_url: profile.base_url.or(base_url),
            model: profile.model.unwrap_or_default(),
            max_tool_iterations: profile
                .max_tool_iterations
                .unwrap_or(self.max_tool_iterations),
            system_prompt: profile.system_prompt.or_else(|| self.system_prompt.clone()),
            request_timeout_seconds: profile
                .request_timeout_seconds
                .unwrap_or(self.request_timeout_seconds),
            stall_timeout_seconds: profile
                .stall_timeout_seconds
                .unwrap_or(self.stall_timeout_seconds),
            retry_attempts: profile.retry_attempts.unwrap_or(self.retry_attempts),
            retry_delay_seconds: profile
                .retry_delay_seconds
                .unwrap_or(self.retry_delay_seconds),
            temperature: profile.temperature,
            max_new_tokens: profile.max_new_tokens,
            reasoning_effort: profile.reasoning_effort,
            top_p: profile.top_p,
            pdf_as: profile.pdf_as.unwrap_or(self.pdf_as),
            context_tokens: profile
                .context_tokens
                .unwrap_or(usual.min(self.context_tokens)),
            fallbacks: profile.fallbacks,
            profiles: BTreeMap::new(),
            openrouter: profile
                .openrouter
                .unwrap_or_else(|| self.openrouter.clone()),
            prices: self.prices.clone(),
            budget: self.budget,
        })
    }

    /// Whether a profile is on the server of `[llm]`. One that names a provider and a key for it means the
    /// provider's own server, to which alone that key may go.
    fn is_server_of(&self, profile: &ProfileConfig) -> bool {
        let same_provider = profile.provider.is_none_or(|it| it == self.provider);
        let is_own = profile.provider.is_some() && profile.api_key.is_some();
        match &profile.base_url {
            Some(url) => same_provider && self.base_url.as_ref() == Some(url),
            None => same_provider && !is_own,
        }
    }
}

/// `[llm.profiles.NAME]`: what differs from `[llm]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileConfig {
    pub provider: Option<Provider>,
    #[serde(deserialize_with = "none_if_empty")]
    pub api_key: Option<SecretString>,
    #[serde(deserialize_with = "none_if_empty")]
    pub base_url: Option<HttpUrl>,
    pub model: Option<String>,
    pub max_tool_iterations: Option<NonZeroU32>,
    #[serde(deserialize_with = "none_if_empty")]
    pub system_prompt: Option<String>,
    pub request_timeout_seconds: Option<Seconds>,
    pub stall_timeout_seconds: Option<Seconds>,
    pub retry_attempts: Option<NonZeroU32>,
    pub retry_delay_seconds: Option<Seconds>,
    pub temperature: Option<f64>,
    pub max_new_tokens: Option<NonZeroU32>,
    #[serde(deserialize_with = "none_if_empty")]
    pub reasoning_effort: Option<String>,
    pub top_p: Option<f64>,
    pub pdf_as: Option<PdfAs>,
    pub context_tokens: Option<NonZeroU32>,
    /// For scheduled runs with this profile; the fallbacks of a fallback are not followed.
    pub fallbacks: Vec<String>,
    pub openrouter: Option<OpenRouterConfig>,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// The command grammar inside the bot: no server, no key.
    Builtin,
    /// Chat completions, OpenAI's or a compatible server's.
    #[serde(rename = "openai")]
    OpenAi,
    #[serde(rename = "openai_responses")]
    OpenAiResponses,
    #[serde(rename = "openrouter")]
    OpenRouter,
}

/// How documents that are PDFs reach the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PdfAs {
    File,
    Text,
}

/// `[llm.openrouter]`: only for `provider = "openrouter"`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpenRouterConfig {
    /// Models that OpenRouter may fall back to.
    pub models: Vec<String>,
    pub plugins: Vec<BTreeMap<String, serde_json::Value>>,
    pub provider: OpenRouterRoutingConfig,
}

/// `[llm.openrouter.provider]`: OpenRouter's own routing preferences, sent as they are when
/// present.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpenRouterRoutingConfig {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_fallbacks: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_parameters: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_collection: Option<DataCollection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zdr: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce_distillable_text: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quantizations: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<TextOrTable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_min_throughput: Option<NumberOrTable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_max_latency: Option<NumberOrTable>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub max_price: BTreeMap<String, f64>,
    /// Preferences that this version does not know; they are merged in.
    #[serde(skip_serializing)]
    pub provider_extra: BTreeMap<String, serde_json::Value>,
}

/// Whether providers that keep prompts may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DataCollection {
    Allow,
    Deny,
}

/// A word, or a table of particulars.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(untagged, expecting = "expected text or a table")]
pub enum TextOrTable {
    Text(String),
    Table(BTreeMap<String, serde_json::Value>),
}

/// A number, or one for each percentile.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "expected a number or a table such as { p90 = 2.0 }"
)]
pub enum NumberOrTable {
    Number(f64),
    Table(BTreeMap<String, f64>),
}

/// What a model costs, in US dollars for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceConfig {
    pub input: f64,
    /// As `input` when there is none.
    pub cached_input: Option<f64>,
    pub output: f64,
}

/// `[llm.budget]`: absent means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetConfig {
    pub daily_usd: Option<f64>,
    pub monthly_usd: Option<f64>,
    /// The share of a limit from which on the person is told.
    pub warn_at: f64,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self {
            daily_usd: None,
            monthly_usd: None,
            warn_at: 0.8,
        }
    }
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
