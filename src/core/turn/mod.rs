//! The turn: a pure state machine from one message of the person to its answer.
//!
//! `step` says what to do next, `feed` takes what happened. Every fact is journalled before it is
//! fed, so that a turn can be rebuilt from its facts after a crash and goes on where it stood.
//! All limits, and the rule that each tool call gets exactly one result, live here.

mod approvals;
mod arguments;
mod facts;
mod files;
mod resuming;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use self::arguments::parse_arguments;
pub use self::facts::{Ending, Fact, StopReason};
pub use self::files::MOST_INSERTED;
use super::approval::{Decision, Fingerprint, Ruling};
use super::conversation::Item;
use super::ids::CallId;
use super::label::Labels;
use super::media::{Artifact, ReceivedFile};
use super::model::{Continuation, ModelReply};
use super::scheduled_run::Done;
use super::tool::{ErrorCode, ToolCall, ToolEffect, ToolResult};

/// The same call with the same arguments is answered with `repeated` from this time in a row on.
const MOST_IDENTICAL_CALLS: u32 = 3;

/// What a turn may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnLimits {
    /// Replies asked of the model, at most.
    pub max_steps: u32,
}

/// The tools of a turn and what each touches.
pub type ToolEffects = BTreeMap<&'static str, ToolEffect>;

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Ask the model.
    AskModel,
    /// Ask the rules about these calls, and feed what they say about each.
    Judge {
        /// The calls, in the order of the model.
        calls: Vec<PlannedCall>,
    },
    /// Ask a person about this call, and feed that they were asked.
    AskHuman {
        /// The call.
        call: PlannedCall,
        /// Why.
        ruling: Ruling,
        /// Which question of the turn it is, counted from 1.
        number: u32,
    },
    /// Wait for the answer about this call, and feed it.
    AwaitHuman {
        /// The call.
        call: PlannedCall,
        /// Which question of the turn it is, counted from 1.
        number: u32,
    },
    /// Run these calls, and feed each result.
    RunTools {
        /// The calls, in the order of the model.
        calls: Vec<PlannedCall>,
        /// Whether they may run side by side.
        order: RunOrder,
    },
    /// Nothing: the turn is over.
    Finish(Ending),
}

/// A call that is to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedCall {
    /// The call.
    pub call: ToolCall,
    /// Its arguments, a JSON object.
    pub arguments: Value,
    /// What it touches.
    pub effect: ToolEffect,
}

/// Whether calls may run side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOrder {
    /// All only read, and none asks.
    Concurrent,
    /// One after the other: there is one.
    InOrder,
}

/// Whether a fact was of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fed {
    /// It moved the turn on.
    Taken,
    /// It does not fit where the turn stands (a second result, a result of no call, anything
    /// after the end) and changed nothing.
    Ignored,
}

/// One turn.
#[derive(Debug, Clone)]
pub struct Turn {
    limits: TurnLimits,
    effects: ToolEffects,
    labels: Labels,
    rounds: Vec<Round>,
    /// The replies before it was last reopened.
    earlier_rounds: usize,
    used_ids: HashSet<CallId>,
    last_call: Option<(String, String)>,
    identical_calls: u32,
    /// What was not approved, by a person or by nobody.
    refused: HashMap<Fingerprint, Decision>,
    /// When each card was sent.
    cards: Vec<DateTime<Utc>>,
    resumes: u32,
    files: Option<Vec<ReceivedFile>>,
    inserted: Vec<(CallId, Artifact)>,
    ending: Option<Ending>,
}

#[derive(Debug, Clone)]
struct Round {
    text: String,
    calls: Vec<Progress>,
    continuation: Option<Continuation>,
    /// What the model had before it.
    labels: Labels,
}

#[derive(Debug, Clone)]
struct Progress {
    call: ToolCall,
    state: CallState,
    /// What the rules have said.
    ruling: Option<Ruling>,
}

#[derive(Debug, Clone)]
enum CallState {
    Waiting(Plan),
    ToAsk(Plan),
    Asked(Plan),
    Cleared(Plan),
    Started(Plan),
    Done(ToolResult, Labels),
}

/// What a call would do.
#[derive(Debug, Clone)]
struct Plan {
    arguments: Value,
    effect: ToolEffect,
}

impl Turn {
    /// A turn in which nothing has happened yet. `labels` are those of all that it begins with:
    /// the conversation so far, and the message with what came with it.
    pub fn new(limits: TurnLimits, effects: ToolEffects, labels: Labels) -> Self {
        Self {
            limits,
            effects,
            labels,
            rounds: Vec::new(),
            earlier_rounds: 0,
            used_ids: HashSet::new(),
            last_call: None,
            identical_calls: 0,
            refused: HashMap::new(),
            cards: Vec::new(),
            resumes: 0,
            files: None,
            inserted: Vec::new(),
            ending: None,
        }
    }

