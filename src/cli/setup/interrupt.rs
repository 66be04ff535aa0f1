//! Ctrl-C during setup: a question hides the cursor or what is typed, and the terminal must not stay like that.

use dialoguer::console::Term;
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::cli::say;

/// While it lives, Ctrl-C ends the program with a terminal as it was.
pub(super) struct Interruptible(JoinHandle<()>);

impl Interruptible {
    /// Remembers the terminal.
    pub(super) fn start(runtime: &Runtime) -> anyhow::Result<Self> {
        let before = tcgetattr(std::io::stdin()).ok();
        let _inside = runtime.enter();
        let mut interrupts = signal(SignalKind::interrupt())?;
        Ok(Self(runtime.spawn(async move {
            if interrupts.recv().await.is_some() {
                restore(before.as_ref());
                say("\nStopped; nothing was written.");
                std::process::exit(1);
            }
        })))
    }
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn restore(before: Option<&Termios>) {
    if let Some(before) = before {
        let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, before);
    }
    let _ = Term::stderr().show_cursor();
}
