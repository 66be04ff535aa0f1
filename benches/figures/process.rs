//! The program as a child process, and what the kernel says about it.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

/// The program that is measured.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_minibot");

/// A running bot; dropping it kills it.
#[derive(Debug)]
pub struct Bot(Child);

/// Memory of a process, in megabytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// All that is in the machine's memory.
    pub resident: f64,
    /// What no file holds: heap and stacks.
    pub anonymous: f64,
}

impl Bot {
    /// Starts it in a folder with a `config.toml`; what it logs goes to `log`.
    pub fn start(folder: &Path, log: &Path) -> Result<Self> {
        let log = fs::File::options().create(true).append(true).open(log)?;
        let child = Command::new(PROGRAM)
            .arg("run")
            .current_dir(folder)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        Ok(Self(child.context("the program does not start")?))
    }

    pub fn memory(&self) -> Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let megabytes = |key: &str| -> Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let number = line.and_then(|line| line.split_whitespace().next());
            Ok(number.context("no such line in status")?.parse::<f64>()? / 1000.0 * 1.024)
        };
        Ok(Memory {
            resident: megabytes("VmRSS:")?,
            anonymous: megabytes("RssAnon:")?,
        })
    }

    /// How long it has used a processor.
    pub fn cpu(&self) -> Result<Duration> {
        cpu_of(&self.0.id().to_string())
    }

    /// Waits until it has nothing left to do of its start: the look for damage begins two seconds after it, and reads the whole
    /// database.
    pub async fn settles(&self) -> Result<()> {
        const A_SECOND: Duration = Duration::from_secs(1);
        sleep(3 * A_SECOND).await;
        loop {
            let before = self.cpu()?;
            sleep(A_SECOND).await;
            if self.cpu()?.saturating_sub(before) < Duration::from_millis(20) {
                return Ok(());
            }
        }
    }

    /// SIGKILL, and waits for its end.
    pub fn kill(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// SIGTERM, and waits for its end.
    pub fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("a child has a pid")?, Signal::TERM)?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // After `kill` and `stop` there is nothing left to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How long this process, with the fake servers in it, has used a processor.
pub fn own_cpu() -> Result<Duration> {
    cpu_of("self")
}

/// User and system time (proc_pid_stat(5)), in ticks of 10 ms.
fn cpu_of(process: &str) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program, in parentheses, may hold blanks.
    let behind = stat.rsplit_once(')').context("no name in stat")?.1;
    let fields: Vec<&str> = behind.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}
