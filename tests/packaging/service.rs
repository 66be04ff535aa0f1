//! The systemd unit: supervised, hardened, and not so tight that the tools' own sandbox breaks.

use std::path::Path;

use minibot::adapters::config::{Environment, Text, load_text};
use minibot::wiring::settings::{RULES, Settings};

use crate::{assert_known_command, read, shutdown_grace_seconds};

/// Every `key=value` of a section, in order.
pub fn section(name: &str) -> Vec<(String, String)> {
    let text = read("deploy/minibot.service");
    let start = text.find(&format!("\n[{name}]\n")).unwrap() + name.len() + 4;
    let rest = &text[start..];
    let end = rest.find("\n[").unwrap_or(rest.len());
    rest[..end]
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once('=').unwrap_or_else(|| panic!("{line}")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

pub fn value(key: &str) -> String {
    let found = section("Service").into_iter().find(|(name, _)| name == key);
    found.unwrap_or_else(|| panic!("the service lacks {key}")).1
}

#[test]
fn it_is_supervised() {
    assert_eq!(value("Type"), "notify");
    assert_eq!(value("Restart"), "always");
    assert!(value("WatchdogSec").parse::<u32>().unwrap() > 0);
    // systemd ends the whole service otherwise, for one program that took too much (systemd.service(5)).
    assert_eq!(value("OOMPolicy"), "continue");
    // A copy of a large database takes as long as it takes.
    assert_eq!(value("TimeoutStartSec"), "infinity");
    assert!(value("TimeoutStopSec").parse::<i64>().unwrap() > shutdown_grace_seconds());
    assert_eq!(
        section("Install"),
        [("WantedBy".to_owned(), "multi-user.target".to_owned())]
    );
}

#[test]
fn it_is_hardened() {
    let expected = [
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("CapabilityBoundingSet", ""),
        ("UMask", "0077"),
        ("User", "minibot"),
    ];
    for (key, expected) in expected {
        assert_eq!(value(key), expected, "{key}");
    }
}

#[test]
fn it_leaves_the_calls_that_the_sandbox_and_the_browser_need() {
    // Children inherit these, and cannot confine themselves, or run JavaScript, under them.
    let taken = [
        "SystemCallFilter",
        "MemoryDenyWriteExecute",
        "RestrictNamespaces",
        "PrivateUsers",
    ];
    for (key, _) in section("Service") {
        assert!(
            !taken.contains(&key.as_str()),
            "{key} breaks what the tools start"
        );
    }
}

#[test]
fn its_command_is_known_to_the_program() {
    let command = value("ExecStart");
    let words: Vec<&str> = command.split_whitespace().collect();
    // Without a folder: in /usr/local/bin by hand, in /usr/bin by the package.
    assert_eq!(words[0], "minibot");
    assert_known_command(&words[1..]);
}

#[test]
fn without_a_config_it_is_not_started() {
    let command = value("ExecStart");
    let (_, config) = command.split_once(" --config ").unwrap();
    let unit = section("Unit");
    let condition = unit.iter().find(|(key, _)| key == "ConditionPathExists");
    assert_eq!(condition.unwrap().1, config);
    assert_eq!(value("ReadOnlyPaths"), config.rsplit_once('/').unwrap().0);
}

/// A variable of the unit would be unknown to `minibot doctor` and `minibot restore` by hand.
#[test]
fn only_the_config_says_where_the_data_is() {
    let command = value("ExecStart");
    let (_, config) = command.split_once(" --config ").unwrap();
    let state = format!("/var/lib/{}", value("StateDirectory"));
    for (key, value) in section("Service") {
        assert!(!key.starts_with("Environment"), "{key}={value}");
    }
    for content in ["", &read("config.example.toml")] {
        let text = Text {
            label: config,
            content,
            base_dir: Path::new(config).parent().unwrap(),
        };
        let loaded = load_text::<Settings>(&text, &Environment::default(), &RULES).unwrap();
        assert_eq!(loaded.settings.runtime.data_dir, Path::new(&state));
    }
}
