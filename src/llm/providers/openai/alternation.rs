//! Messages for chat templates that take a user's and an assistant's in turn and nothing else
//! (Mistral's, Gemma's, Llama 2's): neighbours are joined, and what is missing between two is filled in.

use serde_json::{Value, json};

/// Stands where the model said nothing before the next message came, as after a turn that failed.
const NOTHING_SAID: &str = "(no answer)";

/// The same messages in turn: system, user, assistant, user and so on. Calls and their results stand
/// between a user's message and the answer to it.
pub(super) fn alternating(messages: Vec<Value>) -> Vec<Value> {
    let mut turns: Vec<Value> = Vec::with_capacity(messages.len());
    for message in messages {
        match turns.last_mut() {
            Some(last) if goes_on(last, &message) => join(last, message),
            Some(last) if last["role"] == "tool" && message["role"] == "user" => {
                turns.push(json!({ "role": "assistant", "content": NOTHING_SAID }));
                turns.push(message);
            }
            _ => turns.push(message),
        }
    }
    turns
}

/// The same for templates that know no system message: it begins the first user's.
pub(super) fn without_system(mut messages: Vec<Value>) -> Vec<Value> {
    if let Some(first) = messages.first_mut()
        && first["role"] == "system"
    {
        first["role"] = "user".into();
    }
    messages
}

fn goes_on(last: &Value, next: &Value) -> bool {
    last["role"] == next["role"]
        && (last["role"] == "user" || last["role"] == "assistant" && last["tool_calls"].is_null())
}

fn join(last: &mut Value, mut next: Value) {
    let contents = [&mut *last, &mut next].map(|message| message["content"].take());
    next["content"] = joined(contents);
    *last = next;
}

fn joined(contents: [Value; 2]) -> Value {
    match contents {
        [Value::String(one), Value::String(other)] if one.is_empty() || other.is_empty() => {
            (one + &other).into()
        }
        [Value::String(one), Value::String(other)] => format!("{one}\n\n{other}").into(),
        [Value::Null, one] | [one, Value::Null] => one,
        contents => contents.into_iter().flat_map(parts).collect(),
    }
}

fn parts(content: Value) -> Vec<Value> {
    match content {
        Value::Array(parts) => parts,
        Value::String(text) if !text.is_empty() => vec![json!({ "type": "text", "text": text })],
        _ => Vec::new(),
    }
}
