//! What a test lets the model answer, oddities of other providers included.

use std::time::Duration;

use serde_json::Value;

use crate::support::gate::Gate;

/// Ways in which providers leave the standard; a lenient client copes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// Tool calls come without `id`.
    MissingToolCallId,
    /// `arguments` is an object instead of a string.
    ObjectArguments,
    /// The finish reason is this word, whatever the content.
    FinishReason(&'static str),
    /// Streamed tool calls come without `index`.
    MissingToolIndex,
    /// Comment lines between the events, as some gateways send to keep the line open.
    Comments,
    /// The stream ends without `[DONE]`.
    NoDone,
    /// An error object in the middle of the stream, then its end.
    ErrorInStream,
    /// `created` counts milliseconds.
    CreatedInMilliseconds,
    /// The bytes arrive in pieces that cut lines and characters.
    TornBytes,
    /// No `usage`, even when it was asked for.
    NoUsage,
    /// The last chunk, with the usage, has no `choices` at all.
    NoChoicesInUsage,
    /// The last event of `/v1/responses` lists no output.
    EmptyLastOutput,
    /// The events of `/v1/responses` are only the deltas and the last one.
    NoItemEvents,
}

#[derive(Debug, Clone)]
pub struct ToolCall {
    pub name: String,
    pub arguments: Arguments,
}

#[derive(Debug, Clone)]
pub enum Arguments {
    Json(Value),
    /// Sent as they are, valid JSON or not.
    Raw(String),
}

impl Arguments {
    pub fn text(&self) -> String {
        match self {
            Self::Json(value) => value.to_string(),
            Self::Raw(text) => text.clone(),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Answer(Answer),
    Status {
        status: u16,
        retry_after: Option<u64>,
        body: String,
    },
    /// The stream breaks off after this text; a plain call loses its connection.
    Half(String),
    Drop,
    Hang,
    /// A body of this piece, again and again, without end; first what comes before it.
    Endless {
        beginning: String,
        piece: String,
    },
}

/// A successful answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub text: Option<String>,
    pub tool_calls: Vec<ToolCall>,
    pub usage: Option<(u64, u64)>,
    pub thinks: bool,
    pub quirks: Vec<Quirk>,
}

impl Answer {
    pub fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    pub fn finish_reason(&self) -> &'static str {
        let odd = self.quirks.iter().find_map(|quirk| match quirk {
            Quirk::FinishReason(reason) => Some(*reason),
            _ => None,
        });
        odd.unwrap_or(if self.tool_calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        })
    }
}

/// One scripted reply.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) kind: Kind,
    pub(super) pause: Option<Duration>,
    pub(super) gate: Option<Gate>,
    pub(super) midway: Option<Gate>,
}

