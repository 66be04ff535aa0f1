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
        Dialect::TextOnly => messages.iter().try_for_each(check_text),
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
