//! What the machine gives: the zone, the disk, the sandbox, and the programs of the tools.

use std::path::Path;
#[cfg(feature = "browser")]
use std::path::PathBuf;

use chrono_tz::Tz;

use rustix::fs::StatVfsMountFlags;

use super::bot::mega;
use super::{Found, Row};
#[cfg(feature = "browser")]
use crate::adapters::browser::{BrowserReport, OwnSandbox, report};
use crate::adapters::sandbox::{SandboxPlace, SandboxReport, check};
#[cfg(feature = "browser")]
use crate::adapters::sandbox::{open_to_browsers, sockets_open_to_browsers};
use crate::adapters::system::SystemClock;
use crate::cli::setup::zone_of_this_machine;
use crate::core::clock::Clock;
#[cfg(feature = "browser")]
use crate::core::egress::ProxyEndpoint;
use crate::core::sandbox::SandboxMode;
#[cfg(feature = "browser")]
use crate::wiring::browser::launch_settings;
use crate::wiring::programs::{self, Finder};
use crate::wiring::settings::Settings;

/// Less than this and the database may not be able to grow for long.
const LITTLE_SPACE: u64 = 1_000_000_000;
const NO_SPACE: u64 = 100_000_000;

pub(super) async fn rows(settings: &Settings) -> Vec<Row> {
    let mut rows = vec![
        Row::new("time zone", zone(settings)),
        Row::new("disk", disk(&settings.runtime.data_dir)),
    ];
    rows.extend(sandbox_rows(settings).await);
    if settings.tools.browser.enabled {
        rows.push(Row::new("browser", browser(settings)));
    }
    rows
}

/// Tries the modes in a folder of its own: that of a running bot holds its runs.
async fn sandbox_rows(settings: &Settings) -> Vec<Row> {
    let (python, bash) = (&settings.tools.python_exec, &settings.tools.bash);
    let made = tempfile::tempdir().and_then(|folder| {
        let place = SandboxPlace::prepare(folder.path().join("runs"), &[folder.path()])?;
        Ok((folder, place))
    });
    let (_folder, place) = match made {
        Ok(made) => made,
        Err(error) => {
            let fix = "make room in the temporary folder";
            return vec![Row::new("sandbox", Found::broken(error.to_string(), fix))];
        }
    };
    let is_cgroup = bash.enabled && bash.sandbox_mode == SandboxMode::Cgroup;
    let cgroup = if is_cgroup {
        bash.cgroup
    } else {
        python.cgroup
    };
    let report = SandboxReport::of_this_machine(&place, cgroup).await;
    let mut rows = vec![Row::new("sandbox", sandbox(&report))];
    let finder = Finder::new(settings);
    if python.enabled {
        rows.push(Row::new("Python", program(finder.python(), &place).await));
    }
    if bash.enabled {
        rows.push(Row::new("Bash", program(finder.bash(), &place).await));
    }
    rows
}

/// The program of a tool, tried in the mode that the settings want for it.
async fn program(found: anyhow::Result<programs::Found>, place: &SandboxPlace) -> Found {
    let found = match found {
        Ok(found) => found,
        Err(error) => return Found::broken(format!("{error:#}"), "change that, or install it"),
    };
    let (path, mode) = (found.program.display(), found.sandbox.mode.name());
    match check(place, &found.sandbox).await {
        Ok(layers) => Found::Well(format!("{path}, in the mode {mode:?}: {layers}")),
        Err(unfit) => Found::broken(
            format!("{path}: {}", one_line(&unfit.to_string())),
            format!("change {}, or what it lacks", unfit.key()),
        ),
    }
}

fn zone(settings: &Settings) -> Found {
    let zone = settings.runtime.timezone;
    let now = SystemClock.now().with_timezone(&zone);
    let words = format!("{zone}, where it is {}", now.format("%H:%M"));
    let of_machine = zone_of_this_machine().filter(|_| zone == Tz::UTC);
    // Zones of other names can be UTC too.
    match of_machine.filter(|other| now.with_timezone(other).naive_local() != now.naive_local()) {
        Some(other) => Found::remark(
            format!("{words}; this machine is in {other}"),
            "set runtime.timezone, or reminders come by UTC",
        ),
        None => Found::Well(words),
    }
}

