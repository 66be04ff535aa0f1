//! Finds the programs that models may run, and proves at start that their sandbox can be had.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use secrecy::ExposeSecret;
use tracing::info;

use super::exposed;
use super::settings::{BashConfig, PythonExecConfig, Settings};
use crate::adapters::config::Environment;
use crate::adapters::sandbox::{
    self, JailArtifacts, Passed, ProcessSandbox, SandboxPlace, SandboxSettings, child_environment,
    find_program,
};
use crate::core::action::Confinement;
use crate::core::artifacts::ArtifactRules;
use crate::core::files::Workspaces;
use crate::core::sandbox::SandboxMode;
use crate::core::units::ByteCount;
use crate::llm::tools::ProgramTools;
use crate::llm::tools::bash::BashTools;
use crate::llm::tools::python::{ArtifactSettings, PythonTools};
use crate::llm::tools::runs::{Interpreter, RunLimits};

/// The programs that are switched on, found but not proved yet.
#[derive(Debug)]
pub struct Wanted {
    python: Option<Found>,
    bash: Option<Found>,
}

impl Wanted {
    /// Looks for them, and refuses a start that would show them what is the bot's own. Nothing is made.
    pub fn of(settings: &Settings) -> anyhow::Result<Self> {
        let (python, bash) = (&settings.tools.python_exec, &settings.tools.bash);
        let finder = Finder::new(settings);
        Ok(Self {
            python: python.enabled.then(|| finder.python()).transpose()?,
            bash: bash.enabled.then(|| finder.bash()).transpose()?,
        })
    }

    /// Proves that their sandboxes can be had, or says why not: a mode that the machine does not give
    /// ends the start. `prepare` makes the place of the runs.
    pub async fn prove(
        self,
        settings: &Settings,
        files: Arc<dyn Workspaces>,
        prepare: impl FnOnce(PathBuf, &[&Path]) -> std::io::Result<SandboxPlace>,
    ) -> anyhow::Result<ProgramTools> {
        let mut tools = ProgramTools::default();
        if self.python.is_none() && self.bash.is_none() {
            return Ok(tools);
        }
        let place = place(settings, prepare)?;
        let (python, bash) = (&settings.tools.python_exec, &settings.tools.bash);
        if let Some(found) = self.python {
            tools.python = Some(PythonTools {
                interpreter: found.interpreter(&place, &files).await?,
                limits: RunLimits {
                    default_timeout: python.default_timeout_seconds.get(),
                    max_timeout: python.max_timeout_seconds.get(),
                    max_output_bytes: python.max_output_bytes.get(),
                },
                max_code_bytes: python.max_code_bytes.get(),
                artifacts: artifacts(python),
            });
        }
        if let Some(found) = self.bash {
            tools.bash = Some(BashTools {
                interpreter: found.interpreter(&place, &files).await?,
                limits: RunLimits {
                    default_timeout: bash.default_timeout_seconds.get(),
                    max_timeout: bash.max_timeout_seconds.get(),
                    max_output_bytes: bash.max_output_bytes.get(),
                },
            });
        }
        Ok(tools)
    }
}

fn place(
    settings: &Settings,
    prepare: impl FnOnce(PathBuf, &[&Path]) -> std::io::Result<SandboxPlace>,
) -> anyhow::Result<SandboxPlace> {
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
    prepare(runs, &within).context("the sandbox's folder cannot be made")
}

/// Finds programs as the settings name them, and what holds them in.
#[derive(Debug)]
pub struct Finder<'a> {
    settings: &'a Settings,
    environment: Environment,
}

/// A program that a model may run.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its section in the settings.
    section: &'static str,
    /// Its path.
    pub program: PathBuf,
    /// What it needs to read beside the system's own folders.
    readable: Vec<PathBuf>,
    /// What holds it in.
    pub sandbox: SandboxSettings,
}

const PREFIX_KEY: &str = "the interpreter of tools.python_exec";
const VENV_KEY: &str = "tools.python_exec.venv_path";

