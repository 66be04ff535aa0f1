//! The scripts: they can be started, stop at the first error, and CI runs what a person runs.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::{read, root};

/// Every script of the repository.
fn scripts() -> Vec<String> {
    let there = std::fs::read_dir(root().join("scripts")).unwrap();
    let names = there.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut paths: Vec<String> = names.map(|name| format!("scripts/{name}")).collect();
    paths.push(".ci/run".to_owned());
    paths.sort();
    paths
}

#[test]
fn they_are_executable_and_strict() {
    for path in scripts() {
        let mode = root().join(&path).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{path} is not executable");
        let text = read(&path);
        if text.starts_with("#!/usr/bin/env python3\n") {
            assert_compiles(&path);
            continue;
        }
        assert!(text.starts_with("#!/usr/bin/env bash\n"), "{path}");
        assert!(
            text.contains("\nset -euo pipefail\n"),
            "{path} does not stop at errors"
        );
    }
}

/// Python stops at errors by itself, but finds those of its grammar only when it reads the file.
fn assert_compiles(path: &str) {
    let compile = "import sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec')";
    let checked = Command::new("python3")
        .args(["-W", "error", "-c", compile])
        .arg(root().join(path))
        .output()
        .unwrap();
    assert!(checked.status.success(), "{path}: {checked:?}");
}

/// A script that nothing names is one that nobody finds, and one in Bash is looked through by shellcheck.
#[test]
fn they_are_named_and_looked_through() {
    let told = ["CONTRIBUTING.md", "justfile", ".ci/run"]
        .map(read)
        .concat();
    let checks = read("scripts/test");
    let looked_through = checks
        .lines()
        .find(|line| line.contains("step scripts shellcheck"))
        .unwrap();
    for path in scripts() {
        assert!(
            told.contains(&path) || path == ".ci/run",
            "nothing names {path}"
        );
        let is_bash = read(&path).starts_with("#!/usr/bin/env bash\n");
        let is_looked_through = looked_through.split(' ').any(|word| word == path);
        assert_eq!(is_looked_through, is_bash, "{path}");
    }
}

#[test]
fn ci_runs_the_command_of_the_readme() {
    assert!(read(".ci/run").contains("./scripts/test\n"));
    let readme = read("README.md");
    let top: Vec<&str> = readme.lines().skip(3).take(2).collect();
    assert!(top[0].starts_with("cargo run --release -- console "));
    assert!(top[1].starts_with("./scripts/test "));
}
