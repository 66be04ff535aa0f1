//! Finds the programs that models may run, and proves at start that their sandbox can be had.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use secrecy::{ExposeSecret, SecretString};

use super::settings::{BashConfig, PythonExecConfig, Settings};
use crate::adapters::config::Environment;
use crate::adapters::sandbox::{
    self, JailArtifacts, Passed, ProcessSandbox, SandboxPlace, SandboxSettings, child_environment,
    find_program,
};
use crate::core::artifacts::ArtifactRules;
use crate::core::files::Workspaces;
use crate::core::sandbox::SandboxMode;
use crate::core::units::ByteCount;
use crate::llm::tools::ProgramTools;
use crate::llm::tools::bash::BashTools;
use crate::llm::tools::python::{ArtifactSettings, PythonTools};
use crate::llm::tools::runs::{Interpreter, RunLimits};

/// What is switched on, or why it cannot be: a mode that the machine does not give ends the start.
pub async fn find(settings: &Settings, files: Arc<dyn Workspaces>) -> anyhow::Result<ProgramTools> {
    let (python, bash) = (&settings.tools.python_exec, &settings.tools.bash);
    if !python.enabled && !bash.enabled {
        return Ok(ProgramTools::default());
    }
    sandbox::hide_from_children()
        .context("the bot cannot close its memory to the programs that it runs")?;
    let root = settings.files_root();
    let chats = root.join("chats");
    // They must be there now, to be opened to the user as whom programs run.
    let mut folders = DirBuilder::new();
    folders.recursive(true).mode(0o700);
    folders
        .create(&chats)
        .with_context(|| chats.display().to_string())?;
    let within: [&Path; 3] = [&settings.runtime.data_dir, &root, &chats];
    let runs = settings.runtime.data_dir.join("sandbox");
    let place =
        SandboxPlace::prepare(runs, &within).context("the sandbox's folder cannot be made")?;
    let finder = Finder {
        settings,
        place,
        environment: Environment::of_process(),
        files,
    };
    let mut found = ProgramTools::default();
    if python.enabled {
        found.python = Some(finder.python(python).await?);
    }
    if bash.enabled {
        found.bash = Some(finder.bash(bash).await?);
    }
    Ok(found)
}

struct Finder<'a> {
    settings: &'a Settings,
    place: SandboxPlace,
    environment: Environment,
    files: Arc<dyn Workspaces>,
}

