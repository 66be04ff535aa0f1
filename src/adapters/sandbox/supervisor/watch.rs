//! Watches a run until it ends or must be ended.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::WaitStatus;
use tokio::time::Instant;

use super::super::confine::NOBODY;
use super::super::order::{Order, OrderPlace, TreeLimits};
use super::becomes_nobody;
use super::folders::{Usage, usage};
use super::held::{Held, held};
use super::run_folder::RunFolder;
use super::start::Started;
use super::tree::{self, Process};
use crate::core::sandbox::KilledBy;

/// Why the watching ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The program ended.
    Ended,
    /// It must be ended.
    Limit(KilledBy),
    /// The bot is gone, or wants to hear no more of it.
    BotGone,
}

/// Time between two looks at all processes of the run.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Watches until there is a verdict; `main` gets how the program ended.
pub(super) fn watch(
    order: &Order,
    folder: &RunFolder,
    run: &mut Started,
    (signals, main): (&SignalFd, &mut Option<WaitStatus>),
) -> io::Result<Verdict> {
    let begun = Instant::now();
    let deadline = begun + Duration::from_millis(order.timeout_ms);
    let mut next_look = begun + LOOK_EVERY;
    let mut taken = order.tree.map(|limits| Taken::new(order, folder, limits));
    loop {
        if wait(run, signals, deadline.min(next_look))? == Control::Ended {
            return Ok(Verdict::BotGone);
        }
        if is_told_to_end(signals)? {
            return Ok(Verdict::BotGone);
        }
        run.stdin.give();
        run.stdout.take();
        run.stderr.take();
        tree::reap(run.child, main);
        if main.is_some() {
            let too_much = taken.as_mut().and_then(Taken::last_look);
            return Ok(too_much.map_or(Verdict::Ended, Verdict::Limit));
        }
        if run.stdout.is_flood() || run.stderr.is_flood() {
            return Ok(Verdict::Limit(KilledBy::Output));
        }
        let now = Instant::now();
        if now >= deadline {
            return Ok(Verdict::Limit(KilledBy::Timeout));
        }
        if now >= next_look {
            if let Some(taken) = &mut taken
                && let Some(limit) = taken.look()
            {
                return Ok(Verdict::Limit(limit));
            }
            next_look = Instant::now() + LOOK_EVERY;
        }
    }
}

