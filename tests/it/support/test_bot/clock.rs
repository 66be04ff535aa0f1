//! A clock that runs as fast as any other, can leap ahead, and can be set like one on a wall.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use minibot::core::clock::Clock;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// Longer than anything takes to lie down.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts on Monday, 1 March 2027, at 09:00 UTC. Who sleeps notices a change at once.
#[derive(Debug)]
pub struct FakeClock {
    started: Instant,
    changes: watch::Sender<Changes>,
    asleep: watch::Sender<Asleep>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Changes {
    /// Time that has passed all at once.
    leapt: TimeDelta,
    /// By how much the hands were moved; no time passed.
    set: TimeDelta,
}

/// Who sleeps, by the number of the sleep, and how long each wanted to.
#[derive(Debug, Default)]
struct Asleep {
    naps: BTreeMap<u64, TimeDelta>,
    begun: u64,
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
        self.someone_sleeps_after(0, time).await;
    }

    /// The same of those who lay down after the sleep with that number; answers the number.
    pub async fn someone_sleeps_after(&self, last: u64, time: Range<i64>) -> u64 {
        let mut asleep = self.asleep.subscribe();
        let find = |asleep: &Asleep| {
            let later = asleep.naps.range(last + 1..);
            let fits = |wanted: &TimeDelta| time.contains(&wanted.num_milliseconds());
            later
                .into_iter()
                .find(|(_, wanted)| fits(wanted))
                .map(|(number, _)| *number)
        };
        let found = timeout(PATIENCE, asleep.wait_for(|asleep| find(asleep).is_some())).await;
        let asleep = found.expect("nobody sleeps for so long");
        find(&asleep.expect("the clock owns the sender")).expect("it was found")
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
    asleep: &'a watch::Sender<Asleep>,
    number: u64,
}

impl<'a> Nap<'a> {
    fn begin(asleep: &'a watch::Sender<Asleep>, wanted: TimeDelta) -> Self {
        let mut number = 0;
        asleep.send_modify(|asleep| {
            asleep.begun += 1;
            number = asleep.begun;
            asleep.naps.insert(number, wanted);
        });
        Self { asleep, number }
    }
}

impl Drop for Nap<'_> {
    fn drop(&mut self) {
        self.asleep.send_modify(|asleep| {
            asleep.naps.remove(&self.number);
        });
    }
}
