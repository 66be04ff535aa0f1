//! The places for calls whose outcome is not written down yet.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::core::clock::Clock;

/// Calls between their beginning and the record of their end, at the same time. As many are at most made twice when the
/// process ends in the middle of a burst. Enough for 30 messages a second when each call takes a quarter of one.
const MOST: usize = 8;

/// A call that takes longer gives its place to another: a chat that hangs holds up no other.
const KEPT: Duration = Duration::from_millis(1500);

/// The places.
#[derive(Debug)]
pub struct Calls(Semaphore);

impl Default for Calls {
    fn default() -> Self {
        Self(Semaphore::new(MOST))
    }
}

impl Calls {
    /// A place, when one is free. `None` never comes: nobody closes them.
    pub async fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.0.acquire().await.ok()
    }
}

/// Does the work, in a place that is given up when it takes long.
pub async fn in_place<T>(
    place: Option<SemaphorePermit<'_>>,
    clock: &dyn Clock,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        () = clock.sleep(KEPT) => drop(place),
    }
    work.await
}
