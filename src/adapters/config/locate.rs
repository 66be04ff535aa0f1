//! Which file to read, and what it holds.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::file_keys::reason;
use super::remarks::{Place, Problems, Remark};
use super::{Source, WhenMissing};

/// Names the file when no option does.
const VARIABLE: &str = "MINIBOT_CONFIG";
const DEFAULT_NAME: &str = "config.toml";
const LARGEST_FILE: u64 = 1024 * 1024;

/// A file that was read.
pub(super) struct ConfigFile {
    pub path: PathBuf,
    /// The path as the person wrote it, for messages.
    pub label: String,
    pub text: String,
    pub warning: Option<Remark>,
}

/// Finds and reads the file: `--config`, else `$MINIBOT_CONFIG`, else `config.toml` in the working
/// directory.
pub(super) fn locate(
    source: &Source,
    environment: &Environment,
) -> Result<Option<ConfigFile>, Problems> {
    let variable = environment.get(VARIABLE).filter(|path| !path.is_empty());
    let (named, origin) = match (&source.named, variable) {
        (Some(path), _) => (path.clone(), " (given with --config)"),
        (None, Some(path)) => (PathBuf::from(path), " (given with $MINIBOT_CONFIG)"),
        (None, None) => (PathBuf::from(DEFAULT_NAME), ""),
    };
    let path = source.working_dir.join(&named);
    let label = named.display().to_string();
    let is_default = origin.is_empty();
    if is_default && std::fs::symlink_metadata(&path).is_err_and(is_not_found) {
        return match source.when_missing {
            WhenMissing::UseDefaults => Ok(None),
            WhenMissing::Refuse => Err(nowhere(
                "there is no config.toml here; \"minibot setup\" writes one (in Docker: docker compose run --rm minibot setup), or name \
                 another with --config PATH",
            )),
        };
    }
    match read(&path) {
        Ok((text, mode)) => Ok(Some(ConfigFile {
            warning: open_to_others(&label, mode),
            path,
            label,
            text,
        })),
        Err(reason) => Err(nowhere(&format!(
            "cannot read the config file {label}{origin}: {reason}"
        ))),
    }
}

fn is_not_found(error: std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

fn nowhere(message: &str) -> Problems {
    Remark::new(Place::Nowhere, message).into()
}

fn read(path: &Path) -> Result<(String, u32), String> {
    let file = File::open(path).map_err(|error| reason(&error))?;
    let metadata = file.metadata().map_err(|error| reason(&error))?;
    if metadata.is_dir() {
        return Err("it is a folder".to_owned());
    }
    let mut content = Vec::new();
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut content)
        .map_err(|error| reason(&error))?;
    if content.len() as u64 > LARGEST_FILE {
        return Err(format!(
            "it is larger than {} MiB",
            LARGEST_FILE / 1024 / 1024
        ));
    }
    let text = String::from_utf8(content).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8 text")
    })?;
    Ok((text, metadata.permissions().mode()))
}

fn open_to_others(label: &str, mode: u32) -> Option<Remark> {
    const OTHERS: u32 = 0o077;
    (mode & OTHERS != 0).then(|| {
        let quoted = if label.contains(|letter: char| !is_plain(letter)) {
            format!("'{}'", label.replace('\'', r"'\''"))
        } else {
            label.to_owned()
        };
        Remark::new(
            Place::File(label.to_owned()),
            format!(
                "others on this machine may open it (mode {:04o}); run: chmod 600 {quoted}",
                mode & 0o7777
            ),
        )
    })
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "/._-".contains(letter)
}
