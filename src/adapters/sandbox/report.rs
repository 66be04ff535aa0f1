//! Which modes work on this machine, found out by trying them.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{AccessFlags, access, getuid};

use super::cgroups;
use super::config::{CgroupConfig, CgroupDriver, JailConfig, RlimitConfig};
use super::confine::landlock_version;
use super::place::SandboxPlace;
use super::process_sandbox::{JailArtifacts, ProcessSandbox, SandboxSettings};
use crate::core::sandbox::{RunEnd, RunFolder, RunRequest, Sandbox, SandboxMode};

/// What the machine gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxReport {
    /// The version of Landlock's interface, if there is one.
    pub landlock: Option<i32>,
    /// Each mode that can be tried without settings, the strongest first.
    pub modes: Vec<ModeReport>,
}

/// What this kernel leaves open to a browser that has broken out of its own sandbox, in words: its Landlock
/// is older than what closes it. The guard's proxy stands before it all the same.
pub fn open_to_browsers() -> Vec<&'static str> {
    open_below(landlock_version())
}

/// Sockets with a path that rule a machine or a session.
const RULING: [&str; 3] = [
    "/run/docker.sock",
    "/run/podman/podman.sock",
    "/run/containerd/containerd.sock",
];

/// The sockets of services here that a browser which has broken out could command. Landlock does not see who
/// connects to a path, a filter of system calls sees no path, and Chromium does not start without sockets.
pub fn sockets_open_to_browsers() -> Vec<PathBuf> {
    let session = format!("/run/user/{}/bus", getuid());
    let ruling = RULING.map(str::to_owned).into_iter().chain([session]);
    open_sockets(ruling.map(PathBuf::from))
}

/// Those of them that may be connected to.
fn open_sockets(paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let is_socket = |path: &PathBuf| {
        let found = std::fs::metadata(path);
        found.is_ok_and(|found| found.file_type().is_socket())
    };
    paths
        .filter(is_socket)
        .filter(|path| access(path, AccessFlags::W_OK).is_ok())
        .collect()
}

/// Without any Landlock no browser is started at all.
fn open_below(landlock: Option<i32>) -> Vec<&'static str> {
    let since = |version, what| landlock.is_some_and(|it| it < version).then_some(what);
    let ports = since(4, "TCP connections to any address (closed by Linux 6.7)");
    let signals = since(6, "signals to the bot's processes (closed by Linux 6.12)");
    ports.into_iter().chain(signals).collect()
}

/// One mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeReport {
    /// Which.
    pub mode: SandboxMode,
    /// Why it does not work, if so.
    pub works: Result<(), String>,
}

const STRONGEST_FIRST: [SandboxMode; 5] = [
    SandboxMode::Cgroup,
    SandboxMode::Native,
    SandboxMode::Rlimit,
    SandboxMode::Basic,
    SandboxMode::None,
];

/// Programs that do nothing; a system has at least one of them.
const NOTHING_TO_DO: [(&str, &[&str]); 4] = [
    ("/usr/bin/true", &[]),
    ("/bin/true", &[]),
    ("/bin/sh", &["-c", ":"]),
    ("/bin/busybox", &["true"]),
];

impl SandboxReport {
    /// Tries every mode that needs no settings of its own but `cgroup`. Takes some tens of milliseconds, and
    /// leaves this process where it is.
    pub async fn of_this_machine(place: &SandboxPlace, cgroup: CgroupConfig) -> Self {
        let mut modes = Vec::new();
        for mode in STRONGEST_FIRST {
            let settings = SandboxSettings {
                cgroup,
                ..plain_settings(mode)
            };
            let works = if makes_cgroups(&settings) && cgroups::of_runs().is_err() {
                cgroups::could_prepare()
            } else {
                trial(place, &settings).await
            };
            modes.push(ModeReport { mode, works });
        }
        Self {
            landlock: landlock_version(),
            modes,
        }
    }

    /// The strongest mode that works.
    pub fn strongest(&self) -> Option<SandboxMode> {
        self.modes
            .iter()
            .find(|report| report.works.is_ok())
            .map(|report| report.mode)
    }

    /// What holds a program in `native` mode, in words.
    pub fn layers(&self) -> String {
        layers(SandboxMode::Native, self.landlock)
    }
}

/// What holds a program in a mode, in words.
fn layers(mode: SandboxMode, landlock: Option<i32>) -> String {
    let landlock = match landlock {
        None => "no Landlock".to_owned(),
        Some(version) => {
            let and = match version {
                ..3 => "; seccomp refuses truncate and signals in its place",
                3..6 => "; seccomp refuses signals in its place",
                _ => "",
            };
            format!("Landlock version {version}, seccomp{and}")
        }
    };
    match mode {
        SandboxMode::None => "nothing holds it".to_owned(),
        SandboxMode::Basic => "an own session and environment".to_owned(),
        SandboxMode::Rlimit => "resource limits".to_owned(),
        SandboxMode::Native => format!("resource limits, {landlock}"),
        SandboxMode::Cgroup => format!("a cgroup, resource limits, {landlock}"),
        SandboxMode::Jail => "resource limits, and the jail of the settings".to_owned(),
    }
}

