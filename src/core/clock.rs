//! Time as a port: the only way to ask what time it is, or to wait for one.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// The wall clock.
#[async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present moment.
    fn now(&self) -> DateTime<Utc>;

    /// Returns at or after `moment` of the wall clock. An implementer must notice within a few
    /// seconds when the wall clock jumps (suspend, NTP), in either direction.
    async fn sleep_until(&self, moment: DateTime<Utc>);
}
