//! The checks of what only OpenRouter knows: the routing block, the pool of models, the plugins.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// What it takes beside the fields of a chat completion.
pub const FIELDS: [&str; 7] = [
    "provider",
    "models",
    "plugins",
    "reasoning",
    "transforms",
    "route",
    "session_id",
];

pub fn check(body: &Map<String, Value>) -> Result<(), Refusal> {
    let is_text_list = |value: &Value| {
        value
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_string))
    };
    if let Some(models) = body.get("models").filter(|models| !is_text_list(models)) {
        return Err(Refusal::wrong_type("models", "an array of strings", models));
    }
    let plugins = body.get("plugins").and_then(Value::as_array);
    if plugins
        .into_iter()
        .flatten()
        .any(|plugin| !plugin["id"].is_string())
    {
        return Err(Refusal::missing("plugins[0].id"));
    }
    let provider = match body.get("provider") {
        None => return Ok(()),
        Some(Value::Object(provider)) => provider,
        Some(other) => return Err(Refusal::wrong_type("provider", "an object", other)),
    };
    for (name, value) in provider {
        let is_right = match name.as_str() {
            "order" | "only" | "ignore" | "quantizations" => is_text_list(value),
            "allow_fallbacks" | "require_parameters" | "zdr" | "enforce_distillable_text" => {
                value.is_boolean()
            }
            "data_collection" => ["allow", "deny"].iter().any(|word| value == word),
            "sort" => value.is_string() || value["by"].is_string(),
            "preferred_min_throughput" | "preferred_max_latency" => {
                value.is_number() || value.is_object()
            }
            "max_price" => value.is_object(),
            // Preferences that are newer than this fake.
            name => name.starts_with("new_"),
        };
        if !is_right {
            return Err(Refusal::wrong_type(
                format!("provider.{name}"),
                "what it takes",
                value,
            ));
        }
    }
    Ok(())
}
