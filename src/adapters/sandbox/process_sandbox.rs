//! The port's implementation: turns a request into an order, by the mode that it was built for.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::ask::{Parcel, ask};
use super::config::{CgroupConfig, CgroupDriver, JailConfig, RlimitConfig};
use super::order::{
    CgroupMaker, CgroupOrder, Layers, Order, OrderArgument, OrderPlace, ProcessLimits, TreeLimits,
};
use super::place::SandboxPlace;
use crate::core::sandbox::{
    Access, Argument, RunFolder, RunOutcome, RunRequest, Sandbox, SandboxError, SandboxMode,
};

/// How programs are confined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxSettings {
    /// By what.
    pub mode: SandboxMode,
    /// From `Rlimit` on.
    pub limits: RlimitConfig,
    /// For `Cgroup`.
    pub cgroup: CgroupConfig,
    /// For `Jail`.
    pub jail: JailConfig,
    /// For `Jail`: where the runs' folders are, when the jail sees another file system than the bot.
    pub jail_folder: Option<PathBuf>,
    /// Whether files are taken out of a jail.
    pub jail_artifacts: JailArtifacts,
    /// For `Cgroup`: the variables by which the user's service manager is found. No program sees them.
    pub session: Vec<(String, String)>,
    /// The environment of every program, beside `HOME` and `TMPDIR`.
    pub environment: Vec<(String, String)>,
}

impl SandboxSettings {
    /// The folder that the runs have to themselves, where it is not the bot's own.
    pub fn own_folder(&self) -> Option<&Path> {
        let folder = self.jail_folder.as_deref();
        folder.filter(|_| self.mode == SandboxMode::Jail)
    }
}

/// Whether files are taken out of a jail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JailArtifacts {
    /// They are.
    Taken,
    /// They are not: what the jail shows may not be what is there.
    Left,
}

/// Runs programs under a helper process.
#[derive(Debug, Clone)]
pub struct ProcessSandbox {
    place: SandboxPlace,
    settings: SandboxSettings,
}

const MEBIBYTE: u64 = 1 << 20;

/// A run may write so many times what one file may have.
const DISK_IN_FILES: u64 = 8;

/// So many files and folders at most.
const MOST_FILES: u64 = 10_000;

impl ProcessSandbox {
    /// A sandbox whose runs have their folders in `place`.
    pub fn new(place: SandboxPlace, settings: SandboxSettings) -> Self {
        Self { place, settings }
    }

    fn parcel(&self, request: RunRequest) -> Result<Parcel, SandboxError> {
        check(&request)?;
        let mut blobs = Vec::new();
        let mut arguments = Vec::new();
        for argument in request.arguments {
            arguments.push(match argument {
                Argument::Text(text) => OrderArgument::Text(text),
                Argument::File { name, content } => {
                    let size = content.len() as u64;
                    blobs.push(content);
                    OrderArgument::File { name, size }
                }
            });
        }
        let stdin_bytes = request.stdin.len() as u64;
        blobs.push(request.stdin);
        let mut environment = self.settings.environment.clone();
        environment.extend(request.environment);
        let mode = self.settings.mode;
        let in_jail = mode == SandboxMode::Jail;
        let order = Order {
            runs: self.runs().to_path_buf(),
            mark: self.place.mark(),
            prefix: if in_jail {
                self.settings.jail.command_prefix.clone()
            } else {
                Vec::new()
            },
            program: request.program,
            arguments,
            environment,
            stdin_bytes,
            place: match request.folder {
                RunFolder::Private { workspace } => OrderPlace::Private { workspace },
                RunFolder::Workspace(workspace, Access::Change) => OrderPlace::Changed(workspace),
                RunFolder::Workspace(workspace, Access::Look) => OrderPlace::Seen(workspace),
            },
            readable: request.readable,
            layers: layers(mode),
            timeout_ms: u64::try_from(request.timeout.as_millis()).unwrap_or(u64::MAX),
            most_output_bytes: request.most_output_bytes,
            tree: is_limited(mode).then(|| tree_limits(&self.settings.limits)),
            process: is_limited(mode).then(|| process_limits(&self.settings.limits)),
            cgroup: (mode == SandboxMode::Cgroup).then(|| self.cgroup()),
            artifacts: request
                .artifacts
                .filter(|_| !in_jail || self.settings.jail_artifacts == JailArtifacts::Taken),
        };
        Ok(Parcel { order, blobs })
    }

