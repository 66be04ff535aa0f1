//! The bot's side of one run: starts the helper, tells it the order, and reads the answer.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;

use super::HELPER;
use super::order::{Answer, Order, read_bytes, read_header, write_header};
use super::place::SandboxPlace;
use super::supervisor::{end_strays, remove, run_prefix};
use crate::core::artifacts::Artifact;
use crate::core::sandbox::{Captured, RunOutcome, SandboxError};

/// What is sent to the helper: an order and the bytes that belong to it.
#[derive(Debug)]
pub(super) struct Parcel {
    pub order: Order,
    pub blobs: Vec<Vec<u8>>,
}

/// The helper has this long, beyond the run's own time, to clear away and answer.
const GRACE: Duration = Duration::from_secs(30);

/// Runs the order. Dropping the future lets go of the helper, which ends the run then.
///
/// A thread of its own talks to the helper: the signal at the bot's end, which the helper has asked
/// for, comes when the *thread* ends that started it.
pub(super) async fn ask(place: &SandboxPlace, parcel: Parcel) -> Result<RunOutcome, SandboxError> {
    let leash = Leash::default();
    let held = leash.clone();
    let (tell, told) = oneshot::channel();
    let place = place.clone();
    thread::Builder::new()
        .name("sandbox".to_owned())
        .spawn(move || {
            let _ = tell.send(talk(&place, parcel, &held));
        })
        .map_err(|error| SandboxError::Failed(format!("no thread for the sandbox: {error}")))?;
    let _let_go_when_dropped = LetGo(leash);
    told.await.unwrap_or_else(|_| {
        Err(SandboxError::Failed(
            "the sandbox's thread ended early".to_owned(),
        ))
    })
}

/// The end of the pipe whose closing ends the run.
#[derive(Debug, Clone, Default)]
struct Leash(Arc<Mutex<Hold>>);

#[derive(Debug, Default)]
enum Hold {
    #[default]
    NotYet,
    Held {
        _pipe: ChildStdin,
    },
    LetGo,
}

impl Leash {
    /// Keeps the pipe, or closes it when the run is not wanted any more.
    fn keep(&self, pipe: ChildStdin) {
        let mut hold = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*hold, Hold::NotYet) {
            *hold = Hold::Held { _pipe: pipe };
        }
    }

    fn let_go(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Hold::LetGo;
    }
}

struct LetGo(Leash);

impl Drop for LetGo {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

fn talk(place: &SandboxPlace, parcel: Parcel, leash: &Leash) -> Result<RunOutcome, SandboxError> {
    let runs = parcel.order.runs.clone();
    let deadline = Instant::now() + Duration::from_millis(parcel.order.timeout_ms) + GRACE;
    let mut child = start(place.helper())?;
    let answer = exchange(&mut child, parcel, leash, deadline);
    if answer.is_err() {
        // It may sit in a call that never returns; then it at least does not hold this thread.
        leash.let_go();
        let _ = child.kill();
    }
    let _ = child.wait();
    answer.unwrap_or_else(|error| {
        clear_up_after(child.id(), place, &runs);
        Err(SandboxError::Failed(format!(
            "the helper did not answer: {error}"
        )))
    })
}

/// A helper that was killed has cleared nothing away.
fn clear_up_after(helper: u32, place: &SandboxPlace, runs: &Path) {
    if !end_strays(place.mark(), GRACE) {
        // Its folder stays: the next start looks for them again.
        warn!("programs of a run cannot be ended whose helper is gone");
        return;
    }
    let prefix = run_prefix(helper);
    for left in fs::read_dir(runs).into_iter().flatten().flatten() {
        let is_its = left.file_name().to_string_lossy().starts_with(&prefix);
        if is_its && let Err(error) = remove(&left.path()) {
            warn!(%error, "the folder of a run stays whose helper is gone");
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts the helper"
)]
fn start(helper: &Path) -> Result<Child, SandboxError> {
    Command::new(helper)
        .arg(HELPER)
        // It needs nothing, and what is not there cannot be handed on.
        .env_clear()
        // The terminal's signals are for the bot.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| {
            SandboxError::Unavailable(format!("the helper cannot be started: {error}"))
        })
}

fn exchange(
    child: &mut Child,
    parcel: Parcel,
    leash: &Leash,
    deadline: Instant,
) -> io::Result<Result<RunOutcome, SandboxError>> {
    let (Some(mut control), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("it has no pipes"));
    };
    let mut told = write_header(&mut control, &parcel.order);
    for blob in &parcel.blobs {
        told = told.and_then(|()| control.write_all(blob));
    }
    // A helper that refuses does not read to the end, and its answer says more than the broken pipe.
    if let Err(error) = told
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        return Err(error);
    }
    leash.keep(control);
    drop(parcel);
    read_answer(&mut Patient {
        from: answers,
        deadline,
    })
}

fn read_answer(from: &mut impl Read) -> io::Result<Result<RunOutcome, SandboxError>> {
    let ended = match read_header(from)? {
        Answer::Refused(error) => return Ok(Err(error)),
        Answer::Ended(ended) => ended,
    };
    let stdout = Captured::of(&read_bytes(from, ended.stdout.0)?, ended.stdout.1);
    let stderr = Captured::of(&read_bytes(from, ended.stderr.0)?, ended.stderr.1);
    let mut artifacts = Vec::new();
    for (name, size) in ended.artifacts {
        let content = read_bytes(from, size)?;
        artifacts.push(Artifact { name, content });
    }
    Ok(Ok(RunOutcome {
        end: ended.end,
        stdout,
        stderr,
        duration: Duration::from_millis(ended.duration_ms),
        artifacts,
        skipped: ended.skipped,
    }))
}

/// Reads as long as there is time.
struct Patient<R> {
    from: R,
    deadline: Instant,
}

impl<R: Read + AsFd> Read for Patient<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left.as_millis()).unwrap_or(PollTimeout::MAX);
        let mut awaited = [PollFd::new(self.from.as_fd(), PollFlags::POLLIN)];
        match poll(&mut awaited, left) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => self.from.read(bytes),
            Err(error) => Err(error.into()),
        }
    }
}
