//! Puts the parts of an answer together, and makes of it what the rest of the program may rely on.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::OpenAiSettings;
use super::errors::Failure;
use super::response::{CallPart, Part, Place};
use super::think::ThinkFilter;
use crate::core::ids::CallId;
use crate::core::model::{FinishReason, ModelErrorKind, ModelReply, ReplySink};
use crate::core::tool::ToolCall;
use crate::core::usage::{TokenUsage, UsageEntry};

/// Text and tool calls of one answer, in bytes.
pub(super) const LARGEST_ANSWER: usize = 4 * 1024 * 1024;
/// The names of models go into the database and into charts.
const LONGEST_MODEL_NAME: usize = 200;
/// OpenAI takes no more tools than that in a request; nobody calls more at once.
const MOST_CALLS: usize = 128;

/// An answer in the making.
#[derive(Debug, Default)]
pub(super) struct Answer {
    thoughts: ThinkFilter,
    text: String,
    calls: Vec<CallPart>,
    finish: Option<String>,
    model: Option<String>,
    usage: TokenUsage,
    size: usize,
    has_choice: bool,
}

impl Answer {
    /// Takes the next part and passes its text on.
    ///
    /// # Errors
    /// When the answer gets too large.
    pub(super) fn take(&mut self, part: Part, sink: &dyn ReplySink) -> Result<(), Failure> {
        self.has_choice |= part.has_choice;
        self.size += part.text.len();
        for call in part.calls {
            self.size += call.name.len() + call.id.len() + call.arguments.len();
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
        let said = self.thoughts.pass(&part.text);
        self.say(&said, sink);
        self.finish = part.finish.or(self.finish.take());
        self.model = part.model.or(self.model.take());
        self.usage = part.usage.unwrap_or(self.usage);
        Ok(())
    }

    /// No more parts will come.
    pub(super) fn close(&mut self, sink: &dyn ReplySink) {
        let said = self.thoughts.finish();
        self.say(&said, sink);
    }

    /// Whether the server has said why it stopped: nothing that matters comes after.
    pub(super) fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Whether anything of an answer has come.
    pub(super) fn has_begun(&self) -> bool {
        self.has_choice
    }

    /// The reply, if it is one.
    ///
    /// # Errors
    /// When the server withheld all of it, or said one thing and did another.
    pub(super) fn into_reply(self, settings: &OpenAiSettings) -> Result<ModelReply, Failure> {
        if !self.has_choice {
            return Err(Failure::malformed("the answer holds no choice"));
        }
        let finish = self.finish.as_deref().unwrap_or_default().to_lowercase();
        let calls = tool_calls(self.calls);
        let is_empty = self.text.is_empty() && calls.is_empty();
        let reason = match finish.as_str() {
            "length" | "max_tokens" | "model_length" => FinishReason::Length,
            "content_filter" | "safety" | "recitation" | "prohibited_content" | "sensitive" => {
                FinishReason::Filtered
            }
            "error" => {
                return Err(Failure::malformed(
                    "the server ended the answer with an error",
                ));
            }
            "tool_calls" | "function_call" if is_empty => {
                return Err(Failure::malformed(
                    "tool calls were announced and none came",
                ));
            }
            _ => FinishReason::Done,
        };
        if reason == FinishReason::Filtered && is_empty {
            let detail = "the whole answer was withheld".into();
            return Err(Failure {
                kind: ModelErrorKind::Refused,
                detail,
            });
        }
        let model = self.model.unwrap_or_else(|| settings.model.clone());
        Ok(ModelReply {
            text: self.text,
            calls,
            finish: reason,
            usage: vec![UsageEntry {
                provider: settings.provider_name.clone(),
                model: model.chars().take(LONGEST_MODEL_NAME).collect(),
                tokens: self.usage,
            }],
            continuation: None,
        })
    }

    fn say(&mut self, said: &str, sink: &dyn ReplySink) {
        if !said.is_empty() {
            self.text.push_str(said);
            sink.push(said);
        }
    }

    /// Adds a piece to the call that it belongs to, or begins a new one.
    fn take_call(&mut self, piece: CallPart) {
        let known = match piece.place {
            Place::Whole => None,
            Place::Index(_) => self
                .calls
                .iter()
                .rposition(|call| call.place == piece.place),
            Place::Unknown if piece.id.is_empty() => self.calls.len().checked_sub(1),
            Place::Unknown => self
                .calls
                .iter()
                .rposition(|call| call.id == piece.id)
                .or_else(|| self.calls.len().checked_sub(1)),
        };
        match known.and_then(|at| self.calls.get_mut(at)) {
            Some(call) if !begins_another(call, &piece) => {
                if call.id.is_empty() {
                    call.id = piece.id;
                }
                if call.name != piece.name {
                    call.name.push_str(&piece.name);
                }
                call.arguments.push_str(&piece.arguments);
            }
            _ => self.calls.push(piece),
        }
    }
}

/// Whether `piece` is a call of its own although it came in the place of `call`: servers that leave
/// out the index, or send 0 for all calls, send them whole.
fn begins_another(call: &CallPart, piece: &CallPart) -> bool {
    if piece.name.is_empty() || call.name.is_empty() {
        return false;
    }
    let other_id = !piece.id.is_empty() && !call.id.is_empty() && piece.id != call.id;
    let same_id = !piece.id.is_empty() && piece.id == call.id;
    let unsaid = piece.place == Place::Unknown && !same_id;
    other_id || unsaid || is_object(&call.arguments)
}

fn is_object(text: &str) -> bool {
    text.trim_end().ends_with('}') && serde_json::from_str::<Map<String, Value>>(text).is_ok()
}

/// The calls, each with an id of its own. Pieces without name and arguments are nothing.
fn tool_calls(calls: Vec<CallPart>) -> Vec<ToolCall> {
    let calls: Vec<CallPart> = calls
        .into_iter()
        .filter(|call| !(call.name.is_empty() && call.arguments.is_empty()))
        .collect();
    let given: HashSet<String> = calls.iter().map(|call| call.id.clone()).collect();
    let mut used = HashSet::new();
    calls
        .into_iter()
        .enumerate()
        .map(|(index, call)| {
            let mut id = call.id;
            if id.is_empty() || used.contains(&id) {
                id = (index..)
                    .map(|number| format!("call_{number}"))
                    .find(|id| !given.contains(id) && !used.contains(id))
                    .unwrap_or(id);
            }
            used.insert(id.clone());
            ToolCall {
                id: CallId::new(id),
                name: call.name,
                arguments: call.arguments,
            }
        })
        .collect()
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
