//! A call's arguments as a model writes them: read, or refused with a word about what is wrong.

use serde_json::Value;

/// Levels of nesting that a call's arguments may have.
const DEEPEST: usize = 32;

/// Whether a value has more levels than `most`. What is stored of a call lies a few levels deeper,
/// and JSON can only be read back to a depth of 128.
fn is_deeper_than(value: &Value, most: usize) -> bool {
    match value {
        Value::Array(items) => most == 0 || items.iter().any(|item| is_deeper_than(item, most - 1)),
        Value::Object(fields) => {
            most == 0 || fields.values().any(|field| is_deeper_than(field, most - 1))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

pub(super) fn parse_arguments(text: &str) -> Result<Value, String> {
    // Several servers send nothing at all for a call without arguments.
    if text.trim().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(value) if !is_deeper_than(&value, DEEPEST) && value.is_object() => Ok(value),
        Ok(value) if value.is_object() => Err(format!(
            "the arguments are nested deeper than {DEEPEST} levels; flatten them"
        )),
        Ok(_) => Err("the arguments must be one JSON object".into()),
        Err(error) => Err(format!(
            "the arguments are not valid JSON ({error}); send one object"
        )),
    }
}
