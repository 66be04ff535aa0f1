//! What the fake model was asked, and what it will answer.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Options;
use super::reply::Reply;
use super::transcription::Transcriptions;
use crate::support::wire::lock;

/// A request to a model with the right key and a JSON body.
#[derive(Debug, Clone)]
pub struct Request {
    pub body: Value,
    pub headers: Vec<(String, String)>,
    pub at: Instant,
    /// Why the request was refused as illegal.
    pub refused: Option<String>,
}

impl Request {
    pub fn messages(&self) -> &[Value] {
        let chat = self.body["messages"].as_array();
        chat.or_else(|| self.body["input"].as_array())
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// The text of the last message of the role; text parts are joined.
    pub fn last_text(&self, role: &str) -> Option<String> {
        let message = self
            .messages()
            .iter()
            .rev()
            .find(|message| message["role"] == role)?;
        Some(content_text(&message["content"]))
    }

    pub fn last_user_text(&self) -> String {
        self.last_text("user").unwrap_or_default()
    }

    /// The names of the offered tools.
    pub fn tool_names(&self) -> Vec<&str> {
        let tools = self.body["tools"].as_array();
        tools
            .into_iter()
            .flatten()
            .filter_map(|tool| tool["function"]["name"].as_str().or(tool["name"].as_str()))
            .collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// One line for a failure's dump.
    pub fn summary(&self) -> String {
        let last = self
            .messages()
            .last()
            .map(Value::to_string)
            .unwrap_or_default();
        let last: String = last.chars().take(200).collect();
        let refused = self
            .refused
            .as_deref()
            .map_or(String::new(), |why| format!(" REFUSED: {why}"));
        format!("{} messages, last {last}{refused}", self.messages().len())
    }
}

fn content_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter_map(|part| part["text"].as_str())
                .collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

type Responder = dyn Fn(&Request) -> Reply + Send + Sync;

/// Everything behind the lock.
#[derive(Default)]
struct State {
    requests: Vec<Request>,
    replies: VecDeque<Reply>,
    scripted: usize,
    unscripted: usize,
    responder: Option<std::sync::Arc<Responder>>,
    context_limit: Option<u64>,
    serial: u64,
}

pub struct Shared {
    pub options: Options,
    pub asked: watch::Sender<usize>,
    pub transcriptions: Transcriptions,
    state: Mutex<State>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub fn new(options: Options) -> Self {
        let state = State {
            context_limit: options.context_limit,
            ..State::default()
        };
        Self {
            options,
            asked: watch::Sender::new(0),
            transcriptions: Transcriptions::default(),
            state: Mutex::new(state),
        }
    }

    /// Records the request; answers the reply for it, which a refused one does not use up.
    pub fn accept(&self, request: Request) -> (Reply, u64) {
        let mut state = lock(&self.state);
        state.serial += 1;
        let serial = state.serial;
        let refused = request.refused.is_some();
        let queued = if refused {
            None
        } else {
            state.replies.pop_front()
        };
        let responder = state.responder.clone();
        if !refused && queued.is_none() && responder.is_none() && state.scripted > 0 {
            state.unscripted += 1;
        }
        state.requests.push(request.clone());
        self.asked.send_replace(state.requests.len());
        drop(state);
        let reply = match (queued, responder) {
            (Some(reply), _) => reply,
            (None, Some(responder)) if !refused => responder(&request),
            _ => Reply::text(format!("echo: {}", request.last_user_text())),
        };
        (reply, serial)
    }

    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        let mut state = lock(&self.state);
        let before = state.replies.len();
        state.replies.extend(replies);
        state.scripted += state.replies.len() - before;
    }

    pub fn respond_with(&self, responder: std::sync::Arc<Responder>) {
        lock(&self.state).responder = Some(responder);
    }

    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state).requests.clone()
    }

    pub fn unused_replies(&self) -> usize {
        lock(&self.state).replies.len() + self.transcriptions.unused()
    }

    pub fn unscripted(&self) -> usize {
        lock(&self.state).unscripted
    }

    pub fn context_limit(&self) -> Option<u64> {
        lock(&self.state).context_limit
    }

    pub fn set_context_limit(&self, limit: Option<u64>) {
        lock(&self.state).context_limit = limit;
    }
}
