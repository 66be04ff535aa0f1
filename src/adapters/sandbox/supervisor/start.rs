//! Starts the second stage of a run.

use std::ffi::OsString;
use std::io::{PipeReader, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{ChildStderr, ChildStdout, Command, Stdio};

use nix::unistd::{Pid, getpid};
use rustix::io::{FdFlags, fcntl_setfd};

use super::super::SECOND_STAGE;
use super::super::order::{CgroupMaker, Confine, Order, OrderArgument, OrderPlace, read_bytes};
use super::cgroup::{Cgroup, session, systemd_scope};
use super::is_plain;
use super::pipes::{Capture, Feed};
use super::run_folder::RunFolder;
use crate::core::sandbox::SandboxError;

/// A run that has begun.
#[derive(Debug)]
pub(super) struct Started {
    pub child: Pid,
    pub stdin: Feed,
    pub stdout: Capture<ChildStdout>,
    pub stderr: Capture<ChildStderr>,
    pub complaints: Complaints,
    pub cgroup: Option<Cgroup>,
}

/// What the second stage says when it cannot become the program.
#[derive(Debug)]
pub(super) struct Complaints(Capture<PipeReader>);

impl Complaints {
    pub(super) fn finish(self) -> Option<SandboxError> {
        let (text, _) = self.0.finish();
        if text.is_empty() {
            return None;
        }
        let error = serde_json::from_slice(&text);
        Some(error.unwrap_or_else(|_| {
            SandboxError::Failed("the second stage did not end its sentence".to_owned())
        }))
    }
}

const MOST_COMPLAINT_BYTES: u64 = 1 << 16;

/// Reads what belongs to the order, prepares the folder, and starts the program in it.
pub(super) fn start(
    order: &Order,
    folder: &RunFolder,
    control: &mut impl Read,
) -> Result<Started, SandboxError> {
    let failed = |error: &dyn std::fmt::Display| {
        SandboxError::Failed(format!("the run cannot be started: {error}"))
    };
    let command = command(order, folder, control)?;
    let stdin = read_bytes(control, order.stdin_bytes).map_err(|error| failed(&error))?;
    folder.hand_over(order).map_err(SandboxError::Failed)?;
    let cgroup = match &order.cgroup {
        Some(cgroup) if cgroup.made_by == CgroupMaker::Ourselves => {
            Some(Cgroup::make(cgroup).map_err(SandboxError::Unavailable)?)
        }
        _ => None,
    };
    // Not closed at the exec, so that the second stage gets it; the reading end is for this process alone.
    let (reader, writer) = nix::unistd::pipe().map_err(|error| failed(&error))?;
    fcntl_setfd(&reader, FdFlags::CLOEXEC).map_err(|error| failed(&error))?;
    let confine = confine(order, folder, &writer, cgroup.as_ref());
    let stage = serde_json::to_string(&confine).map_err(|error| failed(&error))?;
    let (mut words, session) = first_words(order).map_err(|error| failed(&error))?;
    words.extend([SECOND_STAGE.into(), stage.into(), "--".into()]);
    words.extend(command);
    #[expect(clippy::disallowed_methods, reason = "the one place that starts a run")]
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .env_clear()
        .envs(session)
        .envs(environment(order, folder))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    drop(writer);
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(input), Some(output), Some(errors)) = pipes else {
        return Err(failed(&"it has no pipes"));
    };
    let most = order.most_output_bytes;
    Ok(Started {
        child: Pid::from_raw(child.id().cast_signed()),
        stdin: Feed::new(input, stdin).map_err(|error| failed(&error))?,
        stdout: Capture::new(output, most).map_err(|error| failed(&error))?,
        stderr: Capture::new(errors, most).map_err(|error| failed(&error))?,
        complaints: Complaints(
            Capture::new(PipeReader::from(reader), MOST_COMPLAINT_BYTES)
                .map_err(|error| failed(&error))?,
        ),
        cgroup,
    })
}

type Variables = Vec<(String, OsString)>;

/// Our own binary, whatever lies at its path by now; behind systemd it has to be the path. With the
/// variables that what stands in front of it needs.
fn first_words(order: &Order) -> std::io::Result<(Vec<OsString>, Variables)> {
    match &order.cgroup {
        Some(cgroup) if cgroup.made_by == CgroupMaker::Systemd => {
            let mut words = systemd_scope(cgroup);
            words.push(std::env::current_exe()?.into());
            Ok((words, session(&cgroup.session)))
        }
        _ => Ok((vec!["/proc/self/exe".into()], Vec::new())),
    }
}

/// The program with its arguments; files among them are written.
fn command(
    order: &Order,
    folder: &RunFolder,
    control: &mut impl Read,
) -> Result<Vec<OsString>, SandboxError> {
    let mut words: Vec<OsString> = order.prefix.iter().map(OsString::from).collect();
    words.push(order.program.clone().into());
    for argument in &order.arguments {
        words.push(match argument {
            OrderArgument::Text(text) => text.into(),
            OrderArgument::File { name, size } => {
                let content = read_bytes(control, *size)
                    .map_err(|error| SandboxError::Failed(error.to_string()))?;
                folder
                    .give(name, &content)
                    .map_err(SandboxError::BadRequest)?
                    .into()
            }
        });
    }
    Ok(words)
}

fn environment(order: &Order, folder: &RunFolder) -> Variables {
    let mut all: Variables = order
        .environment
        .iter()
        .map(|(name, value)| (name.clone(), value.into()))
        .collect();
    if !is_plain(order) {
        all.push(("HOME".to_owned(), folder.top().join("home").into()));
        all.push(("TMPDIR".to_owned(), folder.top().join("tmp").into()));
    }
    all
}

fn confine(
    order: &Order,
    folder: &RunFolder,
    complaints: &OwnedFd,
    cgroup: Option<&Cgroup>,
) -> Confine {
    let mut seen = Vec::new();
    let mut writable = vec![folder.top().to_path_buf()];
    let working: PathBuf = match &order.place {
        OrderPlace::Private { workspace } => {
            seen.extend(workspace.clone());
            folder.work()
        }
        OrderPlace::Changed(workspace) => {
            writable.push(workspace.clone());
            workspace.clone()
        }
        OrderPlace::Seen(workspace) => {
            seen.push(workspace.clone());
            workspace.clone()
        }
    };
    Confine {
        helper: getpid().as_raw(),
        complaints: complaints.as_raw_fd(),
        folder: working,
        readable: order.readable.clone(),
        seen,
        writable,
        mark: order.mark,
        layers: order.layers,
        process: order.process,
        cgroup: cgroup.map(|cgroup| cgroup.path().to_path_buf()),
        variables: environment(order, folder)
            .into_iter()
            .map(|(name, _)| name)
            .collect(),
    }
}
