//! What is found of a browser here, for `minibot doctor`.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::launch::{LaunchSettings, Launcher, OwnSandbox};
use super::program;
use crate::core::browser::BrowserError;

/// It answers at once, or never.
const ANSWER: Duration = Duration::from_secs(10);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserReport {
    /// The program.
    pub program: PathBuf,
    /// What it calls itself.
    pub version: String,
    /// Whether its own sandbox is on.
    pub sandbox: OwnSandbox,
}

/// Looks for the browser and starts it once, in an empty profile. Blocks.
///
/// # Errors
/// In words for the person: there is none, or it does not start.
pub fn report(settings: LaunchSettings) -> Result<BrowserReport, String> {
    let program = program::find(&settings.config)?;
    let version = version(&program)?;
    let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
    std::fs::create_dir(profile.path().join("tmp")).map_err(|error| error.to_string())?;
    let launcher = Launcher::new(settings);
    let started = launcher.start_either(profile.path());
    let (process, sandbox) = started.map_err(|error: BrowserError| error.to_string())?;
    drop(process);
    Ok(BrowserReport {
        program,
        version,
        sandbox,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "one of the two places that start processes"
)]
fn version(program: &std::path::Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{} does not run: {error}", program.display());
    let child = Command::new(program)
        .arg("--version")
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let pid = Pid::from_raw(child.id().cast_signed());
    let (done, told) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        let late = told.recv_timeout(ANSWER) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
        if let (true, Some(pid)) = (late, pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    let output = child.wait_with_output().map_err(failed)?;
    drop(done);
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.lines().next().unwrap_or_default().trim();
    if !output.status.success() || version.is_empty() {
        return Err(format!("{} does not run", program.display()));
    }
    Ok(version.chars().take(100).collect())
}
