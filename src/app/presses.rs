//! Pressed buttons: one function for each kind. Each change is one transaction with the end of the
//! press's row, so that a press counts once; then the person's client is told.

mod files;
mod notes;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tracing::error;

use super::channels::Channels;
use super::note_listing;
use super::signals::Signals;
use super::spending::Spending;
use crate::core::approval::ApprovalStore;
use crate::core::card::{ButtonData, CardAnswer, Reacted, Reaction, clock_time};
use crate::core::change::{Change, ChangeOutcome};
use crate::core::channel::{Buttons, Channel, ChatTarget};
use crate::core::clock::Clock;
use crate::core::error::{StoreError, StoreResult};
use crate::core::exits::Links;
use crate::core::files::WorkspaceFiles;
use crate::core::ids::{ChannelName, InboxId, JobId, MessageId, OccurrenceId, UserId};
use crate::core::inbox::{AskedByRow, InboxRow, InboxStore};
use crate::core::job_list;
use crate::core::jobs::{Job, JobAction, JobStore, OccurrenceState};
use crate::core::message::Press;
use crate::core::money::MicroUsd;
use crate::core::notes::NoteStore;
use crate::core::outbox::{NewOutbox, OutboxStore, Outgoing};
use crate::core::outgoing_file::OutgoingFiles;
use crate::core::reminder;

const NOT_IN_USE: &str = "This button is no longer in use";
const ELSEWHERE: &str = "This button is not for this chat";
const OWNER_ONLY: &str = "Only the owner can change the budget";

/// What one press adds to the budget.
const DOLLAR: MicroUsd = MicroUsd::new(1_000_000);

const BROKEN: &str = "Something broke";

const GONE: &str = "This reminder is no longer there";

/// Handles presses.
#[derive(Debug)]
pub struct Presses {
    /// What arrived.
    pub inbox: Arc<dyn InboxStore>,
    /// What is to be sent.
    pub outbox: Arc<dyn OutboxStore>,
    /// The jobs.
    pub jobs: Arc<dyn JobStore>,
    /// What is remembered.
    pub notes: Arc<dyn NoteStore>,
    /// The files of the chats.
    pub files: Arc<dyn WorkspaceFiles>,
    /// Copies of files on their way.
    pub copies: Arc<dyn OutgoingFiles>,
    /// What is always allowed.
    pub approvals: Arc<dyn ApprovalStore>,
    /// Where presses are acknowledged.
    pub channels: Channels,
    /// Rings for what is to be sent, and for changed jobs.
    pub signals: Arc<Signals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The person's zone.
    pub zone: Tz,
    /// What models cost.
    pub spending: Arc<Spending>,
    /// Whose bot this is, on each channel.
    pub owners: Vec<(ChannelName, UserId)>,
}

/// One press.
pub(super) struct Pressed<'a> {
    pub(super) row: InboxId,
    pub(super) target: &'a ChatTarget,
    pub(super) message: Option<&'a MessageId>,
    pub(super) now: DateTime<Utc>,
}

impl Pressed<'_> {
    /// The change of the message with the button.
    pub(super) fn edit(&self, content: Outgoing) -> Vec<NewOutbox> {
        let message = self.message.cloned();
        message
            .map(|message| NewOutbox::edit(self.target.clone(), message, content))
            .into_iter()
            .collect()
    }
}

/// What is still to be told to the client of the person who pressed.
#[derive(Debug)]
pub struct Acknowledgement {
    channel: Arc<dyn Channel>,
    press: String,
    notice: Option<String>,
}

impl Acknowledgement {
    /// Tells it; takes as long as a call takes.
    pub async fn send(self) {
        self.channel
            .answer_press(&self.press, self.notice.as_deref())
            .await;
    }
}

/// What the person's client is told.
pub(super) enum Told {
    /// This, for a moment.
    Notice(String),
    /// That it need not wait any longer.
    Nothing,
    /// Not by us: this press was handled before.
    Before,
}

impl Told {
    pub(super) fn notice(words: impl Into<String>) -> Self {
        Self::Notice(words.into())
    }
}

