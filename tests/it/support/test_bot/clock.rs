//! A clock that runs as fast as any other, can leap ahead, and can be set like one on a wall.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use minibot::core::clock::Clock;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// Longer than anything takes to lie down.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts on Monday, 1 March 2027, at 09:00 UTC. Who sleeps notices a change at once.
#[derive(Debug)]
pub struct FakeClock {
    started: Instant,
    changes: watch::Sender<Changes>,
    /// How long each of those who sleep wanted to.
    asleep: watch::Sender<Vec<TimeDelta>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Changes {
    /// Time that has passed all at once.
    leapt: TimeDelta,
    /// By how much the hands were moved; no time passed.
    set: TimeDelta,
}

impl FakeClock {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            changes: watch::Sender::default(),
            asleep: watch::Sender::default(),
        }
    }

    /// Makes it later by so much: the time has passed.
    pub fn advance(&self, by: TimeDelta) {
        self.changes.send_modify(|changes| changes.leapt += by);
    }

    /// Sets it to another time, as a person or a time server does: no time has passed.
    pub fn set(&self, by: TimeDelta) {
        self.changes.send_modify(|changes| changes.set += by);
    }

    /// Waits until somebody sleeps who wants to for about so long, in milliseconds.
    pub async fn someone_sleeps(&self, time: Range<i64>) {
        let mut asleep = self.asleep.subscribe();
        let lies = |naps: &Vec<TimeDelta>| {
            let wanted = naps.iter().map(TimeDelta::num_milliseconds);
            wanted.into_iter().any(|wanted| time.contains(&wanted))
        };
        let found = timeout(PATIENCE, asleep.wait_for(lies)).await;
        found
            .expect("nobody sleeps for so long")
            .expect("the clock owns the sender");
    }

    /// The time that has passed since the start, which no setting changes.
    fn passed(&self) -> TimeDelta {
        let ran = TimeDelta::from_std(self.started.elapsed()).unwrap();
        ran + self.changes.borrow().leapt
    }

    /// Sleeps as long as `left` says that there is something left.
    async fn rest(&self, left: impl Fn() -> TimeDelta) {
        let mut changes = self.changes.subscribe();
        let _nap = Nap::begin(&self.asleep, left());
        while let Ok(left) = left().to_std()
            && !left.is_zero()
        {
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                changed = changes.changed() => changed.expect("the clock owns the sender"),
            }
        }
    }
}

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> DateTime<Utc> {
        let start = Utc.with_ymd_and_hms(2027, 3, 1, 9, 0, 0).unwrap();
        start + self.passed() + self.changes.borrow().set
    }

    async fn sleep_until(&self, moment: DateTime<Utc>) {
        self.rest(|| moment - self.now()).await;
    }

    async fn sleep(&self, pause: Duration) {
        let until = self.passed() + TimeDelta::from_std(pause).unwrap();
        self.rest(|| until - self.passed()).await;
    }
}

/// Somebody's sleep, as long as it lasts.
struct Nap<'a> {
    asleep: &'a watch::Sender<Vec<TimeDelta>>,
    wanted: TimeDelta,
}

impl<'a> Nap<'a> {
    fn begin(asleep: &'a watch::Sender<Vec<TimeDelta>>, wanted: TimeDelta) -> Self {
        asleep.send_modify(|naps| naps.push(wanted));
        Self { asleep, wanted }
    }
}

impl Drop for Nap<'_> {
    fn drop(&mut self) {
        self.asleep.send_modify(|naps| {
            if let Some(own) = naps.iter().position(|nap| *nap == self.wanted) {
                naps.swap_remove(own);
            }
        });
    }
}
