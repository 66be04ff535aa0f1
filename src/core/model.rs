//! The port to language models.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::budget::SpentBudget;
use super::conversation::{Enclosure, History, Item};
use super::envelope::Envelopes;
use super::ids::TurnId;
use super::label::Labels;
use super::media::{Attached, Part, Place};
pub use super::tokens::estimated_tokens;
use super::tool::{ToolCall, ToolResult, ToolSpec};
use super::usage::UsageEntry;

/// What stands in place of words where nothing was said: servers refuse an empty message.
const NO_WORDS: &str = "[no words]";

/// One request: system prompt, history, a word about now, the person's message, and what this
/// turn has done so far. Legal for every provider, because its parts are.
#[derive(Debug, Clone, Default)]
pub struct ModelRequest {
    /// The turn for which it is asked; `None` for what belongs to none, such as a summary.
    pub turn: Option<TurnId>,
    /// The part that stays the same from call to call, so that providers can cache it.
    pub system: String,
    /// What was said before the history, where that repeats content from outside: a user message
    /// of its own, as no part of it may pass for ours.
    pub recap: Option<Enclosure>,
    /// Earlier turns.
    pub history: History,
    /// What changes with each call: the time, the zone, the sender, a quoted message. It goes
    /// directly before the person's message.
    pub preface: String,
    /// What others wrote that came with the person's message; it goes directly before that.
    pub enclosures: Vec<Enclosure>,
    /// What the person wrote, unchanged; empty where only something of others came.
    pub user: String,
    /// When the person's message arrived.
    pub asked_at: Option<DateTime<Utc>>,
    /// What this turn has said and done so far.
    pub exchange: Vec<Item>,
    /// Pictures, files and the texts of documents, in order, with the places where they belong.
    pub attached: Vec<Attached>,
    /// The tools that may be called.
    pub tools: Vec<ToolSpec>,
    /// The same for all requests of a conversation; helps a provider to find its cache.
    pub cache_key: String,
    /// What content from outside stands in.
    pub envelopes: Envelopes,
}

impl ModelRequest {
    /// The user message before the history.
    pub fn recap(&self) -> Option<String> {
        self.recap.as_ref().map(|recap| self.enclosed(recap))
    }

    /// The user messages directly before the one that is to be answered: what came with it.
    pub fn asked_with(&self) -> impl Iterator<Item = String> {
        self.enclosures.iter().map(|part| self.enclosed(part))
    }

    /// The words that are to be answered; `None` when there are only enclosures and no parts. They
    /// are empty only where parts come with them.
    pub fn asked_words(&self) -> Option<&str> {
        let has_parts = self.parts_at(Place::Message).next().is_some();
        match (self.user.as_str(), has_parts) {
            ("", true) => Some(""),
            ("", false) => self.enclosures.is_empty().then_some(NO_WORDS),
            (words, _) => Some(words),
        }
    }

    /// The user messages as which a message of the history is shown: what came with it, and the
    /// words.
    pub fn shown(&self, text: &str, enclosures: &[Enclosure]) -> Vec<String> {
        let mut messages: Vec<String> = enclosures.iter().map(|part| self.enclosed(part)).collect();
        if !text.is_empty() {
            messages.push(text.to_owned());
        } else if messages.is_empty() {
            messages.push(NO_WORDS.to_owned());
        }
        messages
    }

    /// The same of the message that is to be answered.
    pub fn asked(&self) -> Vec<String> {
        self.shown(&self.user, &self.enclosures)
    }

    /// The text as which a tool's result is shown.
    pub fn shown_result(&self, result: &ToolResult, labels: &Labels) -> String {
        self.envelopes.around(&result.to_text(), labels)
    }

    /// Content from outside between its two lines.
    pub fn enclosed(&self, enclosure: &Enclosure) -> String {
        self.envelopes.around(&enclosure.text, &enclosure.labels)
    }

    /// The parts that belong to a place.
    pub fn parts_at(&self, place: Place) -> impl Iterator<Item = &Part> {
        self.attached
            .iter()
            .filter(move |attached| attached.place == place)
            .map(|attached| &attached.part)
    }

    /// A conservative guess at the tokens of the request.
    pub fn estimated_tokens(&self) -> usize {
        let texts = [&self.system, &self.preface, &self.user];
        let tools = self.tools.iter().map(|tool| {
            estimated_tokens(&tool.description) + estimated_tokens(&tool.parameters.to_string())
        });
        let items = self.history.items().iter().chain(&self.exchange);
        let enclosures = self.recap.iter().chain(&self.enclosures);
        texts
            .map(|text| estimated_tokens(text) + 8)
            .into_iter()
            .chain(tools)
            .chain(items.map(Item::estimated_tokens))
            .chain(enclosures.map(Enclosure::estimated_tokens))
            .chain(self.attached.iter().map(|one| one.part.estimated_tokens()))
            .sum()
    }
}

/// A model's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelReply {
    /// What it says; may be empty.
    pub text: String,
    /// What it wants to be run; ids are unique within the reply.
    pub calls: Vec<ToolCall>,
    /// Why it stopped.
    pub finish: FinishReason,
    /// What the calls behind it cost, failed ones included.
    pub usage: Vec<UsageEntry>,
    /// What its provider wants to have back with the results of the calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuation: Option<Continuation>,
}

