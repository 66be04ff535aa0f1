//! Dying on purpose, for the tests of crashes: only with the feature `failpoints`.
//!
//! `MINIBOT_FAILPOINT=sending:2` kills this process, as SIGKILL does, when it passes the boundary
//! `sending` for the second time. `MINIBOT_FAILPOINT_LOG=FILE` notes each boundary that is passed.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::adapters::config::Environment;
use crate::core::boundary::{Boundary, set_hook};

#[derive(Debug)]
struct Plan {
    dies_at: Option<(Boundary, u32)>,
    log: Option<PathBuf>,
    passed: AtomicU32,
}

static PLAN: OnceLock<Plan> = OnceLock::new();

/// Reads the environment, once.
pub fn arm() {
    let environment = Environment::of_process();
    let dies_at = environment.get("MINIBOT_FAILPOINT").and_then(parse);
    let log = environment.get("MINIBOT_FAILPOINT_LOG").map(PathBuf::from);
    if dies_at.is_none() && log.is_none() {
        return;
    }
    let _ = PLAN.set(Plan {
        dies_at,
        log,
        passed: AtomicU32::new(0),
    });
    set_hook(pass);
}

fn parse(text: &str) -> Option<(Boundary, u32)> {
    let (name, count) = text.split_once(':').unwrap_or((text, "1"));
    let boundary = Boundary::ALL
        .into_iter()
        .find(|boundary| boundary.name() == name)?;
    Some((boundary, count.parse().ok()?))
}

fn pass(boundary: Boundary) {
    let Some(plan) = PLAN.get() else { return };
    if let Some(file) = &plan.log {
        let opened = OpenOptions::new().create(true).append(true).open(file);
        // In one piece: other threads write too, and the end may come at any time.
        let line = format!("{}\n", boundary.name());
        let _ = opened.and_then(|mut file| file.write_all(line.as_bytes()));
    }
    if let Some((dies_at, count)) = plan.dies_at
        && dies_at == boundary
        && plan.passed.fetch_add(1, Ordering::SeqCst) + 1 == count
    {
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // The signal takes effect at the latest when this thread enters the kernel again.
        loop {
            std::thread::park();
        }
    }
}
