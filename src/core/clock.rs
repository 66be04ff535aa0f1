//! Time as a port: the only way to ask what time it is, or to wait for one.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

/// The wall clock.
#[async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present moment.
    fn now(&self) -> DateTime<Utc>;

    /// Returns at or after `moment` of the wall clock. An implementer must notice within a few
    /// seconds when the wall clock jumps (suspend, NTP), in either direction.
    async fn sleep_until(&self, moment: DateTime<Utc>);

    /// Returns after `pause`, whatever the wall clock does meanwhile.
    async fn sleep(&self, pause: Duration) {
        let pause = TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX);
        self.sleep_until(
            self.now()
                .checked_add_signed(pause)
                .unwrap_or(DateTime::<Utc>::MAX_UTC),
        )
        .await;
    }
}
