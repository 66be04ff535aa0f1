//! The limits of one process, and the identity that it gets where the bot is root.

use std::fs;

use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use rlimit::Resource;
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

use super::super::order::ProcessLimits;

/// The user that programs run as where the bot is root: it owns nothing, and limits hold for it.
pub(in super::super) const NOBODY: u32 = 65532;

const MEBIBYTE: u64 = 1 << 20;

/// Sets the limits. `tasks` is how many the user has already, for they count against the same limit.
pub(super) fn set(limits: &ProcessLimits, tasks: u64) -> Result<(), String> {
    for (resource, soft, hard) in [
        // At the first the program is told by a signal, at the second it is gone.
        (Resource::CPU, limits.cpu_seconds, limits.cpu_seconds + 1),
        (Resource::AS, limits.memory_bytes, limits.memory_bytes),
        (Resource::FSIZE, limits.file_bytes, limits.file_bytes),
        (Resource::NOFILE, limits.files, limits.files),
        (
            Resource::NPROC,
            limits.processes + tasks,
            limits.processes + tasks,
        ),
        (Resource::CORE, 0, 0),
        (Resource::MEMLOCK, MEBIBYTE, MEBIBYTE),
        (Resource::MSGQUEUE, 0, 0),
        (Resource::NICE, 0, 0),
        (Resource::RTPRIO, 0, 0),
    ] {
        // What stands lower already stays: only a privileged process could raise it.
        let (_, ceiling) = resource.get().map_err(|error| failed(resource, &error))?;
        let (soft, hard) = (soft.min(ceiling), hard.min(ceiling));
        resource
            .set(soft, hard)
            .map_err(|error| failed(resource, &error))?;
    }
    Ok(())
}

fn failed(resource: Resource, error: &std::io::Error) -> String {
    format!("the limit {} cannot be set: {error}", resource.as_name())
}

/// How many tasks a user has, threads among them.
pub(super) fn tasks_of(user: u32) -> u64 {
    let Ok(entries) = fs::read_dir("/proc") else {
        return 0;
    };
    entries
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .as_encoded_bytes()
                .iter()
                .all(u8::is_ascii_digit)
        })
        .filter_map(|entry| fs::read_to_string(entry.path().join("status")).ok())
        .filter_map(|status| {
            let field = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name))?;
                line.split_ascii_whitespace().next()?.parse::<u64>().ok()
            };
            (field("Uid:")? == u64::from(user))
                .then(|| field("Threads:"))
                .flatten()
        })
        .sum()
}

/// Becomes a user that owns nothing. There is no way back.
pub(super) fn become_nobody() -> Result<(), String> {
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    setgroups(&[])
        .and_then(|()| setresgid(group, group, group))
        .and_then(|()| setresuid(user, user, user))
        .map_err(|error| format!("the bot is root and cannot become the user {NOBODY}: {error}"))
}

/// Gives up every capability. A root without them still owns root's files, and can do nothing to others'
/// processes. With `no_new_privs`, no program gives them back.
pub(super) fn drop_capabilities() -> Result<(), String> {
    let none = CapabilitySet::empty();
    let sets = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    set_capabilities(None, sets)
        .map_err(|error| format!("the capabilities cannot be given up: {error}"))
}

#[cfg(test)]
mod tests {
    use super::tasks_of;

    #[test]
    fn the_tasks_of_a_user_are_counted() {
        let own = nix::unistd::getuid().as_raw();
        assert!(tasks_of(own) >= 1);
        assert_eq!(tasks_of(4_000_000_001), 0);
    }
}
