//! The tools that a model can call: one file a family. They know the stores only as ports.

pub mod bash;
pub mod browser;
pub mod calculator;
pub mod config;
mod files;
mod guidance;
mod history;
pub mod http;
mod insert;
mod memory;
mod page;
pub mod python;
pub mod runs;
mod schedule;
mod time;
mod typed;

use std::sync::Arc;

use self::bash::BashTools;
use self::browser::BrowserPorts;
use self::calculator::Calculator;
use self::config::{CalculatorConfig, ChatHistoryConfig, KvMemoryConfig, TimeConfig};
pub use self::guidance::guidance;
use self::insert::SelfInsertArtifact;
use self::python::PythonTools;
use self::typed::{Typed, TypedTool};
use crate::core::conversation::ConversationStore;
use crate::core::files::WorkspaceFiles;
use crate::core::jobs::{JobLimits, JobStore};
use crate::core::media::FileReader;
use crate::core::notes::NoteStore;
use crate::core::outgoing_file::OutgoingFiles;
use crate::core::schedule::ScheduleRules;
use crate::core::tool::Tool;

/// What the tools work on.
#[derive(Debug, Clone)]
pub struct ToolPorts {
    /// Conversations.
    pub conversations: Arc<dyn ConversationStore>,
    /// Notes.
    pub notes: Arc<dyn NoteStore>,
    /// Jobs.
    pub jobs: Arc<dyn JobStore>,
    /// The files of the chats.
    pub files: Arc<dyn WorkspaceFiles>,
    /// Copies of files on their way.
    pub copies: Arc<dyn OutgoingFiles>,
    /// The browser, where it is switched on.
    pub browser: Option<BrowserPorts>,
    /// Programs.
    pub programs: ProgramTools,
    /// What puts files before the model; `None` where there are no files.
    pub inserting: Option<Inserting>,
}

/// The tools that run programs, where they are switched on.
#[derive(Debug, Clone, Default)]
pub struct ProgramTools {
    /// `[tools.python_exec]`
    pub python: Option<PythonTools>,
    /// `[tools.bash]`
    pub bash: Option<BashTools>,
}

/// What puts files of the workspace before the model.
#[derive(Debug, Clone)]
pub struct Inserting {
    /// The files.
    pub workspaces: Arc<dyn WorkspaceFiles>,
    /// Looks at them.
    pub reader: Arc<dyn FileReader>,
    /// The largest file, in bytes.
    pub most_bytes: u64,
}

/// The families' own settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct ToolSettings {
    /// `[tools.chat_history]`
    pub chat_history: ChatHistoryConfig,
    /// `[tools.kv_memory]`
    pub kv_memory: KvMemoryConfig,
    /// `[tools.time]`
    pub time: TimeConfig,
    /// `[tools.calculator]`
    pub calculator: CalculatorConfig,
    /// `[tools.file_storage]`; `None` when it is switched off.
    pub files: Option<FileLimits>,
}

/// What the file tools may do.
#[derive(Debug, Clone, Copy)]
pub struct FileLimits {
    /// The largest file that they write.
    pub max_write_bytes: u64,
}

/// Settings that come from other sections than `[tools]`.
#[derive(Debug, Clone, Copy)]
pub struct ToolRules {
    /// What schedules are allowed.
    pub schedule: ScheduleRules,
    /// How many jobs a chat may have.
    pub jobs: JobLimits,
    /// Whether there is a scheduler.
    pub scheduler: SchedulerSwitch,
    /// Messages that are kept; 0 keeps all.
    pub max_history_messages: u32,
    /// Messages that the model sees.
    pub history_window: u32,
}

/// Whether jobs can be scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchedulerSwitch {
    /// They can.
    On,
    /// They cannot.
    Off,
}

/// A family of tools that is switched on.
#[derive(Debug)]
pub struct Family {
    /// What it is good for, in words for the person.
    pub ability: &'static str,
    /// The tools.
    pub tools: Vec<Arc<dyn Tool>>,
}

/// The families that are switched on, in the order in which models see them.
pub fn builtin(config: &ToolSettings, rules: ToolRules, ports: &ToolPorts) -> Vec<Family> {
    let mut families = Vec::new();
    if rules.scheduler == SchedulerSwitch::On {
        families.push(schedule::family(ports.jobs.clone(), rules));
    }
    if config.kv_memory.enabled {
        families.push(memory::family(ports.notes.clone(), &config.kv_memory));
    }
    if config.calculator.enabled {
        families.push(Family {
            ability: "Arithmetic, exact to the last digit",
            tools: vec![tool(Calculator::new(&config.calculator))],
        });
    }
    if config.time.enabled {
        families.push(Family {
            ability: "The date and time, anywhere",
            tools: vec![tool(time::CurrentDatetime)],
        });
    }
    if config.chat_history.enabled {
        families.push(history::family(ports.conversations.clone(), rules));
    }
    if let Some(limits) = config.files {
        let (files, copies) = (ports.files.clone(), ports.copies.clone());
        families.push(files::family(files, copies, limits));
    }
    if let Some(inserting) = &ports.inserting {
        families.push(Family {
            ability: "Looking at kept pictures and documents again",
            tools: vec![tool(SelfInsertArtifact(inserting.clone()))],
        });
    }
    if let Some(browser) = &ports.browser {
        families.push(browser::family(browser));
    }
    families.extend(ports.programs.python.as_ref().map(python::family));
    families.extend(ports.programs.bash.as_ref().map(bash::family));
    families
}

fn tool<T: TypedTool + 'static>(inner: T) -> Arc<dyn Tool> {
    Arc::new(Typed::new(inner))
}

/// A change came out as something it cannot be: a mistake of ours, told as a failure.
fn unexpected(outcome: &crate::core::change::ChangeOutcome) -> crate::core::tool::ToolResult {
    tracing::error!(?outcome, "a change came out as something else");
    crate::core::tool::ToolResult::error(
        crate::core::tool::ErrorCode::Failed,
        "the change could not be confirmed",
    )
}

#[cfg(test)]
mod program_tests;
#[cfg(test)]
mod test_world;
