//! The turn loop: does what `core::turn` says and writes down what came of it. No rules live here.

mod approve;
mod ask;
mod audit;
mod ending;
mod persist;
mod read_files;
mod run_tools;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{Instrument, error, error_span, info};

use super::approvals::{Approvals, Escalation};
use super::attachments::Attachments;
use super::channels::Channels;
use super::context::{ContextBuilder, TurnContext};
use super::dispatcher::TurnStops;
use super::large_results::LargeResults;
use super::outbox::{AnswerPlace, LiveAnswers};
use super::seat::{Presence, Seat};
use super::signals::Signals;
use super::spending::Spending;
use super::store_trouble::tell;
use super::toolbox::Toolbox;
use crate::core::boundary::Boundary;
use crate::core::channel::{ChatKind, ChatTarget};
use crate::core::clock::Clock;
use crate::core::conversation::Conversation;
use crate::core::error::{StoreError, StoreResult};
use crate::core::exits::Links;
use crate::core::ids::{CallId, ConversationId, InboxId, TurnId};
use crate::core::inbox::InboxRow;
use crate::core::journal::{JournalEntry, OpenAnswer, RunningTurn, TurnJournal};
use crate::core::label::Labels;
use crate::core::media::Attached;
use crate::core::message::Incoming;
use crate::core::model::ChatModel;
use crate::core::turn::{Fact, Step, StopReason, Turn, TurnLimits};

/// An answer that is there sooner needs no announcement, nor the call that makes it.
const TYPING_AFTER: Duration = Duration::from_millis(200);

/// The typing action lasts five seconds (Bot API, sendChatAction); this renews it in time.
const TYPING_EVERY: Duration = Duration::from_secs(4);

/// How long a turn waits when the database fails.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Settings of the loop.
#[derive(Debug, Clone)]
pub struct TurnSettings {
    /// What a turn may spend.
    pub limits: TurnLimits,
    /// How long one may take.
    pub timeout: Duration,
    /// How often a scheduled run is tried.
    pub max_run_attempts: u32,
    /// Where what the models say may come from before they have read anything here.
    pub looked_up: Labels,
}

/// Runs turns.
#[derive(Debug)]
pub struct TurnLoop {
    /// Makes each step durable.
    pub journal: Arc<dyn TurnJournal>,
    /// Answer.
    pub models: AskedModels,
    /// What the model can call.
    pub tools: Toolbox,
    /// Builds requests.
    pub context: ContextBuilder,
    /// Reads what comes with messages.
    pub attachments: Attachments,
    /// Shows answers while they grow.
    pub live: LiveAnswers,
    /// What becomes of large results.
    pub large_results: LargeResults,
    /// Who may run what.
    pub approvals: Approvals,
    /// Where people are.
    pub channels: Channels,
    /// Wakes the sender and the scheduler.
    pub signals: Arc<Signals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Takes the calls of turns that ended before their reply.
    pub spending: Arc<Spending>,
    /// Hears of conversations in which a turn has ended.
    pub ended: mpsc::Sender<ConversationId>,
    /// The settings.
    pub settings: TurnSettings,
}

/// Who is asked in turns.
#[derive(Debug, Clone)]
pub struct AskedModels {
    /// In those of people.
    pub answers: Arc<dyn ChatModel>,
    /// In scheduled runs.
    pub runs: Arc<dyn ChatModel>,
}

/// What a turn in progress carries along.
#[derive(Debug)]
struct Progress {
    id: TurnId,
    conversation: Conversation,
    asked: Incoming,
    inbox: Vec<InboxRow>,
    place: AnswerPlace,
    context: TurnContext,
    answer: OpenAnswer,
    turn: Turn,
    /// What tools have put before the model, file by file.
    inserted: Vec<Vec<Attached>>,
    /// The calls whose results the audit log has.
    audited: HashSet<CallId>,
    /// What the person already sees of the step that is under way.
    shown: String,
    deadline: Instant,
}

/// Why work was broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Halt {
    /// The process ends.
    Leave,
    /// The turn ends.
    Stop(StopReason),
}

/// Whether a turn came to its end.
#[derive(Debug, PartialEq, Eq)]
enum Drive {
    Finished,
    /// The process ends; the turn is left for the next one.
    Left,
}

impl Progress {
    /// What may be a link in the next answer.
    fn mind_links(&mut self, escalation: Escalation) {
        self.place.links = match escalation {
            Escalation::Off => Links::All,
            Escalation::On => self
                .context
                .links(self.turn.labels(), &self.turn.exchange()),
        };
    }
}

