//! What the log says of a store that fails: nothing new where the writer has told it.

use tracing::{debug, warn};

use crate::core::error::StoreError;

/// Says that something could not be done. It is tried again every second, perhaps for hours.
pub(super) fn tell(error: &StoreError, what: &str) {
    if error.passes() {
        debug!(%error, "{what}");
    } else {
        warn!(%error, "{what}");
    }
}
