//! A cgroup v2 of a run's own, which holds memory, processor and number of processes for all of it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::order::CgroupOrder;

/// A cgroup that this process made.
#[derive(Debug)]
pub(super) struct Cgroup {
    path: PathBuf,
}

/// Of the second's hundred thousandths that a run may use the processor, one percent.
const PERCENT_OF_PERIOD: u64 = 1000;
const PERIOD: u64 = 100_000;

impl Cgroup {
    /// Makes one below the cgroup of this process.
    pub(super) fn make(order: &CgroupOrder) -> Result<Self, String> {
        let parent = own()?;
        missing_controllers(&parent)?;
        let path = parent.join(format!("minibot-{}", nix::unistd::getpid()));
        fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let cgroup = Self { path };
        let quota = u64::from(order.cpu_percent) * PERCENT_OF_PERIOD;
        for (file, value) in [
            ("memory.max", order.memory_bytes.to_string()),
            ("cpu.max", format!("{quota} {PERIOD}")),
            ("pids.max", order.processes.to_string()),
        ] {
            fs::write(cgroup.path.join(file), value).map_err(|error| format!("{file}: {error}"))?;
        }
        // Not every kernel counts swap.
        let _ = fs::write(cgroup.path.join("memory.swap.max"), "0");
        Ok(cgroup)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::write(self.path.join("cgroup.kill"), "1");
        // The kernel lets it go a moment after its last process.
        for _ in 0..100 {
            if fs::remove_dir(&self.path).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The cgroup of this process.
fn own() -> Result<PathBuf, String> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mount = mount_of(&mounts).ok_or("there is no cgroup v2 here")?;
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let below = own.lines().find_map(|line| line.strip_prefix("0::/"));
    Ok(Path::new(mount).join(below.ok_or("this process is in no cgroup v2")?))
}

fn mount_of(mounts: &str) -> Option<&str> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let path = fields.next()?;
        (fields.next()? == "cgroup2").then_some(path)
    })
}

fn missing_controllers(parent: &Path) -> Result<(), String> {
    let given = fs::read_to_string(parent.join("cgroup.subtree_control")).unwrap_or_default();
    let missing: Vec<&str> = ["memory", "cpu", "pids"]
        .into_iter()
        .filter(|controller| !given.split_ascii_whitespace().any(|one| one == *controller))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the cgroup {} does not hand on: {}",
        parent.display(),
        missing.join(", ")
    ))
}

/// What systemd is asked for, in front of the command that is to run in a scope of its own.
pub(super) fn systemd_scope(order: &CgroupOrder) -> Vec<OsString> {
    let mut words = vec![
        "systemd-run".to_owned(),
        "--scope".to_owned(),
        "--quiet".to_owned(),
        "--collect".to_owned(),
    ];
    if !nix::unistd::geteuid().is_root() {
        words.push("--user".to_owned());
    }
    words.extend([
        format!("--property=MemoryMax={}", order.memory_bytes),
        "--property=MemorySwapMax=0".to_owned(),
        format!("--property=CPUQuota={}%", order.cpu_percent),
        format!("--property=TasksMax={}", order.processes),
        "--".to_owned(),
    ]);
    words.into_iter().map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::mount_of;

    #[test]
    fn the_mount_is_found_among_others() {
        let mounts = "proc /proc proc rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n";
        assert_eq!(mount_of(mounts), Some("/sys/fs/cgroup"));
        assert_eq!(mount_of("proc /proc proc rw 0 0"), None);
    }
}
