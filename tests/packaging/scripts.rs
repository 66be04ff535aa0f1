//! The scripts: they can be started, stop at the first error, and CI runs what a person runs.

use std::os::unix::fs::PermissionsExt;

use crate::{read, root};

#[test]
fn they_are_executable_and_strict() {
    for path in [
        "scripts/test",
        "scripts/soak",
        "scripts/fuzz",
        "scripts/docker-check",
        ".ci/run",
    ] {
        let mode = root().join(path).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{path} is not executable");
        let text = read(path);
        assert!(text.starts_with("#!/usr/bin/env bash\n"), "{path}");
        assert!(
            text.contains("\nset -euo pipefail\n"),
            "{path} does not stop at errors"
        );
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
