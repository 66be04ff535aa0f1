//! What the tools that run programs have in common: their limits, and how a run is told to the model.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::typed::failure;
use crate::core::files::{FileError, WorkspaceId, Workspaces};
use crate::core::label::Labels;
use crate::core::sandbox::{Captured, KilledBy, Rest, RunEnd, RunOutcome, Sandbox, SandboxError};
use crate::core::tool::{ErrorCode, ToolContext, ToolOutcome, ToolResult};

/// An interpreter in its sandbox.
#[derive(Debug, Clone)]
pub struct Interpreter {
    /// What holds it in.
    pub sandbox: Arc<dyn Sandbox>,
    /// The interpreter, an absolute path.
    pub program: PathBuf,
    /// What it needs to read beside the system's own folders.
    pub readable: Vec<PathBuf>,
    /// Where the chats' files are.
    pub files: Arc<dyn Workspaces>,
}

impl Interpreter {
    /// Where anything may come from that a program prints: from what the model has read, or from the
    /// chat's files. What it prints of them is the model's choice, also where the turn has read nothing.
    pub(super) async fn labels(&self, context: &ToolContext) -> Result<Labels, ToolOutcome> {
        let workspace = WorkspaceId::of(&context.target);
        let stored = self.files.labels(&workspace).await;
        let mut labels = stored.map_err(|error| no_files(&error))?;
        labels.join(&context.labels);
        Ok(labels.rewritten())
    }

    /// The same of what the program has printed and left by now: other topics of the chat may have brought
    /// something into its files while it ran. Where nobody can tell, the worst is taken.
    pub(super) async fn labels_after(&self, context: &ToolContext, before: Labels) -> Labels {
        let mut labels = before;
        let after = self.labels(context).await;
        labels.join(&after.unwrap_or_else(|_| Labels::unknown()));
        labels
    }
}

/// How long programs run and how much they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    /// Without a wish of the model.
    pub default_timeout: Duration,
    /// With one.
    pub max_timeout: Duration,
    /// Bytes that are kept of the standard output, and of the error output.
    pub max_output_bytes: u64,
}

impl RunLimits {
    /// What the model asked for, within the limits. It is told of a wish that is no time at all.
    pub(super) fn timeout(&self, asked: Option<f64>) -> Result<Duration, ToolOutcome> {
        let Some(seconds) = asked else {
            return Ok(self.default_timeout);
        };
        if !seconds.is_finite() || seconds <= 0.0 {
            let message = "timeout_seconds must be more than 0; leave it out for the default";
            return Err(failure(ErrorCode::BadArguments, message));
        }
        let asked = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        Ok(asked.min(self.max_timeout))
    }
}

/// The fields of every run's result.
pub(super) fn told(outcome: &RunOutcome) -> Map<String, Value> {
    let killed_by = match outcome.end {
        RunEnd::Killed(by) => Some(by),
        RunEnd::Exited(_) | RunEnd::Signalled(_) => None,
    };
    let exit_code = match outcome.end {
        RunEnd::Exited(code) => Some(code),
        // As a shell tells it.
        RunEnd::Signalled(signal) => Some(128_i32.saturating_add(signal)),
        RunEnd::Killed(_) => None,
    };
    let cut = |output: &Captured| output.rest == Rest::CutOff;
    let mut fields = Map::new();
    fields.insert("exit_code".to_owned(), json!(exit_code));
    fields.insert("stdout".to_owned(), json!(visible(&outcome.stdout.text)));
    fields.insert("stderr".to_owned(), json!(visible(&outcome.stderr.text)));
    fields.insert(
        "timed_out".to_owned(),
        json!(killed_by == Some(KilledBy::Timeout)),
    );
    fields.insert(
        "truncated".to_owned(),
        json!(cut(&outcome.stdout) || cut(&outcome.stderr)),
    );
    let milliseconds = u64::try_from(outcome.duration.as_millis()).unwrap_or(u64::MAX);
    fields.insert("duration_ms".to_owned(), json!(milliseconds));
    if let Some(by) = killed_by {
        fields.insert("killed_by".to_owned(), json!(by));
    }
    fields
}

