//! Gives a model what fits it: its own prompt, as much of the past as its window takes, and no more
//! steps than it may make. What was too long all the same is asked again with half of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::spent::Spent;
use super::watched_sink::WatchedSink;
use crate::core::conversation::{History, Item, shortened};
use crate::core::media::Attached;
use crate::core::model::{
    ChatModel, ModelError, ModelErrorKind, ModelReply, ModelRequest, ReplySink,
};
use crate::core::tokens::{LearnedWindow, answer_room};
use crate::llm::providers::Pdfs;

/// What a person reads when a model that stands in has made all its steps.
const NO_MORE_STEPS: &str = "I stopped before I was done: this took more steps than one answer may \
    have. Say \"go on\" to let me continue.";

/// What one model allows.
#[derive(Debug, Clone)]
pub struct OwnLimits {
    /// Its window.
    pub context_tokens: usize,
    /// What its answer may need of that.
    pub answer_tokens: Option<usize>,
    /// The prompt that requests begin with, and the one that it has instead.
    pub prompt: Option<(String, String)>,
    /// Its steps in a turn, where they are fewer than the turn's.
    pub max_steps: Option<usize>,
    /// As what it is sent PDFs.
    pub pdfs: Pdfs,
    /// Whose replies it takes back in their own form: its own. `None` where that is not known.
    pub origin: Option<String>,
}

impl OwnLimits {
    /// The tokens that a request may have.
    pub fn request_tokens(&self) -> usize {
        let answer = self
            .answer_tokens
            .unwrap_or(answer_room(self.context_tokens));
        self.context_tokens.saturating_sub(answer)
    }
}

/// A model within its own limits. What its server counts and refuses makes the next fit better. It
/// belongs around each model on its own, since their windows differ.
#[derive(Debug)]
pub struct WithOwnLimits {
    inner: Arc<dyn ChatModel>,
    limits: OwnLimits,
    learned: Mutex<LearnedWindow>,
}

impl WithOwnLimits {
    /// Wraps `inner`.
    pub fn new(inner: Arc<dyn ChatModel>, limits: OwnLimits) -> Self {
        Self {
            inner,
            limits,
            learned: Mutex::default(),
        }
    }

    /// The past gives way to what this turn has done, and that to the message.
    fn fitted(&self, request: &ModelRequest) -> ModelRequest {
        let mut fitted = ModelRequest {
            history: History::default(),
            ..request.clone()
        };
        if let Some((usual, own)) = &self.limits.prompt
            && let Some(rest) = request.system.strip_prefix(usual)
        {
            fitted.system = format!("{own}{rest}");
        }
        if self.limits.pdfs == Pdfs::AsFiles {
            fitted
                .attached
                .iter_mut()
                .for_each(Attached::spare_pdf_text);
        }
        if let Some(origin) = &self.limits.origin {
            // What is not sent takes no room.
            for item in &mut fitted.exchange {
                leave_out_unless_from(origin, item);
            }
        }
        let (room, taken) = (self.window(), fitted.estimated_tokens());
        if taken <= room {
            fitted.history = request.history.newest_turns(usize::MAX, room - taken);
            return fitted;
        }
        let done: usize = fitted.exchange.iter().map(Item::estimated_tokens).sum();
        let most = done.saturating_sub(taken - room);
        fitted.exchange = shortened(fitted.exchange, most);
        fitted
    }

    async fn ask(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        let outcome = self.inner.reply(request, sink).await;
        let estimated = request.estimated_tokens();
        match &outcome {
            Ok(reply) => {
                // The last call is the one that gave the reply.
                let counted = reply.usage.last().map_or(0, |call| call.tokens.input);
                self.learned().answered(estimated, counted);
            }
            Err(error) if error.kind == ModelErrorKind::ContextTooLong => {
                self.learned().refused(estimated);
            }
            Err(_) => {}
        }
        outcome
    }

    fn learned(&self) -> MutexGuard<'_, LearnedWindow> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn within_steps(&self, request: &ModelRequest, mut reply: ModelReply) -> ModelReply {
        let made = request.exchange.iter();
        let made = made.filter(|item| matches!(item, Item::Assistant { .. }));
        let most = self.limits.max_steps.unwrap_or(usize::MAX);
        if !reply.calls.is_empty() && made.count() + 1 >= most {
            reply.calls.clear();
            reply.continuation = None;
            reply.text = format!("{}\n\n{NO_MORE_STEPS}", reply.text)
                .trim()
                .to_owned();
        }
        reply
    }
}

