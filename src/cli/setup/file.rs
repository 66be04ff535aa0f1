//! The config file that setup writes: private from the first byte, and never in the place of another one by accident.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono_tz::Tz;
use secrecy::{ExposeSecret, SecretString};

use crate::adapters::config::{Environment, Text, load_text};
use crate::adapters::sqlite::free_name;
use crate::core::http_url::HttpUrl;
use crate::wiring::settings::{RULES, Settings};

/// What the person said.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) telegram: Option<TelegramAnswers>,
    pub(super) model: ModelAnswers,
    pub(super) timezone: Tz,
    /// `None` for the folder beside the config.
    pub(super) data_dir: Option<PathBuf>,
}

#[derive(Debug)]
pub(super) struct TelegramAnswers {
    /// The bot's user name.
    pub(super) name: String,
    pub(super) token: Secret,
    pub(super) owner: i64,
    /// `None` for Telegram's own server.
    pub(super) api_url: Option<HttpUrl>,
}

#[derive(Debug)]
pub(super) struct ModelAnswers {
    pub(super) provider: String,
    pub(super) base_url: Option<HttpUrl>,
    pub(super) api_key: Option<Secret>,
    pub(super) model: String,
}

/// A secret: in the config itself, or in a file that the config names.
#[derive(Debug)]
pub(super) enum Secret {
    Here(SecretString),
    InFile(PathBuf),
}

impl Secret {
    /// In a file, by its whole path: the config may lie in another folder.
    pub(super) fn in_file(path: &Path) -> anyhow::Result<Self> {
        Ok(Self::InFile(whole(path)?))
    }

    fn line(&self, key: &str) -> String {
        match self {
            Self::Here(secret) => format!("{key} = {}\n", quoted(secret.expose_secret())),
            Self::InFile(path) => format!("{key}_file = {}\n", quoted(&path.to_string_lossy())),
        }
    }
}

/// A path that means the same from every folder.
pub(super) fn whole(path: &Path) -> anyhow::Result<PathBuf> {
    let whole = std::path::absolute(path);
    whole.with_context(|| format!("{} cannot be found", path.display()))
}

/// A string as TOML writes it, with `$${` for the `${` that would be read as a variable.
fn quoted(text: &str) -> String {
    toml::Value::String(text.replace("${", "$${")).to_string()
}

impl Answers {
    /// The file's text.
    pub(super) fn to_toml(&self) -> String {
        let mut text = String::from(
            "# Written by \"minibot setup\". Every key with its default stands in config.example.toml.\n\n[runtime]\n",
        );
        // Writing into a string does not fail.
        let _ = writeln!(text, "timezone = {}", quoted(self.timezone.name()));
        if let Some(folder) = &self.data_dir {
            let _ = writeln!(text, "data_dir = {}", quoted(&folder.to_string_lossy()));
        }
        if let Some(telegram) = &self.telegram {
            text.push_str("\n[channels.telegram]\nenabled = true\n");
            text.push_str(&telegram.token.line("bot_token"));
            if let Some(url) = &telegram.api_url {
                let _ = writeln!(text, "api_url = {}", quoted(url.base()));
            }
            let _ = writeln!(text, "allowed_user_ids = [{}]", telegram.owner);
        }
        text.push('\n');
        text + &self.model.to_toml()
    }
}

impl ModelAnswers {
    /// No model.
    pub(super) fn builtin() -> Self {
        Self {
            provider: "builtin".to_owned(),
            base_url: None,
            api_key: None,
            model: String::new(),
        }
    }

    /// The section `[llm]`.
    pub(super) fn to_toml(&self) -> String {
        let mut text = format!("[llm]\nprovider = {}\n", quoted(&self.provider));
        if let Some(url) = &self.base_url {
            let _ = writeln!(text, "base_url = {}", quoted(url.base()));
        }
        if let Some(key) = &self.api_key {
            text.push_str(&key.line("api_key"));
        }
        if !self.model.is_empty() {
            let _ = writeln!(text, "model = {}", quoted(&self.model));
        }
        text
    }
}

/// Where the file goes.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    occupied: Occupied,
}

/// What happens to a file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occupied {
    Refuse,
    Replace,
}

impl Place {
    /// The config file as every command finds it. One that is there is refused before anything is
    /// asked.
    pub(super) fn find(named: Option<PathBuf>, force: bool) -> anyhow::Result<Self> {
        let variable = Environment::of_process()
            .get("MINIBOT_CONFIG")
            .map(PathBuf::from);
        let path = named
            .or(variable.filter(|path| !path.as_os_str().is_empty()))
            .unwrap_or_else(|| PathBuf::from("config.toml"));
        let occupied = if force {
            Occupied::Replace
        } else {
            Occupied::Refuse
        };
        if path.exists() && occupied == Occupied::Refuse {
            bail!(
                "{} exists already; --force replaces it and keeps the old one beside it",
                path.display()
            );
        }
        Ok(Self { path, occupied })
    }

    /// The path as the person knows it.
    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// Checks the text as the bot will read it, then writes it: 0600, whole or not at all.
    pub(super) fn write(&self, text: &str) -> anyhow::Result<()> {
        let folder = self.folder();
        self.check(text, folder)?;
        std::fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        // A temporary file of this kind is private from the start.
        let mut file = tempfile::NamedTempFile::new_in(folder)
            .with_context(|| format!("nothing can be written in {}", folder.display()))?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        match self.occupied {
            Occupied::Refuse => file.persist_noclobber(&self.path),
            Occupied::Replace => {
                self.keep_old()?;
                file.persist(&self.path)
            }
        }
        .with_context(|| format!("{} cannot be written", self.path.display()))?;
        Ok(())
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        }
    }

    fn check(&self, text: &str, folder: &Path) -> anyhow::Result<()> {
        let text = Text {
            label: "the new config",
            content: text,
            base_dir: folder,
        };
        match load_text::<Settings>(&text, &Environment::of_process(), &RULES) {
            Ok(_) => Ok(()),
            Err(problems) => bail!("{problems}\nnothing was written"),
        }
    }

    fn keep_old(&self) -> anyhow::Result<()> {
        if !self.path.exists() {
            return Ok(());
        }
        // The first one kept may be the only one that somebody wrote.
        std::fs::copy(&self.path, free_name(&self.path, ".old"))
            .with_context(|| format!("{} cannot be kept", self.path.display()))?;
        Ok(())
    }
}
