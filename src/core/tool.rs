//! Tools: what a model can call, and what it gets back.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::action::Action;
use super::change::{Change, ChangeOutcome};
use super::channel::{ChatKind, ChatTarget, Sender};
use super::files::WorkspacePath;
use super::ids::{CallId, ConversationId};
use super::label::Labels;
use super::media::Artifact;
use super::notes::NoteOwner;

/// A call that a model made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The id that its result must carry. Unique within a turn.
    pub id: CallId,
    /// The tool.
    pub name: String,
    /// The arguments as the model wrote them: JSON, if it kept to the rules.
    pub arguments: String,
}

/// How a tool is described to a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// Its name.
    pub name: &'static str,
    /// What it does and when to use it.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
    /// Whether the schema keeps to the strict subset (closed objects, everything required).
    pub schema: SchemaStrictness,
}

/// Whether a provider may be asked to enforce a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaStrictness {
    /// Closed objects only, every property required.
    Strict,
    /// Has free-form objects.
    Loose,
}

/// What a run of a tool touches, which decides what happens to it after a crash and beside others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolEffect {
    /// Nothing: it may run beside others and be repeated.
    ReadOnly,
    /// Only the database: its effect and its result are one transaction.
    Database,
    /// Something outside that bears repeating.
    OutsideIdempotent,
    /// Something outside that must not be repeated.
    OutsideOnce,
}

/// Whose turn it is, and when: what a tool may know of the call's surroundings.
#[derive(Debug, Clone)]
pub struct ToolContext {
    /// Where the turn takes place.
    pub target: ChatTarget,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Whether others read along there.
    pub chat_kind: ChatKind,
    /// The person whose turn it is.
    pub sender: Sender,
    /// Whose notes are meant.
    pub notes_of: NoteOwner,
    /// The present moment.
    pub now: DateTime<Utc>,
    /// The person's zone.
    pub zone: Tz,
    /// What started the turn.
    pub origin: TurnOrigin,
    /// Where the content comes from that the model has before it, as [`Labels::rewritten`]: what
    /// the tool stores for the model (a note, a file, a job) gets these labels.
    pub labels: Labels,
}

/// What started a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnOrigin {
    /// A message of a person.
    Person,
    /// A scheduled job.
    Schedule,
}

/// The result that is shown whole, in bytes of its JSON, to a model with a window of so many tokens:
/// about a sixth of that at most.
pub fn largest_result(window: usize) -> usize {
    (window / 2).clamp(1024, 48 * 1024)
}

/// What a tool answers: always a JSON object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ToolResult(Value);

/// The codes of failed calls; the model reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// By policy or by a person.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// The person went on to something else.
    Superseded,
    /// A restart came between; it may or may not have run.
    Interrupted,
    /// The arguments do not fit the schema.
    BadArguments,
    /// There is no such tool.
    UnknownTool,
    /// There is no such thing.
    NotFound,
    /// Over a limit of size or number.
    TooLarge,
    /// It took too long.
    Timeout,
    /// The address is not allowed.
    EgressRefused,
    /// Not possible here or now.
    Unavailable,
    /// The same call was made several times in a row.
    Repeated,
    /// Anything else.
    Failed,
}

impl ToolResult {
    /// A result. Anything but an object is wrapped as `{"result": …}`.
    pub fn ok(value: Value) -> Self {
        if value.is_object() {
            Self(value)
        } else {
            Self(json!({ "result": value }))
        }
    }

    /// A failure: what went wrong, and what to do instead.
    pub fn error(code: ErrorCode, message: impl fmt::Display) -> Self {
        Self(json!({ "error": message.to_string(), "code": code }))
    }

    /// The object.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The text of the failure, if it is one.
    pub fn error_text(&self) -> Option<&str> {
        self.0.get("error").and_then(Value::as_str)
    }

    /// Whether the call may have had its effect: it has not failed, or not before it began.
    pub fn may_be_of_a_run(&self) -> bool {
        const NEVER_RAN: [ErrorCode; 9] = [
            ErrorCode::Denied,
            ErrorCode::Expired,
            ErrorCode::Superseded,
            ErrorCode::BadArguments,
            ErrorCode::UnknownTool,
            ErrorCode::NotFound,
            ErrorCode::EgressRefused,
            ErrorCode::Unavailable,
            ErrorCode::Repeated,
        ];
        let code = self.0.get("code");
        let never_ran = NEVER_RAN.iter().any(|never| code == Some(&json!(never)));
        self.error_text().is_none() || !never_ran
    }

