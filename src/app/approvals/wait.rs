//! Waiting for a person: their answer, their next message, the end of the time, or the end of the
//! process, whatever comes first. What had come before a restart is found in the store.

use tracing::{error, info};

use super::Approvals;
use crate::app::dispatcher::TurnStops;
use crate::core::approval::{
    Answer, AnswerRefused, Answered, Approval, ApprovalKey, Closing, Decision, Fingerprint,
    Settlement,
};
use crate::core::change::{Change, ChangeOutcome};
use crate::core::channel::Buttons;
use crate::core::error::StoreResult;
use crate::core::inbox::{AskedByRow, InboxRow};
use crate::core::message::IncomingContent;
use crate::core::outbox::{NewOutbox, Outgoing};

/// So much of what waits in line behind a question is looked at.
const LOOKED_AT: u32 = 64;

/// Why the waiting is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The question has ended.
    Decided(Decision),
    /// The turn is stopped.
    Stopped,
    /// The process ends; the question stays.
    Left,
}

/// What a row in line means for a question.
enum Row {
    /// Nothing.
    Beside,
    /// It is done with: look again.
    Done,
    /// The person went on.
    GoesOn,
}

impl Approvals {
    /// Waits for the end of a question about the call with this fingerprint.
    pub async fn wait(
        &self,
        key: ApprovalKey,
        fingerprint: &Fingerprint,
        stops: &TurnStops,
    ) -> StoreResult<Waited> {
        info!(approval = %key.card_key(), "a person is asked");
        // The time on the card is that of the wall; the wait is no longer when its clock is set back.
        let over = self
            .clock
            .sleep(self.settings.timeout.to_std().unwrap_or_default());
        tokio::pin!(over);
        let mut is_over = false;
        loop {
            let decided = self.signals.decided();
            let asked = self.store.get(key).await?;
            let Some(asked) = asked.filter(|asked| asked.fingerprint == *fingerprint) else {
                error!(approval = %key.card_key(), "a question is not as it was asked");
                return Ok(Waited::Decided(Decision::Denied));
            };
            if let Some(settled) = &asked.settled {
                info!(approval = %key.card_key(), decision = settled.decision.name(), "decided");
                return Ok(Waited::Decided(settled.decision));
            }
            if self.look_at_the_line(&asked).await? {
                continue;
            }
            if is_over || self.clock.now() >= asked.expires_at {
                self.close(&asked, Decision::Expired).await?;
                continue;
            }
            tokio::select! {
                biased;
                () = stops.shutdown.cancelled() => return Ok(Waited::Left),
                () = stops.cancel.cancelled() => return Ok(Waited::Stopped),
                () = stops.stop.cancelled() => return Ok(Waited::Left),
                () = decided => {}
                () = stops.seat.rung() => {}
                () = &mut over => is_over = true,
                () = self.clock.sleep_until(asked.expires_at) => {}
            }
        }
    }

    /// Does what can be done of what waits behind the question. Says whether that has changed
    /// anything.
    async fn look_at_the_line(&self, asked: &Approval) -> StoreResult<bool> {
        let mut line = self.inbox.waiting(&asked.target, LOOKED_AT).await?;
        // Rows that do not read are not in it.
        if line.len() >= LOOKED_AT as usize / 2 {
            // However long the line is, what the person asked has written since is seen.
            let theirs = (&asked.person, asked.asked_at);
            let theirs = self.inbox.waiting_of(&asked.target, theirs, LOOKED_AT);
            line.extend(theirs.await?);
        }
        for row in line {
            match self.look_at(asked, &row).await? {
                Row::Beside => {}
                Row::Done => return Ok(true),
                Row::GoesOn => {
                    self.close(asked, Decision::Superseded).await?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn look_at(&self, asked: &Approval, row: &InboxRow) -> StoreResult<Row> {
        if matches!(row.incoming.content, IncomingContent::Press(_)) {
            self.at_once.handle(row).await?;
            return Ok(Row::Done);
        }
        if self.at_once.handle(row).await? {
            return Ok(Row::Done);
        }
        // What was written before they were asked is no word about it.
        let is_theirs = row.incoming.sender.user == asked.person
            && row.received_at >= asked.asked_at
            && !row.incoming.is_scheduled();
        if !is_theirs {
            return Ok(Row::Beside);
        }
        match self.written(asked, row) {
            Some(answer) => self.take_written(asked, row, answer).await,
            None => Ok(Row::GoesOn),
        }
    }

    /// The answer that a message is, on a channel without buttons.
    fn written(&self, asked: &Approval, row: &InboxRow) -> Option<Answer> {
        let channel = self.channels.of(&asked.target)?;
        let message = row.incoming.message()?;
        let counts = channel.capabilities().buttons == Buttons::None
            && message.forwarded_from.is_none()
            && message.attachments.is_empty();
        counts.then(|| Answer::written(&message.text)).flatten()
    }

    async fn take_written(
        &self,
        asked: &Approval,
        row: &InboxRow,
        answer: Answer,
    ) -> StoreResult<Row> {
        let by = row.incoming.sender.clone();
        let settled = Settlement {
            decision: answer.decision(),
            by: Some(by.name.clone()),
            at: self.clock.now(),
            always: answer == Answer::Always,
        };
        let answered = Answered {
            key: asked.key,
            answer,
            by,
            chat: row.incoming.target.clone(),
            message: None,
        };
        let chat = row.incoming.target.clone();
        let change = Change::AnswerApproval {
            answered,
            line: settled.line(self.settings.zone),
        };
        let replies = Box::new(move |outcome: &ChangeOutcome| match outcome {
            ChangeOutcome::ApprovalAnswered(Err(refused)) => {
                let words = Outgoing::plain(refusal_words(refused));
                vec![NewOutbox::answer(chat, words)]
            }
            _ => Vec::new(),
        });
        self.inbox
            .finish_with(row.id, AskedByRow { change, replies })
            .await?;
        self.signals.wake_outbox();
        Ok(Row::Done)
    }

    async fn close(&self, asked: &Approval, decision: Decision) -> StoreResult<()> {
        let now = self.clock.now();
        let settled = Settlement {
            decision,
            by: None,
            at: now,
            always: false,
        };
        let line = settled.line(self.settings.zone);
        let closing = Closing { decision, line };
        self.store.close(asked.key, closing, now).await?;
        self.signals.wake_outbox();
        Ok(())
    }
}

/// Why an answer does not count, for whoever gave it.
pub(super) fn refusal_words(refused: &AnswerRefused) -> String {
    match refused {
        AnswerRefused::Unknown => "This question is no longer there",
        AnswerRefused::Elsewhere => "This button is not for this chat",
        AnswerRefused::NotYours => "Only the person who is asked can answer",
        AnswerRefused::Already(settled) => settled.late_notice(),
        AnswerRefused::TooLate => "Too late: this was not run",
        AnswerRefused::OnceOnly => "This can only be approved for this once",
        AnswerRefused::NotShown => "The file with all of it did not arrive: it can only be denied",
    }
    .to_owned()
}