impl Reply {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            pause: None,
            gate: None,
            midway: None,
        }
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Kind::Answer(Answer {
            text: Some(text.into()),
            ..Answer::default()
        }))
    }

    /// Calls of tools with their arguments, in order.
    pub fn tools<'a>(calls: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let call = |(name, arguments): (&str, Value)| ToolCall {
            name: name.to_owned(),
            arguments: Arguments::Json(arguments),
        };
        let tool_calls = calls.into_iter().map(call).collect();
        Self::new(Kind::Answer(Answer {
            tool_calls,
            ..Answer::default()
        }))
    }

    /// A call of one tool with arguments that need not be JSON.
    pub fn tool_raw(name: &str, arguments: &str) -> Self {
        let call = ToolCall {
            name: name.to_owned(),
            arguments: Arguments::Raw(arguments.to_owned()),
        };
        Self::new(Kind::Answer(Answer {
            tool_calls: vec![call],
            ..Answer::default()
        }))
    }

    /// Neither text nor tool calls.
    pub fn empty() -> Self {
        Self::new(Kind::Answer(Answer::default()))
    }

    /// An OpenAI-shaped error with this status.
    pub fn status(status: u16) -> Self {
        let body = super::refusal::Refusal::server_error(status)
            .body()
            .to_string();
        Self::new(Kind::Status {
            status,
            retry_after: None,
            body,
        })
    }

    /// 429 with a `Retry-After` of so many seconds.
    pub fn rate_limited(retry_after: u64) -> Self {
        let body = super::refusal::Refusal::rate_limited().body().to_string();
        Self::new(Kind::Status {
            status: 429,
            retry_after: Some(retry_after),
            body,
        })
    }

    /// The request is refused as too long for the model.
    pub fn context_too_long() -> Self {
        let body = super::refusal::Refusal::context_length(8192, 9000)
            .body()
            .to_string();
        Self::new(Kind::Status {
            status: 400,
            retry_after: None,
            body,
        })
    }

    /// 200 with a body that stops in the middle.
    pub fn invalid_json() -> Self {
        Self::custom(
            200,
            "{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"mess",
        )
    }

    /// 200 with an error object, as gateways answer when the provider behind them failed.
    pub fn error_in_200() -> Self {
        Self::custom(
            200,
            r#"{"error":{"message":"Provider returned error","code":502}}"#,
        )
    }

    pub fn custom(status: u16, body: impl Into<String>) -> Self {
        Self::new(Kind::Status {
            status,
            retry_after: None,
            body: body.into(),
        })
    }

    /// A stream that breaks off after `text`.
    pub fn half_stream(text: impl Into<String>) -> Self {
        Self::new(Kind::Half(text.into()))
    }

    /// The connection closes without an answer.
    pub fn drop_connection() -> Self {
        Self::new(Kind::Drop)
    }

    /// No answer, ever.
    pub fn hang() -> Self {
        Self::new(Kind::Hang)
    }

    /// A stream whose events never end.
    pub fn endless_stream() -> Self {
        let chunk = |delta: Value| {
            serde_json::json!({
                "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake",
                "choices": [{ "index": 0, "delta": delta, "finish_reason": null }],
            })
        };
        let words = serde_json::json!({ "content": "more and more words, ".repeat(100) });
        Self::endless("", format!("data: {}\n\n", chunk(words)))
    }

    /// A body that never comes to the end of its first line.
    pub fn endless_line() -> Self {
        Self::endless("data: {\"id\":\"", "x".repeat(8 * 1024))
    }

    /// A body that is no stream of events.
    pub fn endless_body() -> Self {
        Self::endless("<html>", "<p>Not found.</p>\n".repeat(400))
    }

    fn endless(beginning: &str, piece: String) -> Self {
        Self::new(Kind::Endless {
            beginning: beginning.to_owned(),
            piece,
        })
    }

    /// Text before the tool calls.
    pub fn saying(self, text: impl Into<String>) -> Self {
        self.change(|answer| answer.text = Some(text.into()))
    }

    /// Prompt and completion tokens, instead of an estimate.
    pub fn usage(self, prompt: u64, completion: u64) -> Self {
        self.change(|answer| answer.usage = Some((prompt, completion)))
    }

    /// The model thinks before each call; only `/v1/responses` shows it.
    pub fn thinking(self) -> Self {
        self.change(|answer| answer.thinks = true)
    }

    pub fn quirk(self, quirk: Quirk) -> Self {
        self.change(|answer| answer.quirks.push(quirk))
    }

    /// A pause before each chunk of a stream, or before a plain answer.
    pub fn slow(mut self, pause: Duration) -> Self {
        self.pause = Some(pause);
        self
    }

    /// The answer waits until the gate opens.
    pub fn held(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// The stream stops in its middle until the gate opens.
    pub fn held_midway(mut self, gate: &Gate) -> Self {
        self.midway = Some(gate.clone());
        self
    }

    fn change(mut self, change: impl FnOnce(&mut Answer)) -> Self {
        match &mut self.kind {
            Kind::Answer(answer) => change(answer),
            other => panic!("{other:?} is no answer that this applies to"),
        }
        self
    }
}
