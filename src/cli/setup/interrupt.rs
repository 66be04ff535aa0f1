//! Ctrl-C during setup: a question hides the cursor or what is typed, and the terminal must not stay like that.

use std::thread::{self, JoinHandle};

use dialoguer::console::Term;
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::cli::{runtime, say};

/// While it lives, Ctrl-C ends the program with a terminal as it was.
pub(super) struct Interruptible {
    /// Dropped, nobody listens any more.
    over: Option<oneshot::Sender<()>>,
    listener: Option<JoinHandle<()>>,
}

impl Interruptible {
    /// Remembers the terminal, and listens on a thread of its own: a question holds the one that asks.
    pub(super) fn start() -> anyhow::Result<Self> {
        let before = tcgetattr(std::io::stdin()).ok();
        let runtime = runtime()?;
        let mut interrupts = {
            let _inside = runtime.enter();
            signal(SignalKind::interrupt())?
        };
        let (over, is_over) = oneshot::channel::<()>();
        let listener = thread::spawn(move || {
            let interrupted = runtime.block_on(async {
                tokio::select! {
                    biased;
                    interrupt = interrupts.recv() => interrupt.is_some(),
                    _ = is_over => false,
                }
            });
            if interrupted {
                restore(before.as_ref());
                say("\nStopped; nothing was written.");
                std::process::exit(1);
            }
        });
        Ok(Self {
            over: Some(over),
            listener: Some(listener),
        })
    }
}

/// Returns when nobody listens any more: what was interrupted before has ended the program by then, and what
/// it said is true of all that comes after.
impl Drop for Interruptible {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(listener) = self.listener.take() {
            // It has nothing to say.
            let _ = listener.join();
        }
    }
}

fn restore(before: Option<&Termios>) {
    if let Some(before) = before {
        let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, before);
    }
    let _ = Term::stderr().show_cursor();
}
