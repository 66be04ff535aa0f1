//! The checks of `tools` and `tool_choice`, strict schemas included.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// Tools of one request.
const MAX_TOOLS: usize = 128;

pub fn check(body: &Map<String, Value>) -> Result<(), Refusal> {
    let tools = match body.get("tools") {
        None | Some(Value::Null) => {
            for field in ["tool_choice", "parallel_tool_calls"] {
                if body.get(field).is_some_and(|value| !value.is_null()) {
                    return Err(Refusal::invalid(format!(
                        "Invalid value for '{field}': '{field}' is only allowed when 'tools' are \
                         specified."
                    ))
                    .at(field));
                }
            }
            return Ok(());
        }
        Some(Value::Array(tools)) => tools,
        Some(other) => return Err(Refusal::wrong_type("tools", "an array of objects", other)),
    };
    if tools.is_empty() {
        return Err(Refusal::empty_array("tools"));
    }
    if tools.len() > MAX_TOOLS {
        return Err(Refusal::invalid(format!(
            "Invalid 'tools': array too long. Expected an array with maximum length {MAX_TOOLS}, \
             but got an array with length {} instead.",
            tools.len()
        ))
        .at("tools")
        .code("array_above_max_length"));
    }
    for (index, tool) in tools.iter().enumerate() {
        check_tool(tool, &format!("tools[{index}]"))?;
    }
    check_choice(body.get("tool_choice"), tools)
}

fn check_tool(tool: &Value, path: &str) -> Result<(), Refusal> {
    if tool["type"] != "function" {
        return Err(Refusal::invalid(format!(
            "Invalid value: {}. Supported values are: 'function'.",
            tool["type"]
        ))
        .at(format!("{path}.type"))
        .code("invalid_value"));
    }
    let function = &tool["function"];
    if !function.is_object() {
        return Err(Refusal::missing(format!("{path}.function")));
    }
    check_name(&function["name"], &format!("{path}.function.name"))?;
    let description = function.get("description");
    if let Some(other) = description.filter(|text| !text.is_string() && !text.is_null()) {
        return Err(Refusal::wrong_type(
            format!("{path}.function.description"),
            "a string",
            other,
        ));
    }
    let name = function["name"].as_str().unwrap_or_default();
    check_parameters(function).map_err(|reason| {
        Refusal::invalid(format!("Invalid schema for function '{name}': {reason}"))
            .at(format!("{path}.function.parameters"))
            .code("invalid_function_parameters")
    })
}

/// Names follow `^[a-zA-Z0-9_-]{1,64}$`.
pub fn check_name(name: &Value, path: &str) -> Result<(), Refusal> {
    let name = match name {
        Value::Null => return Err(Refusal::missing(path)),
        Value::String(name) => name,
        other => return Err(Refusal::wrong_type(path, "a string", other)),
    };
    if name.len() > 64 {
        return Err(Refusal::invalid(format!(
            "Invalid '{path}': string too long. Expected a string with maximum length 64, but got \
             a string with length {} instead.",
            name.len()
        ))
        .at(path)
        .code("string_above_max_length"));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(Refusal::invalid(format!(
            "Invalid '{path}': string does not match pattern. Expected a string that matches the \
             pattern '^[a-zA-Z0-9_-]+$'."
        ))
        .at(path)
        .code("invalid_value"));
    }
    Ok(())
}

