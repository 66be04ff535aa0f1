//! The compose file: hardened, restarted, with a config that the running bot cannot change.

use crate::dockerfile::arguments_of;
use crate::shell::{arguments, assert_exists};
use crate::{read, shutdown_grace_seconds};

/// The lines below a key, without their indentation.
fn block(path: &[&str]) -> Vec<String> {
    let text = read("docker-compose.yml");
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_content = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with('#');
    let mut lines: Vec<&str> = text.lines().filter(is_content).collect();
    for key in path {
        let depth = indent(lines[0]);
        let opens = |line: &&str| {
            indent(line) == depth && line.trim_start().starts_with(&format!("{key}:"))
        };
        let start = lines
            .iter()
            .position(opens)
            .unwrap_or_else(|| panic!("no {key}"))
            + 1;
        let below = lines[start..]
            .iter()
            .take_while(|line| indent(line) > depth)
            .count();
        lines = lines[start..start + below].to_vec();
    }
    lines.iter().map(|line| line.trim().to_owned()).collect()
}

/// What a service says itself, and what it shares with the other one.
fn service(name: &str) -> Vec<String> {
    let own = block(&["services", name]);
    assert!(
        own.contains(&"<<: *minibot".to_owned()),
        "{name} shares nothing"
    );
    [own, block(&["x-minibot"])].concat()
}

#[test]
fn whatever_runs_is_hardened() {
    for name in ["bot", "minibot"] {
        let lines = service(name);
        for line in [
            "user: \"10001:10001\"",
            "init: true",
            "read_only: true",
            "cap_drop: [ALL]",
            "security_opt: [\"no-new-privileges:true\"]",
        ] {
            assert!(
                lines.iter().any(|found| found == line),
                "the service `{name}` lacks `{line}`"
            );
        }
        assert!(
            lines.iter().any(|line| line.starts_with("- /tmp:")),
            "/tmp is no tmpfs"
        );
        assert!(
            lines.iter().any(|line| line.starts_with("mem_limit:")),
            "no memory limit"
        );
    }
}

#[test]
fn the_bot_comes_back_and_commands_do_not_stay() {
    let bot = block(&["services", "bot"]);
    for line in ["restart: unless-stopped", "command: [run]"] {
        assert!(bot.iter().any(|found| found == line), "{line}");
    }
    let commands = block(&["services", "minibot"]);
    assert!(commands.contains(&"profiles: [commands]".to_owned()));
    assert!(!commands.iter().any(|line| line.starts_with("restart:")));
}

#[test]
fn setup_writes_the_config_and_the_bot_only_reads_it() {
    let config = arguments_of("WORKDIR").pop().unwrap();
    let volumes = |name: &str| block(&["services", name, "volumes"]);
    let data = "- data:/data".to_owned();
    assert_eq!(
        volumes("bot"),
        [format!("- config:{config}:ro"), data.clone()]
    );
    assert_eq!(volumes("minibot"), [format!("- config:{config}"), data]);
    assert_eq!(arguments_of("VOLUME"), ["[\"/data\"]"]);
    assert_eq!(block(&["volumes"]), ["config:", "data:"]);
    // An empty volume takes owner and mode of the folder in the image.
    let made = format!("install -d -o 10001 -g 10001 -m 0700 {config} /data");
    assert!(arguments_of("RUN").iter().any(|run| run.contains(&made)));
}

#[test]
fn a_renamed_folder_keeps_its_volumes() {
    assert!(read("docker-compose.yml").contains("\nname: minibot\n"));
}

#[test]
fn the_commands_it_names_are_known() {
    let text = read("docker-compose.yml");
    let commands: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("#     "))
        .map(|line| line.split("    ").next().unwrap())
        .collect();
    assert!(commands.iter().any(|line| arguments(line).is_some()));
    commands.into_iter().for_each(assert_exists);
}

#[test]
fn its_build_arguments_are_those_of_the_image() {
    let mut named: Vec<String> = block(&["x-minibot", "build", "args"])
        .iter()
        .map(|line| {
            line.replace(": \"${", "=")
                .replace(":-", " ")
                .replace("}\"", "")
        })
        .map(|line| {
            let (name, rest) = line.split_once('=').unwrap();
            let (variable, default) = rest.split_once(' ').unwrap();
            assert_eq!(name, variable);
            format!("{name}={default}")
        })
        .collect();
    let mut taken = arguments_of("ARG");
    named.sort();
    taken.sort();
    // A stage knows only what it asks for itself.
    taken.dedup();
    assert_eq!(named, taken);
}

#[test]
fn it_waits_for_the_bot_to_stop() {
    let bot = block(&["services", "bot"]);
    let grace = bot
        .iter()
        .find_map(|line| line.strip_prefix("stop_grace_period: "))
        .unwrap();
    let grace: i64 = grace.strip_suffix('s').unwrap().parse().unwrap();
    assert!(
        grace > shutdown_grace_seconds(),
        "killed after {grace} s, before it has stopped"
    );
}
