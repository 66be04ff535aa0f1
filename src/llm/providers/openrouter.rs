//! OpenRouter: chat completions, with wishes about who answers behind it.

use serde_json::{Map, Value};

use super::http::{ServerSettings, SetupError};
use super::openai::{ChatCompletions, OpenAiModel};
use crate::llm::config::{LlmConfig, OpenRouterConfig, OpenRouterRoutingConfig, Provider};

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

/// Whether what a model says may repeat what its server has looked up: a page, or who knows what of a plugin
/// that is not known here.
pub fn looks_things_up(config: &LlmConfig) -> bool {
    let openrouter = &config.openrouter;
    let plugins = openrouter.plugins.iter();
    let mut plugins = plugins.map(|plugin| plugin.get("id").and_then(Value::as_str));
    let mut models = std::iter::once(&config.model).chain(&openrouter.models);
    config.provider == Provider::OpenRouter
        && (plugins.any(|id| !id.is_some_and(|id| BRING_NOTHING.contains(&id)))
            || models.any(|model| model.ends_with(":online")))
}

/// Plugins that only read what they are given, and mend what comes back.
const BRING_NOTHING: [&str; 2] = ["file-parser", "response-healing"];

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_plugin_looks_up_is_known_to() {
        let with = |provider, model: &str, models: Value, plugins: Value| LlmConfig {
            provider,
            model: model.to_owned(),
            openrouter: serde_json::from_value(json!({ "models": models, "plugins": plugins }))
                .expect("it is a table"),
            ..LlmConfig::default()
        };
        let (web, none) = (json!([{ "id": "web" }]), json!([]));
        let harmless = json!([{ "id": "file-parser", "pdf": {} }, { "id": "response-healing" }]);
        for (config, looks) in [
            (
                with(Provider::OpenRouter, "m", json!([]), none.clone()),
                false,
            ),
            (with(Provider::OpenRouter, "m", json!([]), harmless), false),
            (
                with(Provider::OpenRouter, "m", json!([]), web.clone()),
                true,
            ),
            (
                with(
                    Provider::OpenRouter,
                    "m",
                    json!([]),
                    json!([{ "id": "new" }]),
                ),
                true,
            ),
            (
                with(Provider::OpenRouter, "m", json!([]), json!([{}])),
                true,
            ),
            (
                with(Provider::OpenRouter, "m:online", json!([]), none.clone()),
                true,
            ),
            (
                with(Provider::OpenRouter, "m", json!(["n:online"]), none),
                true,
            ),
            (with(Provider::OpenAi, "m", json!([]), web), false),
        ] {
            assert_eq!(looks_things_up(&config), looks, "{:?}", config.openrouter);
        }
    }
}
