//! The dispatcher: one ordered worker for each place where people talk, a limit over all of them,
//! and the way to stop a running turn. The inbox is the queue; nothing waits only in memory.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures::future::{FutureExt, try_join_all};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, error, error_span};

use super::channels::Channels;
use super::rest::rest_until;
pub use super::seat::TurnStops;
use super::seat::{Presence, Seat, Taken};
use super::store_trouble::tell;
use crate::core::channel::ChatTarget;
use crate::core::clock::Clock;
use crate::core::error::StoreResult;
use crate::core::ids::InboxId;
use crate::core::inbox::{InboxRow, InboxStore};
use crate::core::journal::RunningTurn;

/// How long a worker waits when the database fails.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// For so long after a start what was held before is kept at least: its channel must first be reached.
const REACHED_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// What a worker does with what it finds.
#[async_trait]
pub trait Work: Send + Sync + std::fmt::Debug {
    /// Handles the next thing of a place to its end. `cancel` ends a turn at the person's word;
    /// `shutdown` leaves it as it is, to be taken up at the next start.
    async fn handle(&self, rows: Vec<InboxRow>, stops: &TurnStops) -> StoreResult<()>;

    /// Goes on with a turn that the last process left behind.
    async fn resume(&self, turn: RunningTurn, stops: &TurnStops);
}

/// Settings of the dispatcher.
#[derive(Debug, Clone, Copy)]
pub struct DispatcherSettings {
    /// Turns at the same time over all places.
    pub max_parallel_turns: usize,
    /// How long the parts of an album are waited for after the latest one.
    pub album_settle: TimeDelta,
}

/// Hands what waits to workers.
#[derive(Debug)]
pub struct Dispatcher {
    inbox: Arc<dyn InboxStore>,
    clock: Arc<dyn Clock>,
    permits: Arc<Semaphore>,
    settings: DispatcherSettings,
    lanes: Mutex<HashMap<ChatTarget, Lane>>,
    workers: TaskTracker,
    /// Rings when a worker goes, and when one begins to wait for a person.
    rested: Arc<Notify>,
    /// How often parts of albums were to be forgotten: what is tried again gives way to what comes later.
    forgetting: AtomicU64,
    stop: CancellationToken,
    shutdown: CancellationToken,
}

/// A worker that is there.
#[derive(Debug, Default)]
struct Lane {
    news: News,
    turn: Option<TurnStops>,
    /// The newest message of that turn.
    newest: Option<InboxId>,
    /// Turns that the last process left and that have not gone on yet.
    unfinished: usize,
    /// A turn of a message before this one ends before it begins: the person said so while it
    /// still waited.
    stop_before: Option<InboxId>,
}

impl Lane {
    fn waits(&self) -> bool {
        let waiting = |turn: &TurnStops| turn.seat.presence() == Presence::Waiting;
        self.turn.as_ref().is_some_and(waiting)
    }
}

/// Whether something may have come since the worker last looked.
#[derive(Debug, Default, PartialEq, Eq)]
enum News {
    #[default]
    None,
    Perhaps,
}

