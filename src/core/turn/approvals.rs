//! How a turn asks before it acts: each call is judged before it runs, a call that asks waits for
//! its answer, and what was refused is not asked again.

use chrono::{DateTime, Utc};

use super::{
    CallState, Ending, Fed, Plan, PlannedCall, Progress, RunOrder, Step, StopReason, Turn,
};
use crate::core::approval::{Decision, Fingerprint, Ruling, Verdict, is_too_many};
use crate::core::ids::CallId;
use crate::core::tool::{ErrorCode, ToolCall, ToolEffect, ToolResult};

impl Turn {
    /// What to do next about the open calls, in their order; reads may run side by side where none
    /// of them asks.
    pub(super) fn next_of_the_calls(&self) -> Step {
        let open: Vec<&Progress> = self.open_calls().collect();
        let Some(first) = open.first() else {
            return Step::AskModel;
        };
        let reads_only = open.iter().all(|progress| progress.is_quiet_read());
        let at_once: &[&Progress] = if reads_only { &open } else { &open[..1] };
        let waiting = |progress: &&&Progress| matches!(progress.state, CallState::Waiting(_));
        let unjudged: Vec<PlannedCall> = at_once
            .iter()
            .filter(waiting)
            .filter_map(|p| p.planned())
            .collect();
        if !unjudged.is_empty() {
            return Step::Judge { calls: unjudged };
        }
        if let (true, Some(call)) = (first.state.is_a_question(), first.planned()) {
            return self.question(first, call);
        }
        Step::RunTools {
            calls: at_once.iter().filter_map(|p| p.planned()).collect(),
            order: if reads_only {
                RunOrder::Concurrent
            } else {
                RunOrder::InOrder
            },
        }
    }

    fn question(&self, progress: &Progress, call: PlannedCall) -> Step {
        let cards = u32::try_from(self.cards.len()).unwrap_or(u32::MAX);
        match (&progress.state, &progress.ruling) {
            (CallState::ToAsk(_), Some(ruling)) => Step::AskHuman {
                call,
                ruling: ruling.clone(),
                number: cards.saturating_add(1),
            },
            _ => Step::AwaitHuman {
                call,
                number: cards,
            },
        }
    }

    /// What the rules have said about a call of the last reply.
    pub fn ruling(&self, call: &CallId) -> Option<&Ruling> {
        let calls = &self.rounds.last()?.calls;
        let progress = calls.iter().find(|progress| &progress.call.id == call)?;
        progress.ruling.as_ref()
    }

    /// Every call that has its result by now, in order, with the result and what the rules said.
    pub fn finished_calls(
        &self,
    ) -> impl Iterator<Item = (&ToolCall, &ToolResult, Option<&Ruling>)> {
        let all = self.rounds.iter().flat_map(|round| &round.calls);
        all.filter_map(|progress| match &progress.state {
            CallState::Done(result, _) => Some((&progress.call, result, progress.ruling.as_ref())),
            _ => None,
        })
    }

    /// The call that had started and has no result, with what is said of it at the end of the turn.
    pub fn cut_off_calls(&self) -> impl Iterator<Item = (&ToolCall, ToolResult, Option<&Ruling>)> {
        let started = self
            .open_calls()
            .filter(|progress| matches!(progress.state, CallState::Started(_)));
        started.map(|progress| (&progress.call, progress.result(), progress.ruling.as_ref()))
    }

    pub(super) fn take_ruling(&mut self, call: &CallId, ruling: Ruling, now: DateTime<Utc>) -> Fed {
        let Some(progress) = self.open_call(call) else {
            return Fed::Ignored;
        };
        let CallState::Waiting(plan) = progress.state.clone() else {
            return Fed::Ignored;
        };
        let asks = matches!(ruling.verdict, Verdict::Ask { .. });
        progress.state = match ruling.verdict {
            Verdict::Allow => CallState::Cleared(plan.clone()),
            Verdict::Ask { .. } => CallState::ToAsk(plan.clone()),
            Verdict::Deny => denied(&ruling.reason),
        };
        progress.ruling = Some(ruling);
        let fingerprint = Fingerprint::of(&progress.call.name, &plan.arguments);
        if asks {
            self.hold_back(call, &fingerprint, now);
        }
        Fed::Taken
    }

