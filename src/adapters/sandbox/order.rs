//! What the bot tells the helper, what the helper tells the second stage, and what comes back.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::core::artifacts::{ArtifactRules, SkippedFile};
use crate::core::sandbox::{Rest, RunEnd, SandboxError};

/// One run, as the helper is told. Behind it come the bytes of the files among the arguments, then
/// those of the standard input.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// Where the run's folder is made.
    pub runs: PathBuf,
    pub mark: Mark,
    /// Runs the child, where there is one: a jail with its flags.
    pub prefix: Vec<String>,
    pub program: PathBuf,
    pub arguments: Vec<OrderArgument>,
    pub environment: Vec<(String, String)>,
    pub stdin_bytes: u64,
    pub place: OrderPlace,
    pub readable: Vec<PathBuf>,
    pub layers: Layers,
    pub timeout_ms: u64,
    pub most_output_bytes: u64,
    pub tree: Option<TreeLimits>,
    pub process: Option<ProcessLimits>,
    pub cgroup: Option<CgroupOrder>,
    pub artifacts: Option<ArtifactRules>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum OrderArgument {
    Text(String),
    File { name: String, size: u64 },
}

/// What the kernel's number says of whose run a process is: how soon it is to be ended for lack of memory.
/// It is inherited, and who is confined cannot change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Mark(u16);

impl Mark {
    /// The highest that there is. Others use it as well.
    pub const LAST: Self = Self(1000);

    /// That of all runs in a folder. Programs of a model go before everything else, and hardly anybody else
    /// uses such a number. It lies above `own`, that of the bot, which no process without rights can go
    /// below, and which a container may have set high: only where that is the highest, it is the same.
    pub fn of(runs: &Path, own: i16) -> Self {
        let lowest = own.max(900).unsigned_abs() + 1;
        let room = Self::LAST.0.saturating_sub(lowest);
        let digest = Sha256::digest(runs.as_os_str().as_encoded_bytes());
        let step = u16::from(digest[0]).checked_rem(room);
        step.map_or(Self::LAST, |step| Self(lowest + step))
    }

    /// Whether a process with this number has it.
    pub fn is(self, score: i16) -> bool {
        i16::try_from(self.0) == Ok(score)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As [`crate::core::sandbox::RunFolder`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum OrderPlace {
    Private {
        workspace: Option<PathBuf>,
    },
    /// In the workspace, which may be changed.
    Changed(PathBuf),
    /// In the workspace, which may only be looked at.
    Seen(PathBuf),
}

impl OrderPlace {
    /// The chat's workspace, whatever it is used as.
    pub fn workspace(&self) -> Option<&PathBuf> {
        match self {
            Self::Private { workspace } => workspace.as_ref(),
            Self::Changed(workspace) | Self::Seen(workspace) => Some(workspace),
        }
    }
}

/// What the second stage does before it becomes the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Layers {
    /// Nothing.
    Plain,
    /// An own session, and a user that owns nothing where the bot is root.
    Session,
    /// Landlock and seccomp as well.
    Kernel,
}

/// Limits of all processes of a run together; the helper watches them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct TreeLimits {
    pub memory_bytes: u64,
    pub disk_bytes: u64,
    pub files: u64,
    pub processes: u64,
}

/// Limits of each process; the kernel holds them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct ProcessLimits {
    pub cpu_seconds: u64,
    pub memory_bytes: u64,
    pub file_bytes: u64,
    pub processes: u64,
    pub files: u64,
}

/// A cgroup of the run's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CgroupOrder {
    pub made_by: CgroupMaker,
    pub cpu_percent: u32,
    pub memory_bytes: u64,
    pub processes: u64,
    /// The variables by which the service manager is found.
    pub session: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum CgroupMaker {
    Systemd,
    Ourselves,
}

/// What the second stage is told, as its argument. The program and its arguments stand behind it, and
/// the environment is its own.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Confine {
    /// The helper: when it is gone, so is the run.
    pub helper: i32,
    /// A pipe for what goes wrong before the program runs.
    pub complaints: i32,
    /// The working folder.
    pub folder: PathBuf,
    /// Programs may be run from there too.
    pub readable: Vec<PathBuf>,
    /// And from there not.
    pub seen: Vec<PathBuf>,
    pub writable: Vec<PathBuf>,
    pub mark: Mark,
    pub layers: Layers,
    pub process: Option<ProcessLimits>,
    /// A cgroup to join.
    pub cgroup: Option<PathBuf>,
    /// The variables that are for the program; what else is there was for what stood in front of it.
    pub variables: Vec<String>,
}

/// What the helper answers. Behind it come the bytes of the two outputs, then those of the artifacts.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Ended(Ended),
    Refused(SandboxError),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ended {
    pub end: RunEnd,
    pub duration_ms: u64,
    pub stdout: (u64, Rest),
    pub stderr: (u64, Rest),
    pub artifacts: Vec<(String, u64)>,
    pub skipped: Vec<SkippedFile>,
}

/// No header is larger; what comes from the other side is believed only so far.
const MOST_HEADER_BYTES: u32 = 16 << 20;

/// Writes a header: its length, then JSON.
pub(super) fn write_header(to: &mut impl Write, header: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(header)?;
    let length = u32::try_from(text.len())
        .ok()
        .filter(|length| *length <= MOST_HEADER_BYTES)
        .ok_or_else(|| io::Error::other("the request is too large"))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&text)
}

/// Reads a header.
pub(super) fn read_header<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MOST_HEADER_BYTES {
        return Err(io::Error::other("the header is too large"));
    }
    let text = read_bytes(from, u64::from(length))?;
    Ok(serde_json::from_slice(&text)?)
}

/// Reads so many bytes, no fewer.
pub(super) fn read_bytes(from: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.by_ref().take(count).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == count {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Mark;

    #[test]
    fn no_mark_is_the_bots_own_unless_that_is_the_highest() {
        for own in [-998, 0, 900, 901, 950, 998, 999] {
            for runs in 0..300 {
                let mark = Mark::of(&PathBuf::from(format!("/data/{runs}")), own);
                assert!(
                    (own.max(900).unsigned_abs() + 1..=1000).contains(&mark.0),
                    "{own}: {mark}"
                );
                assert!(mark != Mark::LAST || own == 999, "{own}: {mark}");
            }
        }
        assert_eq!(Mark::of(&PathBuf::from("/data"), 1000), Mark::LAST);
    }
}
