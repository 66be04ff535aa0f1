//! Puts the parts of an answer together, and makes of it what the rest of the program may rely on.

use serde_json::{Map, Value};

use super::own_fields::{self, OwnFields};
use super::response::{CallPart, Part, Place};
use crate::core::ids::CallId;
use crate::core::model::{FinishReason, ModelErrorKind, ReplySink};
use crate::core::money::MicroUsd;
use crate::core::tool::ToolCall;
use crate::core::usage::TokenUsage;
use crate::llm::providers::http::answer::{
    Answer, Counted, LARGEST_ANSWER, MOST_CALLS, Said, distinct_calls, repeats, told_once,
};
use crate::llm::providers::http::errors::Failure;
use crate::llm::providers::http::think::ThinkFilter;

/// An answer in the making.
#[derive(Debug, Default)]
pub struct ChatAnswer {
    thoughts: ThinkFilter,
    text: String,
    calls: Vec<CallPart>,
    own: OwnFields,
    finish: Option<String>,
    model: Option<String>,
    usage: Option<TokenUsage>,
    cost: Option<MicroUsd>,
    size: usize,
    has_choice: bool,
}

impl Answer for ChatAnswer {
    fn take(&mut self, part: &Value, sink: &dyn ReplySink) -> Result<(), Failure> {
        self.take_part(Part::read(part)?, sink)
    }

    fn close(&mut self, sink: &dyn ReplySink) {
        let said = self.thoughts.finish();
        self.say(&said, sink);
    }

    fn has_begun(&self) -> bool {
        self.has_choice
    }

    fn is_flowing(&self) -> bool {
        self.size > 0
    }

    fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    fn counted(&self) -> Counted {
        Counted {
            model: self.model.clone(),
            tokens: self.usage,
            cost: self.cost,
        }
    }

    fn size(&self) -> usize {
        self.size
    }

    fn into_reply(self) -> Result<Said, Failure> {
        if !self.has_choice {
            return Err(Failure::malformed("the answer holds no choice"));
        }
        let parts = told_once(self.calls, |part| Some(part.call()));
        let of_calls = self.own.into_items(&parts);
        let calls = distinct_calls(parts.iter().map(CallPart::call));
        // Where a call was nothing, the fields and the calls no longer go together.
        let to_return = if calls.len() == parts.len() {
            of_calls
        } else {
            Vec::new()
        };
        let is_empty = self.text.is_empty() && calls.is_empty();
        let finish = reason(self.finish.as_deref().unwrap_or_default(), is_empty)?;
        Ok(Said {
            text: self.text,
            calls,
            finish,
            thoughts: own_fields::thoughts(&to_return),
            to_return,
        })
    }
}

/// What the server's word for its reason to stop means.
fn reason(word: &str, is_empty: bool) -> Result<FinishReason, Failure> {
    match word.to_lowercase().as_str() {
        "length" | "max_tokens" | "model_length" => Ok(FinishReason::Length),
        "content_filter" | "safety" | "recitation" | "prohibited_content" | "sensitive" => {
            if is_empty {
                return Err(Failure {
                    kind: ModelErrorKind::Refused,
                    detail: "the whole answer was withheld".into(),
                });
            }
            Ok(FinishReason::Filtered)
        }
        "error" => Err(Failure::malformed(
            "the server ended the answer with an error",
        )),
        "tool_calls" | "function_call" if is_empty => Err(Failure::malformed(
            "tool calls were announced and none came",
        )),
        _ => Ok(FinishReason::Done),
    }
}

impl ChatAnswer {
    fn take_part(&mut self, part: Part, sink: &dyn ReplySink) -> Result<(), Failure> {
        self.has_choice |= part.has_choice;
        self.size += part.text.len() + part.thought;
        self.own.add(part.own);
        for call in part.calls {
            self.size += call.size();
            self.take_call(call);
        }
        if self.calls.len() > MOST_CALLS {
            return Err(Failure::malformed(format!(
                "more than {MOST_CALLS} tool calls"
            )));
        }
        if self.size > LARGEST_ANSWER {
            return Err(Failure::malformed(format!(
                "the answer is larger than {LARGEST_ANSWER} bytes"
            )));
        }
        self.finish = part.finish.or(self.finish.take());
        self.model = part.model.or(self.model.take());
        self.usage = part.usage.or(self.usage);
        self.cost = part.cost.or(self.cost);
        let said = self.thoughts.pass(&part.text);
        self.say(&said, sink);
        Ok(())
    }

