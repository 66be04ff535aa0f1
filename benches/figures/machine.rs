//! What it was measured on.

use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, Utc};

use crate::process::PROGRAM;

/// The machine, the program, the day.
#[derive(Debug)]
pub struct Machine {
    processor: String,
    cores: usize,
    memory: String,
    kernel: String,
    rustc: String,
    profile: String,
    date: String,
    load: String,
}

impl Machine {
    /// Without a date, the day on which the program was built.
    pub fn of_now(date: Option<String>) -> Self {
        let program = Path::new(PROGRAM);
        let profile = program.parent().and_then(Path::file_name);
        let built = program.metadata().and_then(|file| file.modified());
        let built = built.map(|at| DateTime::<Utc>::from(at).format("%Y-%m-%d").to_string());
        let memory = line_of("/proc/meminfo", "MemTotal:");
        let kilobytes: f64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
        let rustc = Command::new("rustc").arg("--version").output();
        Self {
            processor: line_of("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: format!("{:.0} GB", kilobytes / 1024.0 / 1024.0),
            kernel: release(&read("/proc/sys/kernel/osrelease")),
            rustc: rustc.map_or_else(
                |_| "rustc unknown".to_owned(),
                |said| String::from_utf8_lossy(&said.stdout).trim().to_owned(),
            ),
            profile: profile.unwrap_or_default().to_string_lossy().into_owned(),
            date: date.or(built.ok()).unwrap_or_default(),
            load: read("/proc/loadavg"),
        }
    }

    /// A paragraph.
    pub fn described(&self) -> String {
        let load = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
        format!(
            "{}: {}, {} cores shared with the fake servers, {} of memory, Linux {}, {}, profile `{}`. Load average \
             (one minute) {} before the run and {} after it.",
            self.date,
            self.processor,
            self.cores,
            self.memory,
            self.kernel,
            self.rustc,
            self.profile,
            load(&self.load),
            load(&read("/proc/loadavg")),
        )
    }
}

/// The version without what the machine's host has added to it.
fn release(kernel: &str) -> String {
    kernel.split('.').take(2).collect::<Vec<_>>().join(".")
}

fn line_of(file: &str, key: &str) -> String {
    let text = read(file);
    let value = text.lines().find_map(|line| line.strip_prefix(key));
    let value = value.unwrap_or_default();
    value.trim_start_matches([' ', '\t', ':']).trim().to_owned()
}

fn read(file: &str) -> String {
    fs::read_to_string(file)
        .unwrap_or_default()
        .trim()
        .to_owned()
}
