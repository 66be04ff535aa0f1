//! A browser under Landlock: it sees the system, its fonts and its own profile, and speaks to one port.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::sys::prctl;
use nix::unistd::getuid;

use super::descriptors::close_inherited;
use super::landlock::{self, Network, Place, Use};
use super::limits::drop_capabilities;
use super::syscalls::{self, BrowserUser, Purpose};
use super::{become_program, die_with};

/// What a browser reads beside the system's programs and libraries.
const READ: &[&str] = &[
    "/etc/fonts",
    "/etc/chromium",
    "/etc/chromium.d",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/passwd",
    "/etc/group",
    "/opt/google/chrome",
    "/proc",
    "/sys/devices/system/cpu",
    "/var/cache/fontconfig",
];

/// Shared memory of its processes.
const WRITTEN: &[&str] = &["/dev/shm"];

/// Confines this process, which `parent` has started, and becomes `command`, with `profile` as its home. Returns
/// only when that failed.
pub fn confine_browser(profile: &Path, port: u16, parent: i32, command: &[OsString]) -> ExitCode {
    close_inherited(&[]);
    let error = match give_up(profile, port, parent) {
        Ok(()) => become_program(command, &[]).to_string(),
        Err(error) => error,
    };
    complain(&format!("minibot: the browser was not started: {error}"));
    ExitCode::FAILURE
}

#[expect(
    clippy::print_stderr,
    reason = "whoever started the browser reads its error output"
)]
fn complain(line: &str) {
    eprintln!("{line}");
}

fn give_up(profile: &Path, port: u16, parent: i32) -> Result<(), String> {
    fs::create_dir_all(profile).map_err(|error| format!("{}: {error}", profile.display()))?;
    let mut places = landlock::system();
    let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
    places.extend(Place::existing(&paths(READ), Use::Read));
    places.extend(Place::existing(&paths(WRITTEN), Use::Profile));
    places.push(Place::open(profile, Use::Profile)?);
    die_with(parent).map_err(|error| error.to_string())?;
    prctl::set_no_new_privs().map_err(|error| error.to_string())?;
    drop_capabilities()?;
    landlock::restrict(&places, Network::OnlyTo(port))?;
    let user = if getuid().is_root() {
        BrowserUser::Root
    } else {
        BrowserUser::Other
    };
    syscalls::restrict(Purpose::Browser(user))
}
