//! Settings of the sandboxed tools: `[tools.python_exec]` and `[tools.bash]`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Deserialize;

use crate::core::sandbox::SandboxMode;
use crate::core::units::{ByteCount, Seconds, count, none_if_empty};

/// `[tools.python_exec]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PythonExecConfig {
    pub enabled: bool,
    /// Searched for when there is none.
    #[serde(deserialize_with = "none_if_empty")]
    pub python_path: Option<PathBuf>,
    #[serde(deserialize_with = "none_if_empty")]
    pub venv_path: Option<PathBuf>,
    pub sandbox_mode: SandboxMode,
    pub i_understand_the_risk: bool,
    pub default_timeout_seconds: Seconds,
    pub max_timeout_seconds: Seconds,
    pub max_output_bytes: ByteCount,
    pub max_code_bytes: ByteCount,
    pub env_allowlist: Vec<String>,
    pub pass_parent_env: bool,
    pub artifacts_enabled: bool,
    pub artifacts_default_subdir: String,
    pub artifacts_allowed_extensions: Vec<String>,
    pub artifacts_max_files: NonZeroU32,
    pub artifacts_max_file_bytes: ByteCount,
    pub artifacts_max_total_bytes: ByteCount,
    pub artifacts_allow_in_jail: bool,
    #[serde(deserialize_with = "none_if_empty")]
    pub artifacts_jail_shared_dir: Option<PathBuf>,
    pub rlimit: RlimitConfig,
    pub cgroup: CgroupConfig,
    pub jail: JailConfig,
}

impl Default for PythonExecConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            python_path: None,
            venv_path: None,
            sandbox_mode: SandboxMode::Native,
            i_understand_the_risk: false,
            default_timeout_seconds: Seconds::new(8),
            max_timeout_seconds: Seconds::new(20),
            max_output_bytes: ByteCount::kilobytes(64),
            max_code_bytes: ByteCount::kilobytes(32),
            env_allowlist: default_env_allowlist(),
            pass_parent_env: false,
            artifacts_enabled: true,
            artifacts_default_subdir: "generated".to_owned(),
            artifacts_allowed_extensions: texts(&[
                ".png", ".jpg", ".jpeg", ".pdf", ".csv", ".txt", ".json", ".svg",
            ]),
            artifacts_max_files: count(5),
            artifacts_max_file_bytes: ByteCount::megabytes(5),
            artifacts_max_total_bytes: ByteCount::megabytes(20),
            artifacts_allow_in_jail: false,
            artifacts_jail_shared_dir: None,
            rlimit: RlimitConfig::default(),
            cgroup: CgroupConfig::default(),
            jail: JailConfig::default(),
        }
    }
}

/// `[tools.bash]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BashConfig {
    pub enabled: bool,
    pub sandbox_mode: SandboxMode,
    pub i_understand_the_risk: bool,
    pub default_timeout_seconds: Seconds,
    pub max_timeout_seconds: Seconds,
    pub max_output_bytes: ByteCount,
    pub env_allowlist: Vec<String>,
    pub pass_parent_env: bool,
    pub rlimit: RlimitConfig,
    pub cgroup: CgroupConfig,
    pub jail: JailConfig,
}

impl Default for BashConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            sandbox_mode: SandboxMode::Native,
            i_understand_the_risk: false,
            default_timeout_seconds: Seconds::new(15),
            max_timeout_seconds: Seconds::new(120),
            max_output_bytes: ByteCount::kilobytes(128),
            env_allowlist: default_env_allowlist(),
            pass_parent_env: false,
            rlimit: RlimitConfig::default(),
            cgroup: CgroupConfig::default(),
            jail: JailConfig::default(),
        }
    }
}

/// `[tools.*.rlimit]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RlimitConfig {
    pub cpu_seconds: NonZeroU32,
    pub memory_mb: NonZeroU32,
    pub fsize_mb: NonZeroU32,
    pub nproc: NonZeroU32,
    pub nofile: NonZeroU32,
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
#[derive(Debug, Clone, Copy, Deserialize)]
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
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JailConfig {
    /// A program with its flags, such as firejail or bwrap, that runs the child.
    pub command_prefix: Vec<String>,
}

fn default_env_allowlist() -> Vec<String> {
    texts(&["PATH", "LANG", "LC_ALL", "PYTHONUTF8"])
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
