//! What stands in an answer, or in a chunk of one: read field by field, so that an oddity in one
//! costs only that one.

use serde_json::Value;

use super::own_fields::{EXTRA_CONTENT, OwnFields, REASONING};
use crate::core::money::MicroUsd;
use crate::core::usage::TokenUsage;
use crate::llm::providers::http::counts;
use crate::llm::providers::http::errors::{Failure, ServerError};

/// A whole answer or a chunk of one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Part {
    /// The model, as the server calls it.
    pub(super) model: Option<String>,
    /// Whether there was a choice; the last chunk, with the usage, has none.
    pub(super) has_choice: bool,
    pub(super) text: String,
    pub(super) calls: Vec<CallPart>,
    /// What the server wants to have back.
    pub(super) own: OwnFields,
    /// The bytes of the thoughts that it shows, wanted back or not.
    pub(super) thought: usize,
    pub(super) finish: Option<String>,
    pub(super) usage: Option<TokenUsage>,
    pub(super) cost: Option<MicroUsd>,
}

/// A tool call or a piece of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct CallPart {
    pub(super) place: Place,
    /// Empty where there is none, like the next two.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
    /// What the server wants to have back with it, or null.
    pub(super) extra: Value,
}

/// Which call a piece belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// It is a call of its own.
    Whole,
    /// The call with this index.
    Index(u64),
    /// The server did not say.
    #[default]
    Unknown,
}

impl Part {
    /// Reads it.
    ///
    /// # Errors
    /// When it is an error instead, or no object at all.
    pub(super) fn read(value: &Value) -> Result<Self, Failure> {
        if !value.is_object() {
            return Err(Failure::malformed("the answer is no JSON object"));
        }
        if let Some(error) = ServerError::within(value) {
            return Err(Failure::of_answer(&error));
        }
        let mut part = Self {
            model: text_of(value.get("model")),
            usage: counts::usage(value),
            cost: counts::cost(value),
            ..Self::default()
        };
        if let Some(choice) = value.get("choices").and_then(|choices| choices.get(0)) {
            if let Some(error) = ServerError::within(choice) {
                return Err(Failure::of_answer(&error));
            }
            part.take_choice(choice);
        }
        Ok(part)
    }

    fn take_choice(&mut self, choice: &Value) {
        self.has_choice = true;
        self.finish = text_of(choice.get("finish_reason"));
        let (message, default_place) = match choice.get("delta").filter(|delta| !delta.is_null()) {
            Some(delta) => (delta, Place::Unknown),
            None => (choice.get("message").unwrap_or(&Value::Null), Place::Whole),
        };
        self.own = OwnFields::read(message);
        // OpenRouter sends the same text in both.
        let shown = message.get(REASONING).and_then(Value::as_str);
        self.thought = self.own.size().max(shown.map_or(0, str::len));
        self.text = content(message.get("content"));
        // Beside an empty content: the model's own words on why it does not answer.
        self.text.push_str(
            message
                .get("refusal")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        );
        let calls = message.get("tool_calls").and_then(Value::as_array);
        self.calls = calls
            .into_iter()
            .flatten()
            .map(|call| CallPart::read(call, default_place))
            .collect();
    }
}

impl CallPart {
    fn read(call: &Value, default_place: Place) -> Self {
        let place = match (default_place, call.get("index").and_then(Value::as_u64)) {
            (Place::Unknown, Some(index)) => Place::Index(index),
            (place, _) => place,
        };
        // Some servers leave out the frame around the function.
        let function = call
            .get("function")
            .filter(|value| value.is_object())
            .unwrap_or(call);
        let arguments = match function.get("arguments") {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        };
        Self {
            place,
            id: call.get("id").map(id_text).unwrap_or_default(),
            name: text_of(function.get("name")).unwrap_or_default(),
            arguments,
            extra: call.get(EXTRA_CONTENT).cloned().unwrap_or_default(),
        }
    }
}

fn text_of(value: Option<&Value>) -> Option<String> {
    value
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn id_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// A text, or a list of parts of which only the text ones are said aloud.
fn content(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().map(part_text).collect(),
        _ => String::new(),
    }
}

fn part_text(part: &Value) -> &str {
    let is_said = match part.get("type").and_then(Value::as_str) {
        Some(kind) => matches!(kind, "text" | "output_text"),
        None => true,
    };
    part.as_str()
        .or_else(|| part.get("text").filter(|_| is_said).and_then(Value::as_str))
        .unwrap_or_default()
}
