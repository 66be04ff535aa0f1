//! `minibot setup --from OLD.toml`: takes over what the config of the Python MiniBot says, and says what it leaves out.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use toml::{Table, Value};

use super::file::Place;
use crate::adapters::browser::arguments::is_accepted;
use crate::adapters::config::known_keys;
use crate::cli::say;
use crate::wiring::settings::{RULES, Settings};

/// Keys with the same meaning and another name.
const RENAMED: [(&str, &str); 5] = [
    (
        "runtime.agent_timeout_seconds",
        "runtime.turn_timeout_seconds",
    ),
    ("llm.sock_read_timeout_seconds", "llm.stall_timeout_seconds"),
    ("memory.max_history_tokens", "llm.context_tokens"),
    ("logging.log_level", "runtime.log_level"),
    (
        "tools.playwright.chromium_executable_path",
        "tools.browser.executable_path",
    ),
];

/// Sections with another name. What the new one does not know is left out.
const MOVED: [(&str, &str); 1] = [("tools.playwright.", "tools.browser.")];

/// Keys of the old browser section that are rules for every request here.
const EGRESS: [&str; 4] = [
    "allowed_domains",
    "denied_domains",
    "block_private_networks",
    "allow_http",
];

/// Of these only what is known to be harmless may stay.
const LAUNCH_ARGS: &str = "tools.browser.launch_args";

/// Reads the old file and writes the new one.
pub(super) fn run(old: &Path, place: &Place) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(old)
        .with_context(|| format!("{} cannot be read", old.display()))?;
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => bail!("{}: {error}", old.display()),
    };
    let Converted { table, left_out } = convert(&table);
    let head = format!(
        "# Taken over from {:?} by \"minibot setup\". Every key with its default stands in config.example.toml.\n",
        old.file_name().unwrap_or_default()
    );
    place.write(&format!("{head}\n{table}"))?;
    for line in &left_out {
        say(&format!("left out: {line}"));
    }
    say(&format!(
        "✓ {} is written. Its database is not read here: notes and reminders of the old bot stay there. Run \"minibot doctor\" next.",
        place.shown()
    ));
    Ok(ExitCode::SUCCESS)
}

/// A new configuration, and what of the old one is not in it.
struct Converted {
    table: Table,
    left_out: Vec<String>,
}

fn convert(old: &Table) -> Converted {
    let provider = old.get("llm").and_then(|llm| llm.get("provider")?.as_str());
    let mut taking = Taking {
        known: known_keys::<Settings>(),
        provider: provider.unwrap_or("openai"),
        converted: Converted {
            table: Table::new(),
            left_out: Vec::new(),
        },
    };
    for (key, value) in old {
        taking.take(key, value);
    }
    taking.converted
}

/// The way through an old file.
struct Taking<'a> {
    known: Vec<String>,
    provider: &'a str,
    converted: Converted,
}

impl Taking<'_> {
    /// Takes over a key with its value, which may be a table, or the keys of a section one by one.
    fn take(&mut self, path: &str, value: &Value) {
        let target = target(path, self.provider).filter(|target| is_known(&self.known, target));
        match (target, value) {
            (Some(target), value) => {
                let value = self.without_refused(path, &target, value);
                insert(&mut self.converted.table, &target, value);
            }
            (None, Value::Table(section)) => {
                for (key, value) in section {
                    self.take(&format!("{path}.{key}"), value);
                }
            }
            (None, _) => self.leave_out(path, advice(path)),
        }
    }

    fn without_refused(&mut self, path: &str, target: &str, value: &Value) -> Value {
        let (LAUNCH_ARGS, Value::Array(arguments)) = (target, value) else {
            return value.clone();
        };
        let is_refused = |argument: &&Value| argument.as_str().is_some_and(|one| !is_accepted(one));
        let (refused, kept): (Vec<&Value>, Vec<&Value>) = arguments.iter().partition(is_refused);
        for argument in refused.into_iter().filter_map(Value::as_str) {
            let why = format!("{argument} is not among the arguments that docs/browser.md lists");
            self.leave_out(path, &why);
        }
        Value::Array(kept.into_iter().cloned().collect())
    }

    fn leave_out(&mut self, path: &str, why: &str) {
        self.converted.left_out.push(format!("{path}: {why}"));
    }
}

