//! An answer in the making, whatever the API, and what the rest of the program may rely on then.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::Value;

use super::ServerSettings;
use super::errors::Failure;
use crate::core::ids::CallId;
use crate::core::model::{Continuation, FinishReason, ModelReply, ReplySink};
use crate::core::money::MicroUsd;
use crate::core::tool::ToolCall;
use crate::core::usage::TokenUsage;

/// Text, tool calls and thoughts of one answer, in bytes.
pub const LARGEST_ANSWER: usize = 4 * 1024 * 1024;
/// OpenAI takes no more tools than that in a request; nobody calls more at once.
pub const MOST_CALLS: usize = 128;

/// Takes an answer part by part.
pub trait Answer: Default + Send {
    /// Takes a whole answer, or one event of a stream, and passes its text on.
    ///
    /// # Errors
    /// When it is an error instead, no part of an answer, or too much.
    fn take(&mut self, part: &Value, sink: &dyn ReplySink) -> Result<(), Failure>;

    /// No more parts will come.
    fn close(&mut self, sink: &dyn ReplySink);

    /// Whether anything of an answer has come.
    fn has_begun(&self) -> bool;

    /// Whether some of the answer has come, and no thought that nobody sees is known to be under way:
    /// from here on it should not fall silent.
    fn is_flowing(&self) -> bool;

    /// Whether the server has said why it stopped: nothing that matters comes after.
    fn is_finished(&self) -> bool;

    /// What the server has counted so far.
    fn counted(&self) -> Counted;

    /// The text, the calls and the thoughts that have come, in bytes.
    fn size(&self) -> usize;

    /// What was said, if it is an answer.
    ///
    /// # Errors
    /// When the server withheld all of it, or said one thing and did another.
    fn into_reply(self) -> Result<Said, Failure>;
}

/// What a server tells about a call beside its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// The model, as the server calls it.
    pub model: Option<String>,
    pub tokens: Option<TokenUsage>,
    /// What it has cost, if the server counts in US dollars.
    pub cost: Option<MicroUsd>,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub text: String,
    pub calls: Vec<ToolCall>,
    pub finish: FinishReason,
    /// What the server wants to have back with the results of the calls.
    pub to_return: Vec<Value>,
    /// So many of that, from the first, are thoughts that the rest can do without.
    pub thoughts: usize,
}

impl Said {
    /// The reply, without what it cost.
    pub(super) fn into_model_reply(self, settings: &ServerSettings, path: &str) -> ModelReply {
        // Without a call there is no next step.
        let continues = !self.calls.is_empty() && !self.to_return.is_empty();
        ModelReply {
            text: self.text,
            calls: self.calls,
            finish: self.finish,
            usage: Vec::new(),
            continuation: continues.then(|| Continuation {
                origin: settings.origin(path),
                items: self.to_return,
                thoughts: self.thoughts,
            }),
        }
    }
}

/// The calls, each with an id of its own. Calls without name and arguments are nothing.
pub fn distinct_calls(calls: impl IntoIterator<Item = ToolCall>) -> Vec<ToolCall> {
    let mut calls: Vec<ToolCall> = calls
        .into_iter()
        .filter(|call| !(call.name.is_empty() && call.arguments.is_empty()))
        .collect();
    let given: HashSet<CallId> = calls.iter().map(|call| call.id.clone()).collect();
    let mut used = HashSet::new();
    for (index, call) in calls.iter_mut().enumerate() {
        if call.id.as_str().is_empty() || used.contains(&call.id) {
            let fresh = (index..)
                .map(|number| CallId::new(format!("call_{number}")))
                .find(|id| !given.contains(id) && !used.contains(id));
            call.id = fresh.unwrap_or_else(|| call.id.clone());
        }
        used.insert(call.id.clone());
    }
    calls
}

/// `parts` without the calls among them that servers send twice: under one id and name, with the same
/// arguments or with none. `read` gives nothing for what is no call.
pub fn told_once<P>(parts: Vec<P>, read: impl Fn(&P) -> Option<ToolCall>) -> Vec<P> {
    let read: Vec<Option<ToolCall>> = parts.iter().map(read).collect();
    let calls = || read.iter().enumerate();
    let is_told = |at: usize, call: &ToolCall| {
        let is_again = |(other, known): (usize, &ToolCall)| {
            (&known.id, &known.name) == (&call.id, &call.name)
                && match other.cmp(&at) {
                    Ordering::Less => repeats(&call.arguments, &known.arguments),
                    Ordering::Equal => false,
                    // It was only announced, and came in another place.
                    Ordering::Greater => call.arguments.is_empty() && !known.arguments.is_empty(),
                }
        };
        let mut known = calls().filter_map(|(other, known)| Some((other, known.as_ref()?)));
        !call.id.as_str().is_empty() && known.any(is_again)
    };
    let told: Vec<bool> = calls()
        .map(|(at, call)| call.as_ref().is_some_and(|call| is_told(at, call)))
        .collect();
    let kept = parts.into_iter().zip(told).filter(|(_, told)| !told);
    kept.map(|(part, _)| part).collect()
}

/// Whether `arguments` say nothing beside `known`. Some servers repeat the object as a text.
pub fn repeats(arguments: &str, known: &str) -> bool {
    if arguments.trim().is_empty() || arguments == known {
        return true;
    }
    let said = object(arguments);
    said.is_some() && said == object(known)
}

fn object(arguments: &str) -> Option<Value> {
    let value = match serde_json::from_str(arguments).ok()? {
        Value::String(text) => serde_json::from_str(&text).ok()?,
        value => value,
    };
    Some(value).filter(Value::is_object)
}
