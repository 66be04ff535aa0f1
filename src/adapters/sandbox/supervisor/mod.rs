//! The helper: a process of our own binary that starts one run, watches it, and leaves nothing of it.
//! It is told what to do on its standard input, whose end means that the bot is gone.

mod cgroup;
mod collect;
mod folders;
mod held;
mod pipes;
mod run_folder;
mod start;
mod strays;
mod tree;
mod watch;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::WaitStatus;
use nix::unistd::geteuid;
use tokio::time::Instant;

use self::cgroup::Cgroup;
use self::collect::Collected;
use self::run_folder::RunFolder;
use self::start::{Started, start};
use self::watch::{Verdict, watch};
use super::confine::close_inherited;
use super::order::{Answer, Ended, Layers, Order, OrderPlace, read_header, write_header};
use crate::core::sandbox::{KilledBy, RunEnd, SandboxError};

pub(super) use self::folders::remove;
pub(super) use self::run_folder::{RUN_PREFIX, run_prefix};
pub(super) use self::strays::{end_strays, own_score};

/// How long processes may take to go once they are killed: the kernel may be writing for them.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs one order from the standard input and answers on the standard output.
pub fn supervise() -> ExitCode {
    close_inherited(&[]);
    let answer = match prepare() {
        Ok(signals) => serve(&signals),
        Err(error) => Some((refused(error), Vec::new())),
    };
    let Some((answer, blobs)) = answer else {
        return ExitCode::SUCCESS;
    };
    let mut out = io::stdout().lock();
    let written = write_header(&mut out, &answer)
        .and_then(|()| blobs.iter().try_for_each(|blob| out.write_all(blob)))
        .and_then(|()| out.flush());
    if written.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

type Reply = (Answer, Vec<Vec<u8>>);

fn refused(error: SandboxError) -> Answer {
    Answer::Refused(error)
}

/// Makes this process one that keeps its children, goes with the bot, and shows them nothing of itself.
fn prepare() -> Result<SignalFd, SandboxError> {
    let failed = |error: nix::Error| {
        SandboxError::Unavailable(format!("the helper cannot be set up: {error}"))
    };
    let signals: SigSet = [
        Signal::SIGCHLD,
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ]
    .into_iter()
    .collect();
    signals.thread_block().map_err(failed)?;
    // A mild signal: at the bot's end there is still something to clear away.
    prctl::set_pdeathsig(Signal::SIGTERM).map_err(failed)?;
    prctl::set_dumpable(false).map_err(failed)?;
    prctl::set_child_subreaper(true).map_err(failed)?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).map_err(failed)
}

/// Nothing is answered when nobody is there to read it.
fn serve(signals: &SignalFd) -> Option<Reply> {
    let mut control = io::stdin().lock();
    let order: Order = read_header(&mut control).ok()?;
    let outcome = RunFolder::make(&order)
        .map_err(SandboxError::Failed)
        .and_then(|folder| {
            let started = start(&order, &folder, &mut control)?;
            run(&order, folder, started, signals)
        });
    match outcome {
        Ok(reply) => reply,
        Err(error) => Some((refused(error), Vec::new())),
    }
}

fn run(
    order: &Order,
    folder: RunFolder,
    mut started: Started,
    signals: &SignalFd,
) -> Result<Option<Reply>, SandboxError> {
    let begun = Instant::now();
    let mut main = None;
    let verdict = watch(order, &folder, &mut started, (signals, &mut main));
    let duration = begun.elapsed();
    let ended = tree::end_all(started.child, &mut main, PATIENCE);
    let starved = started
        .cgroup
        .as_ref()
        .is_some_and(Cgroup::ran_out_of_memory);
    drop(started.cgroup);
    if let Err(error) = ended {
        folder.stay();
        return Err(SandboxError::Failed(error));
    }
    let verdict = verdict.map_err(|error| SandboxError::Failed(error.to_string()))?;
    let end = match verdict {
        Verdict::BotGone => return Ok(None),
        Verdict::Limit(limit) => RunEnd::Killed(limit),
        Verdict::Ended => match end_of(main, order) {
            // The kernel may have ended a child of the program, which did well all the same.
            RunEnd::Exited(0) => RunEnd::Exited(0),
            _ if starved => RunEnd::Killed(KilledBy::Memory),
            end => end,
        },
    };
    if let Some(error) = started.complaints.finish() {
        return Err(error);
    }
    let collected = collect(order, &folder).map_err(SandboxError::BadRequest)?;
    folder.remove().map_err(SandboxError::Failed)?;
    let (stdout, stdout_rest) = started.stdout.finish();
    let (stderr, stderr_rest) = started.stderr.finish();
    let (names, contents): (Vec<_>, Vec<_>) = collected
        .files
        .into_iter()
        .map(|(name, content)| ((name, content.len() as u64), content))
        .unzip();
    let answer = Answer::Ended(Ended {
        end,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        stdout: (stdout.len() as u64, stdout_rest),
        stderr: (stderr.len() as u64, stderr_rest),
        artifacts: names,
        skipped: collected.skipped,
    });
    let blobs = [stdout, stderr].into_iter().chain(contents).collect();
    Ok(Some((answer, blobs)))
}

/// How the program ended, where no limit of the helper's ended it. Two limits are the kernel's own.
fn end_of(status: Option<WaitStatus>, order: &Order) -> RunEnd {
    match status {
        Some(WaitStatus::Exited(_, code)) => RunEnd::Exited(code),
        Some(WaitStatus::Signaled(_, Signal::SIGXCPU, _)) if order.process.is_some() => {
            RunEnd::Killed(KilledBy::Timeout)
        }
        Some(WaitStatus::Signaled(_, Signal::SIGXFSZ, _)) if order.process.is_some() => {
            RunEnd::Killed(KilledBy::Disk)
        }
        Some(WaitStatus::Signaled(_, signal, _)) => RunEnd::Signalled(signal as i32),
        _ => RunEnd::Signalled(Signal::SIGKILL as i32),
    }
}

fn collect(order: &Order, folder: &RunFolder) -> Result<Collected, String> {
    match (&order.artifacts, &order.place) {
        (Some(rules), OrderPlace::Private { .. }) => {
            collect::collect(&folder.work(), rules, &[run_folder::WORKSPACE])
        }
        _ => Ok(Collected::default()),
    }
}

/// Whether the second stage leaves the child with the bot's own rights.
fn is_plain(order: &Order) -> bool {
    order.layers == Layers::Plain
}

/// Whether the program is another user than the bot.
fn becomes_nobody(order: &Order) -> bool {
    !is_plain(order) && geteuid().is_root()
}
