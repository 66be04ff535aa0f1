//! Holds the source tree to its shape: the direction of imports, the size of a file, its first line.
#![allow(clippy::unwrap_used, clippy::panic)]

mod lexer;
mod paths;
mod rules;
mod sabotage;

use std::fs;
use std::path::Path;

use rules::SourceFile;

/// Every violation under `folder`, in the order of the files' names.
fn violations_below(root: &Path, folder: &str) -> (usize, Vec<String>) {
    let mut found = Vec::new();
    let mut files = 0;
    let mut waiting = vec![root.join(folder)];
    while let Some(next) = waiting.pop() {
        let mut entries: Vec<_> = fs::read_dir(&next)
            .unwrap_or_else(|error| panic!("{}: {error}", next.display()))
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files += 1;
                let relative = path.strip_prefix(root).unwrap().to_str().unwrap();
                let text = fs::read_to_string(&path).unwrap();
                found.extend(SourceFile::new(relative, &text).violations());
            }
        }
    }
    found.sort();
    (files, found)
}

#[test]
fn the_tree_keeps_its_shape() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "tests"] {
        let (files, found) = violations_below(root, folder);
        assert!(files > 0, "no Rust file under {folder}/");
        assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    }
}
