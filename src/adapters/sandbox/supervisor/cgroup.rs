//! A cgroup v2 of a run's own, which holds memory, processor and number of processes for all of it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::geteuid;

use super::super::cgroups::of_runs;
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
    /// Makes one beside the cgroup of the bot.
    pub(super) fn make(order: &CgroupOrder) -> Result<Self, String> {
        Self::make_in(&of_runs()?, order)
    }

    fn make_in(shared: &Path, order: &CgroupOrder) -> Result<Self, String> {
        let path = shared.join(format!("minibot-{}", nix::unistd::getpid()));
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

    /// Whether the kernel has ended any of its processes for lack of memory.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.path.join("memory.events")).unwrap_or_default();
        let kills = events
            .lines()
            .find_map(|line| line.strip_prefix("oom_kill "));
        kills.is_some_and(|kills| kills != "0")
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

/// What systemd is asked for, in front of the command that is to run in a scope of its own.
pub(super) fn systemd_scope(order: &CgroupOrder) -> Vec<OsString> {
    let mut words = vec![
        "systemd-run".to_owned(),
        "--scope".to_owned(),
        "--quiet".to_owned(),
        "--collect".to_owned(),
    ];
    if !geteuid().is_root() {
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

/// By what the service manager of the user is found, where the bot was not told: every login has one
/// there, and so has every user that lingers.
pub(super) fn session(given: &[(String, String)]) -> Vec<(String, OsString)> {
    const RUNTIME: &str = "XDG_RUNTIME_DIR";
    let mut session: Vec<(String, OsString)> = given
        .iter()
        .map(|(name, value)| (name.clone(), value.into()))
        .collect();
    if !session.iter().any(|(name, _)| name == RUNTIME) {
        session.push((
            RUNTIME.to_owned(),
            format!("/run/user/{}", geteuid()).into(),
        ));
    }
    session
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::super::order::{CgroupMaker, CgroupOrder};
    use super::Cgroup;

    #[test]
    fn a_run_gets_a_cgroup_with_its_limits() {
        let top = tempfile::tempdir().unwrap();
        let order = CgroupOrder {
            made_by: CgroupMaker::Ourselves,
            cpu_percent: 50,
            memory_bytes: 1 << 28,
            processes: 64,
            session: Vec::new(),
        };
        let cgroup = Cgroup::make_in(top.path(), &order).unwrap();
        let read = |file: &str| fs::read_to_string(cgroup.path().join(file)).unwrap();
        assert_eq!(read("memory.max"), "268435456");
        assert_eq!(read("memory.swap.max"), "0");
        assert_eq!(read("cpu.max"), "50000 100000");
        assert_eq!(read("pids.max"), "64");
        assert!(!cgroup.ran_out_of_memory());
        let events = |kills: u8| format!("low 0\nhigh 0\nmax 3\noom {kills}\noom_kill {kills}\n");
        for (kills, is_so) in [(0, false), (2, true)] {
            fs::write(cgroup.path().join("memory.events"), events(kills)).unwrap();
            assert_eq!(cgroup.ran_out_of_memory(), is_so);
        }
        assert!(
            Cgroup::make_in(top.path(), &order).is_err(),
            "one for each helper"
        );
    }
}