impl<'a> Finder<'a> {
    /// In the environment of this process.
    pub fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            environment: Environment::of_process(),
        }
    }

    /// Python, or why it cannot be used.
    pub fn python(&self) -> anyhow::Result<Found> {
        let config = &self.settings.tools.python_exec;
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
        let prefix = prefix(&program);
        let venv = config.venv_path.iter().map(|path| (VENV_KEY, path));
        let opened = venv.chain(prefix.iter().map(|path| (PREFIX_KEY, path)));
        self.hides_the_bot(config.sandbox_mode, opened)?;
        Ok(Found {
            section: "tools.python_exec",
            program,
            readable: config.venv_path.iter().cloned().chain(prefix).collect(),
            sandbox: SandboxSettings {
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
                session: self.session(),
                environment: self.variables(config.pass_parent_env, &config.env_allowlist),
            },
        })
    }

    /// Bash, or why it cannot be used.
    pub fn bash(&self) -> anyhow::Result<Found> {
        let config: &BashConfig = &self.settings.tools.bash;
        let program = self
            .program(Path::new("bash"), config.sandbox_mode)
            .context("tools.bash")?;
        self.hides_the_bot(config.sandbox_mode, [])?;
        Ok(Found {
            section: "tools.bash",
            program,
            readable: Vec::new(),
            sandbox: SandboxSettings {
                mode: config.sandbox_mode,
                limits: config.rlimit,
                cgroup: config.cgroup,
                jail: config.jail.clone(),
                jail_folder: None,
                jail_artifacts: JailArtifacts::Left,
                session: self.session(),
                environment: self.variables(config.pass_parent_env, &config.env_allowlist),
            },
        })
    }

    /// Where the kernel says what may be read, nothing of the bot's own may be among it.
    fn hides_the_bot<'p>(
        &self,
        mode: SandboxMode,
        opened: impl IntoIterator<Item = (&'p str, &'p PathBuf)>,
    ) -> anyhow::Result<()> {
        if mode.confinement() != Confinement::Native {
            return Ok(());
        }
        let system = sandbox::system_places().into_iter();
        let opened = opened
            .into_iter()
            .map(|(key, path)| (Some(key), path.clone()));
        let readable: Vec<_> = system.map(|path| (None, path)).chain(opened).collect();
        exposed::refuse(self.settings, &readable)
    }

    fn program(&self, name: &Path, mode: SandboxMode) -> anyhow::Result<PathBuf> {
        const USUAL: &str = "/usr/local/bin:/usr/bin:/bin";
        let own = self.environment.get("PATH").unwrap_or_default();
        Ok(find_program(name, &format!("{own}:{USUAL}"), mode)?)
    }

    /// What tells where the service manager of this user is.
    fn session(&self) -> Vec<(String, String)> {
        ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), self.environment.get(name)?.to_owned())))
            .collect()
    }

    fn variables(&self, all: bool, allowed: &[String]) -> Vec<(String, String)> {
        let passed = if all {
            Passed::AllButSecrets
        } else {
            Passed::Only(allowed)
        };
        let secrets = self.settings.secrets();
        let secrets: Vec<&str> = secrets.map(ExposeSecret::expose_secret).collect();
        child_environment(self.environment.iter(), passed, &secrets)
    }
}

impl Found {
    /// Proves that the sandbox can be had.
    async fn interpreter(
        self,
        place: &SandboxPlace,
        files: &Arc<dyn Workspaces>,
    ) -> anyhow::Result<Interpreter> {
        let section = self.section;
        if let Some(shared) = self.sandbox.own_folder() {
            place
                .clear(shared)
                .with_context(|| format!("{section}.artifacts_jail_shared_dir"))?;
        }
        let layers = sandbox::check(place, &self.sandbox)
            .await
            .map_err(|unfit| anyhow!("{section}.{}: {unfit}", unfit.key()))?;
        let mode = self.sandbox.mode.name();
        let program = self.program.display();
        info!(%program, mode, layers, "{section}: the sandbox works");
        Ok(Interpreter {
            sandbox: Arc::new(ProcessSandbox::new(place.clone(), self.sandbox)),
            program: self.program,
            readable: self.readable,
            files: files.clone(),
        })
    }
}

/// The folder above `bin` where an interpreter has its library, if that is what it looks like: a
/// program right in a home opens nothing.
fn prefix(program: &Path) -> Option<PathBuf> {
    let real = program.canonicalize().ok()?;
    let prefix = real.parent()?.parent()?;
    let library = prefix
        .join("lib")
        .read_dir()
        .ok()?
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("python"));
    library.then(|| prefix.to_path_buf())
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
