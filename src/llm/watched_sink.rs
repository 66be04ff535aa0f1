//! A sink that remembers whether anything was pushed, for whoever tries again.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::core::model::ReplySink;
use crate::core::usage::UsageEntry;

/// Passes everything on.
pub(super) struct WatchedSink<'a> {
    inner: &'a dyn ReplySink,
    pushed: AtomicBool,
}

impl<'a> WatchedSink<'a> {
    pub(super) fn new(inner: &'a dyn ReplySink) -> Self {
        Self {
            inner,
            pushed: AtomicBool::new(false),
        }
    }

    /// Restarts the text, if there is any yet.
    pub(super) fn restart_if_begun(&self) {
        if self.pushed.load(Ordering::Relaxed) {
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

    fn lost(&self, usage: Vec<UsageEntry>) {
        self.inner.lost(usage);
    }
}
