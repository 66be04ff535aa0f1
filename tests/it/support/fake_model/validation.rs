//! The checks of a chat completion request, with the wording of the real server.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::{history, openrouter, tools};

/// The request fields that OpenAI knows; it refuses all others.
const KNOWN_FIELDS: [&str; 34] = [
    "model",
    "messages",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "n",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "user",
    "seed",
    "response_format",
    "service_tier",
    "store",
    "metadata",
    "modalities",
    "audio",
    "prediction",
    "reasoning_effort",
    "verbosity",
    "web_search_options",
    "prompt_cache_key",
    "safety_identifier",
    "functions",
    "function_call",
];

/// Whose extensions the fake takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Unknown fields are refused.
    OpenAi,
    /// Those of OpenRouter are taken too, if they are of the right form.
    OpenRouter,
    /// A chat template that takes a user's and an assistant's messages in turn (Mistral's), on vLLM.
    Alternating,
    /// The same for one that knows no system message (Gemma's), on llama.cpp.
    AlternatingWithoutSystem,
    /// A model that reads nothing but text, over both APIs.
    TextOnly,
}

pub fn check(body: &Map<String, Value>, dialect: Dialect) -> Result<(), Refusal> {
    match body.get("model") {
        Some(Value::String(model)) if !model.is_empty() => {}
        _ => return Err(Refusal::invalid("you must provide a model parameter")),
    }
    let further: &[&str] = match dialect {
        Dialect::OpenRouter => &openrouter::FIELDS,
        _ => &[],
    };
    let is_known = |field: &str| KNOWN_FIELDS.contains(&field) || further.contains(&field);
    if let Some(field) = body.keys().find(|field| !is_known(field)) {
        return Err(Refusal::invalid(format!(
            "Unrecognized request argument supplied: {field}"
        )));
    }
    if dialect == Dialect::OpenRouter {
        openrouter::check(body)?;
    }
    history::check(body.get("messages"))?;
    tools::check(body)?;
    check_stream(body)?;
    check_numbers(body)
}

fn check_stream(body: &Map<String, Value>) -> Result<(), Refusal> {
    let stream = match body.get("stream") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(stream)) => *stream,
        Some(other) => return Err(Refusal::wrong_type("stream", "a boolean", other)),
    };
    if !stream
        && body
            .get("stream_options")
            .is_some_and(|options| !options.is_null())
    {
        return Err(Refusal::invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        )
        .at("stream_options"));
    }
    Ok(())
}

fn check_numbers(body: &Map<String, Value>) -> Result<(), Refusal> {
    for (name, low, high) in [
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("presence_penalty", -2.0, 2.0),
    ] {
        let Some(value) = body.get(name).filter(|value| !value.is_null()) else {
            continue;
        };
        let Some(number) = value.as_f64() else {
            return Err(Refusal::wrong_type(name, "a decimal", value));
        };
        if !(low..=high).contains(&number) {
            return Err(Refusal::invalid(format!(
                "Invalid '{name}': decimal out of range. Expected a value between {low} and \
                 {high}, but got {number} instead."
            ))
            .at(name));
        }
    }
    let limits = ["max_tokens", "max_completion_tokens"];
    let given = limits.map(|name| body.get(name).filter(|value| !value.is_null()));
    if given.iter().all(Option::is_some) {
        return Err(Refusal::invalid(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        ));
    }
    for (name, value) in limits.into_iter().zip(given) {
        if value.is_some_and(|value| value.as_u64().is_none_or(|number| number == 0)) {
            return Err(Refusal::invalid(format!(
                "Invalid '{name}': integer below minimum value. Expected a value >= 1."
            ))
            .at(name)
            .code("integer_below_min_value"));
        }
    }
    Ok(())
}
