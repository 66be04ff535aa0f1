//! The second stage: a process of our own binary that gives up what it may not have and then becomes
//! the program. It does nothing behind that, and never goes on when a step fails.

mod browser;
mod calls;
mod descriptors;
mod landlock;
mod limits;
mod syscalls;
#[cfg(test)]
mod verdicts;

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{chdir, getpid, getppid, getuid, setsid};

use self::landlock::{Network, Place, Use};
use self::syscalls::Purpose;
use super::order::{Confine, Layers, Mark};
use crate::core::sandbox::SandboxError;

pub use self::browser::confine_browser;
pub(super) use self::descriptors::close_inherited;
pub(super) use self::landlock::landlock_version;
pub use self::landlock::system_places;
pub(super) use self::limits::NOBODY;

/// Confines this process as `order` says, a `Confine` in JSON, and becomes `command`. Returns only
/// when that failed.
pub fn confine(order: &str, command: &[OsString]) -> ExitCode {
    let Ok(order) = serde_json::from_str::<Confine>(order) else {
        return ExitCode::FAILURE;
    };
    close_inherited(&[order.complaints]);
    let Ok(mut complaints) = take_over(order.complaints) else {
        return ExitCode::FAILURE;
    };
    let error = match give_up(&order) {
        Ok(()) => become_program(command, &foreign(&order.variables)),
        Err(error) => error,
    };
    if let Ok(text) = serde_json::to_vec(&error) {
        let _ = complaints.write_all(&text);
    }
    ExitCode::FAILURE
}

/// Opens the pipe once more, so that it closes by itself when the program begins.
fn take_over(descriptor: i32) -> std::io::Result<File> {
    let pipe = OpenOptions::new()
        .write(true)
        .open(format!("/proc/self/fd/{descriptor}"))?;
    nix::unistd::close(descriptor)?;
    Ok(pipe)
}

/// The variables that are not the program's.
#[expect(
    clippy::disallowed_methods,
    reason = "what is there has to be known to be taken away"
)]
fn foreign(own: &[String]) -> Vec<OsString> {
    let all = std::env::vars_os().map(|(name, _)| name);
    all.filter(|name| !own.iter().any(|one| *name == **one))
        .collect()
}

/// Becomes the program without the variables `unset`; what comes back is why not.
fn become_program(command: &[OsString], unset: &[OsString]) -> SandboxError {
    let Some((program, arguments)) = command.split_first() else {
        return SandboxError::BadRequest("there is no program to run".to_owned());
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "this process becomes the program"
    )]
    let mut becoming = Command::new(program);
    becoming.args(arguments);
    for name in unset {
        becoming.env_remove(name);
    }
    let error = becoming.exec();
    let path = Path::new(program);
    SandboxError::NotStarted(why_not_started(path, &error))
}

fn why_not_started(program: &Path, error: &std::io::Error) -> String {
    let shown = program.display();
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("{shown} is not there"),
        std::io::ErrorKind::PermissionDenied => format!(
            "{shown} may not be run in the sandbox: it is no program, or it lies in a folder that the sandbox does not read"
        ),
        std::io::ErrorKind::WouldBlock => {
            format!("{shown} cannot be run: other runs have too many processes just now")
        }
        _ => format!("{shown} cannot be run: {error}"),
    }
}

/// Every step is one that the next could not be done without, or could not be done behind.
fn give_up(order: &Confine) -> Result<(), SandboxError> {
    let unavailable = SandboxError::Unavailable;
    if let Some(cgroup) = &order.cgroup {
        fs::write(cgroup.join("cgroup.procs"), "0")
            .map_err(|error| unavailable(format!("the cgroup cannot be joined: {error}")))?;
    }
    mark_as(order.mark);
    let places = places(order).map_err(SandboxError::Failed)?;
    chdir(&order.folder).map_err(|error| {
        SandboxError::Failed(format!(
            "{} cannot be entered: {error}",
            order.folder.display()
        ))
    })?;
    if order.layers != Layers::Plain {
        setsid().map_err(|error| unavailable(format!("there is no own session: {error}")))?;
        umask(Mode::S_IRWXG | Mode::S_IRWXO);
    }
    let nobody = order.layers != Layers::Plain && getuid().is_root();
    if let Some(limits) = &order.process {
        let user = if nobody { NOBODY } else { getuid().as_raw() };
        self::limits::set(limits, self::limits::tasks_of(user)).map_err(unavailable)?;
    }
    if nobody {
        self::limits::become_nobody().map_err(unavailable)?;
        reachable(order)?;
    }
    die_with(order.helper)?;
    if order.layers == Layers::Kernel {
        prctl::set_no_new_privs()
            .map_err(|error| unavailable(format!("no_new_privs cannot be set: {error}")))?;
        self::limits::drop_capabilities().map_err(unavailable)?;
        let landlock = landlock::restrict(&places, Network::Refused).map_err(unavailable)?;
        let group = getpid().as_raw();
        syscalls::restrict(Purpose::Program { landlock, group }).map_err(unavailable)?;
    }
    Ok(())
}

/// The kernel takes the run before the bot when memory is short, and the number tells whose run it is.
/// Where that one cannot be had, at least it goes first.
fn mark_as(mark: Mark) {
    let write = |mark: Mark| fs::write("/proc/self/oom_score_adj", mark.to_string());
    let _ = write(mark).or_else(|_| write(Mark::LAST));
}

fn places(order: &Confine) -> Result<Vec<Place>, String> {
    if order.layers != Layers::Kernel {
        return Ok(Vec::new());
    }
    let mut places = landlock::system();
    places.extend(Place::existing(&order.readable, Use::Read));
    places.extend(Place::existing(&order.seen, Use::Look));
    for path in &order.writable {
        places.push(Place::open(path, Use::Write)?);
    }
    Ok(places)
}

/// The working folder is entered by now, but the program will use its path, and that leads through
/// folders which may be closed to everybody else.
fn reachable(order: &Confine) -> Result<(), SandboxError> {
    let Some(closed) = order.writable.iter().find_map(|path| closed_folder(path)) else {
        return Ok(());
    };
    Err(SandboxError::Unavailable(format!(
        "the bot is root, so programs run as the user {NOBODY}, who cannot pass through {}: run \"chmod o+x\" on it, \
         keep the bot's files elsewhere, or run the bot as another user",
        closed.display()
    )))
}

/// The first folder on the way to `path` that this process cannot pass through.
fn closed_folder(path: &Path) -> Option<&Path> {
    let mut above: Vec<&Path> = path.ancestors().collect();
    above.reverse();
    let inside = above
        .windows(2)
        .find(|pair| fs::symlink_metadata(pair[1]).is_err())?;
    Some(inside[0])
}

/// When the helper goes, this process goes. Only behind a change of user: that undoes it.
/// Ends this process with the one that started it, also when that is gone already.
fn die_with(parent: i32) -> Result<(), SandboxError> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|error| {
        SandboxError::Unavailable(format!("no signal at the parent's end: {error}"))
    })?;
    if getppid().as_raw() == parent {
        Ok(())
    } else {
        Err(SandboxError::Failed("who started it is gone".to_owned()))
    }
}
