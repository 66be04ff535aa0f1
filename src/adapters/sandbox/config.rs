//! The parts of `[tools.python_exec]` and `[tools.bash]` that are the sandbox's.

use std::num::NonZeroU32;

use serde::Deserialize;

use crate::core::units::count;

/// `[tools.*.rlimit]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RlimitConfig {
    pub cpu_seconds: NonZeroU32,
    pub memory_mb: NonZeroU32,
    pub fsize_mb: NonZeroU32,
    pub nproc: NonZeroU32,
    pub nofile: NonZeroU32,
}

impl RlimitConfig {
    /// The second stage and the program that it becomes.
    pub const LEAST_NPROC: u32 = 2;
}

impl Default for RlimitConfig {
    fn default() -> Self {
        Self {
            cpu_seconds: count(10),
            memory_mb: count(512),
            fsize_mb: count(16),
            nproc: count(64),
            nofile: count(256),
        }
    }
}

/// `[tools.*.cgroup]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CgroupConfig {
    pub driver: CgroupDriver,
    pub cpu_quota_percent: NonZeroU32,
    pub memory_max_mb: NonZeroU32,
}

impl Default for CgroupConfig {
    fn default() -> Self {
        Self {
            driver: CgroupDriver::Systemd,
            cpu_quota_percent: count(100),
            memory_max_mb: count(256),
        }
    }
}

/// Who makes the cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CgroupDriver {
    Systemd,
    Cgroupfs,
}

/// `[tools.*.jail]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JailConfig {
    /// A program with its flags, such as firejail or bwrap, that runs the child.
    pub command_prefix: Vec<String>,
}
