//! What failed calls have cost, for whoever goes on asking.

use crate::core::model::{ModelError, ModelReply};
use crate::core::usage::UsageEntry;

/// Adds up calls that failed, so that none of them is forgotten in the end.
#[derive(Debug, Default)]
pub(super) struct Spent {
    tries: u32,
    usage: Vec<UsageEntry>,
}

impl Spent {
    /// Remembers what `error` has cost.
    pub(super) fn add(&mut self, error: &ModelError) {
        self.tries += error.tries;
        self.usage.extend_from_slice(&error.usage);
    }

    /// The reply, with what came before it.
    pub(super) fn before(self, mut reply: ModelReply) -> ModelReply {
        reply.usage.splice(..0, self.usage);
        reply
    }

    /// The failure that is told, which `add` was told of, with all that was tried.
    pub(super) fn told_as(self, error: ModelError) -> ModelError {
        ModelError {
            tries: self.tries,
            usage: self.usage,
            ..error
        }
    }
}
