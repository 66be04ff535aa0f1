//! `/v1/chat/completions`: a reply as one JSON body or as a stream of events.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::reply::{Answer, Arguments, Quirk, ToolCall};

/// What all parts of one answer share.
#[derive(Debug, Clone)]
pub struct Envelope {
    pub id: String,
    pub model: String,
    pub prompt_tokens: u64,
    /// `stream_options.include_usage`.
    pub usage_wanted: bool,
    /// Makes tool call ids unique in the life of the server.
    pub serial: u64,
    /// `include` names the encrypted thoughts.
    pub thoughts_wanted: bool,
}

pub fn created(answer: &Answer) -> u128 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    if answer.has(Quirk::CreatedInMilliseconds) {
        elapsed.as_millis()
    } else {
        u128::from(elapsed.as_secs())
    }
}

fn usage(envelope: &Envelope, answer: &Answer) -> Value {
    let written: usize = answer.text.as_deref().map_or(0, str::len)
        + answer
            .tool_calls
            .iter()
            .map(|call| call.arguments.text().len())
            .sum::<usize>();
    let estimate = (envelope.prompt_tokens, written as u64 / 4 + 1);
    let (prompt, completion) = answer.usage.unwrap_or(estimate);
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 },
        "completion_tokens_details": { "reasoning_tokens": 0, "audio_tokens": 0 },
    })
}

fn tool_call_json(envelope: &Envelope, answer: &Answer, index: usize, call: &ToolCall) -> Value {
    let arguments = match (&call.arguments, answer.has(Quirk::ObjectArguments)) {
        (Arguments::Json(value), true) => value.clone(),
        (arguments, _) => arguments.text().into(),
    };
    let mut json = json!({
        "id": format!("call_{}_{index}", envelope.serial),
        "type": "function",
        "function": { "name": call.name, "arguments": arguments },
    });
    if answer.has(Quirk::MissingToolCallId)
        && let Some(fields) = json.as_object_mut()
    {
        fields.remove("id");
    }
    json
}

/// The answer to a call without `stream`.
pub fn body(envelope: &Envelope, answer: &Answer) -> Value {
    let mut message = json!({
        "role": "assistant",
        "content": answer.text,
        "refusal": null,
        "annotations": [],
    });
    if !answer.tool_calls.is_empty() {
        let calls = answer.tool_calls.iter().enumerate();
        message["tool_calls"] = calls
            .map(|(index, call)| tool_call_json(envelope, answer, index, call))
            .collect::<Vec<_>>()
            .into();
    }
    let mut body = json!({
        "id": envelope.id,
        "object": "chat.completion",
        "created": created(answer),
        "model": envelope.model,
        "choices": [{
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": answer.finish_reason(),
        }],
        "service_tier": "default",
        "system_fingerprint": "fp_fake",
    });
    if !answer.has(Quirk::NoUsage) {
        body["usage"] = usage(envelope, answer);
    }
    body
}

/// The events of a stream, each with its blank line.
pub fn events(envelope: &Envelope, answer: &Answer) -> Vec<String> {
    let mut events = beginning(envelope, answer);
    if answer.has(Quirk::ErrorInStream) {
        let error = json!({ "error": { "message": "Provider disconnected", "code": 502 } });
        events.push(event(&error));
        return events;
    }
    events.extend(tool_events(envelope, answer));
    events.push(chunk(
        envelope,
        answer,
        json!({}),
        answer.finish_reason().into(),
    ));
    if envelope.usage_wanted && !answer.has(Quirk::NoUsage) {
        events.push(usage_event(envelope, answer));
    }
    if !answer.has(Quirk::NoDone) {
        events.push("data: [DONE]\n\n".to_owned());
    }
    if answer.has(Quirk::Comments) {
        let comment = ": OPENROUTER PROCESSING\n\n".to_owned();
        events = events
            .into_iter()
            .flat_map(|event| [comment.clone(), event])
            .collect();
    }
    events
}

/// The role, then the text in small pieces; all there is of a stream that breaks off.
pub fn beginning(envelope: &Envelope, answer: &Answer) -> Vec<String> {
    let content = if answer.tool_calls.is_empty() {
        json!("")
    } else {
        Value::Null
    };
    let role = json!({ "role": "assistant", "content": content, "refusal": null });
    let mut events = vec![chunk(envelope, answer, role, Value::Null)];
    for piece in pieces(answer.text.as_deref().unwrap_or_default()) {
        events.push(chunk(
            envelope,
            answer,
            json!({ "content": piece }),
            Value::Null,
        ));
    }
    events
}

fn tool_events(envelope: &Envelope, answer: &Answer) -> Vec<String> {
    let mut events = Vec::new();
    for (index, call) in answer.tool_calls.iter().enumerate() {
        let mut opening = tool_call_json(envelope, answer, index, call);
        let whole = answer.has(Quirk::ObjectArguments) || answer.has(Quirk::MissingToolIndex);
        if !whole {
            opening["function"]["arguments"] = "".into();
        }
        if !answer.has(Quirk::MissingToolIndex) {
            opening["index"] = index.into();
        }
        events.push(chunk(
            envelope,
            answer,
            json!({ "tool_calls": [opening] }),
            Value::Null,
        ));
        if whole {
            continue;
        }
        for piece in pieces(&call.arguments.text()) {
            let delta = json!({ "index": index, "function": { "arguments": piece } });
            events.push(chunk(
                envelope,
                answer,
                json!({ "tool_calls": [delta] }),
                Value::Null,
            ));
        }
    }
    events
}

fn usage_event(envelope: &Envelope, answer: &Answer) -> String {
    let mut last = frame(envelope, answer);
    if answer.has(Quirk::NoChoicesInUsage) {
        last.as_object_mut().map(|fields| fields.remove("choices"));
    } else {
        last["choices"] = json!([]);
    }
    last["usage"] = usage(envelope, answer);
    event(&last)
}

fn chunk(envelope: &Envelope, answer: &Answer, delta: Value, finish_reason: Value) -> String {
    let mut chunk = frame(envelope, answer);
    chunk["choices"] = json!([{
        "index": 0,
        "delta": delta,
        "logprobs": null,
        "finish_reason": finish_reason,
    }]);
    event(&chunk)
}

fn frame(envelope: &Envelope, answer: &Answer) -> Value {
    let mut frame = json!({
        "id": envelope.id,
        "object": "chat.completion.chunk",
        "created": created(answer),
        "model": envelope.model,
        "service_tier": "default",
        "system_fingerprint": "fp_fake",
        "choices": [],
    });
    if envelope.usage_wanted {
        frame["usage"] = Value::Null;
    }
    frame
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// Pieces of one to seven characters, like tokens.
pub fn pieces(text: &str) -> Vec<String> {
    let mut characters = text.chars().peekable();
    let mut pieces = Vec::new();
    while characters.peek().is_some() {
        let length = 1 + (pieces.len() * 3) % 7;
        pieces.push(characters.by_ref().take(length).collect());
    }
    pieces
}
