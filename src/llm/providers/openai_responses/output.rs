//! The items of an answer, as they come in pieces and as a whole.

use serde_json::Value;

use crate::core::ids::CallId;
use crate::core::tool::ToolCall;

/// One item of the output in the making.
#[derive(Debug, Clone, Default)]
pub(super) struct Piece {
    /// Where it stands.
    pub(super) index: u64,
    /// What is known of it; null before it is announced.
    pub(super) item: Value,
    /// Arguments that came before the item was whole.
    pub(super) arguments: String,
}

impl Piece {
    /// The item, with the arguments that came apart from it.
    pub(super) fn into_item(mut self) -> Value {
        let has_arguments = match &self.item["arguments"] {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            _ => true,
        };
        if is_call(&self.item) && !has_arguments {
            self.item["arguments"] = self.arguments.into();
        }
        self.item
    }
}

pub(super) fn is_call(item: &Value) -> bool {
    item["type"] == "function_call"
}

/// The call that the item is.
pub(super) fn call(item: &Value) -> ToolCall {
    let text = |name: &str| item[name].as_str().filter(|text| !text.is_empty());
    let arguments = match &item["arguments"] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    ToolCall {
        id: CallId::new(text("call_id").or_else(|| text("id")).unwrap_or_default()),
        name: text("name").unwrap_or_default().into(),
        arguments,
    }
}

/// What the messages among the items say, the model's own words on why it does not answer
/// included.
pub(super) fn text(items: &[Value]) -> String {
    let messages = items.iter().filter(|item| item["type"] == "message");
    let texts: Vec<String> = messages
        .map(|message| match &message["content"] {
            Value::String(text) => text.clone(),
            Value::Array(parts) => parts.iter().filter_map(part_text).collect(),
            _ => String::new(),
        })
        .filter(|text| !text.is_empty())
        .collect();
    texts.join("\n\n")
}

fn part_text(part: &Value) -> Option<&str> {
    match part["type"].as_str() {
        Some("refusal") => part["refusal"].as_str(),
        Some("output_text" | "text") | None => part["text"].as_str(),
        Some(_) => None,
    }
}

/// The items that the server wants to have back with the results of the calls: all of them when
/// there are thoughts among them, since each thought belongs to the item after it.
pub(super) fn to_return(items: &[Value]) -> Vec<Value> {
    let kept: Vec<Value> = items
        .iter()
        .filter(|item| match item["type"].as_str() {
            Some("reasoning") => can_be_returned(item),
            Some("message" | "function_call") => true,
            _ => false,
        })
        .map(without_nulls)
        .collect();
    let is_plain = |item: &Value| item["type"] != "reasoning" && item["phase"].is_null();
    if kept.iter().all(is_plain) {
        return Vec::new();
    }
    kept
}

/// A thought without its content is only a name, which a server that stores nothing does not know.
fn can_be_returned(thought: &Value) -> bool {
    let encrypted = &thought["encrypted_content"];
    let plain = &thought["content"];
    encrypted.as_str().is_some_and(|text| !text.is_empty())
        || plain.as_array().is_some_and(|parts| !parts.is_empty())
}

/// Servers send fields as null that they refuse to get back.
fn without_nulls(item: &Value) -> Value {
    let mut item = item.clone();
    if let Value::Object(fields) = &mut item {
        fields.retain(|_, value| !value.is_null());
    }
    item
}