fn check_parameters(function: &Value) -> Result<(), String> {
    let schema = match function.get("parameters") {
        None | Some(Value::Null) => return Ok(()),
        Some(schema) => schema,
    };
    if schema["type"] != "object" {
        let given = schema["type"].as_str().unwrap_or("None");
        return Err(format!(
            "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{given}\"'."
        ));
    }
    let strictness = match &function["strict"] {
        Value::Bool(true) => Strictness::Strict,
        _ => Strictness::Loose,
    };
    check_schema(schema, strictness, &mut Vec::new())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strictness {
    Strict,
    Loose,
}

/// Walks the schema; `context` is the path that the message names.
fn check_schema(
    schema: &Value,
    strictness: Strictness,
    context: &mut Vec<String>,
) -> Result<(), String> {
    let Some(fields) = schema.as_object() else {
        if schema.is_boolean() && strictness == Strictness::Loose {
            return Ok(());
        }
        return Err(format!(
            "In context={}, {schema} is not of type 'object'.",
            show(context)
        ));
    };
    if is_type(schema, "array") && !fields.contains_key("items") {
        return Err(format!(
            "In context={}, array schema missing items.",
            show(context)
        ));
    }
    if is_type(schema, "object") {
        check_object(fields, strictness, context)?;
    }
    for (name, nested) in fields {
        match name.as_str() {
            "properties" | "$defs" | "definitions" => {
                for (key, value) in nested.as_object().into_iter().flatten() {
                    descend(value, strictness, context, &[name, key])?;
                }
            }
            "items" => descend(nested, strictness, context, &[name])?,
            "anyOf" | "oneOf" | "allOf" => {
                for (index, value) in nested.as_array().into_iter().flatten().enumerate() {
                    descend(value, strictness, context, &[name, &index.to_string()])?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn descend(
    schema: &Value,
    strictness: Strictness,
    context: &mut Vec<String>,
    steps: &[&str],
) -> Result<(), String> {
    context.extend(steps.iter().map(|step| (*step).to_owned()));
    check_schema(schema, strictness, context)?;
    context.truncate(context.len() - steps.len());
    Ok(())
}

fn is_type(schema: &Value, wanted: &str) -> bool {
    match &schema["type"] {
        Value::String(kind) => kind == wanted,
        Value::Array(kinds) => kinds.iter().any(|kind| kind == wanted),
        _ => false,
    }
}

fn check_object(
    fields: &Map<String, Value>,
    strictness: Strictness,
    context: &[String],
) -> Result<(), String> {
    let empty = Map::new();
    let properties = match fields.get("properties") {
        None => &empty,
        Some(Value::Object(properties)) => properties,
        Some(other) => {
            return Err(format!(
                "In context={}, {other} is not of type 'object'.",
                show(context)
            ));
        }
    };
    let required: Vec<&str> = match fields.get("required") {
        None => Vec::new(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(other) => {
            return Err(format!(
                "In context={}, {other} is not of type 'array'.",
                show(context)
            ));
        }
    };
    if strictness == Strictness::Loose {
        return Ok(());
    }
    if fields.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Err(format!(
            "In context={}, 'additionalProperties' is required to be supplied and to be false.",
            show(context)
        ));
    }
    let missing = properties
        .keys()
        .find(|key| !required.contains(&key.as_str()));
    let extra = required.iter().find(|key| !properties.contains_key(**key));
    let wrong = missing.map(|key| format!("Missing '{key}'."));
    match wrong.or_else(|| extra.map(|key| format!("Extra required key '{key}' supplied."))) {
        Some(wrong) => Err(format!(
            "In context={}, 'required' is required to be supplied and to be an array including \
             every key in properties. {wrong}",
            show(context)
        )),
        None => Ok(()),
    }
}

/// The path as Python prints a tuple.
fn show(context: &[String]) -> String {
    let steps: Vec<String> = context.iter().map(|step| format!("'{step}'")).collect();
    match steps.as_slice() {
        [] => "()".to_owned(),
        [only] => format!("({only},)"),
        several => format!("({})", several.join(", ")),
    }
}

fn check_choice(choice: Option<&Value>, tools: &[Value]) -> Result<(), Refusal> {
    let choice = match choice {
        None | Some(Value::Null) => return Ok(()),
        Some(choice) => choice,
    };
    if let Some(word) = choice.as_str() {
        if ["none", "auto", "required"].contains(&word) {
            return Ok(());
        }
        return Err(Refusal::invalid(format!(
            "Invalid value: '{word}'. Supported values are: 'none', 'auto', and 'required'."
        ))
        .at("tool_choice")
        .code("invalid_value"));
    }
    let wanted = &choice["function"]["name"];
    if tools.iter().any(|tool| &tool["function"]["name"] == wanted) {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "Invalid value for 'tool_choice': function {wanted} not found in 'tools' parameter."
    ))
    .at("tool_choice"))
}