    /// Asks no question that was answered before, and not too many.
    fn hold_back(&mut self, call: &CallId, fingerprint: &Fingerprint, now: DateTime<Utc>) {
        if self.refused.contains_key(fingerprint) {
            let why = "this was refused before in this turn; do not ask for it again";
            if let Some(progress) = self.open_call(call) {
                progress.state = denied(why);
            }
        } else if is_too_many(&self.cards, now) {
            self.ending = Some(Ending::Stopped {
                reason: StopReason::TooManyCards,
            });
        }
    }

    pub(super) fn take_question(&mut self, call: &CallId, at: DateTime<Utc>) -> Fed {
        let Some(progress) = self.open_call(call) else {
            return Fed::Ignored;
        };
        let CallState::ToAsk(plan) = &progress.state else {
            return Fed::Ignored;
        };
        progress.state = CallState::Asked(plan.clone());
        self.cards.push(at);
        self.resumes = 0;
        Fed::Taken
    }

    pub(super) fn take_decision(
        &mut self,
        call: &CallId,
        decided_on: &Fingerprint,
        decision: Decision,
    ) -> Fed {
        let Some(progress) = self.open_call(call) else {
            return Fed::Ignored;
        };
        let CallState::Asked(plan) = progress.state.clone() else {
            return Fed::Ignored;
        };
        let fingerprint = Fingerprint::of(&progress.call.name, &plan.arguments);
        if fingerprint != *decided_on {
            return Fed::Ignored;
        }
        progress.state = decided(plan, decision);
        self.resumes = 0;
        if decision != Decision::Approved {
            self.refused.insert(fingerprint, decision);
        }
        Fed::Taken
    }

    /// Asks again what nobody has answered: with the end of the turn its card has ended, and what was not answered
    /// is no refusal.
    pub(super) fn forget_open_questions(&mut self) {
        let calls = self.rounds.last_mut().map(|round| &mut round.calls);
        for progress in calls.into_iter().flatten() {
            if let CallState::ToAsk(plan) | CallState::Asked(plan) = &progress.state {
                progress.state = CallState::Waiting(plan.clone());
            }
        }
        self.refused
            .retain(|_, decision| *decision == Decision::Denied);
    }
}

impl Progress {
    /// Whether it only reads, and nobody has to be asked.
    fn is_quiet_read(&self) -> bool {
        let plan = self.state.plan();
        let reads = plan.is_some_and(|plan| plan.effect == ToolEffect::ReadOnly);
        reads && !self.state.is_a_question()
    }

    fn planned(&self) -> Option<PlannedCall> {
        let plan = self.state.plan()?;
        Some(PlannedCall {
            call: self.call.clone(),
            arguments: plan.arguments.clone(),
            effect: plan.effect,
        })
    }
}

fn decided(plan: Plan, decision: Decision) -> CallState {
    let (code, message) = match decision {
        Decision::Approved => return CallState::Cleared(plan),
        Decision::Denied => {
            return denied("the person said no; do not try it again, and not by other means");
        }
        Decision::Expired => (
            ErrorCode::Expired,
            "not run: nobody answered in time whether it may run; tell the person",
        ),
        Decision::Superseded => (
            ErrorCode::Superseded,
            "not run: the person went on to something else",
        ),
    };
    CallState::refused(code, message)
}

fn denied(reason: &str) -> CallState {
    CallState::refused(ErrorCode::Denied, format!("denied: {reason}"))
}

#[cfg(test)]
#[path = "approvals_tests.rs"]
mod tests;
