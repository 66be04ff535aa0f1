//! The shell tool: it runs a command line in the chat's workspace, and says what it is about to run.

mod bounds;
mod literal;
pub mod parse;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::runs::{Interpreter, RunLimits, labelled, no_files, not_run, told};
use super::typed::{TypedTool, failure};
use super::{Family, tool};
use crate::core::action::{Action, Confinement};
use crate::core::command::{Verdict, classify};
use crate::core::files::WorkspaceId;
use crate::core::label::Labels;
use crate::core::sandbox::{Access, Argument, RunFolder, RunRequest};
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome};

/// The longest command line, in bytes. It is one argument of a program, which the kernel bounds.
const LONGEST_COMMAND: usize = 64 * 1024;

/// Git is used for looking: it starts no monitor and no pager, asks nobody, and takes no lock to look. The
/// machine's settings are out of its sight, and it would not do without them. A repository is what has a
/// `.git`, which is guarded, and not a folder that only looks like the inside of one.
pub const ENVIRONMENT: [(&str, &str); 9] = [
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_CONFIG_COUNT", "2"),
    ("GIT_CONFIG_KEY_0", "core.fsmonitor"),
    ("GIT_CONFIG_VALUE_0", "false"),
    ("GIT_CONFIG_KEY_1", "safe.bareRepository"),
    ("GIT_CONFIG_VALUE_1", "explicit"),
];

/// How the shell is run.
#[derive(Debug, Clone)]
pub struct BashTools {
    /// The shell.
    pub interpreter: Interpreter,
    /// How long and how much.
    pub limits: RunLimits,
}

/// The family.
pub(super) fn family(bash: &BashTools) -> Family {
    Family {
        ability: "Shell commands on this chat's files, in a sandbox",
        tools: vec![tool(Bash(bash.clone()))],
    }
}

#[derive(Debug)]
struct Bash(BashTools);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The command line.
    command: String,
    /// What it reads from standard input.
    stdin: Option<String>,
    timeout_seconds: Option<f64>,
}

#[async_trait]
impl TypedTool for Bash {
    const NAME: &'static str = "bash";
    const TEXTS: &'static str = include_str!("../../../../prompts/tools/bash.md");
    const EFFECT: ToolEffect = ToolEffect::OutsideOnce;
    type Arguments = Arguments;

    async fn action(&self, _context: &ToolContext, arguments: Arguments) -> Action {
        Action::Command {
            line: parse::read(&arguments.command),
            confinement: self.0.interpreter.sandbox.mode().confinement(),
        }
    }

    async fn run(&self, context: &ToolContext, arguments: Arguments) -> ToolOutcome {
        self.0
            .execute(context, arguments)
            .await
            .unwrap_or_else(|refusal| refusal)
    }
}

impl BashTools {
    /// What is let pass as a mere look gets no more than that: an option that nobody knew of, or a program
    /// that a file of the workspace names, changes nothing there.
    fn access(&self, command: &str) -> Access {
        let confinement = self.interpreter.sandbox.mode().confinement();
        match classify(&parse::read(command), confinement) {
            Verdict::Allow => Access::Look,
            Verdict::Ask(_) | Verdict::Deny(_) => Access::Change,
        }
    }

    /// Notes where what a command leaves in the folder may come from. One that can only look leaves nothing,
    /// and the files stay known as what they are.
    async fn expose(
        &self,
        workspace: &WorkspaceId,
        access: Access,
        labels: &Labels,
    ) -> Result<(), ToolOutcome> {
        let mode = self.interpreter.sandbox.mode();
        if access == Access::Look && mode.confinement() == Confinement::Native {
            return Ok(());
        }
        let exposed = self.interpreter.files.expose(workspace, labels).await;
        exposed.map_err(|error| no_files(&error))
    }

    async fn execute(
        &self,
        context: &ToolContext,
        arguments: Arguments,
    ) -> Result<ToolOutcome, ToolOutcome> {
        let command = arguments.command;
        if command.len() > LONGEST_COMMAND {
            let message = format!(
                "the command has {} bytes, and may have {LONGEST_COMMAND}; give long input as stdin",
                command.len()
            );
            return Err(failure(ErrorCode::TooLarge, message));
        }
        if command.contains('\0') {
            return Err(failure(
                ErrorCode::BadArguments,
                "the command has a zero byte in it",
            ));
        }
        let timeout = self.limits.timeout(arguments.timeout_seconds)?;
        let workspace = WorkspaceId::of(&context.target);
        let folder = self.interpreter.files.directory(&workspace).await;
        let folder = folder.map_err(|error| no_files(&error))?;
        let labels = self.interpreter.labels(context).await?;
        let access = self.access(&command);
        // Before it runs: whatever it leaves behind, also by a crash, is known to come from there.
        self.expose(&workspace, access, &labels).await?;
        let environment = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = RunRequest {
            program: self.interpreter.program.clone(),
            arguments: ["--noprofile", "--norc", "-c", &command]
                .map(Argument::text)
                .into(),
            stdin: arguments.stdin.unwrap_or_default().into_bytes(),
            folder: RunFolder::Workspace(folder, access),
            readable: self.interpreter.readable.clone(),
            environment: environment.into(),
            timeout,
            most_output_bytes: self.limits.max_output_bytes,
            artifacts: None,
        };
        let run = self.interpreter.sandbox.run(request).await;
        let outcome = run.map_err(|error| not_run(&error))?;
        let before = labels.clone();
        let labels = self.interpreter.labels_after(context, labels).await;
        if labels != before {
            // It may have written what it read of that.
            self.expose(&workspace, access, &labels).await?;
        }
        Ok(labelled(told(&outcome), labels))
    }
}

#[cfg(test)]
mod tests;