/// Why no program can be run as the settings say. Its words are for people: what is missing, and what would work.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The mode does not work here.
    #[error("{0}")]
    Mode(String),
    /// The mode works, with more than the limits allow.
    #[error("{0}")]
    Limits(String),
}

impl Unfit {
    /// The key that is at fault, in the section of the tool.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Mode(_) => "sandbox_mode",
            Self::Limits(_) => "rlimit",
        }
    }
}

/// Tries the mode of `settings`; what comes back is what holds a program then.
pub async fn check(place: &SandboxPlace, settings: &SandboxSettings) -> Result<String, Unfit> {
    let prepared = if makes_cgroups(settings) {
        cgroups::prepare()
    } else {
        Ok(())
    };
    let tried = match prepared {
        Ok(()) => trial(place, settings).await,
        Err(missing) => Err(missing),
    };
    let Err(missing) = tried else {
        return Ok(layers(settings.mode, landlock_version()));
    };
    let name = settings.mode.name();
    if works_with_usual_limits(place, settings).await {
        return Err(Unfit::Limits(format!(
            "a limit is too small: {missing}; with the default limits the mode \"{name}\" works here"
        )));
    }
    let report = SandboxReport::of_this_machine(place, settings.cgroup).await;
    let instead = match report.strongest() {
        Some(SandboxMode::None) | None => "no other mode works here".to_owned(),
        Some(mode) if mode.confinement() == SandboxMode::Native.confinement() => {
            format!("the mode \"{}\" works here", mode.name())
        }
        Some(mode) => format!(
            "the mode \"{}\" works here, but it holds back less",
            mode.name()
        ),
    };
    Err(Unfit::Mode(format!(
        "the mode \"{name}\" does not work here: {missing}; {instead}"
    )))
}

/// Whether only the limits of `settings`, which are others, are in the way.
async fn works_with_usual_limits(place: &SandboxPlace, settings: &SandboxSettings) -> bool {
    let limits = RlimitConfig::default();
    let usual = SandboxSettings {
        limits,
        ..settings.clone()
    };
    settings.limits != limits && trial(place, &usual).await.is_ok()
}

/// Whether the cgroups of runs are made by the bot itself.
fn makes_cgroups(settings: &SandboxSettings) -> bool {
    settings.mode == SandboxMode::Cgroup && settings.cgroup.driver == CgroupDriver::Cgroupfs
}

fn plain_settings(mode: SandboxMode) -> SandboxSettings {
    SandboxSettings {
        mode,
        limits: RlimitConfig::default(),
        cgroup: CgroupConfig::default(),
        jail: JailConfig::default(),
        jail_folder: None,
        jail_artifacts: JailArtifacts::Left,
        session: Vec::new(),
        environment: Vec::new(),
    }
}

/// Runs a program that does nothing.
async fn trial(place: &SandboxPlace, settings: &SandboxSettings) -> Result<(), String> {
    let nothing = NOTHING_TO_DO
        .iter()
        .find(|(program, _)| Path::new(program).exists());
    let Some((program, arguments)) = nothing else {
        return Err("there is no program to try it with (/bin/true, /bin/sh)".to_owned());
    };
    let request = RunRequest {
        program: program.into(),
        arguments: arguments
            .iter()
            .map(|text| crate::core::sandbox::Argument::text(*text))
            .collect(),
        stdin: Vec::new(),
        folder: RunFolder::Private { workspace: None },
        readable: Vec::new(),
        environment: Vec::new(),
        timeout: Duration::from_secs(10),
        most_output_bytes: 10_000,
        artifacts: None,
    };
    let outcome = ProcessSandbox::new(place.clone(), settings.clone())
        .run(request)
        .await;
    match outcome.map_err(|error| error.to_string())? {
        outcome if outcome.end == RunEnd::Exited(0) => Ok(()),
        outcome => Err(format!(
            "{program} ended with {:?}: {}",
            outcome.end,
            outcome.stderr.text.trim()
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::{open_below, open_sockets};

    #[test]
    fn a_socket_that_may_be_connected_to_is_told_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let _socket = UnixListener::bind(path("bus")).unwrap();
        std::fs::write(path("file"), "").unwrap();
        let found = open_sockets(["file", "none", "bus"].map(path).into_iter());
        assert_eq!(found, [path("bus")]);
    }

    #[test]
    fn what_an_older_kernel_leaves_open_to_a_browser_is_said() {
        for (landlock, open) in [
            (None, 0),
            (Some(1), 2),
            (Some(3), 2),
            (Some(4), 1),
            (Some(5), 1),
            (Some(6), 0),
            (Some(7), 0),
        ] {
            assert_eq!(open_below(landlock).len(), open, "{landlock:?}");
        }
        assert!(open_below(Some(3))[0].contains("TCP"));
    }
}
