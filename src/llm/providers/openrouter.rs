//! OpenRouter: chat completions, with wishes about who answers behind it.

use serde_json::{Map, Value};

use super::http::{ServerSettings, SetupError};
use super::openai::{ChatCompletions, OpenAiModel};
use crate::llm::config::{OpenRouterConfig, OpenRouterRoutingConfig};

/// A model behind OpenRouter.
///
/// # Errors
/// When the key cannot be sent, or the HTTP client does not start.
pub fn model(
    settings: ServerSettings,
    config: &OpenRouterConfig,
) -> Result<OpenAiModel, SetupError> {
    let api = ChatCompletions::with_fields(fields(config)).telling_cost();
    OpenAiModel::speaking(api, settings)
}

/// What goes into the request beside a chat completion's own fields; nothing that is not set.
fn fields(config: &OpenRouterConfig) -> Map<String, Value> {
    let mut fields = Map::new();
    let provider = routing(&config.provider);
    if !provider.is_empty() {
        fields.insert("provider".into(), provider.into());
    }
    if !config.models.is_empty() {
        fields.insert("models".into(), config.models.clone().into());
    }
    if !config.plugins.is_empty() {
        let plugins = serde_json::to_value(&config.plugins);
        fields.insert("plugins".into(), plugins.expect("maps have text keys"));
    }
    fields
}

/// The preferences, with those that this version does not know behind the others.
fn routing(config: &OpenRouterRoutingConfig) -> Map<String, Value> {
    let known = serde_json::to_value(config).expect("the preferences have text keys");
    let mut routing = config
        .provider_extra
        .clone()
        .into_iter()
        .collect::<Map<_, _>>();
    if let Value::Object(known) = known {
        routing.extend(known);
    }
    routing
}
