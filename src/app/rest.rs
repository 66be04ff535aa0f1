//! The rest of a part that looks at its table now and then.

use chrono::{DateTime, Utc};

use crate::core::clock::Clock;

/// Rests until `moment`, and no longer than it was away at `looked_at`: a clock that is set back
/// meanwhile moves the moment away, but not what waits for it.
pub(super) async fn rest_until(clock: &dyn Clock, looked_at: DateTime<Utc>, moment: DateTime<Utc>) {
    let left = (moment - looked_at).to_std().unwrap_or_default();
    tokio::select! {
        () = clock.sleep_until(moment) => {}
        () = clock.sleep(left) => {}
    }
}
