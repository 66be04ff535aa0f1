//! Running the calls of one step, each made durable in the way that fits what it touches.

use futures::future::join_all;
use tracing::info;

use super::{Drive, Progress, TurnLoop, TurnStops};
use crate::core::boundary::Boundary;
use crate::core::error::StoreResult;
use crate::core::journal::{AskedChange, JournalEntry};
use crate::core::message::IncomingContent;
use crate::core::notes::NoteOwner;
use crate::core::tool::{
    ErrorCode, FinishedCall, ToolContext, ToolEffect, ToolOutcome, ToolResult, TurnOrigin,
};
use crate::core::turn::{Fact, MOST_INSERTED, PlannedCall, RunOrder};

impl TurnLoop {
    /// Runs the calls, unless something stops the turn first.
    pub(super) async fn run_tools(
        &self,
        progress: &mut Progress,
        calls: Vec<PlannedCall>,
        order: RunOrder,
        stops: &TurnStops,
    ) -> StoreResult<Option<Drive>> {
        match order {
            RunOrder::Concurrent => self.run_reads(progress, calls, stops).await,
            RunOrder::InOrder => {
                for call in calls {
                    if let Some(drive) = self.run_one(progress, call, stops).await? {
                        return Ok(Some(drive));
                    }
                }
                Ok(None)
            }
        }
    }

    async fn run_reads(
        &self,
        progress: &mut Progress,
        calls: Vec<PlannedCall>,
        stops: &TurnStops,
    ) -> StoreResult<Option<Drive>> {
        let context = self.tool_context(progress);
        let runs = join_all(calls.iter().map(|call| self.tools.run(call, &context)));
        let outcomes = match self.unless_halted(progress.deadline, stops, runs).await {
            Ok(outcomes) => outcomes,
            Err(halt) => return self.halt(progress, halt).await,
        };
        Boundary::ToolDone.pass();
        let mut entry = JournalEntry::default();
        let mut room = progress.turn.inserts_left();
        for (call, outcome) in calls.into_iter().zip(outcomes) {
            let outcome = within(&mut room, outcome);
            entry.facts.extend(inserted(&call, &outcome));
            let done = self.fitted(progress, &call, settled(outcome)).await;
            entry.facts.push(finished(&call, done));
        }
        self.advance(progress, entry).await
    }

    async fn run_one(
        &self,
        progress: &mut Progress,
        call: PlannedCall,
        stops: &TurnStops,
    ) -> StoreResult<Option<Drive>> {
        let context = self.tool_context(progress);
        if matches!(
            call.effect,
            ToolEffect::OutsideOnce | ToolEffect::OutsideIdempotent
        ) {
            let started = vec![Fact::ToolStarted {
                call: call.call.id.clone(),
            }];
            self.write_down(progress, started).await?;
            Boundary::ToolStarted.pass();
        }
        let run = self.tools.run(&call, &context);
        let outcome = match self.unless_halted(progress.deadline, stops, run).await {
            Ok(outcome) => outcome,
            Err(halt) => return self.halt(progress, halt).await,
        };
        Boundary::ToolDone.pass();
        match outcome {
            ToolOutcome::Change { change, describe } => {
                let now = self.clock.now();
                let asked = AskedChange {
                    call: call.call.clone(),
                    audit: self.audit_later(progress, &call.call),
                    change: change.with_links(&progress.place.links),
                    describe,
                };
                let done = self.journal.apply(progress.id, asked, now).await?;
                self.signals.wake_scheduler();
                self.signals.wake_outbox();
                progress.audited.insert(call.call.id.clone());
                progress.turn.feed(finished(&call, done));
                Ok(None)
            }
            outcome => {
                let outcome = within(&mut progress.turn.inserts_left(), outcome);
                let inserted = inserted(&call, &outcome);
                let done = self.fitted(progress, &call, settled(outcome)).await;
                let result = finished(&call, done);
                let entry = JournalEntry {
                    facts: inserted.into_iter().chain([result]).collect(),
                    ..JournalEntry::default()
                };
                self.advance(progress, entry).await
            }
        }
    }

    async fn fitted(
        &self,
        progress: &Progress,
        call: &PlannedCall,
        done: FinishedCall,
    ) -> FinishedCall {
        let target = &progress.conversation.target;
        self.large_results
            .fitted(&call.call.name, target, done)
            .await
    }

    pub(super) fn tool_context(&self, progress: &Progress) -> ToolContext {
        let asked = &progress.asked;
        let target = progress.conversation.target.clone();
        ToolContext {
            notes_of: NoteOwner::of(&target, asked.chat_kind, &asked.sender.user),
            target,
            chat_kind: asked.chat_kind,
            conversation: progress.conversation.id,
            sender: asked.sender.clone(),
            now: self.clock.now(),
            zone: self.context.settings.zone,
            origin: match asked.content {
                IncomingContent::Scheduled(_) => TurnOrigin::Schedule,
                _ => TurnOrigin::Person,
            },
            labels: progress.turn.labels().rewritten(),
        }
    }
}

/// A read may not change anything; one that tries is a mistake of ours, told as a failure.
fn settled(outcome: ToolOutcome) -> FinishedCall {
    match outcome {
        ToolOutcome::Finished(result) => result.into(),
        ToolOutcome::Outside { result, labels } => FinishedCall { result, labels },
        ToolOutcome::Insert { result, artifact } => FinishedCall {
            result,
            labels: artifact.labels,
        },
        ToolOutcome::Change { .. } => ToolResult::error(
            ErrorCode::Failed,
            "a read-only tool tried to change something",
        )
        .into(),
    }
}

/// The outcome, where `room` is left for the file that it puts before the model; a failure otherwise.
fn within(room: &mut usize, outcome: ToolOutcome) -> ToolOutcome {
    if !matches!(outcome, ToolOutcome::Insert { .. }) {
        return outcome;
    }
    match room.checked_sub(1) {
        Some(left) => {
            *room = left;
            outcome
        }
        None => ToolOutcome::Finished(ToolResult::error(
            ErrorCode::TooLarge,
            format!(
                "at most {MOST_INSERTED} files of one turn can be put before you; answer with what you have seen"
            ),
        )),
    }
}

/// The file that a call puts before the model.
fn inserted(call: &PlannedCall, outcome: &ToolOutcome) -> Option<Fact> {
    match outcome {
        ToolOutcome::Insert { artifact, .. } => Some(Fact::Inserted {
            call: call.call.id.clone(),
            artifact: (**artifact).clone(),
        }),
        _ => None,
    }
}

fn finished(call: &PlannedCall, done: FinishedCall) -> Fact {
    log(call, &done.result);
    Fact::ToolFinished {
        call: call.call.id.clone(),
        result: done.result,
        labels: done.labels,
    }
}

fn log(call: &PlannedCall, result: &ToolResult) {
    let code = result
        .value()
        .get("code")
        .and_then(serde_json::Value::as_str)
        .unwrap_or("ok");
    info!(tool = %call.call.name, outcome = %code, "tool");
}
