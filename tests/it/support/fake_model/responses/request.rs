//! The checks of a request to `/v1/responses`, with the wording of the real server.

use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::tools;
use super::input;

/// The request fields that OpenAI knows; it refuses all others.
const KNOWN_FIELDS: [&str; 27] = [
    "background",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
];

pub fn check(body: &Map<String, Value>) -> Result<(), Refusal> {
    match body.get("model") {
        Some(Value::String(model)) if !model.is_empty() => {}
        _ => return Err(Refusal::missing("model")),
    }
    if let Some(field) = body
        .keys()
        .find(|field| !KNOWN_FIELDS.contains(&field.as_str()))
    {
        return Err(Refusal::invalid(format!("Unknown parameter: '{field}'."))
            .at(field)
            .code("unknown_parameter"));
    }
    // The fake stores nothing.
    if body.get("store") != Some(&Value::Bool(false)) || body.contains_key("previous_response_id") {
        return Err(Refusal::invalid("Previous response not found.").at("previous_response_id"));
    }
    if let Some(instructions) = body.get("instructions").filter(|text| !text.is_string()) {
        return Err(Refusal::wrong_type(
            "instructions",
            "a string",
            instructions,
        ));
    }
    input::check(body.get("input"))?;
    check_tools(body)?;
    check_numbers(body)
}

/// The tools lie flat here; nested as in the other API, the same rules hold.
fn check_tools(body: &Map<String, Value>) -> Result<(), Refusal> {
    let Some(list) = body.get("tools").and_then(Value::as_array) else {
        return tools::check(body);
    };
    let mut nested = Map::new();
    let mut functions = Vec::new();
    for (index, tool) in list.iter().enumerate() {
        if tool.get("function").is_some() {
            return Err(Refusal::missing(format!("tools[{index}].name")));
        }
        let mut function = tool.clone();
        // Absence is a yes.
        if function.get("strict").is_none() {
            function["strict"] = true.into();
        }
        functions.push(json!({ "type": tool["type"], "function": function }));
    }
    nested.insert("tools".into(), functions.into());
    tools::check(&nested)
}

fn check_numbers(body: &Map<String, Value>) -> Result<(), Refusal> {
    for (name, high) in [("temperature", 2.0), ("top_p", 1.0)] {
        let Some(value) = body.get(name) else {
            continue;
        };
        if !value
            .as_f64()
            .is_some_and(|number| (0.0..=high).contains(&number))
        {
            return Err(Refusal::wrong_type(name, "a decimal", value));
        }
    }
    let most = body.get("max_output_tokens");
    if most.is_some_and(|most| most.as_u64().is_none_or(|number| number < 16)) {
        return Err(Refusal::invalid(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.",
        )
        .at("max_output_tokens")
        .code("integer_below_min_value"));
    }
    Ok(())
}
