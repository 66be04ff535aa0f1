//! Keys of the Python MiniBot that are written differently here.

use crate::adapters::config::RetiredKey;

pub(super) const RETIRED: &[RetiredKey] = &[
    key(
        "providers",
        "write the key and the server into [llm] and [llm.profiles.NAME]",
    ),
    key(
        "orchestration",
        "there is one assistant here; remove the section",
    ),
    key(
        "runtime.agent_timeout_seconds",
        "write runtime.turn_timeout_seconds",
    ),
    key(
        "channels.telegram.format_repair_enabled",
        "answers are always formatted correctly; remove it",
    ),
    key(
        "channels.telegram.format_repair_max_attempts",
        "answers are always formatted correctly; remove it",
    ),
    key(
        "llm.sock_connect_timeout_seconds",
        "write llm.request_timeout_seconds",
    ),
    key(
        "llm.sock_read_timeout_seconds",
        "write llm.stall_timeout_seconds",
    ),
    key("llm.prompts_dir", "write llm.system_prompt_file"),
    key("memory.backend", "SQLite is the only one; remove it"),
    key(
        "memory.sqlite_url",
        "write storage.path with the path of the file",
    ),
    key("memory.max_history_tokens", "write llm.context_tokens"),
    key(
        "memory.notify_compaction_updates",
        "compaction is silent; remove it",
    ),
    key(
        "scheduler.prompts.sqlite_url",
        "everything is in one database: write storage.path",
    ),
    key(
        "scheduler.prompts.pool_size",
        "the database needs no pool; remove it",
    ),
    key(
        "scheduler.prompts.echo",
        "write runtime.log_level = \"debug\"",
    ),
    key(
        "tools.kv_memory.sqlite_url",
        "everything is in one database: write storage.path",
    ),
    key(
        "tools.kv_memory.pool_size",
        "the database needs no pool; remove it",
    ),
    key(
        "tools.kv_memory.echo",
        "write runtime.log_level = \"debug\"",
    ),
    key(
        "tools.kv_memory.default_owner_id",
        "notes belong to the person or the group; remove it",
    ),
    key(
        "tools.time.default_format",
        "the model asks for a format itself; remove it",
    ),
    key(
        "tools.playwright",
        "write [tools.browser], and its network rules into [egress]",
    ),
    key(
        "tools.browser.output_dir",
        "screenshots go to the chat's workspace, see tools.file_storage.root_dir",
    ),
    key(
        "tools.mcp",
        "MCP servers are not there yet; remove the section",
    ),
    key(
        "tools.python_exec.backend",
        "write tools.python_exec.sandbox_mode",
    ),
    key(
        "tools.python_exec.rlimit.enabled",
        "write tools.python_exec.sandbox_mode = \"rlimit\" (\"native\" has the limits too)",
    ),
    key(
        "tools.python_exec.cgroup.enabled",
        "write tools.python_exec.sandbox_mode = \"cgroup\"",
    ),
    key(
        "tools.python_exec.jail.enabled",
        "write tools.python_exec.sandbox_mode = \"jail\"",
    ),
    key("logging.structured", "write logging.format"),
    key(
        "logging.logfmt_enabled",
        "write logging.format = \"logfmt\"",
    ),
    key("logging.log_level", "write runtime.log_level"),
    key(
        "logging.kv_separator",
        "write logging.format; the separators are fixed",
    ),
    key(
        "logging.record_separator",
        "write logging.format; the separators are fixed",
    ),
];

const fn key(path: &'static str, instead: &'static str) -> RetiredKey {
    RetiredKey { path, instead }
}
