//! The Python tools: they run a program in the sandbox and keep the files that it leaves.

mod environment;
mod keep;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use self::environment::PythonEnvironmentInfo;
pub use self::keep::ArtifactSettings;
use self::keep::Wishes;
use super::runs::{Interpreter, RunLimits, labelled, no_files, not_run, told};
use super::typed::{TypedTool, failure};
use super::{Family, tool};
use crate::core::action::Action;
use crate::core::files::WorkspaceId;
use crate::core::sandbox::{Argument, RunFolder, RunRequest};
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome};

const TEXTS: &str = include_str!("../../../../prompts/tools/python.md");

/// How Python is run.
#[derive(Debug, Clone)]
pub struct PythonTools {
    /// The interpreter.
    pub interpreter: Interpreter,
    /// How long and how much.
    pub limits: RunLimits,
    /// The longest program, in bytes.
    pub max_code_bytes: u64,
    /// Which files are kept.
    pub artifacts: ArtifactSettings,
}

/// The family.
pub(super) fn family(python: &PythonTools) -> Family {
    Family {
        ability: "Python programs, in a sandbox",
        tools: vec![
            tool(PythonExecute(python.clone())),
            tool(PythonEnvironmentInfo(python.clone())),
        ],
    }
}

#[derive(Debug)]
struct PythonExecute(PythonTools);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The program.
    code: String,
    /// What it reads from standard input.
    stdin: Option<String>,
    timeout_seconds: Option<f64>,
    /// Whether files that it writes are saved; default: yes.
    save_artifacts: Option<bool>,
    /// Which files are saved, such as *.png; default: all.
    artifact_globs: Option<Vec<String>>,
    /// The folder that they are saved in.
    artifact_subdir: Option<String>,
    max_artifacts: Option<u32>,
}

#[async_trait]
impl TypedTool for PythonExecute {
    const NAME: &'static str = "python_execute";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::OutsideOnce;
    type Arguments = Arguments;

    async fn action(&self, _context: &ToolContext, _arguments: Arguments) -> Action {
        Action::Code {
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

impl PythonTools {
    async fn execute(
        &self,
        context: &ToolContext,
        arguments: Arguments,
    ) -> Result<ToolOutcome, ToolOutcome> {
        if arguments.code.len() as u64 > self.max_code_bytes {
            let message = format!(
                "the program has {} bytes, and may have {}; do it in smaller steps",
                arguments.code.len(),
                self.max_code_bytes
            );
            return Err(failure(ErrorCode::TooLarge, message));
        }
        let wishes = Wishes {
            save: arguments.save_artifacts,
            globs: arguments.artifact_globs.unwrap_or_default(),
            folder: arguments.artifact_subdir,
            most: arguments.max_artifacts,
        };
        let keeping = self.artifacts.keeping(wishes)?;
        let timeout = self.limits.timeout(arguments.timeout_seconds)?;
        let workspace = WorkspaceId::of(&context.target);
        let folder = self.interpreter.files.directory(&workspace).await;
        let folder = folder.map_err(|error| no_files(&error))?;
        let labels = self.interpreter.labels(context).await?;
        let request = RunRequest {
            stdin: arguments.stdin.unwrap_or_default().into_bytes(),
            folder: RunFolder::Private {
                workspace: Some(folder),
            },
            timeout,
            artifacts: keeping.as_ref().map(|keeping| keeping.rules.clone()),
            ..self.request(arguments.code)
        };
        let run = self.interpreter.sandbox.run(request).await;
        let outcome = run.map_err(|error| not_run(&error))?;
        let labels = self.interpreter.labels_after(context, labels).await;
        let mut fields = told(&outcome);
        if let Some(keeping) = keeping {
            let files = &self.interpreter.files;
            let kept = keeping
                .keep(files.as_ref(), &workspace, outcome, &labels)
                .await;
            fields.insert("artifacts".to_owned(), json!(kept.artifacts));
            fields.insert("skipped".to_owned(), json!(kept.skipped));
        }
        Ok(labelled(fields, labels))
    }

    /// A program with nothing around it: no settings of a user, no modules beside it, and what it
    /// prints is out at once.
    fn request(&self, code: String) -> RunRequest {
        let file = Argument::File {
            name: "program.py".to_owned(),
            content: code.into_bytes(),
        };
        let flags = ["-I", "-B", "-u", "-X", "utf8"].map(Argument::text);
        RunRequest {
            program: self.interpreter.program.clone(),
            arguments: flags.into_iter().chain([file]).collect(),
            stdin: Vec::new(),
            folder: RunFolder::Private { workspace: None },
            readable: self.interpreter.readable.clone(),
            // Plots are drawn into files: there is no screen.
            environment: vec![("MPLBACKEND".to_owned(), "Agg".to_owned())],
            timeout: self.limits.default_timeout,
            most_output_bytes: self.limits.max_output_bytes,
            artifacts: None,
        }
    }
}