/// A result with the labels of all that the program could read.
pub(super) fn labelled(fields: Map<String, Value>, labels: Labels) -> ToolOutcome {
    let result = ToolResult::ok(Value::Object(fields));
    if labels.is_untrusted() {
        ToolOutcome::Outside { result, labels }
    } else {
        ToolOutcome::Finished(result)
    }
}

/// Control characters as the signs that stand for them: a byte of output must not become six of JSON,
/// and an escape sequence is of no use to a reader.
fn visible(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let sign = |letter: char| match letter {
        '\n' | '\t' => letter,
        '\r' => '\n',
        '\u{7f}' => '\u{2421}',
        control if control < ' ' => {
            char::from_u32(0x2400 + u32::from(control)).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        other if other.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    };
    text.chars().map(sign).collect()
}

/// Why there is no run to tell of.
pub(super) fn not_run(error: &SandboxError) -> ToolOutcome {
    match error {
        SandboxError::NotStarted(why) => {
            failure(ErrorCode::Unavailable, format!("it was not started: {why}"))
        }
        SandboxError::BadRequest(why) => failure(ErrorCode::BadArguments, why),
        SandboxError::Unavailable(why) => {
            tracing::error!(%why, "the sandbox cannot be given");
            failure(
                ErrorCode::Unavailable,
                format!("there is no sandbox to run it in: {why}"),
            )
        }
        SandboxError::Failed(why) => {
            tracing::error!(%why, "the sandbox failed");
            failure(
                ErrorCode::Failed,
                format!("the sandbox failed; it may or may not have run: {why}"),
            )
        }
    }
}

/// Why the chat's files cannot be used.
pub(super) fn no_files(error: &FileError) -> ToolOutcome {
    failure(ErrorCode::Failed, error)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{RunLimits, told, visible};
    use crate::core::sandbox::{Captured, KilledBy, Rest, RunEnd, RunOutcome};

    #[test]
    fn wishes_for_time_are_kept_within_the_limits() {
        let limits = RunLimits {
            default_timeout: Duration::from_secs(8),
            max_timeout: Duration::from_secs(20),
            max_output_bytes: 10,
        };
        for (asked, given) in [
            (None, Some(8_000)),
            (Some(0.25), Some(250)),
            (Some(20.0), Some(20_000)),
            (Some(1e300), Some(20_000)),
            (Some(0.0), None),
            (Some(-1.0), None),
            (Some(f64::NAN), None),
            (Some(f64::INFINITY), None),
        ] {
            let timeout = limits.timeout(asked).ok();
            assert_eq!(timeout, given.map(Duration::from_millis), "{asked:?}");
        }
    }

    #[test]
    fn control_characters_become_signs() {
        let shown = visible("a\r\nb\rc\td\u{1b}[31m\0\u{7f}\u{85}é");
        assert_eq!(shown, "a\nb\nc\td␛[31m␀␡\u{fffd}é");
    }

    #[test]
    fn each_end_is_told() {
        let outcome = |end| RunOutcome {
            end,
            stdout: Captured::of(b"out", Rest::CutOff),
            stderr: Captured::default(),
            duration: Duration::from_micros(12_900),
            artifacts: Vec::new(),
            skipped: Vec::new(),
        };
        for (end, told_as) in [
            (
                RunEnd::Exited(3),
                r#"{"exit_code":3,"stdout":"out","stderr":"","timed_out":false,"truncated":true,"duration_ms":12}"#,
            ),
            (
                RunEnd::Signalled(11),
                r#"{"exit_code":139,"stdout":"out","stderr":"","timed_out":false,"truncated":true,"duration_ms":12}"#,
            ),
            (
                RunEnd::Killed(KilledBy::Timeout),
                r#"{"exit_code":null,"stdout":"out","stderr":"","timed_out":true,"truncated":true,"duration_ms":12,"killed_by":"timeout"}"#,
            ),
            (
                RunEnd::Killed(KilledBy::Memory),
                r#"{"exit_code":null,"stdout":"out","stderr":"","timed_out":false,"truncated":true,"duration_ms":12,"killed_by":"memory"}"#,
            ),
        ] {
            let expected: serde_json::Value = serde_json::from_str(told_as).unwrap();
            assert_eq!(serde_json::Value::Object(told(&outcome(end))), expected);
        }
    }
}
