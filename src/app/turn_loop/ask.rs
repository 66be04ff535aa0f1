//! One question to the model, shown while it is answered.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tracing::{info, warn};

use super::{Drive, Halt, Progress, TurnLoop, TurnStops};
use crate::app::outbox::compose;
use crate::app::spending::Spending;
use crate::core::boundary::Boundary;
use crate::core::channel::ChatTarget;
use crate::core::error::StoreResult;
use crate::core::ids::TurnId;
use crate::core::journal::JournalEntry;
use crate::core::model::{ChatModel, ModelError, ModelReply, ModelRequest, ReplySink};
use crate::core::outbox::{NewOutbox, Outgoing, waiting_key};
use crate::core::turn::Fact;
use crate::core::usage::{CallPurpose, UsageEntry};

/// How long nothing may come from the model before the person is told that it is still waited for.
const SILENCE: Duration = Duration::from_secs(60);

const STILL_WAITING: &str = "The model has not answered yet; I go on trying. /stop ends it.";

/// How long a turn that is stopped waits for the call that shows its text. What is cut off there is
/// at worst a message that stays as it is beside the final one.
const LAST_CALL: Duration = Duration::from_millis(700);

impl TurnLoop {
    pub(super) async fn ask(
        &self,
        progress: &mut Progress,
        stops: &TurnStops,
    ) -> StoreResult<Option<Drive>> {
        let inserted = self.newly_inserted(progress);
        match self.unless_halted(progress.deadline, stops, inserted).await {
            Ok(inserted) => progress.inserted.extend(inserted),
            Err(halt) => return self.halt(progress, halt).await,
        }
        let inserted = progress.inserted.iter().flatten().cloned().collect();
        let exchange = progress.turn.exchange();
        let request = self
            .context
            .request(progress.id, &progress.context, exchange, inserted);
        progress.mind_links(self.approvals.settings.escalation);
        Boundary::ModelAsked.pass();
        let (answer, shown) = self.ask_and_show(progress, &request, stops).await;
        progress.shown = shown;
        let is_scheduled = progress.asked.is_scheduled();
        let fact = match answer {
            Ok(answer) => fact_of(answer),
            Err(halt) => return self.halt(progress, halt).await,
        };
        Boundary::ModelAnswered.pass();
        let said = match &fact {
            Fact::ModelReplied { reply } if !is_scheduled && !reply.text.trim().is_empty() => {
                self.compose(progress, &reply.text)
            }
            _ => Vec::new(),
        };
        let entry = JournalEntry {
            facts: vec![fact],
            said,
            ..JournalEntry::default()
        };
        let drive = self.advance(progress, entry).await;
        // It was said: what ends the turn later has nothing of it to repeat.
        progress.shown.clear();
        drive
    }

    /// Asks, shows what comes, and says what came.
    async fn ask_and_show(
        &self,
        progress: &mut Progress,
        request: &ModelRequest,
        stops: &TurnStops,
    ) -> (Result<Result<ModelReply, ModelError>, Halt>, String) {
        let (sender, text) = watch::channel(String::new());
        let came = text.clone();
        let deadline = progress.deadline;
        // A scheduled run speaks once, at its end, or not at all.
        let is_scheduled = progress.asked.is_scheduled();
        let model = if is_scheduled {
            &self.models.runs
        } else {
            &self.models.answers
        };
        let watched = (progress.id, progress.place.target.clone(), text.clone());
        let asked = async {
            let sink = GrowingText {
                text: Mutex::new(sender),
                spending: &self.spending,
            };
            let call = self.unless_halted(deadline, stops, self.timed(model, request, &sink));
            tokio::pin!(call);
            if is_scheduled {
                // Nobody waits for it.
                return call.await;
            }
            tokio::select! {
                biased;
                answer = &mut call => return answer,
                () = self.tell_of_silence(watched) => {}
            }
            call.await
            // The sink goes here: whoever shows the text comes to an end too, after the call
            // that may be under way.
        };
        let show = async {
            if !is_scheduled {
                let place = &progress.place;
                self.live.show(place, &mut progress.answer, text).await;
            }
        };
        tokio::pin!(asked, show);
        let answer = tokio::select! {
            biased;
            answer = &mut asked => {
                let shown = answer.is_ok()
                    && self.unless_halted(deadline, stops, &mut show).await.is_ok();
                if !shown {
                    let _ = tokio::time::timeout(LAST_CALL, show).await;
                }
                answer
            }
            () = &mut show => asked.await,
        };
        (answer, came.borrow().clone())
    }

    /// Tells the person when nothing has come for long, once in a turn.
    async fn tell_of_silence(
        &self,
        (turn, target, text): (TurnId, ChatTarget, watch::Receiver<String>),
    ) {
        self.clock.sleep(SILENCE).await;
        if !text.borrow().is_empty() {
            return;
        }
        let line = NewOutbox {
            dedupe_key: Some(waiting_key(turn)),
            ..NewOutbox::answer(target, Outgoing::plain(STILL_WAITING))
        };
        match self.live.store.add(vec![line]).await {
            Ok(_) => self.signals.wake_outbox(),
            Err(error) => warn!(%error, "the person could not be told that the model is silent"),
        }
    }

    async fn timed(
        &self,
        model: &Arc<dyn ChatModel>,
        request: &ModelRequest,
        sink: &GrowingText<'_>,
    ) -> Result<ModelReply, ModelError> {
        let began = self.clock.now();
        let answer = model.reply(request, sink).await;
        let ms = (self.clock.now() - began).num_milliseconds();
        match &answer {
            Ok(reply) => info!(ms, calls = reply.calls.len(), "the model answered"),
            Err(error) => warn!(ms, %error, tries = error.tries, "the model did not answer"),
        }
        answer
    }

    pub(super) fn compose(&self, progress: &Progress, markdown: &str) -> Vec<NewOutbox> {
        let channel = self.channels.of(&progress.place.target);
        // What was only just read is not in the turn yet.
        let mut labels = progress.turn.labels().clone();
        labels.join(&progress.context.labels);
        channel.map_or_else(Vec::new, |channel| {
            let grown = progress.answer.message.as_ref();
            compose::answer(&progress.place, markdown, channel.capabilities(), grown)
                .into_iter()
                .map(|row| row.labelled(labels.clone()))
                .collect()
        })
    }
}

/// Collects the text of a reply for whoever shows it.
struct GrowingText<'a> {
    text: Mutex<watch::Sender<String>>,
    spending: &'a Spending,
}

impl ReplySink for GrowingText<'_> {
    fn push(&self, text: &str) {
        if let Ok(sender) = self.text.lock() {
            sender.send_modify(|whole| whole.push_str(text));
        }
    }

    fn restart(&self) {
        if let Ok(sender) = self.text.lock() {
            sender.send_modify(String::clear);
        }
    }

    fn lost(&self, usage: Vec<UsageEntry>) {
        self.spending.lose(CallPurpose::Turn, usage);
    }
}

fn fact_of(answer: Result<ModelReply, ModelError>) -> Fact {
    match answer {
        Ok(reply) => Fact::ModelReplied { reply },
        Err(error) => Fact::ModelFailed { error },
    }
}
