//! A sink that remembers whether anything was pushed, for whoever tries again.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::core::model::ReplySink;
use crate::core::usage::UsageEntry;

/// Passes everything on.
pub(super) struct WatchedSink<'a> {
    inner: &'a dyn ReplySink,
    pushed: AtomicBool,
    stand_in: AtomicBool,
}

impl<'a> WatchedSink<'a> {
    pub(super) fn new(inner: &'a dyn ReplySink) -> Self {
        Self {
            inner,
            pushed: AtomicBool::new(false),
            stand_in: AtomicBool::new(inner.has_stand_in()),
        }
    }

    /// Whether another model is asked when the next one gives up.
    pub(super) fn tell_of_stand_in(&self, there_is_one: bool) {
        let behind = there_is_one || self.inner.has_stand_in();
        self.stand_in.store(behind, Ordering::Relaxed);
    }

    /// Whether anything has come since the last restart.
    pub(super) fn has_begun(&self) -> bool {
        self.pushed.load(Ordering::Relaxed)
    }

    /// Restarts the text, if there is any yet.
    pub(super) fn restart_if_begun(&self) {
        if self.has_begun() {
            self.restart();
        }
    }
}

impl ReplySink for WatchedSink<'_> {
    fn push(&self, text: &str) {
        self.pushed.store(true, Ordering::Relaxed);
        self.inner.push(text);
    }

    fn restart(&self) {
        self.pushed.store(false, Ordering::Relaxed);
        self.inner.restart();
    }

    fn has_stand_in(&self) -> bool {
        self.stand_in.load(Ordering::Relaxed)
    }

    fn lost(&self, usage: Vec<UsageEntry>) {
        self.inner.lost(usage);
    }
}
