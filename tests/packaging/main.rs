//! Checks what stands around the program: image, compose file, service, Debian package, dependencies, scripts, links in documents.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod compose;
mod debian;
mod dependencies;
mod dockerfile;
mod documents;
mod figures;
mod links;
mod scripts;
mod service;
mod shell;
mod shown;

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository.
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn read_toml(path: &str) -> toml::Table {
    read(path)
        .parse()
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A key of `config.example.toml`, given as the variable that overrides it.
fn config_key(variable: &str) -> Option<toml::Value> {
    let path = variable.strip_prefix("MINIBOT__")?.to_lowercase();
    let whole = toml::Value::Table(read_toml("config.example.toml"));
    path.split("__")
        .try_fold(whole, |value, key| value.get(key).cloned())
}

/// How long the program takes to stop, at most, when nobody changes the config.
fn shutdown_grace_seconds() -> i64 {
    config_key("MINIBOT__RUNTIME__SHUTDOWN_GRACE_SECONDS")
        .unwrap()
        .as_integer()
        .unwrap()
}

/// Asks the program itself whether it knows this command line, without running it.
fn assert_known_command(arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_minibot"))
        .args(arguments)
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && help.contains("Usage"),
        "minibot {arguments:?}: {output:?}"
    );
}

/// Every file below `folder` whose name ends in `suffix`, in order; hidden ones and build output left out.
fn files_below(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            found.extend(files_below(&path, suffix));
        } else if name.ends_with(suffix) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every Markdown file that is there to be read; what stands below `tests` is data.
fn documents() -> Vec<PathBuf> {
    let mut found = files_below(root(), ".md");
    found.retain(|path| !path.starts_with(root().join("tests")));
    assert!(found.contains(&root().join("README.md")));
    found
}
