//! Chat completions: OpenAI's own server, and every server that speaks the same way.

mod alternation;
mod assemble;
mod manners;
mod own_fields;
mod parts;
mod request;
mod response;

use serde_json::{Map, Value};

use self::assemble::ChatAnswer;
use self::manners::Manners;
use super::http::body::Body;
use super::http::errors::Failure;
use super::http::{Api, HttpModel, Lesson, ServerSettings, SetupError};
use crate::core::model::ModelRequest;

/// The chat completions API.
#[derive(Debug, Default)]
pub struct ChatCompletions {
    /// Fields of the request that only some servers know.
    further_fields: Map<String, Value>,
    tells_cost: bool,
}

impl ChatCompletions {
    /// The API of a server that knows further fields.
    pub fn with_fields(further_fields: Map<String, Value>) -> Self {
        Self {
            further_fields,
            ..Self::default()
        }
    }

    /// The same of a server that tells in US dollars what a call has cost.
    #[must_use]
    pub fn telling_cost(self) -> Self {
        Self {
            tells_cost: true,
            ..self
        }
    }
}

/// A model behind the chat completions API.
pub type OpenAiModel = HttpModel<ChatCompletions>;

impl OpenAiModel {
    /// Sets it up; nothing is called yet.
    ///
    /// # Errors
    /// When the key cannot be sent, or the HTTP client does not start.
    pub fn new(settings: ServerSettings) -> Result<Self, SetupError> {
        Self::speaking(ChatCompletions::default(), settings)
    }
}

impl Api for ChatCompletions {
    type Manners = Manners;
    type Answer = ChatAnswer;
    const PATH: &'static str = "/chat/completions";

    fn manners(settings: &ServerSettings) -> Manners {
        Manners::towards(settings)
    }

    fn after(
        manners: Manners,
        failure: &Failure,
        asked: (&ModelRequest, &ServerSettings),
    ) -> Option<Lesson<Manners>> {
        manners.after(failure, asked).map(Lesson::FromNowOn)
    }

    fn learning(known: Manners, before: Manners, after: Manners) -> Manners {
        known.learning(before, after)
    }

    fn body(&self, settings: &ServerSettings, manners: Manners, request: &ModelRequest) -> Body {
        request::body(settings, manners, request, &self.further_fields)
    }

    fn tells_cost(&self) -> bool {
        self.tells_cost
    }
}