impl Dispatcher {
    /// A dispatcher without work. After `stop` no new turn begins; `shutdown` also leaves those
    /// that run.
    pub fn new(
        inbox: Arc<dyn InboxStore>,
        clock: Arc<dyn Clock>,
        settings: DispatcherSettings,
        stop: CancellationToken,
        shutdown: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            inbox,
            clock,
            permits: Arc::new(Semaphore::new(settings.max_parallel_turns)),
            settings,
            lanes: Mutex::default(),
            workers: TaskTracker::new(),
            rested: Arc::default(),
            forgetting: AtomicU64::default(),
            stop,
            shutdown,
        })
    }

    /// Takes up what the last process left: first its unfinished turns, then what waits. What
    /// belongs to a channel that does not run here is left for a process in which it does.
    pub async fn recover(
        self: &Arc<Self>,
        unfinished: Vec<RunningTurn>,
        work: &Arc<dyn Work>,
        channels: &Channels,
    ) -> StoreResult<()> {
        let mut left: HashMap<ChatTarget, Vec<RunningTurn>> = HashMap::new();
        let here = |target: &ChatTarget| channels.of(target).is_some();
        for turn in unfinished
            .into_iter()
            .filter(|turn| here(&turn.conversation.target))
        {
            left.entry(turn.conversation.target.clone())
                .or_default()
                .push(turn);
        }
        for (target, turns) in left {
            self.start(target, turns, work);
        }
        for target in self
            .inbox
            .waiting_targets()
            .await?
            .into_iter()
            .filter(|t| here(t))
        {
            self.nudge(target, work);
        }
        // What was held when the last process ended is given its time anew, and what was not forgotten since.
        self.forget_held_after(self.settings.album_settle.max(REACHED_WITHIN));
        Ok(())
    }

    /// Forgets the parts of albums that are held now, once the time is over in which another part
    /// may say whom they are for.
    pub fn forget_held_later(self: &Arc<Self>) {
        self.forget_held_after(self.settings.album_settle);
    }

    fn forget_held_after(self: &Arc<Self>, time: TimeDelta) {
        let dispatcher = self.clone();
        let until = self.clock.now();
        let settled = until + time;
        let number = self.forgetting.fetch_add(1, Ordering::Relaxed) + 1;
        self.aside(async move {
            tokio::select! {
                // The next process gives them their time.
                () = dispatcher.stop.cancelled() => return,
                () = rest_until(dispatcher.clock.as_ref(), until, settled) => {}
            }
            while let Err(error) = dispatcher.inbox.forget_held(until).await {
                tell(
                    &error,
                    "parts of albums stay that nobody meant; trying again",
                );
                // A later one forgets these too.
                if dispatcher.forgetting.load(Ordering::Relaxed) != number {
                    return;
                }
                tokio::select! {
                    () = dispatcher.stop.cancelled() => return,
                    () = dispatcher.clock.sleep(STORE_PAUSE) => {}
                }
            }
        });
    }

    /// Something waits in this place.
    pub fn nudge(self: &Arc<Self>, target: ChatTarget, work: &Arc<dyn Work>) {
        self.start(target, Vec::new(), work);
    }

    /// Stops the turn that runs in this place, or the one that is about to begin for a message
    /// before `said_in`; whether there was one.
    pub async fn cancel(&self, target: &ChatTarget, said_in: InboxId) -> StoreResult<Cancelled> {
        if let Some(cancelled) = self.cancel_at_once(target, said_in) {
            return Ok(cancelled);
        }
        // The worker looks for more, or takes its leave: nobody would say that there was nothing.
        let waiting = self.inbox.waiting(target, 1).await?;
        if waiting.first().is_some_and(|row| row.id < said_in) {
            return Ok(Cancelled::Running);
        }
        let mut lanes = self.lanes();
        let told = |stop: &mut InboxId| *stop == said_in;
        let not_heard = match lanes.get_mut(target) {
            Some(lane) => lane.stop_before.take_if(told).is_some(),
            None => true,
        };
        Ok(if not_heard {
            Cancelled::Nothing
        } else {
            Cancelled::Running
        })
    }

    /// The same, where that shows at once. Otherwise the next turn hears of it.
    fn cancel_at_once(&self, target: &ChatTarget, said_in: InboxId) -> Option<Cancelled> {
        let mut lanes = self.lanes();
        let Some(lane) = lanes.get_mut(target) else {
            return Some(Cancelled::Nothing);
        };
        match &lane.turn {
            Some(_) if lane.newest == Some(said_in) => return Some(Cancelled::Nothing),
            Some(turn) => turn.end_now(),
            None => lane.stop_before = Some(said_in),
        }
        (lane.turn.is_some() || lane.unfinished > 0).then_some(Cancelled::Running)
    }

    /// Stops the turn that runs in this place, if there is one.
    pub fn interrupt(&self, target: &ChatTarget) {
        if let Some(turn) = self.lanes().get(target).and_then(|lane| lane.turn.as_ref()) {
            turn.end_now();
        }
    }

    /// How many places have a worker now.
    pub fn busy_places(&self) -> usize {
        self.lanes().len()
    }

    /// Returns when nothing moves in this place any more: it has no worker, or its turn waits for a
    /// person.
    pub async fn at_rest(&self, target: &ChatTarget) -> Rest {
        loop {
            let rested = self.rested.notified();
            tokio::pin!(rested);
            rested.as_mut().enable();
            match self.lanes().get(target) {
                None => return Rest::Idle,
                Some(lane) if lane.waits() => return Rest::Asking,
                Some(_) => {}
            }
            rested.await;
        }
    }

    /// Does something small that nobody waits for, but a stop.
    #[expect(clippy::disallowed_methods, reason = "the dispatcher owns the tasks")]
    pub fn aside(&self, work: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(self.workers.track_future(work));
    }

    /// Returns when no worker is left; for after a stop.
    pub async fn drained(&self) {
        self.workers.close();
        self.workers.wait().await;
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the dispatcher owns the workers' tasks"
    )]
    fn start(self: &Arc<Self>, target: ChatTarget, left: Vec<RunningTurn>, work: &Arc<dyn Work>) {
        if self.stop.is_cancelled() {
            return;
        }
        let mut lanes = self.lanes();
        if let Some(lane) = lanes.get_mut(&target) {
            lane.news = News::Perhaps;
            if let Some(turn) = &lane.turn {
                turn.seat.ring();
            }
            return;
        }
        let lane = Lane {
            unfinished: left.len(),
            ..Lane::default()
        };
        lanes.insert(target.clone(), lane);
        drop(lanes);
        let span = error_span!("worker", chat.id = %target.chat);
        let (dispatcher, work) = (self.clone(), work.clone());
        let worker = async move {
            let all = AssertUnwindSafe(dispatcher.work_through(&target, left, work.as_ref()));
            if all.catch_unwind().await.is_err() {
                error!("a worker broke down; the next message starts another");
            }
            dispatcher.leave(&target);
        };
        let task = self.workers.track_future(worker.instrument(span));
        tokio::spawn(task);
    }

    async fn work_through(&self, target: &ChatTarget, left: Vec<RunningTurn>, work: &dyn Work) {
        for turn in left {
            let Some((stops, _)) = self.permit_turn(target, None).await else {
                return;
            };
            work.resume(turn, &stops).await;
            self.end_turn(target);
        }
        while !self.stop.is_cancelled() {
            match self.next(target).await {
                Ok(rows) if rows.is_empty() => {
                    if self.retire(target) {
                        return;
                    }
                }
                Ok(rows) => self.handle(target, rows, work).await,
                Err(failure) => {
                    tell(&failure, "the inbox cannot be read");
                    self.clock.sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    async fn handle(&self, target: &ChatTarget, rows: Vec<InboxRow>, work: &dyn Work) {
        let newest = rows.iter().map(|row| row.id).max();
        let Some((stops, taken)) = self.permit_turn(target, newest).await else {
            return;
        };
        let rows = match taken {
            Taken::AtOnce => Ok(rows),
            Taken::AfterWait => self.as_they_are(&rows).await,
        };
        let handled = async { work.handle(rows?, &stops).await };
        if let Err(failure) = handled.await {
            tell(&failure, "a message could not be handled; trying again");
            self.clock.sleep(STORE_PAUSE).await;
        }
        self.end_turn(target);
    }

    /// The rows that still wait after the wait for a seat, with what they say by now.
    async fn as_they_are(&self, rows: &[InboxRow]) -> StoreResult<Vec<InboxRow>> {
        let rows = rows.iter().map(|row| self.inbox.get(row.id));
        Ok(try_join_all(rows).await?.into_iter().flatten().collect())
    }

    /// What comes next in a place, whole: the parts of an album are waited for.
    async fn next(&self, target: &ChatTarget) -> StoreResult<Vec<InboxRow>> {
        let mut waited_with = 0;
        loop {
            let rows = self.inbox.next(target).await?;
            // Nothing came while it was waited for, whatever the clock says.
            if rows.len() == waited_with {
                return Ok(rows);
            }
            let album = rows
                .iter()
                .any(|row| row.incoming.message().is_some_and(|m| m.album.is_some()));
            let Some(latest) = rows
                .iter()
                .map(|row| row.received_at)
                .max()
                .filter(|_| album)
            else {
                return Ok(rows);
            };
            // Never longer than that, even when the clock was set back since they came.
            let left = latest + self.settings.album_settle - self.clock.now();
            let left = left
                .min(self.settings.album_settle)
                .to_std()
                .unwrap_or_default();
            if left.is_zero() || self.stop.is_cancelled() {
                return Ok(rows);
            }
            self.clock.sleep(left).await;
            waited_with = rows.len();
        }
    }

    /// Waits for a place among the running turns; `None` when the process ends first.
    async fn permit_turn(
        &self,
        target: &ChatTarget,
        newest: Option<InboxId>,
    ) -> Option<(TurnStops, Taken)> {
        let stops = self.register(target, newest)?;
        let taken = tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            // A turn that is already stopped only has to say so: it needs no place.
            () = stops.cancel.cancelled() => Taken::AfterWait,
            taken = stops.seat.take() => taken,
        };
        Some((stops, taken))
    }

    /// Lets a turn be stopped from now on; one that was stopped before it began is stopped at once.
    fn register(&self, target: &ChatTarget, newest: Option<InboxId>) -> Option<TurnStops> {
        let stops = TurnStops {
            cancel: CancellationToken::new(),
            stop: self.stop.clone(),
            shutdown: self.shutdown.clone(),
            seat: Arc::new(Seat::new(self.permits.clone(), self.rested.clone())),
        };
        let mut lanes = self.lanes();
        let lane = lanes.get_mut(target)?;
        let before = |stop: &mut InboxId| newest.is_none_or(|row| row < *stop);
        if lane.stop_before.take_if(before).is_some() {
            stops.cancel.cancel();
        }
        if newest.is_none() {
            lane.unfinished = lane.unfinished.saturating_sub(1);
        }
        lane.newest = newest;
        lane.turn = Some(stops.clone());
        Some(stops)
    }

    /// Ends the worker of a place unless there may be news; both under one lock, so that no nudge
    /// falls between.
    fn retire(&self, target: &ChatTarget) -> bool {
        let mut lanes = self.lanes();
        match lanes.get_mut(target) {
            Some(lane) if lane.news == News::Perhaps => {
                lane.news = News::None;
                false
            }
            _ => {
                lanes.remove(target);
                self.rested.notify_waiters();
                true
            }
        }
    }

    fn end_turn(&self, target: &ChatTarget) {
        if let Some(lane) = self.lanes().get_mut(target)
            && let Some(turn) = lane.turn.take()
        {
            turn.seat.leave();
        }
    }

    fn leave(&self, target: &ChatTarget) {
        self.lanes().remove(target);
        self.rested.notify_waiters();
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<ChatTarget, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why nothing moves in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// There is nothing to do.
    Idle,
    /// A person is asked.
    Asking,
}

/// Whether there was something to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// A turn; it ends.
    Running,
    /// Nothing ran.
    Nothing,
}