    fn runs(&self) -> &Path {
        let shared = self.settings.own_folder();
        shared.unwrap_or_else(|| self.place.runs())
    }

    fn cgroup(&self) -> CgroupOrder {
        let config = &self.settings.cgroup;
        CgroupOrder {
            made_by: match config.driver {
                CgroupDriver::Systemd => CgroupMaker::Systemd,
                CgroupDriver::Cgroupfs => CgroupMaker::Ourselves,
            },
            cpu_percent: config.cpu_quota_percent.get(),
            memory_bytes: u64::from(config.memory_max_mb.get()) * MEBIBYTE,
            processes: self.settings.limits.nproc.get().into(),
            session: self.settings.session.clone(),
        }
    }
}

#[async_trait]
impl Sandbox for ProcessSandbox {
    fn mode(&self) -> SandboxMode {
        self.settings.mode
    }

    async fn run(&self, request: RunRequest) -> Result<RunOutcome, SandboxError> {
        let parcel = self.parcel(request)?;
        ask(&self.place, parcel).await
    }
}

fn layers(mode: SandboxMode) -> Layers {
    match mode {
        SandboxMode::None => Layers::Plain,
        SandboxMode::Basic | SandboxMode::Rlimit | SandboxMode::Jail => Layers::Session,
        SandboxMode::Native | SandboxMode::Cgroup => Layers::Kernel,
    }
}

fn is_limited(mode: SandboxMode) -> bool {
    !matches!(mode, SandboxMode::None | SandboxMode::Basic)
}

fn tree_limits(limits: &RlimitConfig) -> TreeLimits {
    TreeLimits {
        memory_bytes: u64::from(limits.memory_mb.get()) * MEBIBYTE,
        disk_bytes: u64::from(limits.fsize_mb.get()) * MEBIBYTE * DISK_IN_FILES,
        files: MOST_FILES,
        processes: limits.nproc.get().into(),
    }
}

fn process_limits(limits: &RlimitConfig) -> ProcessLimits {
    ProcessLimits {
        cpu_seconds: limits.cpu_seconds.get().into(),
        memory_bytes: u64::from(limits.memory_mb.get()) * MEBIBYTE,
        file_bytes: u64::from(limits.fsize_mb.get()) * MEBIBYTE,
        processes: limits.nproc.get().into(),
        files: limits.nofile.get().into(),
    }
}

/// Refuses what cannot be meant: a path that depends on where the bot happens to stand, a zero byte.
fn check(request: &RunRequest) -> Result<(), SandboxError> {
    let workspace = match &request.folder {
        RunFolder::Private { workspace } => workspace.as_ref(),
        RunFolder::Workspace(workspace, _) => Some(workspace),
    };
    let paths = [&request.program]
        .into_iter()
        .chain(&request.readable)
        .chain(workspace);
    for path in paths {
        if !path.is_absolute() || path.to_str().is_none() {
            let shown = path.display();
            return Err(SandboxError::BadRequest(format!(
                "{shown} is not an absolute path of plain text"
            )));
        }
    }
    let texts = request
        .arguments
        .iter()
        .filter_map(|argument| match argument {
            Argument::Text(text) => Some(text.as_str()),
            Argument::File { .. } => None,
        });
    let variables = request
        .environment
        .iter()
        .flat_map(|(name, value)| [name.as_str(), value]);
    if texts.chain(variables).any(|text| text.contains('\0')) {
        return Err(SandboxError::BadRequest(
            "an argument has a zero byte in it".to_owned(),
        ));
    }
    Ok(())
}