/// Where a key of the old file goes.
fn target(path: &str, provider: &str) -> Option<String> {
    if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == path) {
        return Some((*new).to_owned());
    }
    if let Some(key) = path.strip_prefix(&format!("providers.{provider}.")) {
        return Some(format!("llm.{key}"));
    }
    for (old, new) in MOVED {
        if let Some(key) = path.strip_prefix(old) {
            let section = if EGRESS.contains(&key) {
                "egress."
            } else {
                new
            };
            return Some(format!("{section}{key}"));
        }
    }
    let retired = RULES.retired.iter().any(|key| {
        path == key.path
            || path
                .strip_prefix(key.path)
                .is_some_and(|rest| rest.starts_with('.'))
    });
    (!retired).then(|| path.to_owned())
}

fn advice(path: &str) -> &'static str {
    let of = |key: &&crate::adapters::config::RetiredKey| path.starts_with(key.path);
    let retired = RULES.retired.iter().find(of);
    retired.map_or("there is no such key here", |key| key.instead)
}

/// Whether there is such a key, or such a key for the file of its value; `NAME` in a known one stands for any name.
fn is_known(known: &[String], path: &str) -> bool {
    let is_for_file = |plain: &&str| {
        let name = plain.rsplit('.').next();
        RULES.file_keys.iter().any(|key| Some(key.name) == name)
    };
    let plain = path.strip_suffix("_file").filter(is_for_file);
    let parts: Vec<&str> = plain.unwrap_or(path).split('.').collect();
    known.iter().any(|key| {
        let key: Vec<&str> = key.split('.').collect();
        key.len() == parts.len()
            && key
                .iter()
                .zip(&parts)
                .all(|(key, part)| key == part || *key == "NAME")
    })
}

fn insert(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let inner = table
                .entry(section)
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Converted, convert};

    const OLD: &str = r#"
            [runtime]
            agent_timeout_seconds = 300
            log_level = "INFO"
            [channels.telegram]
            enabled = true
            bot_token = "1:a"
            allowed_user_ids = [7]
            format_repair_enabled = true
            [llm]
            provider = "openrouter"
            model = "a/b"
            sock_read_timeout_seconds = 45
            [providers.openrouter]
            api_key = "key"
            [providers.openai]
            api_key = "other"
            [memory]
            backend = "sqlite"
            sqlite_url = "sqlite+aiosqlite:///./data/minibot.db"
            [tools.playwright]
            enabled = true
            allowed_domains = ["example.com"]
            max_text_chars = 1000
            nonsense = 1
        "#;

    #[test]
    fn what_has_the_same_meaning_is_taken_over_and_the_rest_is_named() {
        let Converted { table, left_out } = convert(&OLD.parse().expect("TOML"));
        let expected = r#"
            [runtime]
            turn_timeout_seconds = 300
            log_level = "INFO"
            [channels.telegram]
            enabled = true
            bot_token = "1:a"
            allowed_user_ids = [7]
            [llm]
            provider = "openrouter"
            model = "a/b"
            stall_timeout_seconds = 45
            api_key = "key"
            [egress]
            allowed_domains = ["example.com"]
            [tools.browser]
            enabled = true
            max_text_chars = 1000
        "#;
        assert_eq!(table, expected.parse().expect("TOML"));
        let keys: Vec<&str> = left_out
            .iter()
            .filter_map(|line| line.split(": ").next())
            .collect();
        assert_eq!(
            keys,
            [
                "channels.telegram.format_repair_enabled",
                "memory.backend",
                "memory.sqlite_url",
                "providers.openai.api_key",
                "tools.playwright.nonsense",
            ]
        );
    }

    const BROWSER: &str = r#"
            [llm]
            system_prompt_file = "prompt.md"
            [tools.playwright]
            chromium_executable_path = "/usr/bin/chromium"
            allow_http = true
            extra_http_headers = { Accept-Language = "en", "X.Y" = "1" }
            launch_args = ["--no-sandbox", "--force-dark-mode"]
            [tools.python_exec]
            backend = "host"
            sandbox_mode = "basic"
        "#;

    #[test]
    fn what_would_make_the_new_file_unusable_is_left_out_alone() {
        let Converted { table, left_out } = convert(&BROWSER.parse().expect("TOML"));
        let expected = r#"
            [llm]
            system_prompt_file = "prompt.md"
            [tools.browser]
            executable_path = "/usr/bin/chromium"
            extra_http_headers = { Accept-Language = "en", "X.Y" = "1" }
            launch_args = ["--force-dark-mode"]
            [egress]
            allow_http = true
            [tools.python_exec]
            sandbox_mode = "basic"
        "#;
        assert_eq!(table, expected.parse().expect("TOML"));
        assert_eq!(
            left_out,
            [
                "tools.playwright.launch_args: --no-sandbox is not among the arguments that docs/browser.md lists",
                "tools.python_exec.backend: write tools.python_exec.sandbox_mode",
            ]
        );
    }
}
