//! The seat of a turn among those that may run at the same time: given up while the turn only waits
//! for a person, with a bell that rings when something new has come to its place. And what ends the turn early.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// One seat.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Semaphore>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    state: Mutex<State>,
    bell: Notify,
    /// Rings when the turn begins to wait.
    waits: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    presence: Presence,
    bell: Bell,
}

/// What can end a turn early.
#[derive(Debug, Clone)]
pub struct TurnStops {
    /// The person said so.
    pub cancel: CancellationToken,
    /// The process ends soon: leave what would only wait for a person.
    pub stop: CancellationToken,
    /// The process ends: leave everything as it is.
    pub shutdown: CancellationToken,
    /// The turn's seat among those that run.
    pub seat: Arc<Seat>,
}

impl TurnStops {
    /// Ends it, also while it waits for a person.
    pub(super) fn end_now(&self) {
        self.cancel.cancel();
        self.seat.ring();
    }
}

/// Whether a turn works.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It works.
    #[default]
    Working,
    /// It can do nothing until a person says something.
    Waiting,
}

/// How a seat was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// One was free.
    AtOnce,
    /// Others had to leave theirs first.
    AfterWait,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Bell {
    #[default]
    Silent,
    Rung,
}

impl Seat {
    /// A seat that is not taken yet. `waits` rings whenever the turn begins to wait.
    pub fn new(seats: Arc<Semaphore>, waits: Arc<Notify>) -> Self {
        Self {
            seats,
            permit: Mutex::default(),
            state: Mutex::default(),
            bell: Notify::new(),
            waits,
        }
    }

    /// A seat of a turn that has no others beside it.
    pub fn alone() -> Self {
        Self::new(Arc::new(Semaphore::new(1)), Arc::default())
    }

    /// Takes the seat, once one is free.
    pub async fn take(&self) -> Taken {
        if self.permit().is_some() {
            return Taken::AtOnce;
        }
        if let Ok(permit) = self.seats.clone().try_acquire_owned() {
            *self.permit() = Some(permit);
            return Taken::AtOnce;
        }
        // The seats are never closed.
        let permit = self.seats.clone().acquire_owned().await.ok();
        *self.permit() = permit;
        Taken::AfterWait
    }

    /// Leaves it to others.
    pub fn leave(&self) {
        self.permit().take();
    }

    /// Whether the turn works.
    pub fn presence(&self) -> Presence {
        self.state().presence
    }

    /// Something may have come.
    pub fn ring(&self) {
        {
            let mut state = self.state();
            state.presence = Presence::Working;
            state.bell = Bell::Rung;
        }
        self.bell.notify_one();
    }

    /// Waits for the bell, also one that rang since the last time.
    pub async fn rung(&self) {
        let _until_then = Waiting(self);
        loop {
            {
                let mut state = self.state();
                if state.bell == Bell::Rung {
                    state.bell = Bell::Silent;
                    return;
                }
                state.presence = Presence::Waiting;
            }
            self.waits.notify_waiters();
            self.bell.notified().await;
        }
    }

    fn permit(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the waiting, however it is left.
struct Waiting<'a>(&'a Seat);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().presence = Presence::Working;
    }
}
