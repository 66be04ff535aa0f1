//! The places for calls whose outcome is not written down yet.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::core::channel::Urgency;
use crate::core::clock::Clock;

/// Calls between their beginning and the record of their end, at the same time: what is made twice when the process is
/// killed in a burst. Enough for 30 messages a second when each call takes a quarter of one.
const MOST: usize = 8;

/// A call waits no longer for a place, and is made without one: a network that is slow, or chats that hang, put off
/// nobody, and the rate budget is kept within this time.
const PATIENCE: Duration = Duration::from_millis(1200);

/// The places: as many for what a person waits for, which then stands behind no reminder.
#[derive(Debug)]
pub struct Calls {
    interactive: Semaphore,
    background: Semaphore,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            interactive: Semaphore::new(MOST),
            background: Semaphore::new(MOST),
        }
    }
}

impl Calls {
    /// A place, or `None` when it has taken too long.
    pub async fn place(&self, urgency: Urgency, clock: &dyn Clock) -> Option<SemaphorePermit<'_>> {
        let places = match urgency {
            Urgency::Interactive => &self.interactive,
            Urgency::Background => &self.background,
        };
        tokio::select! {
            biased;
            place = places.acquire() => place.ok(),
            () = clock.sleep(PATIENCE) => None,
        }
    }
}
