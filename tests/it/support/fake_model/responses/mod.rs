//! `/v1/responses`: a reply as one JSON body or as a stream of typed events.
//!
//! A thought is encrypted as the id of the call it belongs to, so that it is known when it comes
//! back.

mod input;
mod request;

use serde_json::{Value, json};

pub use self::request::check;
use super::completion::{Envelope, created, pieces};
use super::reply::{Answer, Quirk};

/// What the encrypted form of a thought begins with; the id of its call follows.
const SEAL: &str = "sealed-";

/// What the item id of a call begins with that a thought belongs to.
const THOUGHT_OF: &str = "fc_t_";

/// The answer to a call without `stream`.
pub fn body(envelope: &Envelope, answer: &Answer) -> Value {
    let mut body = response(envelope, answer, "completed");
    body["output"] = output(envelope, answer).into();
    if !answer.has(Quirk::NoUsage) {
        body["usage"] = usage(envelope, answer);
    }
    body
}

/// The events of a stream, each with its blank line.
pub fn events(envelope: &Envelope, answer: &Answer) -> Vec<String> {
    let mut events = beginning(envelope, answer);
    if answer.has(Quirk::ErrorInStream) {
        events.push(event(json!({ "type": "error", "code": "server_error",
            "message": "The server had an error.", "param": null })));
        return events;
    }
    let with_items = !answer.has(Quirk::NoItemEvents);
    for (index, item) in output(envelope, answer).into_iter().enumerate() {
        if item["type"] == "message" {
            if with_items {
                events.push(item_event("done", index, &item));
            }
            continue;
        }
        if with_items {
            let mut opening = item.clone();
            opening["status"] = "in_progress".into();
            if item["type"] == "function_call" {
                opening["arguments"] = "".into();
            }
            events.push(item_event("added", index, &opening));
        }
        if let Some(arguments) = item["arguments"].as_str() {
            events.extend(pieces(arguments).into_iter().map(|piece| {
                event(json!({ "type": "response.function_call_arguments.delta",
                    "item_id": item["id"], "output_index": index, "delta": piece }))
            }));
        }
        if with_items {
            events.push(item_event("done", index, &item));
        }
    }
    let mut last = body(envelope, answer);
    if answer.has(Quirk::EmptyLastOutput) {
        last["output"] = json!([]);
    }
    events.push(event(
        json!({ "type": "response.completed", "response": last }),
    ));
    if answer.has(Quirk::Comments) {
        events = events
            .into_iter()
            .flat_map(|event| [": still here\n\n".to_owned(), event])
            .collect();
    }
    events
}

/// The announcement, then the text in small pieces; all there is of a stream that breaks off.
pub fn beginning(envelope: &Envelope, answer: &Answer) -> Vec<String> {
    let announced = response(envelope, answer, "in_progress");
    let mut events = vec![
        event(json!({ "type": "response.created", "response": announced })),
        event(json!({ "type": "response.in_progress", "response": announced })),
    ];
    let text = answer.text.as_deref().unwrap_or_default();
    if text.is_empty() {
        return events;
    }
    if !answer.has(Quirk::NoItemEvents) {
        let mut opening = message(envelope, text);
        opening["content"] = json!([]);
        events.push(item_event("added", 0, &opening));
    }
    events.extend(pieces(text).into_iter().map(|piece| {
        event(
            json!({ "type": "response.output_text.delta", "item_id": "msg_1",
            "output_index": 0, "content_index": 0, "delta": piece }),
        )
    }));
    events
}

fn response(envelope: &Envelope, answer: &Answer, status: &str) -> Value {
    json!({
        "id": envelope.id.replace("chatcmpl", "resp"),
        "object": "response",
        "created_at": created(answer) as u64,
        "status": status,
        "error": null,
        "incomplete_details": null,
        "model": envelope.model,
        "output": [],
        "store": false,
        "usage": null,
    })
}

fn output(envelope: &Envelope, answer: &Answer) -> Vec<Value> {
    let text = answer.text.as_deref().filter(|text| !text.is_empty());
    let mut items: Vec<Value> = text
        .map(|text| message(envelope, text))
        .into_iter()
        .collect();
    for (index, call) in answer.tool_calls.iter().enumerate() {
        let id = format!("call_{}_{index}", envelope.serial);
        if answer.thinks {
            items.push(thought(envelope, &id));
        }
        let mut item = json!({
            "type": "function_call",
            "id": format!("{}{id}", if answer.thinks { THOUGHT_OF } else { "fc_" }),
            "call_id": id,
            "name": call.name,
            "arguments": call.arguments.text(),
            "status": "completed",
        });
        if answer.has(Quirk::MissingToolCallId)
            && let Some(fields) = item.as_object_mut()
        {
            fields.remove("call_id");
            fields.remove("id");
        }
        items.push(item);
    }
    items
}

/// Without `include`, a thought is only a name.
fn thought(envelope: &Envelope, call: &str) -> Value {
    let sealed = envelope.thoughts_wanted.then(|| format!("{SEAL}{call}"));
    json!({
        "type": "reasoning",
        "id": format!("rs_{call}"),
        "summary": [],
        "encrypted_content": sealed,
        "status": null,
    })
}

fn message(envelope: &Envelope, text: &str) -> Value {
    json!({
        "type": "message",
        "id": format!("msg_{}", envelope.serial),
        "role": "assistant",
        "status": "completed",
        "content": [{ "type": "output_text", "text": text, "annotations": [], "logprobs": [] }],
    })
}

fn usage(envelope: &Envelope, answer: &Answer) -> Value {
    let (input, output) = answer.usage.unwrap_or((envelope.prompt_tokens, 7));
    json!({
        "input_tokens": input,
        "input_tokens_details": { "cached_tokens": 0 },
        "output_tokens": output,
        "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": input + output,
    })
}

fn item_event(what: &str, index: usize, item: &Value) -> String {
    event(json!({ "type": format!("response.output_item.{what}"),
        "output_index": index, "item": item }))
}

fn event(data: Value) -> String {
    let name = data["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n")
}