/// Whether any of the signals that came was more than news of a child.
fn is_told_to_end(signals: &SignalFd) -> io::Result<bool> {
    while let Some(signal) = signals.read_signal()? {
        if signal.ssi_signo != (Signal::SIGCHLD as i32).unsigned_abs() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the bot still holds the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Control {
    Held,
    Ended,
}

fn wait(run: &Started, signals: &SignalFd, until: Instant) -> io::Result<Control> {
    let control = io::stdin();
    let mut awaited = vec![
        PollFd::new(control.as_fd(), PollFlags::POLLIN),
        PollFd::new(signals.as_fd(), PollFlags::POLLIN),
    ];
    for pipe in [run.stdout.waits_on(), run.stderr.waits_on()]
        .into_iter()
        .flatten()
    {
        awaited.push(PollFd::new(pipe, PollFlags::POLLIN));
    }
    if let Some(pipe) = run.stdin.waits_on() {
        awaited.push(PollFd::new(pipe, PollFlags::POLLOUT));
    }
    // A part of a millisecond is waited for as a whole one, or the last one would be spent in circles.
    let left = until
        .saturating_duration_since(Instant::now())
        .as_micros()
        .div_ceil(1000);
    let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
    match poll(&mut awaited, timeout) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    // Nothing is ever sent behind the order: whatever happens there is the end.
    Ok(if awaited[0].any().unwrap_or(true) {
        Control::Ended
    } else {
        Control::Held
    })
}

/// What the run takes of the machine.
struct Taken<'a> {
    run: &'a Path,
    workspace: Option<(&'a Path, Usage)>,
    /// The user that the program is, where that is another one than the helper.
    user: Option<u32>,
    limits: TreeLimits,
    /// No file of the program's can be larger than that.
    largest_file: u64,
    /// What stood in the folders when they were looked at, and when they are again.
    found: Usage,
    next: Instant,
}

/// Looking at folders may take this part of the time, no more.
const SHARE_OF_TIME: u32 = 5;

impl<'a> Taken<'a> {
    fn new(order: &'a Order, folder: &'a RunFolder, limits: TreeLimits) -> Self {
        let workspace = match &order.place {
            // What stands there already is not the run's.
            OrderPlace::Changed(path) => Some((path.as_path(), usage(path, u64::MAX, u64::MAX))),
            OrderPlace::Private { .. } | OrderPlace::Seen(_) => None,
        };
        Self {
            run: folder.top(),
            workspace,
            user: becomes_nobody(order).then_some(NOBODY),
            limits,
            largest_file: order.process.map_or(0, |limits| limits.file_bytes),
            found: Usage::default(),
            next: Instant::now(),
        }
    }

    fn look(&mut self) -> Option<KilledBy> {
        let begun = Instant::now();
        if begun >= self.next {
            self.found = self.in_folders();
            self.next = Instant::now() + begun.elapsed() * SHARE_OF_TIME;
        }
        self.too_much()
    }

    /// What was written when the program has ended: what grew since the last look counts as well. Whoever
    /// is still there is about to go, so what else it takes is no matter any more.
    fn last_look(&mut self) -> Option<KilledBy> {
        self.found = self.in_folders();
        self.too_much_on_disk(self.held(&tree::below()))
    }

    fn too_much(&self) -> Option<KilledBy> {
        let tree = tree::below();
        if tree::tasks(&tree) >= self.limits.processes {
            return Some(KilledBy::Processes);
        }
        let held = self.held(&tree);
        // Before the memory: to count that takes as long as there are mappings.
        if held.too_many_mappings
            || held.buffers > self.limits.memory_bytes
            || tree::has_more_memory(&tree, self.limits.memory_bytes)
        {
            return Some(KilledBy::Memory);
        }
        self.too_much_on_disk(held)
    }

    fn too_much_on_disk(&self, held: Held) -> Option<KilledBy> {
        let all = self.found.and(held.files);
        let is_over = all.is_over(self.limits.disk_bytes, self.limits.files);
        is_over.then_some(KilledBy::Disk)
    }

    fn held(&self, tree: &[Process]) -> Held {
        let workspace = self.workspace.as_ref().map(|(path, _)| *path);
        let folders: Vec<&Path> = std::iter::once(self.run).chain(workspace).collect();
        held(tree, self.user, (&folders, self.largest_file))
    }

    fn in_folders(&self) -> Usage {
        let (most_bytes, most_files) = (self.limits.disk_bytes, self.limits.files);
        let run = usage(self.run, most_bytes, most_files);
        let Some((path, before)) = &self.workspace else {
            return run;
        };
        let now = usage(
            path,
            most_bytes.saturating_add(before.bytes),
            most_files.saturating_add(before.entries),
        );
        run.and(Usage {
            bytes: now.bytes.saturating_sub(before.bytes),
            entries: now.entries.saturating_sub(before.entries),
            too_deep: now.too_deep && !before.too_deep,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(run: &Path, disk_bytes: u64) -> Taken<'_> {
        Taken {
            run,
            workspace: None,
            user: None,
            limits: TreeLimits {
                memory_bytes: 0,
                disk_bytes,
                files: 9,
                processes: 0,
            },
            largest_file: 0,
            found: Usage::default(),
            next: Instant::now(),
        }
    }

    #[test]
    fn at_the_end_only_what_was_written_matters() {
        let run = tempfile::tempdir().expect("there is room");
        std::fs::write(run.path().join("a"), vec![1; 10_000]).expect("there is room");
        let mut within = taken(run.path(), u64::MAX);
        assert_eq!(within.look(), Some(KilledBy::Processes));
        assert_eq!(within.last_look(), None);
        assert_eq!(taken(run.path(), 100).last_look(), Some(KilledBy::Disk));
    }
}
