//! What failed calls have cost, for whoever goes on asking.

use crate::core::model::{ModelError, ModelReply, ReplySink};
use crate::core::usage::UsageEntry;

/// Adds up calls that failed, so that none of them is forgotten in the end: also not when whoever
/// asks is dropped in between.
pub(super) struct Spent<'a> {
    sink: &'a dyn ReplySink,
    tries: u32,
    usage: Vec<UsageEntry>,
}

impl<'a> Spent<'a> {
    /// Nothing yet.
    pub(super) fn nothing(sink: &'a dyn ReplySink) -> Self {
        Self {
            sink,
            tries: 0,
            usage: Vec::new(),
        }
    }

    /// Remembers what `error` has cost.
    pub(super) fn add(&mut self, error: &ModelError) {
        self.tries += error.tries;
        self.usage.extend_from_slice(&error.usage);
    }

    /// The reply, with what came before it.
    pub(super) fn before(mut self, mut reply: ModelReply) -> ModelReply {
        reply.usage.splice(..0, std::mem::take(&mut self.usage));
        reply
    }

    /// The failure that is told, which `add` was told of, with all that was tried.
    pub(super) fn told_as(mut self, error: ModelError) -> ModelError {
        ModelError {
            tries: self.tries,
            usage: std::mem::take(&mut self.usage),
            ..error
        }
    }
}

impl Drop for Spent<'_> {
    fn drop(&mut self) {
        if !self.usage.is_empty() {
            self.sink.lost(std::mem::take(&mut self.usage));
        }
    }
}
