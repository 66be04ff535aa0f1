//! All settings: every module's own configuration, composed, with the rules that span them.

mod checks;
mod data_dir;
mod execution;
mod model_checks;
mod retired;
mod tool_checks;
mod tool_names;

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

use crate::adapters::browser::config::BrowserConfig;
use crate::adapters::config::{Checked, FileKey, Finding, Rules, Visibility};
use crate::adapters::console::config::ConsoleConfig;
use crate::adapters::files::config::FileStorageConfig;
use crate::adapters::sqlite::config::StorageConfig;
use crate::adapters::telegram::config::TelegramConfig;
use crate::adapters::telemetry::config::LoggingConfig;
use crate::app::config::{ApprovalsConfig, MemoryConfig, RuntimeConfig, SchedulerConfig};
use crate::core::egress::EgressConfig;
use crate::llm::config::{AudioTranscriptionConfig, LlmConfig};
use crate::llm::tools::config::{CalculatorConfig, ChatHistoryConfig, KvMemoryConfig, TimeConfig};
use crate::llm::tools::http::config::HttpClientConfig;

pub use checks::is_token;
pub use execution::{BashConfig, PythonExecConfig};
pub use tool_names::TOOL_NAMES;

/// What the loader has to know about particular keys.
pub const RULES: Rules = Rules {
    file_keys: &[
        secret("bot_token"),
        secret("api_key"),
        secret("webhook_secret"),
        FileKey {
            name: "system_prompt",
            visibility: Visibility::Plain,
        },
    ],
    retired: retired::RETIRED,
};

const fn secret(name: &'static str) -> FileKey {
    FileKey {
        name,
        visibility: Visibility::Secret,
    }
}

/// Every setting.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub runtime: RuntimeConfig,
    pub storage: StorageConfig,
    pub channels: ChannelsConfig,
    pub llm: LlmConfig,
    pub memory: MemoryConfig,
    pub scheduler: SchedulerConfig,
    pub approvals: ApprovalsConfig,
    pub egress: EgressConfig,
    pub tools: ToolsConfig,
    pub logging: LoggingConfig,
    /// The files that all this was read from, and those of the secrets in it.
    #[serde(skip)]
    pub sources: Vec<PathBuf>,
}

/// `[channels]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelsConfig {
    pub telegram: TelegramConfig,
    pub console: ConsoleConfig,
}

/// `[tools]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolsConfig {
    pub chat_history: ChatHistoryConfig,
    pub kv_memory: KvMemoryConfig,
    pub time: TimeConfig,
    pub calculator: CalculatorConfig,
    pub http_client: HttpClientConfig,
    pub browser: BrowserConfig,
    pub file_storage: FileStorageConfig,
    pub audio_transcription: AudioTranscriptionConfig,
    pub python_exec: PythonExecConfig,
    pub bash: BashConfig,
}

impl Settings {
    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.storage.database(&self.runtime.data_dir)
    }

    /// The folder that holds the workspaces of all chats.
    pub fn files_root(&self) -> PathBuf {
        self.tools
            .file_storage
            .root_dir
            .clone()
            .unwrap_or_else(|| self.runtime.data_dir.join("files"))
    }

    /// The folder of the copies of files that are on their way.
    pub fn outgoing_copies(&self) -> PathBuf {
        self.runtime.data_dir.join("outbox-files")
    }

    /// Every secret in them.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        let telegram = &self.channels.telegram;
        let profiles = self.llm.profiles.values();
        let headers = &self.tools.browser.extra_http_headers;
        [&telegram.bot_token, &telegram.webhook_secret]
            .into_iter()
            .chain([&self.llm.api_key, &self.tools.audio_transcription.api_key])
            .chain(profiles.map(|profile| &profile.api_key))
            .flatten()
            .chain(headers.values())
    }

    /// The person the bot belongs to: as set, else the first allowed person, else the first allowed
    /// chat that is one (groups have negative ids).
    pub fn owner_user_id(&self) -> Option<i64> {
        let telegram = &self.channels.telegram;
        std::iter::once(&self.runtime.owner_user_id)
            .chain(&telegram.allowed_user_ids)
            .chain(&telegram.allowed_chat_ids)
            .copied()
            .find(|id| *id > 0)
    }
}

impl Checked for Settings {
    fn resolve_paths(&mut self, base_dir: &Path) {
        let python = &mut self.tools.python_exec;
        let optional = [
            &mut self.storage.path,
            &mut self.tools.file_storage.root_dir,
            &mut self.logging.file,
            &mut python.venv_path,
            &mut python.artifacts_jail_shared_dir,
        ];
        for path in optional.into_iter().flatten() {
            *path = base_dir.join(&path);
        }
        self.runtime.data_dir = data_dir::resolved(&self.runtime.data_dir, base_dir);
        let programs = [
            &mut python.python_path,
            &mut self.tools.browser.executable_path,
        ];
        for path in programs.into_iter().flatten() {
            // A bare name is looked up in PATH.
            if path.components().count() > 1 {
                *path = base_dir.join(&path);
            }
        }
    }

    fn check(&self) -> Vec<Finding> {
        let mut findings = checks::check(self);
        findings.extend(model_checks::check(self));
        findings.extend(tool_checks::check(self));
        findings
    }
}