fn disk(folder: &Path) -> Found {
    // Before the first start there is only the folder above.
    let there = folder.ancestors().find(|path| path.exists());
    let there = there.unwrap_or(Path::new("."));
    let free = match rustix::fs::statvfs(there) {
        Ok(found) if found.f_flag.contains(StatVfsMountFlags::RDONLY) => {
            let what = format!(
                "{} cannot be written: its disk is read-only",
                there.display()
            );
            return Found::broken(what, "make it writable, or move runtime.data_dir");
        }
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => {
            let what = format!("{}: {error}", there.display());
            return Found::broken(what, "check runtime.data_dir");
        }
    };
    let words = format!("{:.0} MB free at {}", mega(free), there.display());
    let fix = "make room, or move runtime.data_dir";
    match free {
        ..NO_SPACE => Found::broken(words, fix),
        NO_SPACE..LITTLE_SPACE => Found::remark(words, fix),
        LITTLE_SPACE.. => Found::Well(words),
    }
}

fn sandbox(report: &SandboxReport) -> Found {
    let (works, fails): (Vec<_>, Vec<_>) = report.modes.iter().partition(|mode| mode.works.is_ok());
    let names: Vec<&str> = works.iter().map(|mode| mode.mode.name()).collect();
    let mut words = format!("{} work here ({})", names.join(", "), report.layers());
    for mode in &fails {
        if let Err(why) = &mode.works {
            let why = one_line(why);
            words.push_str(&format!("\n    {} does not: {why}", mode.mode.name()));
        }
    }
    let has_native = works.iter().any(|mode| mode.mode == SandboxMode::Native);
    if has_native {
        Found::Well(words)
    } else {
        Found::remark(
            words,
            "a kernel with Landlock (5.13 or later) and seccomp gives \"native\"",
        )
    }
}

/// What a program said on its way out, on one line of the table.
fn one_line(words: &str) -> String {
    words.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Starts it once, in an empty profile and without a way out.
#[cfg(feature = "browser")]
fn browser(settings: &Settings) -> Found {
    let nowhere = ProxyEndpoint {
        address: std::net::SocketAddr::from(([127, 0, 0, 1], 9)),
        username: String::new(),
        password: secrecy::SecretString::default(),
    };
    let launch = launch_settings(settings, nowhere);
    match report(launch) {
        Ok(found) => browser_found(&found, &open_to_browsers(), &sockets_open_to_browsers()),
        Err(why) => Found::broken(
            why,
            "install Chromium (Debian: apt-get install chromium), or set tools.browser.executable_path",
        ),
    }
}

/// What of its walls does not stand here.
#[cfg(feature = "browser")]
fn browser_found(found: &BrowserReport, open: &[&str], sockets: &[PathBuf]) -> Found {
    let mut words = format!("{}, {}", found.program.display(), found.version);
    let mut fixes = Vec::new();
    if found.sandbox == OwnSandbox::CannotStart {
        words.push_str("; without its own sandbox, which cannot start here");
        fixes.push("outside of a container, do not run the bot as root; minibot's own confinement holds all the same");
    }
    if !open.is_empty() {
        let open = open.join(", ");
        words.push_str(&format!("; what breaks out of it could use {open}"));
        fixes.push(
            "a newer kernel closes that; pages have no way but the guard's proxy all the same",
        );
    }
    if !sockets.is_empty() {
        let sockets: Vec<String> = sockets
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let sockets = sockets.join(", ");
        words.push_str(&format!(
            "; what breaks out of it could command what listens at {sockets}"
        ));
        fixes.push("no kernel closes that yet: run the bot as a user of its own that may not connect there");
    }
    if fixes.is_empty() {
        Found::Well(words)
    } else {
        Found::remark(words, fixes.join("\n    → "))
    }
}

#[cfg(not(feature = "browser"))]
fn browser(_: &Settings) -> Found {
    Found::broken(
        "this minibot was built without it",
        "set tools.browser.enabled = false",
    )
}

#[cfg(all(test, feature = "browser"))]
mod tests {
    use super::*;

    #[test]
    fn each_wall_of_the_browser_that_does_not_stand_is_told() {
        let found = |sandbox| BrowserReport {
            program: "/usr/bin/chromium".into(),
            version: "Chromium 1".to_owned(),
            sandbox,
        };
        let open = ["TCP connections to any address"];
        let socket = [PathBuf::from("/run/docker.sock")];
        for (sandbox, open, sockets, sign, told) in [
            (OwnSandbox::Works, &[][..], &[][..], '✓', 0),
            (OwnSandbox::CannotStart, &[], &[], '!', 1),
            (OwnSandbox::Works, &open, &[], '!', 1),
            (OwnSandbox::Works, &[], &socket, '!', 1),
            (OwnSandbox::CannotStart, &open, &socket, '!', 3),
        ] {
            let (shown, words) = browser_found(&found(sandbox), open, sockets).line();
            assert_eq!(
                words.contains("docker.sock"),
                !sockets.is_empty(),
                "{words}"
            );
            assert_eq!((shown, words.matches('→').count()), (sign, told), "{words}");
            assert_eq!(words.contains("TCP"), !open.is_empty(), "{words}");
        }
    }
}
