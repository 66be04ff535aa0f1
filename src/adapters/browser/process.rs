//! Chromium as a process: started, found by its debugging address, and gone with all its children.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::process::Pid;
use tokio::time::Instant;

use super::watch::Killer;

/// A start takes less than a second where the machine has nothing else to do.
const START: Duration = Duration::from_secs(20);

/// So much of what it says at its start is looked at.
const MOST_WORDS: usize = 16 * 1024;

const ADDRESS: &str = "DevTools listening on ";

/// Why it did not start.
#[derive(Debug)]
pub(super) enum StartError {
    /// Its own sandbox cannot be set up here.
    NoSandbox,
    /// Anything else.
    Failed(String),
}

/// A running Chromium. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct ChromiumProcess {
    child: Child,
    killer: Killer,
    address: String,
}

impl ChromiumProcess {
    /// Starts it as the leader of a process group of its own, and waits for its debugging address.
    pub(super) fn start(mut command: Command) -> Result<Self, StartError> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command
            .spawn()
            .map_err(|error| StartError::Failed(error.to_string()))?;
        let killer =
            Pid::from_raw(child.id().cast_signed()).map_or_else(Killer::default, Killer::of);
        let (tell, told) = channel();
        let words = child.stderr.take();
        thread::spawn(move || words.map(|words| listen(words, &tell)));
        let mut process = Self {
            child,
            killer,
            address: String::new(),
        };
        match told.recv_timeout(START) {
            Ok(Said::Address(address)) => {
                process.address = address;
                Ok(process)
            }
            Ok(Said::Last(words)) if words.contains("sandbox") => Err(StartError::NoSandbox),
            Ok(Said::Last(words)) => {
                let last = words.lines().rev().find(|line| !line.trim().is_empty());
                let last = last.unwrap_or("it said nothing").to_owned();
                Err(StartError::Failed(last))
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                let seconds = START.as_secs();
                Err(StartError::Failed(format!(
                    "it was not ready after {seconds} s"
                )))
            }
        }
    }

    /// Where its debugging protocol is spoken.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Ends it from elsewhere.
    pub(super) fn killer(&self) -> &Killer {
        &self.killer
    }

    /// Whether it still runs.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Gives it time to end by itself.
    pub(super) fn wait(&mut self, most: Duration) {
        let until = Instant::now() + most;
        while self.is_running() && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for ChromiumProcess {
    fn drop(&mut self) {
        // Before it is waited for: afterwards its number may be another's.
        self.killer.kill_and_forget();
        let _ = self.child.wait();
    }
}

enum Said {
    Address(String),
    /// It ended before it told its address.
    Last(String),
}

/// Reads for as long as there is something, or a full pipe would hold it up.
fn listen(mut words: impl Read, tell: &Sender<Said>) {
    let mut heard = Vec::new();
    let mut chunk = [0; 4096];
    let mut is_found = false;
    while let Ok(count @ 1..) = words.read(&mut chunk) {
        if is_found || heard.len() > MOST_WORDS {
            continue;
        }
        heard.extend_from_slice(&chunk[..count]);
        if let Some(address) = address_in(&String::from_utf8_lossy(&heard)) {
            is_found = true;
            let _ = tell.send(Said::Address(address));
        }
    }
    if !is_found {
        let _ = tell.send(Said::Last(String::from_utf8_lossy(&heard).into_owned()));
    }
}

fn address_in(words: &str) -> Option<String> {
    let (_, behind) = words.split_once(ADDRESS)?;
    // Without its end the line is not whole yet.
    let (address, _) = behind.split_once('\n')?;
    let address = address.trim();
    address
        .starts_with("ws://127.0.0.1:")
        .then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::address_in;

    #[test]
    fn the_address_is_taken_when_its_line_is_whole() {
        let address = "ws://127.0.0.1:4711/devtools/browser/x";
        let said = format!("noise\nDevTools listening on {address}");
        assert_eq!(address_in(&said), None);
        assert_eq!(
            address_in(&format!("{said}\nmore")).as_deref(),
            Some(address)
        );
        let foreign = "DevTools listening on ws://192.0.2.1:1/x\n";
        assert_eq!(address_in(foreign), None);
    }
}