/// Leaves out the form that a reply has at its provider, unless it is this one.
fn leave_out_unless_from(origin: &str, item: &mut Item) {
    if let Item::Assistant { continuation, .. } = item {
        continuation.take_if(|own| own.origin != origin);
    }
}

#[async_trait]
impl ChatModel for WithOwnLimits {
    async fn reply(
        &self,
        request: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        let sink = WatchedSink::new(sink);
        let fitted = self.fitted(request);
        let error = match self.ask(&fitted, &sink).await {
            Ok(reply) => return Ok(self.within_steps(request, reply)),
            Err(error) if error.kind != ModelErrorKind::ContextTooLong => return Err(error),
            Err(error) => error,
        };
        let shorter = self.fitted(request);
        if shorter.estimated_tokens() >= fitted.estimated_tokens() {
            return Err(error);
        }
        let mut spent = Spent::nothing(&sink);
        spent.add(&error);
        sink.restart_if_begun();
        match self.ask(&shorter, &sink).await {
            Ok(reply) => Ok(spent.before(self.within_steps(request, reply))),
            Err(error) => {
                spent.add(&error);
                Err(spent.told_as(error))
            }
        }
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn window(&self) -> usize {
        self.learned().room(self.limits.request_tokens())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::core::conversation::Enclosure;
    use crate::core::ids::CallId;
    use crate::core::label::Labels;
    use crate::core::media::{InMemory, Part, Place};
    use crate::core::model::{Continuation, FinishReason};
    use crate::core::tool::{ToolCall, ToolResult};
    use crate::core::usage::{TokenUsage, UsageEntry};

    /// Counts three tokens where one was guessed, and always wants to call something.
    #[derive(Debug, Default)]
    struct Greedy(Mutex<Vec<ModelRequest>>);

    #[async_trait]
    impl ChatModel for Greedy {
        async fn reply(
            &self,
            request: &ModelRequest,
            _: &dyn ReplySink,
        ) -> Result<ModelReply, ModelError> {
            self.0.lock().unwrap().push(request.clone());
            let tokens = TokenUsage {
                input: request.estimated_tokens() as u64 * 3,
                ..TokenUsage::default()
            };
            Ok(ModelReply {
                text: "Wait.".into(),
                calls: vec![ToolCall {
                    id: CallId::new("c"),
                    name: "t".into(),
                    arguments: "{}".into(),
                }],
                finish: FinishReason::Done,
                usage: vec![UsageEntry::new("p", "m", tokens)],
                continuation: None,
            })
        }

        fn describe(&self) -> String {
            "greedy".into()
        }
    }

    struct Unheard;

    impl ReplySink for Unheard {
        fn push(&self, _: &str) {}
        fn restart(&self) {}
        fn lost(&self, _: Vec<UsageEntry>) {}
    }

    fn request(turns: usize) -> ModelRequest {
        let says = "word ".repeat(120);
        ModelRequest {
            system: "You are usual.\n\nNotes.".into(),
            history: History::repaired(vec![Item::said(says); turns]),
            user: "now".into(),
            ..ModelRequest::default()
        }
    }

    fn limits() -> OwnLimits {
        OwnLimits {
            context_tokens: 4000,
            answer_tokens: Some(1000),
            prompt: Some(("You are usual.".into(), "You stand in.".into())),
            max_steps: Some(2),
            pdfs: Pdfs::AsFiles,
            origin: Some("here".into()),
        }
    }

    #[tokio::test]
    async fn a_request_fits_the_window_the_better_the_more_was_counted() {
        let inner = Arc::new(Greedy::default());
        let model = WithOwnLimits::new(inner.clone(), limits());
        for _ in 0..2 {
            model.reply(&request(50), &Unheard).await.unwrap();
        }
        model.reply(&request(0), &Unheard).await.unwrap();
        let seen = inner.0.lock().unwrap();
        let turns: Vec<usize> = seen.iter().map(|r| r.history.items().len()).collect();
        assert_eq!(turns, [14, 4, 0], "3000 tokens, then a third of them");
        assert_eq!(seen[0].system, "You stand in.\n\nNotes.");
        assert_eq!(seen[2].user, "now", "the message itself is never cut");
    }

    #[tokio::test]
    async fn a_pdf_takes_the_room_of_what_is_sent_of_it() {
        let scan = Part::Pdf {
            name: "scan.pdf".into(),
            content: InMemory::holding(vec![0; 150_000]),
            text: Some(Enclosure {
                text: "[it has no text]".into(),
                labels: Labels::default(),
            }),
            spare: None,
        };
        let asked = ModelRequest {
            attached: vec![Attached {
                place: Place::Message,
                part: scan,
            }],
            ..request(50)
        };
        for (pdfs, kept) in [(Pdfs::AsFiles, false), (Pdfs::AsText, true)] {
            let inner = Arc::new(Greedy::default());
            let limits = OwnLimits {
                context_tokens: 6000,
                pdfs,
                ..limits()
            };
            let model = WithOwnLimits::new(inner.clone(), limits);
            model.reply(&asked, &Unheard).await.unwrap();
            let seen = inner.0.lock().unwrap();
            let turns = seen[0].history.items().len();
            // 5000 tokens are there: two pages of a file take 3000 of them.
            assert_eq!(turns > 15, kept, "{pdfs:?} {turns}");
            let part = &seen[0].attached[0].part;
            assert_eq!(part.text_bytes() > 0, kept, "{pdfs:?}");
            let is_spared = matches!(part, Part::Pdf { spare: Some(_), .. });
            assert_eq!(is_spared, !kept, "{pdfs:?}");
        }
    }

    #[tokio::test]
    async fn what_another_provider_thought_takes_no_room() {
        let thinks = |origin: &str| Item::Assistant {
            text: String::new(),
            calls: vec![ToolCall {
                id: CallId::new("c"),
                name: "t".into(),
                arguments: "{}".into(),
            }],
            continuation: Some(Continuation {
                origin: origin.into(),
                items: vec![json!({ "thought": "y".repeat(6000) })],
                thoughts: 0,
            }),
            labels: Labels::default(),
        };
        let finds = Item::Tool {
            call: CallId::new("c"),
            name: "t".into(),
            result: ToolResult::ok(json!({ "found": "z".repeat(3000) })),
            labels: Labels::default(),
        };
        let mut asked = request(0);
        for origin in ["there", "here", "elsewhere"] {
            asked.exchange.extend([thinks(origin), finds.clone()]);
        }
        let inner = Arc::new(Greedy::default());
        let limits = OwnLimits {
            context_tokens: 7000,
            max_steps: None,
            ..limits()
        };
        let model = WithOwnLimits::new(inner.clone(), limits);
        model.reply(&asked, &Unheard).await.unwrap();
        let mut expected = asked.exchange.clone();
        for foreign in [0, 4] {
            expected[foreign] = expected[foreign].clone().settled();
        }
        assert_eq!(inner.0.lock().unwrap()[0].exchange, expected);
    }

    #[tokio::test]
    async fn a_pdf_takes_the_room_of_a_text_that_is_larger() {
        let mut asked = request(50);
        asked.attached = vec![Attached {
            place: Place::Message,
            part: Part::Pdf {
                name: "book.pdf".into(),
                content: InMemory::holding(vec![0; 100]),
                text: Some(Enclosure {
                    text: "x".repeat(7500),
                    labels: Labels::default(),
                }),
                spare: None,
            },
        }];
        let mut kept = Vec::new();
        for pdfs in [Pdfs::AsFiles, Pdfs::AsText] {
            let inner = Arc::new(Greedy::default());
            let model = WithOwnLimits::new(inner.clone(), OwnLimits { pdfs, ..limits() });
            model.reply(&asked, &Unheard).await.unwrap();
            kept.push(inner.0.lock().unwrap()[0].history.items().len());
        }
        assert_eq!(kept[0], kept[1], "it may be sent in either form");
    }

    #[tokio::test]
    async fn the_last_step_calls_nothing_more() {
        let model = WithOwnLimits::new(Arc::new(Greedy::default()), limits());
        let first = model.reply(&request(0), &Unheard).await.unwrap();
        assert_eq!(first.calls.len(), 1);
        let mut next = request(0);
        next.exchange.push(Item::Assistant {
            text: first.text,
            calls: first.calls,
            continuation: None,
            labels: Labels::default(),
        });
        let last = model.reply(&next, &Unheard).await.unwrap();
        assert!(last.calls.is_empty());
        assert_eq!(last.text, format!("Wait.\n\n{NO_MORE_STEPS}"));
    }
}