impl Presses {
    /// Does what the button says, and ends the row. What is left is to tell the person's client,
    /// which nobody has to wait for.
    pub async fn handle(
        &self,
        row: &InboxRow,
        press: &Press,
    ) -> StoreResult<Option<Acknowledgement>> {
        let pressed = Pressed {
            row: row.id,
            target: &row.incoming.target,
            message: press.message.as_ref(),
            now: self.clock.now(),
        };
        let told = match self.told(&pressed, row, press).await {
            Err(error @ StoreError::Corrupt(_)) => {
                // It would be tried again for ever, and its chat waits behind it.
                error!(%error, "a press came upon what cannot be read");
                self.inbox.finish(row.id, Vec::new()).await?;
                Told::notice(BROKEN)
            }
            told => told?,
        };
        self.signals.wake_outbox();
        self.signals.wake_scheduler();
        let notice = match told {
            Told::Notice(words) => Some(words),
            Told::Nothing => None,
            Told::Before => return Ok(None),
        };
        let channel = self.channels.of(pressed.target).cloned();
        Ok(channel.map(|channel| Acknowledgement {
            channel,
            press: press.id.clone(),
            notice,
        }))
    }

    async fn told(
        &self,
        pressed: &Pressed<'_>,
        row: &InboxRow,
        press: &Press,
    ) -> StoreResult<Told> {
        let (by, notes_of) = (&row.incoming.sender, note_listing::owner(&row.incoming));
        Ok(match ButtonData::parse(&press.data) {
            Some(ButtonData::Reminder { occurrence, answer }) => {
                self.reminder(pressed, occurrence, answer).await?
            }
            Some(ButtonData::Retry { occurrence }) => self.retry(pressed, occurrence).await?,
            Some(ButtonData::RaiseBudget) => self.raise_budget(pressed, row).await?,
            Some(ButtonData::Page { page }) => self.page(pressed, page).await?,
            Some(ButtonData::FilePage { page }) => self.file_page(pressed, page).await?,
            Some(ButtonData::File { file, action, page }) => {
                self.file(pressed, (file, action), page).await?
            }
            Some(ButtonData::NotePage { page }) => self.note_page(pressed, &notes_of, page).await?,
            Some(ButtonData::Note { note, action, page }) => {
                self.note(pressed, &notes_of, (note, action), page).await?
            }
            Some(ButtonData::Job { job, action, page }) => {
                self.job(pressed, job, action, page).await?
            }
            Some(ButtonData::Approval { key, answer }) => {
                self.approval(pressed, by, (key, answer)).await?
            }
            Some(ButtonData::RevokeRule { rule }) => self.revoke(pressed, by, rule).await?,
            None => {
                if self.inbox.finish(row.id, Vec::new()).await? {
                    Told::notice(NOT_IN_USE)
                } else {
                    Told::Before
                }
            }
        })
    }

    /// An answer to a reminder.
    async fn reminder(
        &self,
        pressed: &Pressed<'_>,
        occurrence: OccurrenceId,
        answer: CardAnswer,
    ) -> StoreResult<Told> {
        let (now, zone) = (pressed.now, self.zone);
        let reaction = answer.reaction(now, zone);
        let change = Change::AnswerCard {
            target: pressed.target.clone(),
            occurrence,
            reaction,
        };
        let reacted = self
            .react(pressed, change, reaction.line(now, zone), answered)
            .await?;
        Ok(match reacted {
            None => Told::Before,
            Some(Reacted::Now(_)) => Told::Notice(reaction.notice(now, zone)),
            Some(Reacted::Already(occurrence)) => {
                let notice = |reaction: Reaction| reaction.late_notice(now, zone);
                Told::Notice(occurrence.reaction.map_or_else(|| GONE.into(), notice))
            }
            Some(Reacted::Elsewhere) => Told::notice(ELSEWHERE),
            Some(Reacted::Unknown) => Told::notice(GONE),
        })
    }

    /// Another attempt at a failed run: the scheduler makes it, where its job is now.
    async fn retry(&self, pressed: &Pressed<'_>, occurrence: OccurrenceId) -> StoreResult<Told> {
        let change = Change::RetryRun {
            target: pressed.target.clone(),
            occurrence,
        };
        let time = clock_time(pressed.now, pressed.now, self.zone);
        let line = format!("🔁 Again since {time}");
        let reacted = self.react(pressed, change, line, retried).await?;
        Ok(Told::notice(match reacted {
            None => return Ok(Told::Before),
            Some(Reacted::Now(_)) => "Trying again",
            Some(Reacted::Already(occurrence)) => match occurrence.state {
                OccurrenceState::Running => "Already running",
                _ => "It has run since",
            },
            Some(Reacted::Elsewhere) => ELSEWHERE,
            Some(Reacted::Unknown) => GONE,
        }))
    }

