//! Processes of runs whose helper is gone. They belong to nobody any more, and whatever they have made of
//! themselves, the kernel keeps a number of each that tells whose they were.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use nix::unistd::geteuid;
use tokio::time::Instant;

use super::super::HELPER;
use super::super::confine::NOBODY;
use super::super::order::Mark;
use super::tree::{self, Hunt, Process};

/// Ends all processes with this mark that no helper watches. Says whether none is left.
pub(in super::super) fn end_strays(mark: Mark, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    let mut hunt = Hunt::default();
    loop {
        let strays = strays(mark);
        if strays.is_empty() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        hunt.press(&strays);
    }
}

fn strays(mark: Mark) -> Vec<Process> {
    // Where the bot has the number itself, it tells nothing.
    if is_marked(std::process::id().cast_signed(), mark) {
        return Vec::new();
    }
    let all: BTreeMap<i32, Process> = tree::all()
        .into_iter()
        .map(|process| (process.pid, process))
        .collect();
    let is_stray = |process: &&Process| {
        !process.is_dead
            && is_marked(process.pid, mark)
            && is_of_ours(process.pid)
            && belongs_to_nobody(process, &all, mark)
    };
    all.values().filter(is_stray).copied().collect()
}

fn is_marked(pid: i32, mark: Mark) -> bool {
    score(&format!("/proc/{pid}/oom_score_adj")).is_some_and(|score| mark.is(score))
}

/// How soon this process is to be ended for lack of memory.
pub(in super::super) fn own_score() -> i16 {
    score("/proc/self/oom_score_adj").unwrap_or(0)
}

fn score(file: &str) -> Option<i16> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Whether its user is one as whom this bot runs programs.
fn is_of_ours(pid: i32) -> bool {
    let own = geteuid();
    let user = fs::metadata(Path::new("/proc").join(pid.to_string())).map(|found| found.uid());
    user.is_ok_and(|user| user == own.as_raw() || (own.is_root() && user == NOBODY))
}

/// Whether no helper stands above it. Where it cannot be told, one may.
fn belongs_to_nobody(process: &Process, all: &BTreeMap<i32, Process>, mark: Mark) -> bool {
    let mut parent = process.parent;
    // No process stands so deep; and who moves while the list is made could stand in a circle.
    for _ in 0..all.len() {
        if parent == 0 {
            return true;
        }
        let Some(above) = all.get(&parent) else {
            return false;
        };
        if is_helper(parent) && !is_marked(parent, mark) {
            return false;
        }
        parent = above.parent;
    }
    false
}

fn is_helper(pid: i32) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    words.split(|byte| *byte == 0).nth(1) == Some(HELPER.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::super::order::Mark;
    use super::{own_score, strays};

    #[test]
    fn nobody_is_a_stray_where_the_bot_has_the_mark_itself() {
        let own = own_score().max(0).to_string();
        let own: Mark = serde_json::from_str(&own).unwrap();
        assert_eq!(strays(own), []);
    }
}
