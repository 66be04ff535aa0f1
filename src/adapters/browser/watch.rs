//! The watch over a call: a page may hang for ever, a call may not.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// After this, the page is told to stop what it does.
    pub(super) nudge: Duration,
    /// After this as well, the browser is killed.
    pub(super) kill: Duration,
}

impl Patience {
    /// For what the page answers at once, unless it hangs.
    pub(super) const SHORT: Self = Self {
        nudge: Duration::from_secs(2),
        kill: Duration::from_secs(6),
    };

    /// For what may take `time`.
    pub(super) fn of(time: Duration) -> Self {
        Self {
            nudge: time,
            kill: Duration::from_secs(6),
        }
    }
}

/// Ends the browser's processes, from any thread, and never another process of the same number.
#[derive(Debug, Clone, Default)]
pub(super) struct Killer(Arc<Mutex<Option<Pid>>>);

impl Killer {
    /// Aims at a process group.
    pub(super) fn of(leader: Pid) -> Self {
        Self(Arc::new(Mutex::new(Some(leader))))
    }

    /// Kills the group, unless it is gone.
    pub(super) fn kill(&self) {
        let leader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leader) = *leader {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    /// Kills the group for the last time: its number may be given to others once it is waited for.
    pub(super) fn kill_and_forget(&self) {
        self.kill();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Watches until it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    /// Its end ends the watch.
    _done: Sender<()>,
}

impl Watch {
    /// Begins to watch a call.
    pub(super) fn over(
        patience: Patience,
        killer: Killer,
        nudge: impl FnOnce() + Send + 'static,
    ) -> Self {
        let (done, told) = channel::<()>();
        thread::spawn(move || {
            if told.recv_timeout(patience.nudge) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            // Nobody waits for it: it talks to a browser that may not answer at all.
            thread::spawn(nudge);
            if told.recv_timeout(patience.kill) == Err(RecvTimeoutError::Timeout) {
                killer.kill();
            }
        });
        Self { _done: done }
    }
}