    /// Its head and its tail, in at most so many bytes of JSON where that is possible at all, and
    /// where the whole is kept. What was cut before is cut further.
    #[must_use]
    pub fn excerpt(&self, most_bytes: usize, kept_at: Option<&WorkspacePath>) -> Self {
        let whole = self.to_text();
        let mut excerpt = json!({ "truncated": true, "size_bytes": whole.len() });
        let (mut head, mut tail) = (whole.as_str(), whole.as_str());
        if let Some((before, ends)) = self.as_excerpt() {
            excerpt.clone_from(before);
            (head, tail) = ends;
        }
        if let Some(path) = kept_at {
            excerpt["path"] = path.as_str().into();
        }
        let mut share = most_bytes;
        loop {
            let cut = head.floor_char_boundary(share / 4 * 3);
            excerpt["head"] = head[..cut].into();
            let cut = tail.ceil_char_boundary(tail.len().saturating_sub(share / 4));
            excerpt["tail"] = tail[cut..].into();
            // Within JSON, characters are written longer, and the frame needs room too.
            let size = excerpt.to_string().len();
            if size <= most_bytes || share == 0 {
                return Self(excerpt);
            }
            share = share.saturating_sub((size - most_bytes).max(4));
        }
    }

    /// The same object and its two ends, where it is an excerpt.
    fn as_excerpt(&self) -> Option<(&Value, (&str, &str))> {
        let end = |field: &str| self.0.get(field).and_then(Value::as_str);
        let ends = (end("head")?, end("tail")?);
        (self.0.get("truncated") == Some(&Value::Bool(true))).then_some((&self.0, ends))
    }

    /// The JSON text that a model reads.
    pub fn to_text(&self) -> String {
        self.0.to_string()
    }
}

/// What a call has come to.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedCall {
    /// Its result.
    pub result: ToolResult,
    /// Where the content of the result comes from.
    pub labels: Labels,
}

impl From<ToolResult> for FinishedCall {
    fn from(result: ToolResult) -> Self {
        let labels = Labels::default();
        Self { result, labels }
    }
}

/// How a tool's run ended.
pub enum ToolOutcome {
    /// It is done.
    Finished(ToolResult),
    /// It is done, and its result holds content from outside.
    Outside {
        /// The result.
        result: ToolResult,
        /// Where its content comes from.
        labels: Labels,
    },
    /// It is done, and a file is to be put before the model.
    Insert {
        /// The result.
        result: ToolResult,
        /// The file, with where its content comes from.
        artifact: Box<Artifact>,
    },
    /// It wants one change of the database; what came of it makes the result. Both are written
    /// in one transaction.
    Change {
        /// The change.
        change: Box<Change>,
        /// Makes the result.
        describe: Describe,
    },
}

/// Turns what a change led to into the tool's result.
pub type Describe = Box<dyn FnOnce(ChangeOutcome) -> ToolResult + Send>;

impl fmt::Debug for ToolOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished(result) => f.debug_tuple("Finished").field(result).finish(),
            Self::Outside { result, labels } => f
                .debug_struct("Outside")
                .field("result", result)
                .field("labels", labels)
                .finish(),
            Self::Insert { artifact, .. } => f.debug_tuple("Insert").field(artifact).finish(),
            Self::Change { change, .. } => f.debug_tuple("Change").field(change).finish(),
        }
    }
}

/// Something a model can call.
///
/// An implementer never fails a turn: bad arguments, a refusal or a failure is a result.
#[async_trait]
pub trait Tool: Send + Sync + fmt::Debug {
    /// How it is described to a model.
    fn spec(&self) -> &ToolSpec;

    /// What it touches.
    fn effect(&self) -> ToolEffect;

    /// What the call is about to do to the world, before it is run: rules decide on it.
    async fn action(&self, _context: &ToolContext, _arguments: &Value) -> Action {
        Action::Inside
    }

    /// Runs it. `arguments` is a JSON object, not checked against the schema yet.
    async fn run(&self, context: &ToolContext, arguments: Value) -> ToolOutcome;
}