    /// What to do next. It stays the same until something is fed.
    pub fn step(&self) -> Step {
        if let Some(ending) = &self.ending {
            return Step::Finish(ending.clone());
        }
        self.next_of_the_calls()
    }

    /// Takes a fact.
    pub fn feed(&mut self, fact: Fact) -> Fed {
        if self.ending.is_some() && !(fact == Fact::Reopened && self.is_at_its_limit()) {
            return Fed::Ignored;
        }
        match fact {
            Fact::FilesRead {
                files,
                labels,
                answer,
            } => self.take_files(files, &labels, answer),
            Fact::ModelReplied { reply } => self.take_reply(reply),
            Fact::ModelFailed { error } => {
                self.ending = Some(Ending::Failed { error });
                Fed::Taken
            }
            Fact::Judged { call, ruling, at } => self.take_ruling(&call, ruling, at),
            Fact::Asked { call, at } => self.take_question(&call, at),
            Fact::Decided {
                call,
                fingerprint,
                decision,
            } => self.take_decision(&call, &fingerprint, decision),
            Fact::ToolStarted { call } => self.take_start(&call),
            Fact::ToolFinished {
                call,
                result,
                labels,
            } => self.take_result(&call, result, labels),
            Fact::Inserted { call, artifact } => self.take_insert(call, artifact),
            Fact::Resumed => self.take_resume(),
            Fact::Reopened => self.take_reopening(),
            Fact::Stopped { reason } => {
                self.ending = Some(Ending::Stopped { reason });
                Fed::Taken
            }
        }
    }

    /// The results to journal and feed after a restart: a call that had started, has no result
    /// and must not be repeated is answered for it.
    pub fn interrupted_calls(&self) -> Vec<Fact> {
        self.open_calls()
            .filter(|progress| {
                matches!(
                    progress.state,
                    CallState::Started(Plan {
                        effect: ToolEffect::OutsideOnce,
                        ..
                    })
                )
            })
            .map(|progress| Fact::ToolFinished {
                call: progress.call.id.clone(),
                result: ToolResult::error(
                    ErrorCode::Interrupted,
                    "interrupted by a restart; it may or may not have run",
                ),
                labels: Labels::default(),
            })
            .collect()
    }

    /// What the turn has said and done, for the conversation. Legal at any time: calls without a
    /// result get one that says why.
    pub fn items(&self) -> Vec<Item> {
        self.exchange().into_iter().map(Item::settled).collect()
    }

    /// The same for the next request, with what providers want to have back.
    pub fn exchange(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for round in &self.rounds {
            if round.text.is_empty() && round.calls.is_empty() {
                continue;
            }
            let calls = round
                .calls
                .iter()
                .map(|progress| progress.call.clone())
                .collect();
            items.push(Item::Assistant {
                text: round.text.clone(),
                calls,
                continuation: round.continuation.clone(),
                labels: round.labels.clone(),
            });
            items.extend(round.calls.iter().map(|progress| Item::Tool {
                call: progress.call.id.clone(),
                name: progress.call.name.clone(),
                result: progress.result(),
                labels: progress.labels(),
            }));
        }
        items
    }

    /// The sources of all that the next request holds: of what the turn began with, and of what its
    /// tools have brought.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Whether its calls have changed anything, or may have.
    pub fn done(&self) -> Done {
        let mut calls = self.rounds.iter().flat_map(|round| &round.calls);
        let changes = |progress: &Progress| {
            let effect = self.effects.get(progress.call.name.as_str());
            effect.is_some_and(|effect| *effect != ToolEffect::ReadOnly) && progress.may_have_run()
        };
        if calls.any(changes) {
            Done::Something
        } else {
            Done::Nothing
        }
    }

    fn take_reply(&mut self, reply: ModelReply) -> Fed {
        if self.open_calls().next().is_some() {
            return Fed::Ignored;
        }
        self.resumes = 0;
        let finish = reply.finish;
        let calls: Vec<Progress> = reply
            .calls
            .into_iter()
            .map(|call| self.admit(call))
            .collect();
        let last = calls.is_empty();
        self.rounds.push(Round {
            text: reply.text.clone(),
            calls,
            continuation: reply.continuation,
            labels: self.labels.clone(),
        });
        if last {
            self.ending = Some(Ending::Answered {
                text: reply.text,
                finish,
            });
        } else if self.rounds.len() - self.earlier_rounds >= self.limits.max_steps as usize {
            self.ending = Some(Ending::Stopped {
                reason: StopReason::StepLimit,
            });
        }
        Fed::Taken
    }

