//! Rules over `[runtime]`, `[storage]`, `[channels]`, `[scheduler]` and `[approvals]`.

use secrecy::ExposeSecret;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::{Settings, TOOL_NAMES};
use crate::adapters::config::{Finding, nearest};
use crate::adapters::sqlite::config::StorageConfig;
use crate::adapters::telegram::config::{TelegramConfig, UpdateMode};
use crate::app::config::ApprovalsConfig;
use crate::core::approval::ToolMode;
use crate::core::units::Seconds;

const EXPECTED_LEVEL: &str = "runtime.log_level: expected trace, debug, info, warn, error or off, or \
                              directives such as \"info,minibot=debug\"";

pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    runtime(settings, &mut findings);
    storage(&settings.storage, &mut findings);
    times(settings, &mut findings);
    if settings.channels.telegram.enabled {
        telegram_access(settings, &mut findings);
        telegram_connection(&settings.channels.telegram, &mut findings);
    }
    telegram_limits(&settings.channels.telegram, &mut findings);
    approvals(&settings.approvals, &mut findings);
    findings
}

fn runtime(settings: &Settings, findings: &mut Vec<Finding>) {
    let runtime = &settings.runtime;
    if EnvFilter::builder().parse(&runtime.log_level).is_err() {
        findings.push(Finding::problem(["runtime.log_level"], EXPECTED_LEVEL));
    } else if !names_a_level(&runtime.log_level) {
        // It would be the name of a part of the program, and nothing else would be logged.
        findings.push(Finding::problem(
            ["runtime.log_level"],
            format!("{EXPECTED_LEVEL}; \"{}\" names no level", runtime.log_level),
        ));
    }
    if runtime.owner_user_id < 0 {
        findings.push(Finding::problem(
            ["runtime.owner_user_id"],
            "runtime.owner_user_id: expected a person's id, which is never negative",
        ));
    }
}

/// Whether directives say a level at all: "info", "minibot=debug", "[turn]=trace".
fn names_a_level(directives: &str) -> bool {
    directives.split(',').any(|directive| {
        let level = directive
            .rsplit_once('=')
            .map_or(directive, |(_, level)| level);
        !level.is_empty() && level.trim().parse::<LevelFilter>().is_ok()
    })
}

fn storage(storage: &StorageConfig, findings: &mut Vec<Finding>) {
    at_most(
        "storage.busy_timeout_ms",
        storage.busy_timeout_ms,
        StorageConfig::LONGEST_BUSY_TIMEOUT_MS,
        findings,
    );
}

/// Refuses a number that is larger.
pub(super) fn at_most(key: &str, found: u32, most: u32, findings: &mut Vec<Finding>) {
    if found > most {
        findings.push(Finding::problem(
            [key],
            format!("{key}: expected {most} or less, found {found}"),
        ));
    }
}

/// Every time that must last.
fn times(settings: &Settings, findings: &mut Vec<Finding>) {
    let prompts = &settings.scheduler.prompts;
    let times: [(&str, Seconds); 6] = [
        (
            "runtime.turn_timeout_seconds",
            settings.runtime.turn_timeout_seconds,
        ),
        (
            "scheduler.prompts.poll_interval_seconds",
            prompts.poll_interval_seconds,
        ),
        (
            "scheduler.prompts.lease_timeout_seconds",
            prompts.lease_timeout_seconds,
        ),
        (
            "scheduler.prompts.min_recurrence_interval_seconds",
            prompts.min_recurrence_interval_seconds,
        ),
        (
            "approvals.timeout_seconds",
            settings.approvals.timeout_seconds,
        ),
        (
            "egress.dns_timeout_seconds",
            settings.egress.dns_timeout_seconds,
        ),
    ];
    positive(&times, findings);
}

/// Refuses the times that are zero.
pub(super) fn positive(times: &[(&str, Seconds)], findings: &mut Vec<Finding>) {
    for (key, time) in times {
        if time.is_zero() {
            findings.push(Finding::problem(
                [*key],
                format!("{key}: expected more than 0 seconds"),
            ));
        }
    }
}

fn telegram_access(settings: &Settings, findings: &mut Vec<Finding>) {
    const CHATS: &str = "channels.telegram.allowed_chat_ids";
    const PEOPLE: &str = "channels.telegram.allowed_user_ids";
    const REQUIRED: &str = "channels.telegram.require_authorized";
    let telegram = &settings.channels.telegram;
    let nobody = telegram.allowed_chat_ids.is_empty() && telegram.allowed_user_ids.is_empty();
    if !telegram.require_authorized {
        findings.push(Finding::warning(
            [REQUIRED],
            format!(
                "{REQUIRED} is false: everybody who finds the bot can use it and spend your money"
            ),
        ));
    } else if nobody {
        findings.push(Finding::warning(
            [PEOPLE, CHATS],
            format!(
                "{PEOPLE} and {CHATS} are both empty: nobody is let in; write to the bot, and its refusal \
                 shows the id to add"
            ),
        ));
    }
    let owner = settings.runtime.owner_user_id;
    let people = &telegram.allowed_user_ids;
    if telegram.require_authorized && owner > 0 && !people.is_empty() && !people.contains(&owner) {
        findings.push(Finding::warning(
            ["runtime.owner_user_id", PEOPLE],
            format!("runtime.owner_user_id is not in {PEOPLE}: the owner is not let in"),
        ));
    }
    if people.iter().any(|id| *id <= 0) {
        findings.push(Finding::problem(
            [PEOPLE],
            format!("{PEOPLE}: a person's id is positive; ids of groups belong in {CHATS}"),
        ));
    }
}

