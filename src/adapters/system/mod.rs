//! The machine itself: its clock and its source of chance.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::core::clock::Clock;

/// A jump of the wall clock is noticed within this time: the timer below runs on the monotonic
/// clock, which knows nothing of it.
const LONGEST_NAP: Duration = Duration::from_secs(5);

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the machine"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    async fn sleep_until(&self, moment: DateTime<Utc>) {
        loop {
            // Already past: nothing to wait for.
            let Ok(left) = (moment - self.now()).to_std() else {
                return;
            };
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LONGEST_NAP)).await;
        }
    }

    async fn sleep(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}

/// Tells another process of this machine to look around (SIGUSR1).
pub fn wake_process(pid: u32) -> std::io::Result<()> {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .ok_or(std::io::ErrorKind::InvalidInput)?;
    rustix::process::kill_process(pid, rustix::process::Signal::USR1)?;
    Ok(())
}

/// A number from 0 to 1, to spread retries of several processes.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks for chance"
)]
pub fn jitter() -> f64 {
    rand::random()
}

/// 32 random bytes from the operating system's generator.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks for chance"
)]
pub fn random_bytes() -> [u8; 32] {
    rand::random()
}
