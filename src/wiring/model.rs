//! The model as configured, wrapped in what makes it dependable.

use std::sync::Arc;

use anyhow::bail;

use super::Ports;
use super::settings::Settings;
use crate::adapters::system::jitter;
use crate::core::http_url::HttpUrl;
use crate::core::model::ChatModel;
use crate::llm::breaker::CircuitBreaker;
use crate::llm::config::{LlmConfig, Provider};
use crate::llm::fallback::WithFallback;
use crate::llm::providers::builtin::BuiltinModel;
use crate::llm::providers::openai::OpenAiModel;
use crate::llm::providers::{ServerSettings, StrictTools};
use crate::llm::retry::Retrying;

/// Where `provider = "openai"` goes without a `base_url`.
const OPENAI: &str = "https://api.openai.com/v1";

/// Builds the model.
pub(super) fn build(settings: &Settings, ports: &Ports) -> anyhow::Result<Arc<dyn ChatModel>> {
    let config = &settings.llm;
    let builtin = Arc::new(BuiltinModel::new(
        ports.clock.clone(),
        settings.runtime.timezone,
    ));
    match config.provider {
        Provider::Builtin => Ok(builtin),
        Provider::OpenAi => {
            let model = OpenAiModel::new(openai(config))?;
            let retrying = Retrying::new(
                Arc::new(model),
                config.retry_attempts,
                config.retry_delay_seconds.get(),
                ports.clock.clone(),
                jitter,
            );
            let spared = CircuitBreaker::new(Arc::new(retrying), ports.clock.clone());
            Ok(Arc::new(WithFallback::new(Arc::new(spared), builtin)))
        }
        Provider::OpenAiResponses | Provider::OpenRouter => {
            bail!(
                "llm.provider: this version has no such provider yet; use \"openai\" with the base_url of the server"
            )
        }
    }
}

fn openai(config: &LlmConfig) -> ServerSettings {
    let default = || HttpUrl::parse(OPENAI).expect("a constant that parses");
    ServerSettings {
        provider_name: "openai".into(),
        base_url: config.base_url.clone().unwrap_or_else(default),
        api_key: config.api_key.clone(),
        model: config.model.clone(),
        request_timeout: config.request_timeout_seconds.get(),
        stall_timeout: config.stall_timeout_seconds.get(),
        temperature: config.temperature,
        max_new_tokens: config.max_new_tokens,
        reasoning_effort: config.reasoning_effort.clone(),
        top_p: config.top_p,
        strict_tools: StrictTools::WhereKnown,
    }
}
