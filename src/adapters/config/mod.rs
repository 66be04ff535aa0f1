//! Loads a settings type from one TOML file and the environment, with every problem at its line.
//!
//! It must never know which settings there are: what is particular about them comes in as [`Rules`]
//! and through [`Checked`].

mod document;
mod environment;
mod file_keys;
mod gather;
mod interpolate;
mod known_keys;
mod locate;
mod read_error;
mod reader;
mod remarks;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use document::Node;
use gather::Gathering;

pub use environment::Environment;
pub use gather::nearest;
pub use known_keys::known_keys;
pub use remarks::{Finding, Place, Problems, Remark, Severity};

/// Where to look for the file.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path given with `--config`.
    pub named: Option<PathBuf>,
    /// The folder that a relative path of the file starts from.
    pub working_dir: PathBuf,
    pub when_missing: WhenMissing,
}

/// What to do when there is no file and none was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenMissing {
    Refuse,
    UseDefaults,
}

/// What is particular about some keys.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Keys, in whatever section, that can be given as `KEY_file = "path"` too.
    pub file_keys: &'static [FileKey],
    /// Keys of an earlier program, answered with what to write instead.
    pub retired: &'static [RetiredKey],
}

/// A key whose value may stand in a file of its own.
#[derive(Debug, Clone, Copy)]
pub struct FileKey {
    pub name: &'static str,
    pub visibility: Visibility,
}

/// Whether a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    Plain,
    /// Never quoted in a message; the line end of its file is not part of it.
    Secret,
}

/// A key that people may still have in their file.
#[derive(Debug, Clone, Copy)]
pub struct RetiredKey {
    /// The dotted path.
    pub path: &'static str,
    /// What to do, as the second half of a sentence.
    pub instead: &'static str,
}

/// Settings that can be loaded. Every key has a default.
pub trait Checked: DeserializeOwned {
    /// Makes relative paths start from the folder.
    fn resolve_paths(&mut self, base_dir: &Path);

    /// Applies the rules that look at more than one key or at more than the type of one.
    fn check(&self) -> Vec<Finding>;
}

/// Settings without a problem.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    pub settings: T,
    pub warnings: Vec<Remark>,
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// The files of the secrets that stand in files of their own.
    pub secret_files: Vec<PathBuf>,
    /// The folder that relative paths started from.
    pub base_dir: PathBuf,
}

/// Finds, reads and checks the settings.
///
/// # Errors
/// Everything that is wrong, at once and in the order of the lines.
pub fn load<T: Checked>(
    source: &Source,
    environment: &Environment,
    rules: &Rules,
) -> Result<Loaded<T>, Problems> {
    let Some(file) = locate::locate(source, environment)? else {
        let text = Text {
            label: "",
            content: "",
            base_dir: &source.working_dir,
        };
        return load_text(&text, environment, rules);
    };
    let base_dir = match file.path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let text = Text {
        label: &file.label,
        content: &file.text,
        base_dir,
    };
    match load_text(&text, environment, rules) {
        Ok(mut loaded) => {
            loaded.warnings.splice(0..0, file.warning);
            loaded.file = Some(file.path);
            Ok(loaded)
        }
        Err(mut problems) => {
            problems.warnings.splice(0..0, file.warning);
            Err(problems)
        }
    }
}

/// The text of a configuration, for what has no file (yet).
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// What messages call it.
    pub label: &'a str,
    pub content: &'a str,
    pub base_dir: &'a Path,
}

/// Reads and checks settings from a text.
///
/// # Errors
/// As [`load`].
pub fn load_text<T: Checked>(
    text: &Text<'_>,
    environment: &Environment,
    rules: &Rules,
) -> Result<Loaded<T>, Problems> {
    let mut root = parse(text, rules)?;
    let mut gathering = Gathering::new(text.label, rules);
    // First, so that what they stand in for needs no variables.
    for (variable, reason) in environment::apply_overrides(&mut root, environment) {
        gathering
            .problems
            .push(Remark::new(Place::Variable(variable), reason));
    }
    gathering.interpolate_all(&mut root, &mut Vec::new(), environment);
    let read = file_keys::read_file_keys(&mut root, rules.file_keys, text.base_dir);
    for refused in read.refused {
        gathering.refuse(refused.path, &refused.origin, refused.message);
    }
    let settings: Option<T> = gathering.read(&mut root).map(|mut settings: T| {
        settings.resolve_paths(text.base_dir);
        gathering.add_findings(settings.check(), &root);
        settings
    });
    let warnings = gathering.finish()?;
    let settings = settings.ok_or_else(|| {
        Remark::new(
            Place::File(text.label.to_owned()),
            "the settings cannot be read",
        )
    })?;
    Ok(Loaded {
        settings,
        warnings,
        file: None,
        secret_files: read.secret,
        base_dir: text.base_dir.to_path_buf(),
    })
}

fn parse(text: &Text<'_>, rules: &Rules) -> Result<Node, Problems> {
    let is_secret = |name: &str| {
        rules
            .file_keys
            .iter()
            .any(|key| key.name == name && key.visibility == Visibility::Secret)
    };
    document::parse(text.content, &is_secret).map_err(|errors| {
        let remark = |(line, message)| {
            let file = text.label.to_owned();
            Remark::new(Place::Line { file, line }, message)
        };
        Problems {
            problems: errors.into_iter().map(remark).collect(),
            warnings: Vec::new(),
        }
    })
}
