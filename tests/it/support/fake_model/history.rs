//! The checks of `messages`: roles, contents, and that tool calls and results belong together.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::refusal::Refusal;

const ROLES: [&str; 6] = [
    "system",
    "assistant",
    "user",
    "function",
    "tool",
    "developer",
];

pub fn check(messages: Option<&Value>) -> Result<(), Refusal> {
    let messages = match messages {
        None | Some(Value::Null) => return Err(Refusal::missing("messages")),
        Some(Value::Array(messages)) => messages,
        Some(other) => {
            return Err(Refusal::wrong_type(
                "messages",
                "an array of objects",
                other,
            ));
        }
    };
    if messages.is_empty() {
        return Err(Refusal::empty_array("messages"));
    }
    for (index, message) in messages.iter().enumerate() {
        let path = format!("messages[{index}]");
        if !message.is_object() {
            return Err(Refusal::wrong_type(path, "an object", message));
        }
        check_message(message, &path)?;
    }
    check_pairing(messages)
}

fn check_message(message: &Value, path: &str) -> Result<(), Refusal> {
    let role = match &message["role"] {
        Value::Null => return Err(Refusal::missing(format!("{path}.role"))),
        Value::String(role) => role.as_str(),
        other => {
            return Err(Refusal::wrong_type(
                format!("{path}.role"),
                "a string",
                other,
            ));
        }
    };
    if !ROLES.contains(&role) {
        return Err(Refusal::invalid(format!(
            "Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', \
             'function', 'tool', and 'developer'."
        ))
        .at(format!("{path}.role"))
        .code("invalid_value"));
    }
    check_name(message, path)?;
    let calls = check_tool_calls(message, path)?;
    if calls > 0 && role != "assistant" {
        return Err(Refusal::invalid(format!(
            "Invalid parameter: 'tool_calls' are only allowed in messages with role 'assistant', \
             not '{role}'."
        ))
        .at(format!("{path}.tool_calls")));
    }
    if role == "tool" && message["tool_call_id"].as_str().is_none_or(str::is_empty) {
        return Err(Refusal::missing(format!("{path}.tool_call_id")));
    }
    check_content(message, role, path, calls > 0)
}

fn check_name(message: &Value, path: &str) -> Result<(), Refusal> {
    let Some(name) = message["name"].as_str() else {
        return Ok(());
    };
    let forbidden = |c: char| c.is_whitespace() || "<|\\/>".contains(c);
    if name.is_empty() || name.chars().count() > 64 || name.contains(forbidden) {
        return Err(Refusal::invalid(format!(
            "Invalid '{path}.name': string does not match pattern. Expected a string that matches \
             the pattern '^[^\\s<|\\\\/>]+$'."
        ))
        .at(format!("{path}.name"))
        .code("invalid_value"));
    }
    Ok(())
}

fn check_content(message: &Value, role: &str, path: &str, calls: bool) -> Result<(), Refusal> {
    let place = format!("{path}.content");
    match message.get("content") {
        Some(Value::String(_)) => Ok(()),
        Some(Value::Array(parts)) if parts.is_empty() => Err(Refusal::empty_array(place)),
        Some(Value::Array(parts)) => {
            let mut numbered = parts.iter().enumerate();
            numbered
                .try_for_each(|(index, part)| check_part(part, role, &format!("{place}[{index}]")))
        }
        None | Some(Value::Null) if role == "assistant" && calls => Ok(()),
        None | Some(Value::Null) if role == "assistant" && message["refusal"].is_string() => Ok(()),
        None | Some(Value::Null) => Err(Refusal::invalid(
            "Invalid value for 'content': expected a string, got null.",
        )
        .at(place)),
        Some(other) => Err(Refusal::wrong_type(
            place,
            "one of a string or array of objects",
            other,
        )),
    }
}

fn check_part(part: &Value, role: &str, path: &str) -> Result<(), Refusal> {
    let kind = part["type"].as_str().unwrap_or_default();
    let allowed: &[&str] = match role {
        "user" => &["text", "image_url", "input_audio", "file"],
        "assistant" => &["text", "refusal"],
        _ => &["text"],
    };
    if !allowed.contains(&kind) {
        let list: Vec<String> = allowed.iter().map(|kind| format!("'{kind}'")).collect();
        return Err(Refusal::invalid(format!(
            "Invalid value: '{kind}'. Supported values are: {}.",
            list.join(", ")
        ))
        .at(format!("{path}.type"))
        .code("invalid_value"));
    }
    let required = match kind {
        "text" => part["text"].is_string(),
        "image_url" => part["image_url"]["url"]
            .as_str()
            .is_some_and(is_image_address),
        "input_audio" => part["input_audio"]["data"].is_string(),
        "file" => is_file(&part["file"]),
        _ => part["refusal"].is_string(),
    };
    if required {
        Ok(())
    } else {
        Err(Refusal::missing(format!("{path}.{kind}")))
    }
}

