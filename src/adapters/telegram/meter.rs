//! Two ways to count requests against a limit: a bucket that refills, and a window that slides.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// At most `burst` requests at once; then one for each interval.
#[derive(Debug)]
pub(super) struct Bucket {
    interval: Duration,
    burst: u32,
    full_at: Option<Instant>,
}

impl Bucket {
    /// A full one that refills `rate` places in each `period`.
    pub(super) fn new(rate: u32, burst: u32, period: Duration) -> Self {
        Self {
            interval: period / rate.max(1),
            burst: burst.max(1),
            full_at: None,
        }
    }

    pub(super) fn burst(&self) -> usize {
        self.burst as usize
    }

    /// When the `places`-th request from now may be made.
    pub(super) fn ready_at(&self, places: usize, now: Instant) -> Instant {
        let missing = self
            .full_at
            .map_or(Duration::ZERO, |full| full.saturating_duration_since(now));
        let places = u32::try_from(places).unwrap_or(u32::MAX);
        let needed = missing + self.interval.saturating_mul(places);
        now + needed.saturating_sub(self.interval * self.burst)
    }

    pub(super) fn count(&mut self, now: Instant) {
        self.full_at = Some(self.full_at.map_or(now, |full| full.max(now)) + self.interval);
    }

    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|full| full <= now)
    }
}

/// At most `limit` requests in any `period`.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    period: Duration,
    times: VecDeque<Instant>,
}

impl Window {
    pub(super) fn new(limit: u32, period: Duration) -> Self {
        Self {
            limit: limit.max(1) as usize,
            period,
            times: VecDeque::new(),
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// When the `places`-th request from now may be made; only an estimate (never too late) for one that
    /// has to wait for others that are not made yet.
    pub(super) fn ready_at(&self, places: usize, now: Instant) -> Instant {
        let past = self.times.iter().position(|time| *time + self.period > now);
        let live = self.times.len() - past.unwrap_or(self.times.len());
        let Some(excess) = (live + places).checked_sub(self.limit + 1) else {
            return now;
        };
        let freed = self.times.len() - live + excess.min(live.saturating_sub(1));
        self.times
            .get(freed)
            .map_or(now, |time| (*time + self.period).max(now))
    }

    pub(super) fn count(&mut self, now: Instant) {
        while self
            .times
            .front()
            .is_some_and(|time| *time + self.period <= now)
            || self.times.len() > self.limit
        {
            self.times.pop_front();
        }
        self.times.push_back(now);
    }

    pub(super) fn is_empty(&self, now: Instant) -> bool {
        self.times
            .back()
            .is_none_or(|time| *time + self.period <= now)
    }
}
