//! The Debian package that `cargo deb` makes: what is in it, and what its scripts do.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use crate::links::links;
use crate::service::{section, value};
use crate::{files_below, read, read_toml, root};

const SCRIPTS: [&str; 2] = ["postinst", "postrm"];

fn metadata() -> toml::Table {
    let manifest = read_toml("Cargo.toml");
    manifest["package"]["metadata"]["deb"]
        .as_table()
        .unwrap()
        .clone()
}

fn text(key: &str) -> String {
    metadata()[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} is no text"))
        .to_owned()
}

/// Source, target and mode of each file.
fn assets() -> Vec<[String; 3]> {
    let metadata = metadata();
    let assets = metadata["assets"].as_array().unwrap().iter();
    assets
        .map(|asset| {
            let parts = asset.as_array().unwrap();
            [0, 1, 2].map(|part| parts[part].as_str().unwrap().to_owned())
        })
        .collect()
}

fn script(name: &str) -> String {
    read(&format!("{}/{name}", text("maintainer-scripts")))
}

/// The folder that the unit takes the config from.
fn config_folder() -> String {
    let command = value("ExecStart");
    let (_, config) = command.split_once(" --config ").unwrap();
    config.rsplit_once('/').unwrap().0.to_owned()
}

#[test]
fn what_it_takes_is_there() {
    for [source, target, mode] in assets() {
        assert!(
            target.ends_with('/') && !target.starts_with('/'),
            "{target}"
        );
        if source == "target/release/minibot" {
            assert_eq!((target.as_str(), mode.as_str()), ("usr/bin/", "755"));
            continue;
        }
        assert_eq!(mode, "644", "{source}");
        let folder = source.strip_suffix("*.md").unwrap_or(&source);
        assert!(root().join(folder).exists(), "{source} is not there");
    }
    assert!(
        assets()
            .iter()
            .any(|[source, ..]| source == "target/release/minibot")
    );
    let licence = metadata()["license-file"].as_array().unwrap()[0].clone();
    assert!(root().join(licence.as_str().unwrap()).exists());
    let depends = text("depends");
    for needed in ["$auto", "ca-certificates"] {
        assert!(depends.contains(needed), "{depends}");
    }
}

/// The files of the repository that the package brings, each with where it is installed.
fn installed() -> BTreeMap<PathBuf, PathBuf> {
    let mut installed = BTreeMap::new();
    for [source, target, _] in assets() {
        let sources = match source.strip_suffix("*.md") {
            Some(folder) => files_below(&root().join(folder), ".md"),
            None => vec![root().join(&source)],
        };
        for source in sources {
            let name = source.file_name().unwrap();
            installed.insert(Path::new(&target).join(name), source.clone());
        }
    }
    installed
}

/// A path without its `..`.
fn straight(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(straight.pop(), "{}", path.display()),
            part => straight.push(part),
        }
    }
    straight
}

#[test]
fn no_link_leads_out_of_it() {
    // They are about the source, and lead into it.
    let of_the_source = ["ARCHITECTURE.md", "CONTRIBUTING.md"];
    let installed = installed();
    for (place, source) in &installed {
        let name = place.file_name().unwrap().to_str().unwrap();
        if !name.ends_with(".md") || of_the_source.contains(&name) {
            continue;
        }
        for link in links(&std::fs::read_to_string(source).unwrap()) {
            let path = link.split('#').next().unwrap();
            let leads_to = straight(&place.parent().unwrap().join(path));
            assert!(
                path.is_empty() || installed.contains_key(&leads_to),
                "{name}: {link} is not in the package"
            );
        }
    }
}

#[test]
fn the_example_is_a_config_file_beside_the_config() {
    let files = metadata()["conf-files"].as_array().unwrap().clone();
    let example = format!("{}/config.example.toml", config_folder());
    assert_eq!(files, [toml::Value::from(example.as_str())]);
    let target = format!("{}/", config_folder().trim_start_matches('/'));
    let of_example =
        |[source, to, _]: &[String; 3]| source == "config.example.toml" && *to == target;
    assert!(assets().iter().any(of_example));
    let condition = section("Unit")
        .into_iter()
        .find(|(key, _)| key == "ConditionPathExists");
    assert_ne!(
        condition.unwrap().1,
        example,
        "installing it would start a bot that nobody has set up"
    );
}

#[test]
fn its_unit_is_the_one_beside_it() {
    let units = &metadata()["systemd-units"];
    let name = units["unit-name"].as_str().unwrap();
    let folder = units["unit-scripts"].as_str().unwrap();
    assert!(root().join(folder).join(format!("{name}.service")).exists());
}

#[test]
fn its_scripts_are_plain_strict_and_complete() {
    for name in SCRIPTS {
        let path = root().join(text("maintainer-scripts")).join(name);
        assert_eq!(
            path.metadata().unwrap().permissions().mode() & 0o111,
            0o111,
            "{name}"
        );
        let text = script(name);
        assert!(text.starts_with("#!/bin/sh\n"), "{name}");
        assert!(
            text.contains("\nset -e\n"),
            "{name} does not stop at errors"
        );
        assert!(
            text.contains("\n#DEBHELPER#\n"),
            "{name}: the unit is not enabled or removed"
        );
        let checked = Command::new("sh").arg("-n").arg(&path).status().unwrap();
        assert!(checked.success(), "{name}");
    }
    let there = std::fs::read_dir(root().join(text("maintainer-scripts"))).unwrap();
    assert_eq!(there.count(), SCRIPTS.len());
}

#[test]
fn it_makes_the_user_and_the_folders_of_the_unit() {
    let install = script("postinst");
    let (user, state) = (
        value("User"),
        format!("/var/lib/{}", value("StateDirectory")),
    );
    let config = config_folder();
    for line in [
        format!("getent passwd {user} "),
        format!("useradd --system --user-group --home-dir {state} "),
        format!("chown {user}:{user} {config}\n"),
        format!("chmod 0750 {config}\n"),
        format!(
            "install -d -o {user} -g {user} -m {} {state}\n",
            value("StateDirectoryMode")
        ),
    ] {
        assert!(install.contains(&line), "postinst lacks {line:?}");
    }
}

#[test]
fn a_purge_takes_the_config_and_leaves_the_conversations() {
    let removal = script("postrm");
    let removed: Vec<&str> = removal
        .lines()
        .filter(|line| line.contains("rm "))
        .map(str::trim)
        .collect();
    assert_eq!(removed, [format!("rm -rf {}", config_folder())]);
    assert!(removal.contains("[ \"$1\" = purge ]"));
}
