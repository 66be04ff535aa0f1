//! The checks of `input`: items of known types, calls with their results, thoughts with their calls.

use serde_json::{Value, json};

use super::super::history::{is_file, is_image_address};
use super::super::refusal::Refusal;
use super::super::tools;
use super::{SEAL, THOUGHT_OF};

pub fn check(input: Option<&Value>) -> Result<(), Refusal> {
    let items = match input {
        Some(Value::String(_)) => return Ok(()),
        Some(Value::Array(items)) if items.is_empty() => return Err(Refusal::empty_array("input")),
        Some(Value::Array(items)) => items,
        None | Some(Value::Null) => return Err(Refusal::missing("input")),
        Some(other) => return Err(Refusal::wrong_type("input", "a string or an array", other)),
    };
    for (index, item) in items.iter().enumerate() {
        check_item(item, &format!("input[{index}]"))?;
    }
    check_calls(items)?;
    check_thoughts(items)
}

fn check_item(item: &Value, path: &str) -> Result<(), Refusal> {
    let kind = item["type"].as_str().unwrap_or("message");
    let (fields, required): (&[&str], &[&str]) = match kind {
        "message" => (
            &["type", "role", "content", "id", "status", "phase"],
            &["role"],
        ),
        "function_call" => (
            &["type", "call_id", "name", "arguments", "id", "status"],
            &["call_id", "name", "arguments"],
        ),
        "function_call_output" => (
            &["type", "call_id", "output", "id", "status"],
            &["call_id", "output"],
        ),
        "reasoning" => (
            &[
                "type",
                "id",
                "summary",
                "content",
                "encrypted_content",
                "status",
            ],
            &["id"],
        ),
        other => {
            return Err(Refusal::invalid(format!("Invalid value: '{other}'."))
                .at(format!("{path}.type"))
                .code("invalid_value"));
        }
    };
    for (name, value) in item.as_object().into_iter().flatten() {
        if !fields.contains(&name.as_str()) || value.is_null() {
            return Err(
                Refusal::invalid(format!("Unknown parameter: '{path}.{name}'."))
                    .at(format!("{path}.{name}"))
                    .code("unknown_parameter"),
            );
        }
    }
    for name in required {
        if !item[*name].is_string() {
            return Err(Refusal::missing(format!("{path}.{name}")));
        }
    }
    match kind {
        "message" => check_message(item, path),
        "function_call" => check_call(item, path),
        "reasoning" => check_thought(item, path),
        _ => check_id(item, path),
    }
}

fn check_message(item: &Value, path: &str) -> Result<(), Refusal> {
    let role = item["role"].as_str().unwrap_or_default();
    if !["user", "assistant", "system", "developer"].contains(&role) {
        return Err(
            Refusal::invalid(format!("Invalid value: '{role}'.")).at(format!("{path}.role"))
        );
    }
    match &item["content"] {
        Value::String(_) => Ok(()),
        Value::Array(parts) if parts.is_empty() => {
            Err(Refusal::empty_array(format!("{path}.content")))
        }
        Value::Array(parts) => parts.iter().enumerate().try_for_each(|(index, part)| {
            check_part(part, role, &format!("{path}.content[{index}]"))
        }),
        other => Err(Refusal::wrong_type(
            format!("{path}.content"),
            "a string",
            other,
        )),
    }
}

fn check_part(part: &Value, role: &str, path: &str) -> Result<(), Refusal> {
    let kind = part["type"].as_str().unwrap_or_default();
    let (fields, fine): (&[&str], bool) = match (role, kind) {
        ("assistant", "output_text") => (
            &["type", "text", "annotations", "logprobs"],
            part["text"].is_string(),
        ),
        ("assistant", _) => (&[], false),
        (_, "input_text") => (&["type", "text"], part["text"].is_string()),
        ("user", "input_image") => (
            &["type", "image_url", "detail"],
            part["image_url"].as_str().is_some_and(is_image_address),
        ),
        ("user", "input_file") => {
            let file = json!({ "filename": part["filename"], "file_data": part["file_data"] });
            (&["type", "filename", "file_data"], is_file(&file))
        }
        _ => (&[], false),
    };
    let known = |name: &String| fields.contains(&name.as_str());
    if fine && part.as_object().is_some_and(|part| part.keys().all(known)) {
        return Ok(());
    }
    Err(Refusal::invalid(format!("Invalid content part: '{kind}'."))
        .at(path)
        .code("invalid_value"))
}