    /// Gives the call an id of its own and answers at once what need not be run.
    fn admit(&mut self, mut call: ToolCall) -> Progress {
        let given = call.id.clone();
        let mut number = self.used_ids.len();
        while call.id.as_str().is_empty() || !self.used_ids.insert(call.id.clone()) {
            call.id = CallId::new(format!("{given}call_{number}"));
            number += 1;
        }
        let state = self.look_at(&call);
        // What the model sent as arguments goes back to the provider in later requests, and some
        // refuse anything but an object there.
        if !matches!(&state, CallState::Waiting(_)) && parse_arguments(&call.arguments).is_err() {
            call.arguments = "{}".into();
        }
        Progress {
            call,
            state,
            ruling: None,
        }
    }

    fn look_at(&mut self, call: &ToolCall) -> CallState {
        let signature = (call.name.clone(), call.arguments.clone());
        let same = self.last_call.as_ref() == Some(&signature);
        self.identical_calls = if same { self.identical_calls + 1 } else { 1 };
        self.last_call = Some(signature);
        if self.identical_calls >= MOST_IDENTICAL_CALLS {
            return CallState::refused(
                ErrorCode::Repeated,
                "the same call was just made; use its result, or do something else",
            );
        }
        let Some(effect) = self.effects.get(call.name.as_str()).copied() else {
            let known: Vec<&str> = self.effects.keys().copied().collect();
            return CallState::refused(
                ErrorCode::UnknownTool,
                format!(
                    "there is no tool {:?}; there are: {}",
                    call.name,
                    known.join(", ")
                ),
            );
        };
        match parse_arguments(&call.arguments) {
            Ok(arguments) => CallState::Waiting(Plan { arguments, effect }),
            Err(problem) => CallState::refused(ErrorCode::BadArguments, problem),
        }
    }

    fn take_start(&mut self, call: &CallId) -> Fed {
        let Some(progress) = self.open_call(call) else {
            return Fed::Ignored;
        };
        match &progress.state {
            CallState::Waiting(plan) | CallState::Cleared(plan) => {
                progress.state = CallState::Started(plan.clone());
                Fed::Taken
            }
            _ => Fed::Ignored,
        }
    }

    fn take_result(&mut self, call: &CallId, result: ToolResult, labels: Labels) -> Fed {
        let Some(progress) = self.open_call(call) else {
            return Fed::Ignored;
        };
        if progress.state.is_a_question() {
            // Only the answer to it can end it.
            return Fed::Ignored;
        }
        progress.state = CallState::Done(result, labels.clone());
        self.labels.join(&labels);
        self.resumes = 0;
        Fed::Taken
    }

    /// A call of the last reply that has no result yet.
    fn open_call(&mut self, call: &CallId) -> Option<&mut Progress> {
        let calls = &mut self.rounds.last_mut()?.calls;
        calls.iter_mut().find(|progress| {
            &progress.call.id == call && !matches!(progress.state, CallState::Done(..))
        })
    }

    fn open_calls(&self) -> impl Iterator<Item = &Progress> {
        self.rounds
            .last()
            .into_iter()
            .flat_map(|round| &round.calls)
            .filter(|progress| !matches!(progress.state, CallState::Done(..)))
    }
}

impl CallState {
    fn is_a_question(&self) -> bool {
        matches!(self, Self::ToAsk(_) | Self::Asked(_))
    }

    fn plan(&self) -> Option<&Plan> {
        match self {
            Self::Waiting(plan)
            | Self::ToAsk(plan)
            | Self::Asked(plan)
            | Self::Cleared(plan)
            | Self::Started(plan) => Some(plan),
            Self::Done(..) => None,
        }
    }

    /// Answered by the turn itself.
    fn refused(code: ErrorCode, message: impl std::fmt::Display) -> Self {
        Self::Done(ToolResult::error(code, message), Labels::default())
    }
}

impl Progress {
    fn labels(&self) -> Labels {
        match &self.state {
            CallState::Done(_, labels) => labels.clone(),
            _ => Labels::default(),
        }
    }

    fn may_have_run(&self) -> bool {
        match &self.state {
            CallState::Started(_) => true,
            CallState::Done(result, _) => result.may_be_of_a_run(),
            CallState::Waiting(_)
            | CallState::ToAsk(_)
            | CallState::Asked(_)
            | CallState::Cleared(_) => false,
        }
    }

    fn result(&self) -> ToolResult {
        match &self.state {
            CallState::Done(result, _) => result.clone(),
            CallState::Waiting(_)
            | CallState::ToAsk(_)
            | CallState::Asked(_)
            | CallState::Cleared(_) => {
                ToolResult::error(ErrorCode::Superseded, "not run: the turn ended before")
            }
            CallState::Started(_) => ToolResult::error(
                ErrorCode::Interrupted,
                "the turn ended while it ran; it may or may not have had its effect",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
