//! What the bot takes of the machine, and what it leaves there.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::support::program::Program;

/// A life over which memory can be judged.
const LONG: Duration = Duration::from_secs(60);

/// Resident memory over a life.
#[derive(Debug)]
pub struct Memory {
    process: u32,
    began: Instant,
    end: Instant,
    samples: Vec<(Instant, u64)>,
}

impl Memory {
    pub fn of(process: u32, end: Instant) -> Self {
        Self {
            process,
            began: Instant::now(),
            end,
            samples: Vec::new(),
        }
    }

    pub fn sample(&mut self) {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.process)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        self.samples
            .extend(kilobytes.map(|kilobytes| (Instant::now(), kilobytes)));
    }

    /// The mean between two shares of the life.
    fn mean(&self, from: f64, to: f64) -> u64 {
        let whole = self.end - self.began;
        let (from, to) = (
            self.began + whole.mul_f64(from),
            self.began + whole.mul_f64(to),
        );
        let within: Vec<u64> = self
            .samples
            .iter()
            .filter(|(at, _)| (from..=to).contains(at))
            .map(|(_, kilobytes)| *kilobytes)
            .collect();
        within.iter().sum::<u64>() / u64::try_from(within.len()).unwrap().max(1)
    }

    /// A short life is all warming up.
    pub fn can_be_judged(&self) -> bool {
        self.end - self.began > LONG && self.samples.len() > 20
    }

    /// From the end of the first third, when all is warm, to the end.
    pub fn growth_kb(&self) -> u64 {
        self.mean(0.85, 1.0).saturating_sub(self.mean(0.25, 0.4))
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = |kilobytes: u64| kilobytes as f64 / 1024.0;
        write!(
            f,
            "{:.1} MB after a third, {:.1} MB at the end ({} s)",
            megabytes(self.mean(0.25, 0.4)),
            megabytes(self.mean(0.85, 1.0)),
            (self.end - self.began).as_secs()
        )
    }
}

/// Processes and files that should be gone after an orderly end.
pub fn left_over(program: &Program) -> Vec<String> {
    let data = program.data();
    let mut left = processes(&data);
    for folder in ["sandbox", "files/staging", "outbox-files"] {
        let entries = fs::read_dir(data.join(folder))
            .into_iter()
            .flatten()
            .flatten();
        left.extend(entries.map(|entry| format!("left behind: {}", entry.path().display())));
    }
    if data.join("minibot.db-wal").exists() {
        left.push("the log is not folded into the database".to_owned());
    }
    left
}

/// Processes that stand in the bot's folder, or were started for it.
fn processes(data: &Path) -> Vec<String> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    let world = data.parent().unwrap();
    ids.filter(|id| *id != std::process::id())
        .filter_map(|id| {
            let command = fs::read(format!("/proc/{id}/cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            let place = fs::read_link(format!("/proc/{id}/cwd")).ok();
            let here = place.is_some_and(|place| place.starts_with(world));
            (here || command.contains(world.to_str()?))
                .then(|| format!("process {id} is left: {command}"))
        })
        .collect()
}
