//! What all models behind HTTP share: the call within its limits, the reading of streams, what a
//! failure means, and what may be told of it. It knows no API's own words.

pub mod answer;
pub mod body;
mod client;
pub mod counts;
pub mod errors;
mod events;
pub mod legal;
mod reading;
mod redact;
mod settings;
pub mod sight;
pub mod think;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use self::answer::{Answer, Counted};
use self::body::Body;
use self::client::Client;
pub use self::client::SetupError;
pub(super) use self::client::{Taken, authorization, taken};
use self::errors::Failure;
use self::redact::Redactor;
pub use self::settings::{Pdfs, ServerSettings, StrictTools};
use crate::core::model::{ChatModel, ModelError, ModelReply, ModelRequest, ReplySink};
use crate::core::usage::{CallOutcome, TokenUsage, UsageEntry};
use crate::llm::watched_sink::WatchedSink;

/// The names of models go into the database and into charts.
const LONGEST_MODEL_NAME: usize = 200;

/// How one API is spoken.
pub trait Api: Send + Sync + 'static {
    /// The parts of a request in which the servers of this API differ.
    type Manners: Copy + Send + fmt::Debug;
    /// An answer in the making.
    type Answer: Answer;
    /// Where the API lies below the base URL.
    const PATH: &'static str;

    /// What is known of the server before the first word.
    fn manners(settings: &ServerSettings) -> Self::Manners;

    /// Better manners, if the server's refusal says what it did not like. Never the same again, so
    /// that asking once more with them ends after a few times.
    fn after(
        manners: Self::Manners,
        failure: &Failure,
        asked: (&ModelRequest, &ServerSettings),
    ) -> Option<Lesson<Self::Manners>>;

    /// The manners `known`, and what `after` knows more than `before`: see [`learned`].
    fn learning(known: Self::Manners, before: Self::Manners, after: Self::Manners)
    -> Self::Manners;

    /// The body of a call. The answer is always asked for as a stream.
    fn body(
        &self,
        settings: &ServerSettings,
        manners: Self::Manners,
        request: &ModelRequest,
    ) -> Body;

    /// Whether the server is known to tell in US dollars what a call has cost.
    fn tells_cost(&self) -> bool {
        false
    }
}

/// What a refusal taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lesson<M> {
    /// The server is like that.
    FromNowOn(M),
    /// Something about this one request.
    ThisTime(M),
}

/// What is known of one part of a request: what was learned between `before` and `after`, if anything was.
pub fn learned<T: PartialEq>(known: T, before: T, after: T) -> T {
    if after == before { known } else { after }
}

/// A model behind an API.
pub struct HttpModel<A: Api> {
    api: A,
    settings: ServerSettings,
    client: Client,
    manners: Mutex<A::Manners>,
}

impl<A: Api> HttpModel<A> {
    /// Sets it up; nothing is called yet.
    ///
    /// # Errors
    /// When the key cannot be sent, or the HTTP client does not start.
    pub fn speaking(api: A, settings: ServerSettings) -> Result<Self, SetupError> {
        let client = Client::new(&settings, A::PATH)?;
        let manners = Mutex::new(A::manners(&settings));
        Ok(Self {
            api,
            settings,
            client,
            manners,
        })
    }

    /// Whose replies it takes back in their own form.
    pub fn origin(&self) -> String {
        self.settings.origin(A::PATH)
    }

    /// One call, and more only where the server says that it wants to be asked otherwise.
    async fn call(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
        usage: &mut Vec<UsageEntry>,
    ) -> Result<ModelReply, Failure> {
        let sink = WatchedSink::new(sink);
        let before = *self.manners();
        let (mut manners, mut from_now_on) = (before, before);
        loop {
            let body = self.api.body(&self.settings, manners, request);
            let mut answer = A::Answer::default();
            let (taken, asked) = self.client.ask(body, &mut answer, &sink).await;
            let entry = self.entry(request, taken, &answer);
            let said = asked.and_then(|()| answer.into_reply());
            usage.push(UsageEntry {
                outcome: CallOutcome::of(&said),
                ..entry
            });
            let failure = match said {
                Ok(said) => {
                    // Only now it is certain that this was it. Others may have learned something meanwhile.
                    let mut known = self.manners();
                    *known = A::learning(*known, before, from_now_on);
                    return Ok(said.into_model_reply(&self.settings, A::PATH));
                }
                Err(failure) => failure,
            };
            manners = match A::after(manners, &failure, (request, &self.settings)) {
                None => return Err(failure),
                Some(Lesson::ThisTime(better)) => better,
                Some(Lesson::FromNowOn(better)) => {
                    from_now_on = A::learning(from_now_on, manners, better);
                    better
                }
            };
            sink.restart_if_begun();
        }
    }

    fn manners(&self) -> MutexGuard<'_, A::Manners> {
        self.manners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the call took: as the server counted, or at a guess.
    fn entry(&self, request: &ModelRequest, taken: Taken, answer: &A::Answer) -> UsageEntry {
        let Counted {
            model,
            tokens,
            cost,
        } = answer.counted();
        let model = model.as_ref().unwrap_or(&self.settings.model);
        let guess = || TokenUsage {
            input: request.estimated_tokens() as u64,
            cached_input: 0,
            output: answer.size() as u64 / 3,
        };
        let tokens = tokens.unwrap_or_default();
        let cost = cost.filter(|_| self.api.tells_cost());
        let is_unclear =
            cost.is_none() && tokens == TokenUsage::default() && taken == Taken::Perhaps;
        UsageEntry {
            guess: is_unclear.then(guess),
            cost,
            ..UsageEntry::new(
                self.settings.provider_name.as_str(),
                model.chars().take(LONGEST_MODEL_NAME).collect::<String>(),
                tokens,
            )
        }
    }
}

#[async_trait]
impl<A: Api> ChatModel for HttpModel<A> {
    async fn reply(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        let mut usage = Vec::new();
        match self.call(request, sink, &mut usage).await {
            Ok(reply) => Ok(ModelReply { usage, ..reply }),
            Err(failure) => {
                let redactor = Redactor::new(self.settings.api_key.as_ref(), request);
                Err(ModelError {
                    detail: redactor.detail(&failure.detail),
                    kind: failure.kind,
                    tries: u32::try_from(usage.len()).unwrap_or(u32::MAX),
                    usage,
                })
            }
        }
    }

    fn describe(&self) -> String {
        format!("{} ({})", self.settings.provider_name, self.settings.model)
    }
}

impl<A: Api> fmt::Debug for HttpModel<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpModel")
            .field("path", &A::PATH)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
