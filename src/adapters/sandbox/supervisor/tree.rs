//! All processes below the helper: finding them, counting what they take, and ending them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, SysconfVar, sysconf};
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::time::Instant;

/// A process as the kernel shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub pid: i32,
    pub parent: i32,
    pub threads: u64,
    /// When it began, in ticks since the machine did: with this, no other process can be taken for it.
    started: u64,
    resident_pages: u64,
    pub is_dead: bool,
}

/// Every process below this one.
pub(super) fn below() -> Vec<Process> {
    let all = all();
    let mut children: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found: Vec<Process> = Vec::new();
    let mut open = vec![nix::unistd::getpid().as_raw()];
    while let Some(parent) = open.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            open.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// Every process that there is.
pub(super) fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(process)
        .collect()
}

fn process(pid: i32) -> Option<Process> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads a line of `/proc/PID/stat`. The name in it is the program's own choice, parentheses and all.
fn parse(stat: &str) -> Option<Process> {
    let (pid, _) = stat.split_once(' ')?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = behind_name.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Process {
        pid: pid.parse().ok()?,
        parent: fields.get(1)?.parse().ok()?,
        threads: number(17)?,
        started: number(19)?,
        resident_pages: number(21)?,
        is_dead: matches!(fields.first(), Some(&("Z" | "X"))),
    })
}

#[cfg(test)]
pub(super) fn itself() -> Process {
    process(nix::unistd::getpid().as_raw()).expect("this process is there")
}

/// How many tasks there are, threads among them.
pub(super) fn tasks(tree: &[Process]) -> u64 {
    tree.iter()
        .filter(|process| !process.is_dead)
        .map(|process| process.threads)
        .sum()
}

/// Whether the processes have more than `limit` bytes of memory together. Pages that they share count
/// once, as far as the kernel tells: that is dear to find out, so it is only asked when it may matter.
pub(super) fn has_more_memory(tree: &[Process], limit: u64) -> bool {
    let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    let page = page
        .and_then(|page| u64::try_from(page).ok())
        .unwrap_or(4096);
    let resident: u64 = tree.iter().map(|process| process.resident_pages).sum();
    resident.saturating_mul(page) > limit
        && tree.iter().map(|process| memory(process.pid)).sum::<u64>() > limit
}

/// The process's share of the memory that it has, in bytes, swapped or not.
fn memory(pid: i32) -> u64 {
    let sum = |file: &str, fields: &[&str]| {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        let kibibytes = text.lines().filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            let number = rest.split_ascii_whitespace().next()?.parse::<u64>().ok()?;
            fields.contains(&name).then_some(number)
        });
        let kibibytes: Vec<u64> = kibibytes.collect();
        (!kibibytes.is_empty()).then(|| kibibytes.iter().sum::<u64>() * 1024)
    };
    // A container's root may not see the first of another user's process.
    sum("smaps_rollup", &["Pss", "SwapPss"])
        .or_else(|| sum("status", &["RssAnon", "RssShmem", "VmSwap"]))
        .unwrap_or(0)
}

/// What is known of the children that have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Children {
    /// Some are left.
    Some,
    /// None is, and so nothing below this process either: who loses its parent becomes a child of ours.
    None,
}

/// Takes note of all children that have ended; `main` gets how the one of that id did.
pub(super) fn reap(child: Pid, main: &mut Option<WaitStatus>) -> Children {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return Children::Some,
            Ok(status) if status.pid() == Some(child) => *main = Some(status),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return Children::None,
        }
    }
}

/// Between two looks at processes that are ending.
const PAUSE: Duration = Duration::from_millis(1);

/// Ends everything below this process. First all of them are stopped, so that none starts others while
/// they are killed. Fails when some still live after `patience`: the kernel does not let go of them.
pub(super) fn end_all(
    child: Pid,
    main: &mut Option<WaitStatus>,
    patience: Duration,
) -> Result<(), String> {
    let deadline = Instant::now() + patience;
    let mut hunt = Hunt::default();
    while reap(child, main) == Children::Some {
        let tree = below();
        hunt.press(&tree);
        if Instant::now() >= deadline {
            return Err(format!(
                "{} processes of the run cannot be ended",
                tree.len()
            ));
        }
    }
    Ok(())
}

/// Stops all processes before the first is killed.
#[derive(Debug, Default)]
pub(super) struct Hunt {
    stopped: BTreeSet<(i32, u64)>,
}

impl Hunt {
    /// Does what is next to be done about those that are left.
    pub(super) fn press(&mut self, tree: &[Process]) {
        let mut all_stopped = true;
        for process in tree.iter().filter(|process| !process.is_dead) {
            if self.stopped.insert((process.pid, process.started)) {
                all_stopped = false;
                signal(process, Signal::STOP);
            }
        }
        if all_stopped {
            for process in tree {
                signal(process, Signal::KILL);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Sends a signal to exactly this process, not to one that got its number since.
fn signal(process: &Process, signal: Signal) {
    let Some(pid) = rustix::process::Pid::from_raw(process.pid) else {
        return;
    };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
        return;
    };
    if self::process(process.pid).is_some_and(|found| found.started == process.started) {
        let _ = pidfd_send_signal(handle, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::{Process, parse, tasks};

    const LINE: &str = "4242 (a) b (c) S 17 4242 4242 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 3 0 98765 1000000 250 18446744073709551615";

    #[test]
    fn a_name_cannot_hide_a_process() {
        let expected = Process {
            pid: 4242,
            parent: 17,
            threads: 3,
            started: 98765,
            resident_pages: 250,
            is_dead: false,
        };
        assert_eq!(parse(LINE), Some(expected));
        let named = LINE.replace("(a) b (c)", "(x) R 1 1 1 (\n)");
        assert_eq!(parse(&named), Some(expected));
        assert_eq!(parse(""), None);
        assert_eq!(parse("1 (short) S 2"), None);
    }

    #[test]
    fn threads_count_and_the_dead_do_not() {
        let living = parse(LINE).unwrap();
        let dead = parse(&LINE.replace(" S ", " Z ")).unwrap();
        assert_eq!(tasks(&[living, dead, living]), 6);
    }
}
