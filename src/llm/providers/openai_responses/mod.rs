//! The Responses API: OpenAI's own server, and others that speak the same way. Nothing is kept on
//! the server: each request holds all that the model needs to know.

mod answer;
mod manners;
mod output;
mod request;

use self::answer::ResponsesAnswer;
use self::manners::Manners;
use super::http::body::Body;
use super::http::errors::Failure;
use super::http::sight::Sent;
use super::http::{Api, HttpModel, Lesson, ServerSettings, SetupError};
use crate::core::model::ModelRequest;

/// The Responses API.
#[derive(Debug)]
pub struct Responses;

/// A model behind the Responses API.
pub type ResponsesModel = HttpModel<Responses>;

impl ResponsesModel {
    /// Sets it up; nothing is called yet.
    ///
    /// # Errors
    /// When the key cannot be sent, or the HTTP client does not start.
    pub fn new(settings: ServerSettings) -> Result<Self, SetupError> {
        Self::speaking(Responses, settings)
    }
}

impl Api for Responses {
    type Manners = Manners;
    type Answer = ResponsesAnswer;
    const PATH: &'static str = "/responses";

    fn manners(_: &ServerSettings) -> Manners {
        Manners::default()
    }

    fn after(
        manners: Manners,
        failure: &Failure,
        (request, _): (&ModelRequest, &ServerSettings),
    ) -> Option<Lesson<Manners>> {
        manners.after(failure, Sent::with(request))
    }

    fn learning(known: Manners, before: Manners, after: Manners) -> Manners {
        known.learning(before, after)
    }

    fn body(&self, settings: &ServerSettings, manners: Manners, request: &ModelRequest) -> Body {
        request::body(settings, manners, request)
    }
}