fn telegram_connection(telegram: &TelegramConfig, findings: &mut Vec<Finding>) {
    const TOKEN: &str = "channels.telegram.bot_token";
    const WEBHOOK: &str = "channels.telegram.webhook_url";
    match &telegram.bot_token {
        None => findings.push(Finding::problem(
            [TOKEN, "channels.telegram.enabled"],
            format!("{TOKEN} is missing; @BotFather in Telegram gives one"),
        )),
        Some(token) if !is_token(token.expose_secret()) => findings.push(Finding::problem(
            [TOKEN],
            format!(
                "{TOKEN}: this is not a token as @BotFather gives them (digits, a colon, letters)"
            ),
        )),
        Some(_) => {}
    }
    if !telegram.api_url.is_https() && !telegram.api_url.is_loopback() {
        findings.push(Finding::warning(
            ["channels.telegram.api_url"],
            "channels.telegram.api_url is not https: the bot token travels unencrypted",
        ));
    }
    if telegram.mode != UpdateMode::Webhook {
        return;
    }
    match &telegram.webhook_url {
        None => findings.push(Finding::problem(
            [WEBHOOK, "channels.telegram.mode"],
            format!("{WEBHOOK} is missing, and mode = \"webhook\" needs it"),
        )),
        Some(url) if !url.is_https() && !url.is_loopback() => findings.push(Finding::problem(
            [WEBHOOK],
            format!("{WEBHOOK}: expected an https URL (http only for this machine)"),
        )),
        Some(_) => {}
    }
}

fn telegram_limits(telegram: &TelegramConfig, findings: &mut Vec<Finding>) {
    const SECRET: &str = "channels.telegram.webhook_secret";
    const INTERVAL: &str = "channels.telegram.stream_edit_interval_ms";
    const POLL: &str = "channels.telegram.poll_timeout_seconds";
    let secret = telegram.webhook_secret.as_ref();
    if secret.is_some_and(|secret| !is_webhook_secret(secret.expose_secret())) {
        findings.push(Finding::problem(
            [SECRET],
            format!("{SECRET}: expected 1 to 256 characters of A-Z, a-z, 0-9, _ and -"),
        ));
    }
    if telegram.stream_edit_interval_ms < TelegramConfig::SHORTEST_EDIT_INTERVAL_MS {
        findings.push(Finding::problem(
            [INTERVAL],
            format!(
                "{INTERVAL}: expected {} or more, found {}",
                TelegramConfig::SHORTEST_EDIT_INTERVAL_MS,
                telegram.stream_edit_interval_ms
            ),
        ));
    }
    let poll = Seconds::new(1)..=TelegramConfig::LONGEST_POLL;
    if !poll.contains(&telegram.poll_timeout_seconds) {
        findings.push(Finding::problem(
            [POLL],
            format!("{POLL}: expected 1 to 50: the sign of life that a service manager waits for comes after each poll"),
        ));
    }
    let total = telegram.max_total_media_bytes;
    for (key, size) in [
        ("max_photo_bytes", telegram.max_photo_bytes),
        ("max_document_bytes", telegram.max_document_bytes),
    ] {
        if size > total {
            findings.push(Finding::warning(
                [
                    format!("channels.telegram.{key}"),
                    "channels.telegram.max_total_media_bytes".to_owned(),
                ],
                format!(
                    "channels.telegram.{key} ({size}) is more than max_total_media_bytes ({total}), which counts"
                ),
            ));
        }
    }
}

/// Digits, a colon, and letters that may stand in an address.
pub fn is_token(token: &str) -> bool {
    token.split_once(':').is_some_and(|(id, key)| {
        !id.is_empty()
            && id.bytes().all(|byte| byte.is_ascii_digit())
            && !key.is_empty()
            && key.bytes().all(is_url_safe)
    })
}

/// As Bot API `setWebhook` defines `secret_token`.
fn is_webhook_secret(secret: &str) -> bool {
    (1..=256).contains(&secret.len()) && secret.bytes().all(is_url_safe)
}

fn is_url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn approvals(approvals: &ApprovalsConfig, findings: &mut Vec<Finding>) {
    for (tool, mode) in &approvals.tools {
        let key = format!("approvals.tools.{tool}");
        if *mode == ToolMode::Classify && tool != "bash" {
            findings.push(Finding::problem(
                [key.clone()],
                format!(
                    "{key}: \"classify\" is only for bash; expected \"allow\", \"ask\" or \"deny\""
                ),
            ));
        }
        let is_name = |byte: u8| is_url_safe(byte) || byte == b'*';
        if tool.is_empty() || !tool.bytes().all(is_name) {
            findings.push(Finding::problem(
                [key.clone()],
                format!("{key}: expected the name of a tool, with * for any letters"),
            ));
        } else if is_no_tool(tool) {
            let guess = match nearest(tool, TOOL_NAMES.iter().copied()) {
                Some(guess) => format!("; did you mean {guess}?"),
                None => String::new(),
            };
            findings.push(Finding::warning(
                [key.clone()],
                format!("{key}: there is no tool of this name{guess}"),
            ));
        }
    }
}

/// Those of MCP servers have names of their own.
fn is_no_tool(name: &str) -> bool {
    !name.contains('*') && !name.starts_with("mcp_") && !TOOL_NAMES.contains(&name)
}