    fn say(&mut self, said: &str, sink: &dyn ReplySink) {
        if !said.is_empty() {
            self.text.push_str(said);
            sink.push(said);
        }
    }

    /// Adds a piece to the call that it belongs to, or begins a new one.
    fn take_call(&mut self, piece: CallPart) {
        match self.begun_call(&piece) {
            Some(call) => call.go_on(piece),
            None => self.calls.push(piece),
        }
    }

    /// The call that the piece goes on with: the one in its place, or the one with its id.
    fn begun_call(&mut self, piece: &CallPart) -> Option<&mut CallPart> {
        let with_id = |call: &CallPart| call.id == piece.id;
        let here = match piece.place {
            Place::Whole => return None,
            Place::Index(_) => self
                .calls
                .iter()
                .rposition(|call| call.place == piece.place),
            Place::Unknown if piece.id.is_empty() => self.calls.len().checked_sub(1),
            Place::Unknown => self
                .calls
                .iter()
                .rposition(with_id)
                .or_else(|| self.calls.len().checked_sub(1)),
        };
        let goes_on_here = |at: &usize| {
            let call = self.calls.get(*at);
            call.is_some_and(|call| !begins_another(call, piece))
        };
        let at = here.filter(goes_on_here).or_else(|| {
            let elsewhere = |call: &CallPart| with_id(call) && goes_on_elsewhere(call, piece);
            self.calls.iter().rposition(elsewhere)
        })?;
        self.calls.get_mut(at)
    }
}

/// Whether `piece` is a call of its own although it came in the place of `call`: servers that leave
/// out the index, or send 0 for all calls, send them whole.
fn begins_another(call: &CallPart, piece: &CallPart) -> bool {
    if piece.name.is_empty() || call.name.is_empty() {
        return false;
    }
    let same_id = !piece.id.is_empty() && piece.id == call.id;
    let other_id = !piece.id.is_empty() && !call.id.is_empty() && !same_id;
    let unsaid = piece.place == Place::Unknown && !same_id;
    other_id || unsaid || is_object(&call.arguments)
}

/// Whether `piece` belongs to `call`, whose id it has, although it came in another place. With its
/// name it may as well be the beginning of another call, unless this one is half there.
fn goes_on_elsewhere(call: &CallPart, piece: &CallPart) -> bool {
    let is_half = || !call.arguments.is_empty() && !is_object(&call.arguments);
    let adds = || piece.name == call.name && !piece.arguments.is_empty() && is_half();
    !piece.id.is_empty() && (piece.name.is_empty() || adds())
}

fn is_object(text: &str) -> bool {
    text.trim_end().ends_with('}') && serde_json::from_str::<Map<String, Value>>(text).is_ok()
}

impl CallPart {
    /// In bytes.
    fn size(&self) -> usize {
        let extra = match &self.extra {
            Value::Null => 0,
            extra => extra.to_string().len(),
        };
        self.name.len() + self.id.len() + self.arguments.len() + extra
    }

    /// Adds the next piece; one that comes again when all is there adds nothing.
    fn go_on(&mut self, piece: Self) {
        if self.id.is_empty() {
            self.id = piece.id;
        }
        if self.name != piece.name {
            self.name.push_str(&piece.name);
        }
        let is_again = repeats(&piece.arguments, &self.arguments) && is_object(&self.arguments);
        if !is_again {
            self.arguments.push_str(&piece.arguments);
        }
        if self.extra.is_null() {
            self.extra = piece.extra;
        }
    }

    fn call(&self) -> ToolCall {
        ToolCall {
            id: CallId::new(self.id.as_str()),
            name: self.name.clone(),
            arguments: self.arguments.clone(),
        }
    }
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