/// A reply in its provider's own form, such as its encrypted thoughts. It is sent back as it came
/// within the same turn, and only to whom it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continuation {
    /// Who made it, in a word that only that provider compares.
    pub origin: String,
    /// Its items, in order; nobody else reads them.
    pub items: Vec<Value>,
    /// So many of them, from the first, are thoughts that the others can do without. If there are none, all
    /// of it is left out where there is no room.
    #[serde(default)]
    pub thoughts: usize,
}

impl Continuation {
    /// How many bytes its items take.
    pub fn bytes(&self) -> usize {
        self.items.iter().map(|item| item.to_string().len()).sum()
    }

    /// What its provider must have back even where there is no room for thoughts.
    pub fn without_thoughts(mut self) -> Option<Self> {
        for thought in self.items.iter_mut().take(self.thoughts) {
            *thought = Value::Null;
        }
        (self.thoughts > 0).then_some(self)
    }
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was done, or wants tools to be run.
    Done,
    /// The answer's room was used up.
    Length,
    /// The provider withheld the rest.
    Filtered,
}

/// Why a model did not answer: one variant for each decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelErrorKind {
    /// 429: try again after the given time.
    RateLimited {
        /// What the server asks for.
        retry_after: Option<Duration>,
    },
    /// 5xx: try again after the given time.
    Overloaded {
        /// The HTTP status.
        status: u16,
        /// What the server asks for.
        #[serde(default)]
        retry_after: Option<Duration>,
    },
    /// There was no connection, or none that lasted to the answer: try again.
    Transport,
    /// The answer broke off: try again.
    BrokenOff,
    /// No answer in time, or no more of it: try again.
    TimedOut,
    /// The answer does not read as one: try again.
    Malformed,
    /// The request is longer than the model's window: try again with less.
    ContextTooLong,
    /// The request is larger than the server takes, and files go with it: less of the conversation
    /// would not help, and the same would be too large again.
    FilesTooLarge,
    /// The provider refuses to answer this.
    Refused,
    /// The key is wrong or missing.
    Unauthorized,
    /// The account has no credit left: waiting does not help.
    QuotaExhausted,
    /// What may be spent is spent: the model was not asked.
    BudgetSpent {
        /// Which limit is reached.
        budget: SpentBudget,
    },
    /// The request is wrong; it would be wrong again.
    BadRequest {
        /// The HTTP status.
        status: u16,
    },
}

/// A failed model call. `detail` is for logs: it holds no secret and no part of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}: {detail}", .kind.summary())]
pub struct ModelError {
    /// What to do about it.
    pub kind: ModelErrorKind,
    /// What happened.
    pub detail: String,
    /// How many calls were made before giving up.
    pub tries: u32,
    /// What those cost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<UsageEntry>,
}

impl ModelErrorKind {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::Overloaded { .. }
                | Self::Transport
                | Self::BrokenOff
                | Self::TimedOut
                | Self::Malformed
        )
    }

    /// What a person is told, in brackets after "The model did not answer".
    pub fn summary(&self) -> String {
        match self {
            Self::RateLimited { .. } => "HTTP 429".into(),
            Self::Overloaded { status, .. } => format!("HTTP {status}"),
            Self::Transport => "no connection".into(),
            Self::BrokenOff => "the connection broke".into(),
            Self::TimedOut => "no answer in time".into(),
            Self::Malformed => "unreadable answer".into(),
            Self::ContextTooLong => "the conversation is too long for it".into(),
            Self::FilesTooLarge => "too large for the server with its files".into(),
            Self::Refused => "it refused".into(),
            Self::Unauthorized => "the API key was not accepted".into(),
            Self::QuotaExhausted => "the account has no credit left".into(),
            Self::BudgetSpent { budget } => budget.describe(),
            Self::BadRequest { status } => format!("HTTP {status}, request not accepted"),
        }
    }
}

/// Where the text of a reply goes while it is being made.
pub trait ReplySink: Send + Sync {
    /// More text.
    fn push(&self, text: &str);

    /// The attempt broke: what came so far is void, and the text starts anew.
    fn restart(&self);

    /// Whether another model is asked when this one gives up: then it need not be waited for as long.
    fn has_stand_in(&self) -> bool {
        false
    }

    /// Calls that were made for a reply for which nobody waits any more: what they cost is told here,
    /// since there will be no reply and no error to tell it.
    fn lost(&self, usage: Vec<UsageEntry>);
}

/// A model. Retries, fallbacks and metering wrap it in the same port.
#[async_trait]
pub trait ChatModel: Send + Sync + std::fmt::Debug {
    /// Asks for one reply. Dropping the future cancels the call.
    async fn reply(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError>;

    /// What a person is told that answers, such as `openai (gpt-5-mini)`.
    fn describe(&self) -> String;

    /// The estimated tokens that a request may have, as far as is known by now.
    fn window(&self) -> usize {
        usize::MAX
    }
}
