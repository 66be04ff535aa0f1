//! The sandbox: how programs are run that a model wrote, and the port to it.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::action::Confinement;
use super::artifacts::{Artifact, ArtifactRules, SkippedFile};

/// How a program is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxMode {
    /// A plain child; only with `i_understand_the_risk`.
    None,
    /// Own session, clean environment, temporary folder, timeout, output caps.
    Basic,
    /// `Basic` with resource limits.
    Rlimit,
    /// `Rlimit` with Landlock and seccomp, no network.
    Native,
    /// `Native` in a cgroup v2 scope.
    Cgroup,
    /// `command_prefix` wraps the child.
    Jail,
}

impl SandboxMode {
    /// All of them, the weakest first.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::Basic,
        Self::Rlimit,
        Self::Native,
        Self::Cgroup,
        Self::Jail,
    ];

    /// Its name in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "basic",
            Self::Rlimit => "rlimit",
            Self::Native => "native",
            Self::Cgroup => "cgroup",
            Self::Jail => "jail",
        }
    }

    /// What the rules about content from outside may build on. What a jail holds back is up to its
    /// flags, so it counts as less.
    pub const fn confinement(self) -> Confinement {
        match self {
            Self::Native | Self::Cgroup => Confinement::Native,
            Self::None | Self::Basic | Self::Rlimit | Self::Jail => Confinement::Weaker,
        }
    }
}

/// One run of a program.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRequest {
    /// The program's absolute path.
    pub program: PathBuf,
    /// What it is called with.
    pub arguments: Vec<Argument>,
    /// What it reads from its standard input, which ends behind it.
    pub stdin: Vec<u8>,
    /// Where it works.
    pub folder: RunFolder,
    /// What it may read beside the system's own programs and libraries: the interpreter's prefix, a
    /// virtual environment. Absolute; what does not exist is left out.
    pub readable: Vec<PathBuf>,
    /// Set in its environment beside what the settings let through. `HOME` and `TMPDIR` are the sandbox's.
    pub environment: Vec<(String, String)>,
    /// Longer than that, and it is killed.
    pub timeout: Duration,
    /// So much of the standard output and so much of the error output is kept, in bytes.
    pub most_output_bytes: u64,
    /// Which of the files it leaves behind are wanted. Only of use with [`RunFolder::Private`].
    pub artifacts: Option<ArtifactRules>,
}

/// An argument of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// As it stands.
    Text(String),
    /// A file of this content, made for this run outside the working folder; its path is the argument.
    File {
        /// A plain file name.
        name: String,
        /// What stands in it.
        content: Vec<u8>,
    },
}

impl Argument {
    /// A text argument.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

/// Where a program works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunFolder {
    /// An empty folder of this run, which goes when it ends.
    Private {
        /// The chat's workspace, readable as `./workspace`.
        workspace: Option<PathBuf>,
    },
    /// The chat's workspace.
    Workspace(PathBuf, Access),
}

/// What a program may do with the folder that it works in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read it and change it.
    Change,
    /// Only read it, as far as the mode can tell the two apart.
    Look,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOutcome {
    /// How it ended.
    pub end: RunEnd,
    /// The head of its standard output.
    pub stdout: Captured,
    /// The head of its error output.
    pub stderr: Captured,
    /// How long it took.
    pub duration: Duration,
    /// The wanted files.
    pub artifacts: Vec<Artifact>,
    /// The files that were asked for and not taken.
    pub skipped: Vec<SkippedFile>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// By itself, with a code.
    Exited(i32),
    /// By a signal that is none of the sandbox's.
    Signalled(i32),
    /// The sandbox ended it.
    Killed(KilledBy),
}

/// The limit at which a run was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KilledBy {
    /// It took too long, or too much of the processor.
    Timeout,
    /// All its processes together had too much memory.
    Memory,
    /// It wrote too much, or too many files.
    Disk,
    /// It had too many processes.
    Processes,
    /// It printed far more than is kept.
    Output,
}

/// What a program printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// As text: what is no UTF-8 is replaced, control characters stay as they are.
    pub text: String,
    /// Whether there was more.
    pub rest: Rest,
}

/// Whether something is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rest {
    /// Nothing is.
    #[default]
    Whole,
    /// The end is.
    CutOff,
}

impl Captured {
    /// Makes text of the bytes that were kept. A character that the cut went through is left out.
    pub fn of(bytes: &[u8], rest: Rest) -> Self {
        let mut bytes = bytes;
        if rest == Rest::CutOff
            && let Err(error) = std::str::from_utf8(bytes)
            && error.error_len().is_none()
        {
            bytes = &bytes[..error.valid_up_to()];
        }
        Self {
            text: String::from_utf8_lossy(bytes).into_owned(),
            rest,
        }
    }
}

/// Why nothing was run, or nothing is known of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum SandboxError {
    /// The program is not there, or may not be run in this sandbox: the words say which.
    #[error("{0}")]
    NotStarted(String),
    /// The request cannot be met: a path that is not absolute, an argument with a zero byte.
    #[error("{0}")]
    BadRequest(String),
    /// The machine does not give what the mode needs, though it did at start.
    #[error("{0}")]
    Unavailable(String),
    /// The sandbox itself failed; whether the program ran is not known.
    #[error("{0}")]
    Failed(String),
}

/// Runs programs that nobody vouches for.
///
/// An implementer keeps: when `run` returns, no process and no file of the run is left, whatever it
/// did; **dropping the future ends the run** just as well, within a second; and a mode that cannot be
/// given is an error, never a weaker mode.
#[async_trait]
pub trait Sandbox: Send + Sync + std::fmt::Debug {
    /// How it confines.
    fn mode(&self) -> SandboxMode;

    /// Runs a program to its end, or to one of its limits.
    async fn run(&self, request: RunRequest) -> Result<RunOutcome, SandboxError>;
}

#[cfg(test)]
mod tests {
    use super::{Captured, Rest};

    #[test]
    fn output_is_text_whatever_it_was() {
        for (bytes, rest, text) in [
            (&b"plain"[..], Rest::Whole, "plain"),
            (b"a\xffb", Rest::Whole, "a\u{fffd}b"),
            (b"a\x1b[31mb\x07", Rest::Whole, "a\x1b[31mb\x07"),
            // A cut goes through the letter; without a cut it is the program's own broken letter.
            (b"a\xc3", Rest::CutOff, "a"),
            (b"a\xc3", Rest::Whole, "a\u{fffd}"),
            (b"a\xf0\x9f\x98", Rest::CutOff, "a"),
            (b"\xffa\xc3", Rest::CutOff, "\u{fffd}a\u{fffd}"),
        ] {
            let captured = Captured::of(bytes, rest);
            assert_eq!((captured.text.as_str(), captured.rest), (text, rest));
        }
    }
}