    /// Another dollar for today, from the owner alone.
    async fn raise_budget(&self, pressed: &Pressed<'_>, row: &InboxRow) -> StoreResult<Told> {
        if !row.incoming.is_by_one_of(&self.owners) {
            let first = self.inbox.finish(pressed.row, Vec::new()).await?;
            return Ok(if first {
                Told::notice(OWNER_ONLY)
            } else {
                Told::Before
            });
        }
        let asked = AskedByRow {
            change: Change::RaiseBudget { amount: DOLLAR },
            replies: Box::new(|_| Vec::new()),
        };
        let Some(outcome) = self.inbox.finish_with(pressed.row, asked).await? else {
            return Ok(Told::Before);
        };
        if let ChangeOutcome::BudgetRaised { amount } = outcome {
            self.spending.note_raise(amount);
        }
        Ok(Told::notice("Another dollar for today"))
    }

    /// Another page of the list.
    async fn page(&self, pressed: &Pressed<'_>, page: u32) -> StoreResult<Told> {
        let edit = self.list(pressed, page).await?;
        let first = self.inbox.finish(pressed.row, edit).await?;
        Ok(if first { Told::Nothing } else { Told::Before })
    }

    /// Something done to a reminder of the list, which is then shown as it is now.
    async fn job(
        &self,
        pressed: &Pressed<'_>,
        job: JobId,
        action: JobAction,
        page: u32,
    ) -> StoreResult<Told> {
        let asked = AskedByRow {
            change: Change::ActOnJob {
                target: pressed.target.clone(),
                job,
                action,
            },
            replies: Box::new(|_| Vec::new()),
        };
        let Some(outcome) = self.inbox.finish_with(pressed.row, asked).await? else {
            return Ok(Told::Before);
        };
        if action == JobAction::RunNow {
            self.signals.wake_inbox();
        }
        // A crash before this leaves an old list, and an old list does no harm.
        let edit = self.list(pressed, page).await?;
        self.outbox.add(edit).await?;
        Ok(Told::notice(match outcome {
            ChangeOutcome::Job(Some(job)) => job_list::outcome(&job, action),
            _ => GONE,
        }))
    }

    /// Makes a change that takes effect at most once, and adds `line` to the card when it has.
    /// `None` when this press was handled before.
    async fn react(
        &self,
        pressed: &Pressed<'_>,
        change: Change,
        line: String,
        card: fn(&Job, &str) -> Option<Outgoing>,
    ) -> StoreResult<Option<Reacted>> {
        let target = pressed.target.clone();
        let message = pressed.message.cloned();
        let replies = Box::new(move |outcome: &ChangeOutcome| {
            let ChangeOutcome::Reacted(Reacted::Now(job)) = outcome else {
                return Vec::new();
            };
            let edit = message.zip(card(job, &line));
            edit.map(|(message, content)| NewOutbox::edit(target, message, content))
                .map(|edit| edit.labelled(job.details.labels.clone()))
                .into_iter()
                .collect()
        });
        let asked = AskedByRow { change, replies };
        let outcome = self.inbox.finish_with(pressed.row, asked).await?;
        Ok(outcome.map(|outcome| match outcome {
            ChangeOutcome::Reacted(reacted) => reacted,
            _ => Reacted::Unknown,
        }))
    }

    async fn list(&self, pressed: &Pressed<'_>, page: u32) -> StoreResult<Vec<NewOutbox>> {
        let mut filter = job_list::filter(pressed.target, page, Buttons::Shown);
        let mut found = self.jobs.list(filter.clone()).await?;
        if found.jobs.is_empty() {
            // The last one of the last page has gone.
            let last = job_list::last_page(found.total);
            filter = job_list::filter(pressed.target, last, Buttons::Shown);
            found = self.jobs.list(filter.clone()).await?;
        }
        Ok(pressed.edit(job_list::card(&found, &filter, pressed.now)))
    }
}

fn answered(job: &Job, line: &str) -> Option<Outgoing> {
    let occurrence = job.last_occurrence.as_ref()?;
    Some(reminder::answered_card(job, occurrence, line))
}

fn retried(job: &Job, line: &str) -> Option<Outgoing> {
    let occurrence = job.last_occurrence.as_ref()?;
    let reason = occurrence.reason.as_deref().unwrap_or_default();
    let text = reminder::failure_text(&job.details.content, reason);
    let card = Outgoing::plain(format!("{text}\n{line}"));
    Some(card.with_links(&Links::under(&job.details.labels)))
}