/// A named file with its bytes. Stricter than the real server, which takes ids of uploads as well.
pub fn is_file(file: &Value) -> bool {
    let named = file["filename"]
        .as_str()
        .is_some_and(|name| !name.is_empty());
    let known = |name: &String| ["filename", "file_data"].contains(&name.as_str());
    let fields = file.as_object().is_some_and(|file| file.keys().all(known));
    let data = file["file_data"].as_str().unwrap_or_default();
    let bytes = data_of(data, "application/pdf");
    named && fields && bytes.is_some_and(|bytes| bytes.windows(5).any(|part| part == b"%PDF-"))
}

/// An address, or a picture whose bytes are of the type that is said. Only the types that OpenAI
/// names are taken.
pub fn is_image_address(address: &str) -> bool {
    let types: [(&str, &[u8]); 4] = [
        ("image/png", b"\x89PNG\r\n\x1a\n"),
        ("image/jpeg", b"\xff\xd8\xff"),
        ("image/gif", b"GIF8"),
        ("image/webp", b"RIFF"),
    ];
    address.starts_with("https://")
        || types
            .iter()
            .any(|(mime, head)| data_of(address, mime).is_some_and(|bytes| bytes.starts_with(head)))
}

/// The bytes of a data URL of this type.
fn data_of(url: &str, mime: &str) -> Option<Vec<u8>> {
    let data = url.strip_prefix(&format!("data:{mime};base64,"))?;
    STANDARD.decode(data).ok()
}

/// Answers how many tool calls the message holds.
fn check_tool_calls(message: &Value, path: &str) -> Result<usize, Refusal> {
    let place = format!("{path}.tool_calls");
    let calls = match &message["tool_calls"] {
        Value::Null => return Ok(0),
        Value::Array(calls) if calls.is_empty() => return Err(Refusal::empty_array(place)),
        Value::Array(calls) => calls,
        other => return Err(Refusal::wrong_type(place, "an array of objects", other)),
    };
    for (index, call) in calls.iter().enumerate() {
        let place = format!("{place}[{index}]");
        let function = &call["function"];
        let fields = [
            ("id", &call["id"]),
            ("type", &call["type"]),
            ("function.name", &function["name"]),
            ("function.arguments", &function["arguments"]),
        ];
        for (name, value) in fields {
            match value {
                Value::String(_) => {}
                Value::Null => return Err(Refusal::missing(format!("{place}.{name}"))),
                other => {
                    return Err(Refusal::wrong_type(
                        format!("{place}.{name}"),
                        "a string",
                        other,
                    ));
                }
            }
        }
        if call["type"] != "function" {
            return Err(
                Refusal::invalid("Invalid value. Supported values are: 'function'.")
                    .at(format!("{place}.type"))
                    .code("invalid_value"),
            );
        }
        super::tools::check_name(&function["name"], &format!("{place}.function.name"))?;
    }
    Ok(calls.len())
}

/// Each call is answered by exactly one tool message directly after it, and nothing else is.
/// (A second answer to one call counts as an orphan.)
fn check_pairing(messages: &[Value]) -> Result<(), Refusal> {
    let mut waiting: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            let Some(position) = waiting.iter().position(|waiting| *waiting == id) else {
                return Err(Refusal::invalid(
                    "Invalid parameter: messages with role 'tool' must be a response to a \
                     preceeding message with 'tool_calls'.",
                )
                .at(format!("messages.[{index}].role")));
            };
            waiting.remove(position);
            continue;
        }
        refuse_unanswered(&waiting, index)?;
        let calls = message["tool_calls"].as_array();
        waiting = calls
            .into_iter()
            .flatten()
            .filter_map(|call| call["id"].as_str())
            .collect();
        refuse_doubled(&waiting, index)?;
    }
    refuse_unanswered(&waiting, messages.len())
}

fn refuse_unanswered(waiting: &[&str], index: usize) -> Result<(), Refusal> {
    if waiting.is_empty() {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to \
         each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        waiting.join(", ")
    ))
    .at(format!("messages.[{}].role", index)))
}

/// Stricter than the real server, which does not look.
fn refuse_doubled(ids: &[&str], index: usize) -> Result<(), Refusal> {
    let doubled = ids
        .iter()
        .enumerate()
        .find(|(position, id)| ids[..*position].contains(id));
    match doubled {
        Some((_, id)) => Err(Refusal::invalid(format!("Duplicate tool call id: '{id}'."))
            .at(format!("messages[{index}].tool_calls"))),
        None => Ok(()),
    }
}
