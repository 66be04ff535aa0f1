//! What servers add to a chat completion and want to have back in the turn's next step: the thoughts
//! as DeepSeek and Kimi (`reasoning_content`) and OpenRouter (`reasoning_details`) send them, and what
//! Gemini sends with each call (`extra_content`, in which the signature of its thought lies).

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::response::CallPart;
use crate::core::model::Continuation;

pub(super) const REASONING_CONTENT: &str = "reasoning_content";
pub(super) const REASONING_DETAILS: &str = "reasoning_details";
/// Thoughts that are only shown (vLLM, Ollama, Groq), or shown once more (OpenRouter).
pub(super) const REASONING: &str = "reasoning";
pub(super) const EXTRA_CONTENT: &str = "extra_content";

/// The fields of one message, in the making.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct OwnFields {
    content: String,
    details: Vec<Value>,
    /// Where the newest detail of each kind and index stands, of those that come in pieces: there may be
    /// as many as an answer has room for.
    begun: HashMap<(String, String), usize>,
}

impl OwnFields {
    /// What stands in a message or a piece of one.
    pub(super) fn read(message: &Value) -> Self {
        let content = message.get(REASONING_CONTENT).and_then(Value::as_str);
        let details = message.get(REASONING_DETAILS).and_then(Value::as_array);
        Self {
            content: content.unwrap_or_default().to_owned(),
            details: details.cloned().unwrap_or_default(),
            begun: HashMap::new(),
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
            let Some(place) = place(&detail) else {
                self.details.push(detail);
                continue;
            };
            match self
                .begun_at(&place)
                .and_then(|at| self.details.get_mut(at))
            {
                Some(begun) => go_on(begun, detail),
                None => {
                    self.begun.insert(place, self.details.len());
                    self.details.push(detail);
                }
            }
        }
    }

    /// Where the detail stands that a piece goes on with; without an index it can only be the newest.
    fn begun_at(&self, place: &(String, String)) -> Option<usize> {
        let known = self.begun.get(place).copied();
        let has_index = place.1 != "null";
        known.filter(|at| has_index || at + 1 == self.details.len())
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

/// How many of the items are thoughts that can be left out alone: those of the message, where its calls
/// have something as well. Gemini refuses its calls without their signatures.
pub(super) fn thoughts(items: &[Value]) -> usize {
    let mut of_calls = items.iter().skip(1).filter_map(Value::as_object);
    usize::from(of_calls.any(|fields| !fields.is_empty()))
}

/// The kind and index by which a piece is known: a text comes in pieces, each with the place of the whole,
/// and its signature in one of its own. What is encrypted comes whole.
fn place(detail: &Value) -> Option<(String, String)> {
    let kind = detail["type"].as_str()?;
    let in_pieces = kind == "reasoning.text" || kind == "reasoning.summary";
    in_pieces.then(|| (kind.to_owned(), detail["index"].to_string()))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(details: Vec<Value>) -> OwnFields {
        OwnFields::read(&json!({ REASONING_DETAILS: details }))
    }

    #[test]
    fn pieces_go_on_with_the_newest_of_their_place() {
        let text = |index: Value, text: &str| json!({ "type": "reasoning.text", "index": index, "text": text });
        let mut own = OwnFields::default();
        for piece in [
            text(json!(0), "a"),
            text(json!(1), "b"),
            text(json!(0), "c"),
            text(Value::Null, "d"),
            text(Value::Null, "e"),
            json!({ "type": "reasoning.encrypted", "data": "x" }),
            text(Value::Null, "f"),
        ] {
            own.add(read(vec![piece]));
        }
        let texts = own.details.iter().map(|detail| detail["text"].as_str());
        let texts: Vec<&str> = texts.map(|text| text.unwrap_or("-")).collect();
        assert_eq!(texts, ["ac", "b", "de", "-", "f"]);
    }

    #[test]
    fn signatures_of_calls_come_back_without_the_thoughts() {
        let call = |extra: Value| CallPart {
            extra,
            ..CallPart::default()
        };
        let own = || OwnFields::read(&json!({ REASONING_CONTENT: "hm" }));
        let signed = own().into_items(&[call(json!({ "s": 1 })), call(Value::Null)]);
        let plain = own().into_items(&[call(Value::Null)]);
        let give_back_of = |items: Vec<Value>| {
            let own = Continuation {
                origin: "here".into(),
                thoughts: thoughts(&items),
                items,
            };
            let own = own.without_thoughts()?;
            let mut message = json!({ "tool_calls": [{}, {}] });
            give_back(&mut message, &own);
            Some(message)
        };
        let expected = json!({ "tool_calls": [{ EXTRA_CONTENT: { "s": 1 } }, {}] });
        assert_eq!(give_back_of(signed), Some(expected));
        assert_eq!(give_back_of(plain), None);
    }

    #[test]
    fn as_many_details_as_there_is_room_for_are_put_together_at_once() {
        let mut own = OwnFields::default();
        let detail = |index: usize, text: &str| json!({ "type": "reasoning.text", "index": index, "text": text });
        for text in ["a", "b"] {
            for index in 0..50_000 {
                own.add(read(vec![detail(index, text)]));
            }
        }
        assert_eq!(own.details.len(), 50_000);
        for (index, whole) in own.details.iter().enumerate() {
            assert_eq!(*whole, detail(index, "ab"));
        }
    }
}
