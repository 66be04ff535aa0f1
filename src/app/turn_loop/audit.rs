//! What the audit log gets of a turn: each call once, with its result.

use super::{Progress, TurnLoop};
use crate::core::audit::AuditedCall;
use crate::core::journal::DescribeCall;
use crate::core::tool::ToolCall;

impl TurnLoop {
    /// The calls that have their result since the last time.
    pub(super) fn unaudited(&self, progress: &mut Progress) -> Vec<AuditedCall> {
        let calls = self.new_results(progress);
        let finished = progress.turn.finished_calls();
        progress.audited = finished.map(|(call, ..)| call.id.clone()).collect();
        calls
    }

    /// The same at the end of the turn, with the call that was cut off.
    pub(super) fn unaudited_at_the_end(&self, progress: &Progress) -> Vec<AuditedCall> {
        let mut calls = self.new_results(progress);
        let cut_off = progress.turn.cut_off_calls();
        calls.extend(cut_off.map(|(call, result, ruling)| {
            AuditedCall::of(call, &result, ruling, &self.approvals.secrets)
        }));
        calls
    }

    /// Makes the entry of a call whose result comes out of a transaction.
    pub(super) fn audit_later(&self, progress: &Progress, call: &ToolCall) -> DescribeCall {
        let (call, secrets) = (call.clone(), self.approvals.secrets.clone());
        let ruling = progress.turn.ruling(&call.id).cloned();
        Box::new(move |result| AuditedCall::of(&call, result, ruling.as_ref(), &secrets))
    }

    fn new_results(&self, progress: &Progress) -> Vec<AuditedCall> {
        let finished = progress.turn.finished_calls();
        finished
            .filter(|(call, ..)| !progress.audited.contains(&call.id))
            .map(|(call, result, ruling)| {
                AuditedCall::of(call, result, ruling, &self.approvals.secrets)
            })
            .collect()
    }
}