impl Finder<'_> {
    async fn python(&self, config: &PythonExecConfig) -> anyhow::Result<PythonTools> {
        let in_venv = config
            .venv_path
            .as_ref()
            .map(|venv| venv.join("bin/python"));
        let (key, name) = match (&in_venv, &config.python_path) {
            (Some(program), _) => ("venv_path", program.as_path()),
            (None, Some(program)) => ("python_path", program.as_path()),
            (None, None) => ("python_path", Path::new("python3")),
        };
        let program = self
            .program(name, config.sandbox_mode)
            .with_context(|| format!("tools.python_exec.{key}"))?;
        let mut readable: Vec<PathBuf> = config.venv_path.iter().cloned().collect();
        readable.extend(self.prefix(&program));
        let sandbox = SandboxSettings {
            mode: config.sandbox_mode,
            limits: config.rlimit,
            cgroup: config.cgroup,
            jail: config.jail.clone(),
            jail_folder: config.artifacts_jail_shared_dir.clone(),
            jail_artifacts: if config.artifacts_allow_in_jail {
                JailArtifacts::Taken
            } else {
                JailArtifacts::Left
            },
            environment: self.variables(config.pass_parent_env, &config.env_allowlist),
        };
        Ok(PythonTools {
            interpreter: self
                .interpreter("tools.python_exec", sandbox, (program, readable))
                .await?,
            limits: RunLimits {
                default_timeout: config.default_timeout_seconds.get(),
                max_timeout: config.max_timeout_seconds.get(),
                max_output_bytes: config.max_output_bytes.get(),
            },
            max_code_bytes: config.max_code_bytes.get(),
            artifacts: artifacts(config),
        })
    }

    async fn bash(&self, config: &BashConfig) -> anyhow::Result<BashTools> {
        let program = self
            .program(Path::new("bash"), config.sandbox_mode)
            .context("tools.bash")?;
        let sandbox = SandboxSettings {
            mode: config.sandbox_mode,
            limits: config.rlimit,
            cgroup: config.cgroup,
            jail: config.jail.clone(),
            jail_folder: None,
            jail_artifacts: JailArtifacts::Left,
            environment: self.variables(config.pass_parent_env, &config.env_allowlist),
        };
        Ok(BashTools {
            interpreter: self
                .interpreter("tools.bash", sandbox, (program, Vec::new()))
                .await?,
            limits: RunLimits {
                default_timeout: config.default_timeout_seconds.get(),
                max_timeout: config.max_timeout_seconds.get(),
                max_output_bytes: config.max_output_bytes.get(),
            },
        })
    }

    async fn interpreter(
        &self,
        section: &str,
        sandbox: SandboxSettings,
        (program, readable): (PathBuf, Vec<PathBuf>),
    ) -> anyhow::Result<Interpreter> {
        sandbox::check(&self.place, &sandbox)
            .await
            .map_err(|missing| anyhow!("{section}.sandbox_mode: {missing}"))?;
        Ok(Interpreter {
            sandbox: Arc::new(ProcessSandbox::new(self.place.clone(), sandbox)),
            program,
            readable,
            files: self.files.clone(),
        })
    }

    fn program(&self, name: &Path, mode: SandboxMode) -> anyhow::Result<PathBuf> {
        const USUAL: &str = "/usr/local/bin:/usr/bin:/bin";
        let own = self.environment.get("PATH").unwrap_or_default();
        Ok(find_program(name, &format!("{own}:{USUAL}"), mode)?)
    }

    fn variables(&self, all: bool, allowed: &[String]) -> Vec<(String, String)> {
        let passed = if all {
            Passed::AllButSecrets
        } else {
            Passed::Only(allowed)
        };
        child_environment(self.environment.iter(), passed, &self.secrets())
    }

    /// What must not stand in a variable, whatever it is called.
    fn secrets(&self) -> Vec<&str> {
        let telegram = &self.settings.channels.telegram;
        let llm = &self.settings.llm;
        let profiles = llm
            .profiles
            .values()
            .filter_map(|profile| profile.api_key.as_ref());
        [
            telegram.bot_token.as_ref(),
            telegram.webhook_secret.as_ref(),
            llm.api_key.as_ref(),
            self.settings.tools.audio_transcription.api_key.as_ref(),
        ]
        .into_iter()
        .flatten()
        .chain(profiles)
        .map(SecretString::expose_secret)
        .collect()
    }

    /// The folder above `bin` where an interpreter has its library, if that is what it looks like: a
    /// program right in a home or beside the bot's data opens nothing.
    fn prefix(&self, program: &Path) -> Option<PathBuf> {
        let real = program.canonicalize().ok()?;
        let prefix = real.parent()?.parent()?;
        let library = prefix
            .join("lib")
            .read_dir()
            .ok()?
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("python"));
        let data = self.settings.runtime.data_dir.canonicalize().ok()?;
        (library && !data.starts_with(prefix)).then(|| prefix.to_path_buf())
    }
}

fn artifacts(config: &PythonExecConfig) -> ArtifactSettings {
    if !config.artifacts_enabled {
        return ArtifactSettings::Never("files of programs are not kept: artifacts_enabled is off");
    }
    if config.sandbox_mode == SandboxMode::Jail && !config.artifacts_allow_in_jail {
        return ArtifactSettings::Never(
            "files of programs are not kept: artifacts_allow_in_jail is off",
        );
    }
    let bytes = ByteCount::get;
    ArtifactSettings::Within {
        rules: ArtifactRules {
            globs: Vec::new(),
            extensions: config.artifacts_allowed_extensions.clone(),
            most_files: config.artifacts_max_files.get(),
            most_file_bytes: bytes(config.artifacts_max_file_bytes),
            most_total_bytes: bytes(config.artifacts_max_total_bytes),
        },
        folder: config.artifacts_default_subdir.clone(),
    }
}
