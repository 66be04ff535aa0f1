//! What keeps a polling loop honest: growing pauses, news told once, and a limit to silence.

use std::time::Duration;

use tokio::time::Instant;

const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// So many renewed clients in a row without an answer, and the process is better started afresh.
const MAX_STALLS: u32 = 10;

/// Pauses between failed attempts, doubling up to half a minute.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(first: Duration) -> Self {
        Self { first, failures: 0 }
    }

    /// The pause before the next attempt; exactly what the server asked for, where it did.
    pub(super) fn next(&mut self, asked_for: Option<Duration>) -> Duration {
        let pause = self
            .first
            .saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        asked_for.unwrap_or_else(|| pause.min(LONGEST_PAUSE))
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// Whether things go well or badly, so that each change is told once.
#[derive(Debug, Default)]
pub(super) struct Health {
    trouble: Option<&'static str>,
}

impl Health {
    /// Takes note of a trouble; true when it is news.
    pub(super) fn changed(&mut self, trouble: &'static str) -> bool {
        self.trouble.replace(trouble) != Some(trouble)
    }

    /// Takes note of a success; true when it is news.
    pub(super) fn recovered(&mut self) -> bool {
        self.trouble.take().is_some()
    }
}

/// Watches for completed polls.
#[derive(Debug)]
pub(super) struct Watchdog {
    patience: Duration,
    fed_at: Instant,
    checked_from: Instant,
    stalls: u32,
}

/// What the watchdog wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stall {
    /// Nothing yet.
    None,
    /// A new client.
    Renew,
    /// An end.
    GiveUp {
        /// How long nothing was answered.
        silent_for: Duration,
    },
}

impl Watchdog {
    /// One that begins to bark after `patience` without a completed poll.
    pub(super) fn new(patience: Duration) -> Self {
        let now = Instant::now();
        Self {
            patience,
            fed_at: now,
            checked_from: now,
            stalls: 0,
        }
    }

    /// A poll was completed.
    pub(super) fn fed(&mut self) {
        *self = Self::new(self.patience);
    }

    /// To be asked after each attempt that was not completed.
    pub(super) fn check(&mut self) -> Stall {
        if self.checked_from.elapsed() < self.patience {
            return Stall::None;
        }
        self.checked_from = Instant::now();
        self.stalls += 1;
        if self.stalls < MAX_STALLS {
            return Stall::Renew;
        }
        Stall::GiveUp {
            silent_for: self.fed_at.elapsed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_half_a_minute_and_obey_the_server() {
        let mut backoff = Backoff::new(Duration::from_secs(1));
        let pauses: Vec<u64> = (0..7).map(|_| backoff.next(None).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(backoff.next(Some(Duration::from_secs(99))).as_secs(), 99);
        backoff.reset();
        assert_eq!(backoff.next(None).as_secs(), 1);
    }

    #[test]
    fn a_change_is_told_once() {
        let mut health = Health::default();
        assert!(!health.recovered());
        assert!(health.changed("network"));
        assert!(!health.changed("network"));
        assert!(health.changed("store"));
        assert!(health.recovered());
        assert!(!health.recovered());
    }

    #[tokio::test(start_paused = true)]
    async fn ten_silences_in_a_row_end_it() {
        let mut watchdog = Watchdog::new(Duration::from_secs(150));
        assert_eq!(watchdog.check(), Stall::None);
        for _ in 0..9 {
            tokio::time::advance(Duration::from_secs(150)).await;
            assert_eq!(watchdog.check(), Stall::Renew);
            assert_eq!(watchdog.check(), Stall::None);
        }
        tokio::time::advance(Duration::from_secs(150)).await;
        let silent_for = Duration::from_secs(1500);
        assert_eq!(watchdog.check(), Stall::GiveUp { silent_for });
    }

    #[tokio::test(start_paused = true)]
    async fn a_completed_poll_starts_the_count_again() {
        let mut watchdog = Watchdog::new(Duration::from_secs(150));
        for _ in 0..30 {
            tokio::time::advance(Duration::from_secs(150)).await;
            assert_eq!(watchdog.check(), Stall::Renew);
            watchdog.fed();
        }
    }
}
