//! What it costs to start a program in the sandbox: `python3 -I -c pass`, bare and confined, in turns.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement, not the program"
)]

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use minibot::adapters::sandbox::config::{CgroupConfig, JailConfig, RlimitConfig};
use minibot::adapters::sandbox::{JailArtifacts, ProcessSandbox, SandboxPlace, SandboxSettings};
use minibot::core::sandbox::{Argument, RunEnd, RunFolder, RunRequest, Sandbox, SandboxMode};

const PYTHON: &str = "/usr/bin/python3";
const ARGUMENTS: [&str; 3] = ["-I", "-c", "pass"];
const ROUNDS: usize = 40;
const MODES: [SandboxMode; 4] = [
    SandboxMode::None,
    SandboxMode::Basic,
    SandboxMode::Rlimit,
    SandboxMode::Native,
];

fn main() {
    let data = tempfile::tempdir().unwrap();
    let helper = PathBuf::from(env!("CARGO_BIN_EXE_minibot"));
    let place =
        SandboxPlace::with_helper(helper, data.path().join("sandbox"), &[data.path()]).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut bare = Vec::new();
    let mut confined: Vec<Vec<Duration>> = vec![Vec::new(); MODES.len()];
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        assert!(
            Command::new(PYTHON)
                .args(ARGUMENTS)
                .status()
                .unwrap()
                .success()
        );
        bare.push(begun.elapsed());
        for (mode, times) in MODES.into_iter().zip(&mut confined) {
            let sandbox = ProcessSandbox::new(place.clone(), settings(mode));
            let begun = Instant::now();
            let outcome = runtime.block_on(sandbox.run(request())).unwrap();
            times.push(begun.elapsed());
            assert_eq!(outcome.end, RunEnd::Exited(0));
        }
    }
    let bare = median(bare);
    println!("bare    {:6.1} ms", milliseconds(bare));
    for (mode, times) in MODES.into_iter().zip(confined) {
        let time = median(times);
        let ratio = time.as_secs_f64() / bare.as_secs_f64();
        println!(
            "{:7} {:6.1} ms  {ratio:.2} times",
            mode.name(),
            milliseconds(time)
        );
    }
}

fn settings(mode: SandboxMode) -> SandboxSettings {
    SandboxSettings {
        mode,
        limits: RlimitConfig::default(),
        cgroup: CgroupConfig::default(),
        jail: JailConfig::default(),
        jail_folder: None,
        jail_artifacts: JailArtifacts::Left,
        session: Vec::new(),
        environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
    }
}

fn request() -> RunRequest {
    RunRequest {
        program: PYTHON.into(),
        arguments: ARGUMENTS.into_iter().map(Argument::text).collect(),
        stdin: Vec::new(),
        folder: RunFolder::Private { workspace: None },
        readable: Vec::new(),
        environment: Vec::new(),
        timeout: Duration::from_secs(60),
        most_output_bytes: 1000,
        artifacts: None,
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