impl TurnLoop {
    /// Runs the turn of waiting inbox rows.
    pub async fn run(&self, inbox: &[InboxId], stops: &TurnStops) -> StoreResult<()> {
        if let Some(turn) = self.journal.begin(inbox, self.clock.now()).await? {
            self.go(turn, Vec::new(), stops).await;
        }
        Ok(())
    }

    /// Goes on with a turn that the last process left behind.
    pub async fn resume(&self, turn: RunningTurn, stops: &TurnStops) {
        info!(turn.id = %turn.id, facts = turn.facts.len(), "a turn is taken up again");
        self.go(turn, vec![Fact::Resumed], stops).await;
    }

    /// Goes on with a failed turn that was opened again.
    pub async fn run_again(&self, turn: RunningTurn, stops: &TurnStops) {
        self.go(turn, Vec::new(), stops).await;
    }

    async fn go(&self, turn: RunningTurn, news: Vec<Fact>, stops: &TurnStops) {
        let span = error_span!("turn", turn.id = %turn.id);
        // Nobody waits for a scheduled run, and it may end without a word.
        let watched = (!turn.inbox.iter().any(|row| row.incoming.is_scheduled()))
            .then(|| turn.conversation.target.clone());
        tokio::select! {
            () = self.to_its_end(turn, news, stops).instrument(span) => {}
            () = self.keep_typing(watched.as_ref(), &stops.seat) => {}
        }
    }

    /// A turn that has begun is never left lying: what could not be written (a full disk, a busy
    /// database) is tried again from what stands in the journal.
    async fn to_its_end(&self, turn: RunningTurn, news: Vec<Fact>, stops: &TurnStops) {
        let (id, target) = (turn.id, turn.conversation.target.clone());
        let run = turn.inbox.first().and_then(|row| row.incoming.run());
        let mut next = Some((turn, news));
        while !stops.shutdown.is_cancelled() {
            if let Some((turn, news)) = next.take() {
                match self.work_on(turn, news, stops).await {
                    Ok(()) => return,
                    Err(error @ StoreError::Corrupt(_)) => {
                        error!(%error, "the turn cannot be read and is given up");
                        let ended = self.end_unreadable(id, target.clone(), run).await;
                        if ended.is_ok() {
                            return;
                        }
                    }
                    Err(error) => {
                        tell(&error, "the turn could not be written down; trying again");
                    }
                }
            }
            self.clock.sleep(STORE_PAUSE).await;
            match self.journal.running(id).await {
                Ok(Some(turn)) => next = Some((turn, Vec::new())),
                // It may have been given up, with a word.
                Ok(None) => return self.signals.wake_outbox(),
                Err(error) => tell(&error, "the turn cannot be read; trying again"),
            }
        }
    }

    async fn work_on(
        &self,
        turn: RunningTurn,
        news: Vec<Fact>,
        stops: &TurnStops,
    ) -> StoreResult<()> {
        let mut progress = self.rebuild(turn).await?;
        self.take_up(&mut progress, news).await?;
        let drive = AssertUnwindSafe(self.drive(&mut progress, stops))
            .catch_unwind()
            .await;
        match drive {
            Ok(result) => result.map(|_| ()),
            Err(_) => {
                error!("the turn broke down");
                self.end_broken(&progress).await
            }
        }
    }

    async fn rebuild(&self, running: RunningTurn) -> StoreResult<Progress> {
        let now = self.clock.now();
        let mut context = self
            .context
            .load(&running.conversation, &running.inbox, now)
            .await?;
        let is_of_before = |fact: &Fact| matches!(fact, Fact::ToolFinished { .. });
        if running.facts.contains(&Fact::Reopened) && running.facts.iter().any(is_of_before) {
            self.context.add_beginning(&mut context, running.started_at);
        }
        let mut labels = context.labels.clone();
        labels.join(&self.settings.looked_up);
        let mut turn = Turn::new(self.settings.limits, self.tools.effects(), labels);
        for fact in running.facts {
            turn.feed(fact);
        }
        let audited = turn.finished_calls().map(|(call, ..)| call.id.clone());
        let audited = audited.collect();
        let asked = running.inbox.first().map(|row| row.incoming.clone());
        let asked = asked.ok_or_else(|| {
            StoreError::Corrupt(format!("turn {} has no message in the inbox", running.id))
        })?;
        let place = place_of(&running.conversation.target, &asked);
        let mut progress = Progress {
            id: running.id,
            conversation: running.conversation,
            asked,
            inbox: running.inbox,
            place,
            context,
            answer: running.answer,
            turn,
            inserted: Vec::new(),
            audited,
            shown: String::new(),
            // Measured from now, not from the start: time in which nothing ran does not count.
            deadline: Instant::now() + self.settings.timeout,
        };
        progress.mind_links(self.approvals.settings.escalation);
        Ok(progress)
    }

