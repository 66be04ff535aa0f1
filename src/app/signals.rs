//! Wake-up calls between the long-running parts: nothing durable, a lost one costs only time.

use tokio::sync::Notify;

/// One bell for each part that sleeps.
#[derive(Debug, Default)]
pub struct Signals {
    outbox: Notify,
    scheduler: Notify,
    inbox: Notify,
    delivered: Notify,
    decided: Notify,
}

impl Signals {
    /// There is something to deliver.
    pub fn wake_outbox(&self) {
        self.outbox.notify_one();
    }

    /// The jobs have changed.
    pub fn wake_scheduler(&self) {
        self.scheduler.notify_one();
    }

    /// Something came into the inbox without a word to those who work there.
    pub(super) fn wake_inbox(&self) {
        self.inbox.notify_one();
    }

    /// Returns when something came into the inbox so.
    pub async fn inbox_woken(&self) {
        self.inbox.notified().await;
    }

    /// A delivery has come to its end, well or not.
    pub(super) fn tell_delivered(&self) {
        self.delivered.notify_waiters();
    }

    /// Returns at the first delivery after this call: it listens from the call on.
    pub fn delivered(&self) -> impl Future<Output = ()> {
        let mut delivered = Box::pin(self.delivered.notified());
        delivered.as_mut().enable();
        delivered
    }

    /// Somebody has answered a question.
    pub(super) fn tell_decided(&self) {
        self.decided.notify_waiters();
    }

    /// Returns at the first answer after this call: it listens from the call on.
    pub(super) fn decided(&self) -> impl Future<Output = ()> {
        let mut decided = Box::pin(self.decided.notified());
        decided.as_mut().enable();
        decided
    }

    /// Returns when there is something to deliver.
    pub(super) async fn outbox_woken(&self) {
        self.outbox.notified().await;
    }

    /// Returns when the jobs have changed.
    pub(super) async fn scheduler_woken(&self) {
        self.scheduler.notified().await;
    }
}
