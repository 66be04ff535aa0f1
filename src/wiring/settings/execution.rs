//! Settings of the sandboxed tools: `[tools.python_exec]` and `[tools.bash]`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Deserialize;

use crate::adapters::sandbox::config::{CgroupConfig, JailConfig, RlimitConfig};
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

fn default_env_allowlist() -> Vec<String> {
    texts(&["PATH", "LANG", "LC_ALL", "PYTHONUTF8"])
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