fn check_call(item: &Value, path: &str) -> Result<(), Refusal> {
    tools::check_name(&item["name"], &format!("{path}.name"))?;
    check_id(item, path)
}

fn check_id(item: &Value, path: &str) -> Result<(), Refusal> {
    let id = item["call_id"].as_str().unwrap_or_default();
    if id.is_empty() || id.len() > 64 {
        return Err(Refusal::invalid(format!(
            "Invalid '{path}.call_id': expected a string of 1 to 64 characters."
        ))
        .at(format!("{path}.call_id")));
    }
    Ok(())
}

/// A thought must be one that this server has sealed: names alone are not stored.
fn check_thought(item: &Value, path: &str) -> Result<(), Refusal> {
    let id = item["id"].as_str().unwrap_or_default();
    match item["encrypted_content"].as_str() {
        Some(sealed) if sealed.strip_prefix(SEAL) == id.strip_prefix("rs_") => Ok(()),
        Some(_) => Err(Refusal::invalid(format!(
            "The encrypted content for item {id} could not be verified."
        ))
        .at(path)
        .code("invalid_encrypted_content")),
        None => Err(Refusal {
            status: 404,
            ..Refusal::invalid(format!(
                "Item with id '{id}' not found. Items are not persisted when `store` is set to \
                 false."
            ))
        }),
    }
}

/// Each call has exactly one result somewhere behind it.
fn check_calls(items: &[Value]) -> Result<(), Refusal> {
    let mut waiting: Vec<&str> = Vec::new();
    for item in items {
        let id = item["call_id"].as_str().unwrap_or_default();
        if item["type"] == "function_call" {
            waiting.push(id);
        } else if item["type"] == "function_call_output" {
            let Some(position) = waiting.iter().position(|waiting| *waiting == id) else {
                return Err(Refusal::invalid(format!(
                    "No tool call found for function call output with call_id {id}."
                ))
                .at("input"));
            };
            waiting.remove(position);
        } else if item["role"] == "user" && !waiting.is_empty() {
            break;
        }
    }
    match waiting.first() {
        Some(id) => Err(
            Refusal::invalid(format!("No tool output found for function call {id}.")).at("input"),
        ),
        None => Ok(()),
    }
}

/// A thought stands directly before its call, and a call that names its item comes with its
/// thought.
fn check_thoughts(items: &[Value]) -> Result<(), Refusal> {
    for (index, item) in items.iter().enumerate() {
        let sealed = item["encrypted_content"].as_str().unwrap_or_default();
        let call = sealed.strip_prefix(SEAL).unwrap_or_default();
        let follower = items.get(index + 1).unwrap_or(&Value::Null);
        if item["type"] == "reasoning" && follower["call_id"] != call {
            return Err(Refusal::invalid(format!(
                "Item '{}' of type 'reasoning' was provided without its required following item.",
                item["id"].as_str().unwrap_or_default()
            ))
            .at("input"));
        }
        let before = index.checked_sub(1).and_then(|index| items.get(index));
        let is_thought = before.is_some_and(|before| before["type"] == "reasoning");
        let name = item["id"].as_str().unwrap_or_default();
        if name.starts_with(THOUGHT_OF) && !is_thought {
            return Err(Refusal::invalid(format!(
                "Item '{name}' of type 'function_call' was provided without its required \
                 'reasoning' item."
            ))
            .at("input"));
        }
    }
    Ok(())
}
