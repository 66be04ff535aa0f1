//! Asking before acting: the rules about each call, and a person where the rules say so.

use tokio::time::Instant;
use tracing::info;

use super::{Drive, Halt, Progress, TurnLoop, TurnStops};
use crate::app::approvals::{NOBODY, Waited, origin};
use crate::core::approval::card::{self, Card, Question};
use crate::core::approval::{ApprovalKey, Decision, Fingerprint, NewApproval, Ruling, Verdict};
use crate::core::audit::AuditedArguments;
use crate::core::channel::Buttons;
use crate::core::error::StoreResult;
use crate::core::exits::Surroundings;
use crate::core::journal::JournalEntry;
use crate::core::outbox::{NewOutbox, Outgoing};
use crate::core::turn::{Fact, PlannedCall, StopReason};

impl TurnLoop {
    /// Asks the rules. That a call may run is not worth a write: it would be asked again.
    pub(super) async fn judge(
        &self,
        progress: &mut Progress,
        calls: Vec<PlannedCall>,
        stops: &TurnStops,
    ) -> StoreResult<Option<Drive>> {
        let context = self.tool_context(progress);
        let mut entry = JournalEntry::default();
        for call in calls {
            let surroundings = self.surroundings(progress, &call);
            let ruled = self
                .approvals
                .rule_on(&self.tools, &call, &context, &surroundings);
            let ruling = match self.unless_halted(progress.deadline, stops, ruled).await {
                Ok(ruling) => ruling?,
                Err(halt) => return self.halt(progress, halt).await,
            };
            entry
                .said
                .extend(self.told_at_once(progress, &call, &ruling));
            let may_run = ruling.verdict == Verdict::Allow;
            let fact = Fact::Judged {
                call: call.call.id.clone(),
                ruling,
                at: self.clock.now(),
            };
            if may_run {
                progress.turn.feed(fact);
            } else {
                entry.facts.push(fact);
            }
        }
        if entry.facts.is_empty() {
            return Ok(None);
        }
        self.advance(progress, entry).await
    }

    fn surroundings(&self, progress: &Progress, call: &PlannedCall) -> Surroundings {
        let labels = progress.turn.labels();
        if !labels.is_untrusted() {
            return Surroundings::default();
        }
        let exchange = progress.turn.exchange();
        progress
            .context
            .surroundings(&call.call.id, labels, &exchange)
    }

    /// Where nobody can be asked, the person is told at least.
    fn told_at_once(
        &self,
        progress: &Progress,
        call: &PlannedCall,
        ruling: &Ruling,
    ) -> Option<NewOutbox> {
        let refused = ruling.verdict == Verdict::Deny && ruling.rule.ends_with(NOBODY);
        refused.then(|| {
            let words = format!(
                "{} was not run: it needs your approval, and nobody can be asked here.",
                call.call.name
            );
            NewOutbox::answer(progress.place.target.clone(), Outgoing::plain(words))
        })
    }

    /// Writes the question, with its card, so that neither is there without the other.
    pub(super) async fn ask_human(
        &self,
        progress: &mut Progress,
        call: PlannedCall,
        ruling: Ruling,
        number: u32,
    ) -> StoreResult<Option<Drive>> {
        let Some(channel) = self.channels.of(&progress.place.target) else {
            return Ok(Some(Drive::Left));
        };
        let capabilities = channel.capabilities();
        let now = self.clock.now();
        let key = ApprovalKey {
            turn: progress.id,
            number,
        };
        let expires_at = self.approvals.expires_at(now);
        let card = card::card(
            &Question {
                key,
                tool: &call.call.name,
                arguments: &call.arguments,
                ruling: &ruling,
                origin: &origin(&progress.asked),
                labels: progress.turn.labels(),
                expires_at,
                zone: self.approvals.settings.zone,
            },
            capabilities,
        );
        let question = NewApproval {
            number,
            person: progress.asked.sender.user.clone(),
            tool: call.call.name.clone(),
            fingerprint: Fingerprint::of(&call.call.name, &call.arguments),
            arguments: AuditedArguments::of(&call.call, &self.approvals.secrets),
            rule: ruling.rule,
            always: match ruling.verdict {
                Verdict::Ask { always } => always,
                Verdict::Allow | Verdict::Deny => None,
            },
            card: (capabilities.buttons == Buttons::Shown).then(|| card.text.clone()),
            asked_at: now,
            expires_at,
        };
        let entry = JournalEntry {
            facts: vec![Fact::Asked {
                call: call.call.id,
                at: now,
            }],
            question: Some(question),
            said: said(progress, key, card),
            ..JournalEntry::default()
        };
        self.advance(progress, entry).await
    }

    /// Waits without holding back other turns, and without the time counting as the turn's own.
    pub(super) async fn await_human(
        &self,
        progress: &mut Progress,
        call: PlannedCall,
        number: u32,
        stops: &TurnStops,
    ) -> StoreResult<Option<Drive>> {
        let key = ApprovalKey {
            turn: progress.id,
            number,
        };
        let fingerprint = Fingerprint::of(&call.call.name, &call.arguments);
        let began = Instant::now();
        stops.seat.leave();
        let decision = match self.approvals.wait(key, &fingerprint, stops).await? {
            Waited::Decided(decision) => decision,
            Waited::Stopped => return self.halt(progress, Halt::Stop(StopReason::Person)).await,
            Waited::Left => return Ok(Some(Drive::Left)),
        };
        info!(tool = %call.call.name, decision = decision.name(), "answered");
        let mut facts = vec![Fact::Decided {
            call: call.call.id,
            fingerprint,
            decision,
        }];
        if decision == Decision::Superseded {
            let reason = StopReason::Superseded;
            facts.push(Fact::Stopped { reason });
        } else {
            tokio::select! {
                biased;
                () = stops.shutdown.cancelled() => return Ok(Some(Drive::Left)),
                // A turn that is stopped only has to say so: it needs no seat.
                () = stops.cancel.cancelled() => {}
                _ = stops.seat.take() => {}
            }
        }
        progress.deadline += began.elapsed();
        let entry = JournalEntry {
            facts,
            ..JournalEntry::default()
        };
        self.advance(progress, entry).await
    }
}

/// The messages of a card. The first takes the place of an answer that may have begun to show, and
/// a message cannot become a file.
fn said(progress: &Progress, key: ApprovalKey, card: Card) -> Vec<NewOutbox> {
    let place = &progress.place;
    let row = |content: Outgoing| NewOutbox::answer(place.target.clone(), content);
    let mut said = Vec::new();
    if let Some(file) = card.file {
        if progress.answer.message.is_some() {
            said.push(row(Outgoing::plain("What I want to run:")));
        }
        let mut file = row(file);
        // The answer looks for it there: what did not arrive cannot be approved.
        file.dedupe_key = Some(key.file_key());
        said.push(file);
    }
    let content = Outgoing::formatted(card.text).with_buttons(card.buttons);
    let mut last = row(content);
    last.dedupe_key = Some(key.card_key());
    last.reply_to.clone_from(&place.reply_to);
    said.push(last);
    said
}
