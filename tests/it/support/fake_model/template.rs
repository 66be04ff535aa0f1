//! Servers whose model takes less than the API allows: chat templates that lay out nothing but a
//! user's and an assistant's messages in turn, and models that read only text.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::validation::Dialect;

pub fn check(body: &Map<String, Value>, dialect: Dialect) -> Result<(), Refusal> {
    let list = body.get("messages").or_else(|| body.get("input"));
    let messages = list
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    match dialect {
        Dialect::OpenAi | Dialect::OpenRouter => Ok(()),
        Dialect::Alternating => check_turns(messages).map_err(refused_by_vllm),
        Dialect::AlternatingWithoutSystem => {
            let first = messages.first().map(|message| &message["role"]);
            if first.is_some_and(|role| role == "system") {
                return Err(refused_by_llama_cpp("System role not supported"));
            }
            check_turns(messages).map_err(refused_by_llama_cpp)
        }
        Dialect::TextOnly => messages.iter().try_for_each(check_text),
    }
}

/// Calls and their results stand between a user's message and the answer, and are not counted.
fn check_turns(messages: &[Value]) -> Result<(), &'static str> {
    let mut count = 0;
    for (position, message) in messages.iter().enumerate() {
        match message["role"].as_str().unwrap_or_default() {
            "system" if position == 0 => {}
            "tool" => {}
            "assistant" if message["tool_calls"].is_array() => {}
            role @ ("user" | "assistant") => {
                if (role == "user") != (count % 2 == 0) {
                    return Err(
                        "After the optional system message, conversation roles must \
                         alternate user and assistant roles except for tool calls and results.",
                    );
                }
                count += 1;
            }
            _ => {
                return Err(
                    "Only user and assistant roles are supported, with the exception of an \
                     initial optional system message!",
                );
            }
        }
    }
    Ok(())
}

fn refused_by_vllm(why: &'static str) -> Refusal {
    Refusal {
        kind: "BadRequestError",
        ..Refusal::invalid(why)
    }
}

/// The line of the template is shown around it.
fn refused_by_llama_cpp(why: &'static str) -> Refusal {
    let message = format!(
        "{why} at row 13, column 31:\n        {{%- if (message['role'] == 'user') != (ns.index % 2 \
         == 0) %}}\n            {{{{- raise_exception('{why}') }}}}\n                  ^\n"
    );
    Refusal {
        status: 500,
        kind: "server_error",
        ..Refusal::invalid(message)
    }
}

fn check_text(message: &Value) -> Result<(), Refusal> {
    let parts = message["content"].as_array().into_iter().flatten();
    for part in parts {
        match part["type"].as_str().unwrap_or_default() {
            "image_url" => {
                return Err(Refusal::invalid("gpt-test is not a multimodal model"));
            }
            "input_image" => {
                return Err(Refusal::invalid("this model does not support image input"));
            }
            kind @ ("file" | "input_file") => {
                return Err(Refusal::invalid(format!(
                    "Unsupported chat content part type: '{kind}'. Supported types: 'text'."
                )));
            }
            _ => {}
        }
    }
    Ok(())
}
