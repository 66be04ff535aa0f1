//! A clock that runs as fast as any other and can leap ahead.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use minibot::core::clock::Clock;
use tokio::sync::watch;
use tokio::time::Instant;

/// Starts on Monday, 1 March 2027, at 09:00 UTC. Who sleeps notices a leap at once.
#[derive(Debug)]
pub struct FakeClock {
    started: Instant,
    leapt: watch::Sender<TimeDelta>,
}

impl FakeClock {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            leapt: watch::Sender::new(TimeDelta::zero()),
        }
    }

    /// Makes it later by so much.
    pub fn advance(&self, by: TimeDelta) {
        self.leapt.send_modify(|leapt| *leapt += by);
    }
}

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> DateTime<Utc> {
        let start = Utc.with_ymd_and_hms(2027, 3, 1, 9, 0, 0).unwrap();
        let ran = TimeDelta::from_std(self.started.elapsed()).unwrap();
        start + ran + *self.leapt.borrow()
    }

    async fn sleep_until(&self, moment: DateTime<Utc>) {
        let mut leapt = self.leapt.subscribe();
        while let Ok(left) = (moment - self.now()).to_std()
            && !left.is_zero()
        {
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                changed = leapt.changed() => changed.expect("the clock owns the sender"),
            }
        }
    }
}
