//! Settings of the parts that orchestrate: `[runtime]`, `[memory]`, `[scheduler]`, `[approvals]`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use chrono_tz::Tz;
use serde::de::{Deserialize, Deserializer, Error};

use crate::core::approval::ToolMode;
use crate::core::units::{Seconds, count, none_if_empty};

/// `[runtime]`
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeConfig {
    /// A level, or directives as in `RUST_LOG`.
    pub log_level: String,
    /// A name for this installation; it stands in the logs.
    pub environment: String,
    /// The person's wall clock, for reminders and the prompt.
    #[serde(deserialize_with = "time_zone")]
    pub timezone: Tz,
    /// Where everything is kept that the bot writes.
    pub data_dir: PathBuf,
    /// The person the bot belongs to; 0 means the first of the allowed ones.
    pub owner_user_id: i64,
    /// Turns at the same time over all chats; within a chat there is one.
    pub max_parallel_turns: NonZeroU32,
    /// After this a turn ends; waiting for a person does not count.
    pub turn_timeout_seconds: Seconds,
    /// How long a stop waits for what is running.
    pub shutdown_grace_seconds: Seconds,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            log_level: "info".to_owned(),
            environment: "production".to_owned(),
            timezone: Tz::UTC,
            data_dir: "./data".into(),
            owner_user_id: 0,
            max_parallel_turns: count(16),
            turn_timeout_seconds: Seconds::new(900),
            shutdown_grace_seconds: Seconds::new(20),
        }
    }
}

/// `[memory]`
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryConfig {
    /// Messages shown to the model, at most.
    pub history_window: NonZeroU32,
    /// Older messages beyond this many are deleted; 0 keeps all.
    pub max_history_messages: u32,
    /// Whether what falls out of the window is summarised.
    pub compaction: bool,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self {
            history_window: count(32),
            max_history_messages: 0,
            compaction: true,
        }
    }
}

/// `[scheduler]`
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SchedulerConfig {
    pub prompts: PromptsConfig,
}

/// `[scheduler.prompts]`
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PromptsConfig {
    pub enabled: bool,
    /// A safety net: the scheduler sleeps until the next due time.
    pub poll_interval_seconds: Seconds,
    /// How long a claimed job stays with whoever claimed it.
    pub lease_timeout_seconds: Seconds,
    /// Due jobs taken at once.
    pub batch_size: NonZeroU32,
    pub max_attempts: NonZeroU32,
    pub min_recurrence_interval_seconds: Seconds,
    pub max_active_per_chat: NonZeroU32,
    /// What happens to an occurrence that fell due while the bot was down.
    pub missed: MissedRun,
    /// An occurrence older than this is skipped.
    pub misfire_grace_seconds: Seconds,
    /// The profile of `[llm.profiles]` that runs want; that of `[llm]` when there is none.
    #[serde(deserialize_with = "none_if_empty")]
    pub profile: Option<String>,
}

impl Default for PromptsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            poll_interval_seconds: Seconds::new(60),
            lease_timeout_seconds: Seconds::new(120),
            batch_size: count(50),
            max_attempts: count(3),
            min_recurrence_interval_seconds: Seconds::new(60),
            max_active_per_chat: count(500),
            missed: MissedRun::RunOnce,
            misfire_grace_seconds: Seconds::new(86_400),
            profile: None,
        }
    }
}

/// What happens after downtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedRun {
    /// One late run, marked late.
    RunOnce,
    Skip,
}

/// `[approvals]`
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApprovalsConfig {
    /// No answer within this time is a denial.
    pub timeout_seconds: Seconds,
    /// Whether content from outside makes risky calls ask.
    pub escalate_after_untrusted: bool,
    /// Tool name or glob to mode. A table in the file replaces the default as a whole.
    pub tools: BTreeMap<String, ToolMode>,
}

impl Default for ApprovalsConfig {
    fn default() -> Self {
        let tools = [
            ("*", ToolMode::Allow),
            ("bash", ToolMode::Classify),
            ("delete_file", ToolMode::Ask),
            ("mcp_*", ToolMode::Ask),
        ];
        Self {
            timeout_seconds: Seconds::new(600),
            escalate_after_untrusted: true,
            tools: tools
                .into_iter()
                .map(|(tool, mode)| (tool.to_owned(), mode))
                .collect(),
        }
    }
}

fn time_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map_err(|_| {
        let expected = "expected an IANA time zone such as \"Europe/Madrid\"";
        match nearest_zone(&name) {
            Some(zone) => D::Error::custom(format!("{expected} (perhaps \"{zone}\")")),
            None => D::Error::custom(expected),
        }
    })
}

fn nearest_zone(name: &str) -> Option<&'static str> {
    const LARGEST_DISTANCE: usize = 3;
    const LONGEST_NAME: usize = 64;
    if name.len() > LONGEST_NAME {
        return None;
    }
    let name = name.to_lowercase();
    chrono_tz::TZ_VARIANTS
        .iter()
        .map(|zone| {
            let distance = strsim::damerau_levenshtein(&name, &zone.name().to_lowercase());
            (distance, zone.name())
        })
        .min()
        .filter(|(distance, _)| *distance <= LARGEST_DISTANCE.min(name.len() / 2))
        .map(|(_, zone)| zone)
}