    /// What had started, has no result and cannot be repeated is answered for.
    async fn take_up(&self, progress: &mut Progress, mut facts: Vec<Fact>) -> StoreResult<()> {
        facts.extend(progress.turn.interrupted_calls());
        if facts.is_empty() {
            return Ok(());
        }
        self.write_down(progress, facts).await
    }

    async fn drive(&self, progress: &mut Progress, stops: &TurnStops) -> StoreResult<Drive> {
        if let Some(drive) = self.read_files(progress, stops).await? {
            return Ok(drive);
        }
        loop {
            let drive = match progress.turn.step() {
                Step::AskModel => self.ask(progress, stops).await?,
                Step::Judge { calls } => self.judge(progress, calls, stops).await?,
                Step::AskHuman {
                    call,
                    ruling,
                    number,
                } => self.ask_human(progress, call, ruling, number).await?,
                Step::AwaitHuman { call, number } => {
                    self.await_human(progress, call, number, stops).await?
                }
                Step::RunTools { calls, order } => {
                    self.run_tools(progress, calls, order, stops).await?
                }
                Step::Finish(_) => {
                    self.end(progress, Vec::new()).await?;
                    Some(Drive::Finished)
                }
            };
            if let Some(drive) = drive {
                return Ok(drive);
            }
        }
    }

    /// Feeds facts and journals them.
    async fn write_down(&self, progress: &mut Progress, facts: Vec<Fact>) -> StoreResult<()> {
        for fact in &facts {
            progress.turn.feed(fact.clone());
        }
        let entry = JournalEntry {
            facts,
            finished_calls: self.unaudited(progress),
            ..JournalEntry::default()
        };
        progress.answer = self.append(progress.id, entry).await?;
        Ok(())
    }

    /// Ends the turn when feeding `facts` ends it; otherwise writes them down with `said`.
    async fn advance(
        &self,
        progress: &mut Progress,
        mut entry: JournalEntry,
    ) -> StoreResult<Option<Drive>> {
        for fact in &entry.facts {
            progress.turn.feed(fact.clone());
        }
        if matches!(progress.turn.step(), Step::Finish(_)) {
            // The end says it all: the answer, or what was shown and why there is no more.
            self.end(progress, entry.facts).await?;
            return Ok(Some(Drive::Finished));
        }
        let said = !entry.said.is_empty();
        entry.finished_calls = self.unaudited(progress);
        progress.answer = self.append(progress.id, entry).await?;
        if said {
            Boundary::OutboxWritten.pass();
            self.signals.wake_outbox();
        }
        Ok(None)
    }

    /// Does `work`, unless something ends the turn first. Dropping `work` must be harmless.
    async fn unless_halted<T>(
        &self,
        deadline: Instant,
        stops: &TurnStops,
        work: impl Future<Output = T>,
    ) -> Result<T, Halt> {
        tokio::select! {
            biased;
            () = stops.shutdown.cancelled() => Err(Halt::Leave),
            () = stops.cancel.cancelled() => Err(Halt::Stop(StopReason::Person)),
            () = tokio::time::sleep_until(deadline) => Err(Halt::Stop(StopReason::Deadline)),
            done = work => Ok(done),
        }
    }

    async fn halt(&self, progress: &mut Progress, halt: Halt) -> StoreResult<Option<Drive>> {
        match halt {
            Halt::Leave => Ok(Some(Drive::Left)),
            Halt::Stop(reason) => {
                let facts = vec![Fact::Stopped { reason }];
                self.advance(
                    progress,
                    JournalEntry {
                        facts,
                        ..JournalEntry::default()
                    },
                )
                .await
            }
        }
    }

    async fn keep_typing(&self, target: Option<&ChatTarget>, seat: &Seat) {
        let watched = target.and_then(|target| Some((self.channels.of(target)?, target)));
        let Some((channel, target)) = watched else {
            return std::future::pending().await;
        };
        self.clock.sleep(TYPING_AFTER).await;
        loop {
            if seat.presence() == Presence::Working {
                channel.typing(target).await;
            }
            self.clock.sleep(TYPING_EVERY).await;
        }
    }
}

/// In a group the answer replies to its question; in private that would only be noise.
fn place_of(target: &ChatTarget, asked: &Incoming) -> AnswerPlace {
    let reply_to = match asked.chat_kind {
        ChatKind::Group => asked.message().and_then(|message| message.id.clone()),
        ChatKind::Private => None,
    };
    AnswerPlace {
        target: target.clone(),
        reply_to,
        links: Links::All,
    }
}
