//! What servers add to a chat completion and want to have back in the turn's next step: the thoughts
//! as DeepSeek and Kimi (`reasoning_content`) and OpenRouter (`reasoning_details`) send them, and what
//! Gemini sends with each call (`extra_content`, in which the signature of its thought lies).

use serde_json::{Map, Value};

use super::response::CallPart;
use crate::core::model::Continuation;

pub(super) const REASONING_CONTENT: &str = "reasoning_content";
pub(super) const REASONING_DETAILS: &str = "reasoning_details";
pub(super) const EXTRA_CONTENT: &str = "extra_content";

/// The fields of one message, in the making.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct OwnFields {
    content: String,
    details: Vec<Value>,
}

impl OwnFields {
    /// What stands in a message or a piece of one.
    pub(super) fn read(message: &Value) -> Self {
        let content = message.get(REASONING_CONTENT).and_then(Value::as_str);
        let details = message.get(REASONING_DETAILS).and_then(Value::as_array);
        Self {
            content: content.unwrap_or_default().to_owned(),
            details: details.cloned().unwrap_or_default(),
        }
    }

    /// In bytes.
    pub(super) fn size(&self) -> usize {
        let details = self.details.iter().map(|detail| detail.to_string().len());
        self.content.len() + details.sum::<usize>()
    }

    /// Adds the next piece.
    pub(super) fn add(&mut self, piece: Self) {
        self.content.push_str(&piece.content);
        for detail in piece.details {
            match self.begun(&detail) {
                Some(begun) => go_on(begun, detail),
                None => self.details.push(detail),
            }
        }
    }

    /// The detail that `piece` goes on with: a text comes in pieces, each with the place of the whole,
    /// and its signature in one of its own. What is encrypted comes whole.
    fn begun(&mut self, piece: &Value) -> Option<&mut Value> {
        let (kind, index) = (&piece["type"], &piece["index"]);
        let in_pieces = kind == "reasoning.text" || kind == "reasoning.summary";
        let fits = |detail: &Value| &detail["type"] == kind && &detail["index"] == index;
        let newest = self.details.len().checked_sub(1);
        let at = if index.is_null() {
            newest.filter(|at| fits(&self.details[*at]))
        } else {
            self.details.iter().rposition(fits)
        };
        self.details.get_mut(at.filter(|_| in_pieces)?)
    }

    /// First what belongs to the message, then what belongs to each of its calls. Nothing, where
    /// there is nothing to give back.
    pub(super) fn into_items(self, calls: &[CallPart]) -> Vec<Value> {
        let mut message = Map::new();
        if !self.content.is_empty() {
            message.insert(REASONING_CONTENT.into(), self.content.into());
        }
        if !self.details.is_empty() {
            message.insert(REASONING_DETAILS.into(), self.details.into());
        }
        let mut items = vec![message];
        items.extend(calls.iter().map(|call| {
            let extra = Some(&call.extra).filter(|extra| !extra.is_null());
            let named = extra.map(|extra| (EXTRA_CONTENT.to_owned(), extra.clone()));
            named.into_iter().collect::<Map<_, _>>()
        }));
        if items.iter().all(Map::is_empty) {
            return Vec::new();
        }
        items.into_iter().map(Value::Object).collect()
    }
}

fn go_on(begun: &mut Value, piece: Value) {
    let Value::Object(fields) = piece else {
        return;
    };
    for (name, value) in fields {
        match (&mut begun[&name], value) {
            (Value::String(text), Value::String(more)) if name == "text" || name == "summary" => {
                text.push_str(&more);
            }
            (_, Value::Null) => {}
            (known, value) => *known = value,
        }
    }
}

/// Adds to a message what its server wants to have back.
pub(super) fn give_back(message: &mut Value, own: &Continuation) {
    let Some((fields, of_calls)) = own.items.split_first() else {
        return;
    };
    add_fields(message, fields);
    let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
    // The turn may have left out a call: then nobody knows which is whose.
    let calls = calls.filter(|calls| calls.len() == of_calls.len());
    for (call, fields) in calls.into_iter().flatten().zip(of_calls) {
        add_fields(call, fields);
    }
}

fn add_fields(value: &mut Value, fields: &Value) {
    for (name, field) in fields.as_object().into_iter().flatten() {
        value[name] = field.clone();
    }
}

/// Servers that demand the thoughts of all steps since the conversation began take an empty one for
/// those that are no longer kept.
pub(super) fn without_gaps(messages: &mut [Value]) {
    let said = |message: &&mut Value| message["role"] == "assistant";
    for message in messages.iter_mut().filter(said) {
        if message.get(REASONING_CONTENT).is_none() {
            message[REASONING_CONTENT] = "".into();
        }
    }
}
