//! The compose file: hardened, restarted, with a config that the running bot cannot change.

use crate::dockerfile::arguments_of;
use crate::{assert_known_command, read, shutdown_grace_seconds};

/// The lines below a key; `<<: *minibot` is followed by what it stands for.
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
    let mut found: Vec<String> = lines.iter().map(|line| line.trim().to_owned()).collect();
    if found.iter().any(|line| line == "<<: *minibot") {
        found.extend(block(&["x-minibot"]));
    }
    found
}

#[test]
fn the_running_bot_is_hardened() {
    let bot = block(&["services", "bot"]);
    for line in [
        "user: \"10001:10001\"",
        "init: true",
        "read_only: true",
        "cap_drop: [ALL]",
        "security_opt: [\"no-new-privileges:true\"]",
        "restart: unless-stopped",
        "command: [run]",
    ] {
        assert!(
            bot.iter().any(|found| found == line),
            "the service `bot` lacks `{line}`"
        );
    }
    assert!(
        bot.iter().any(|line| line.starts_with("- /tmp:")),
        "/tmp is no tmpfs"
    );
    assert!(
        bot.iter().any(|line| line.starts_with("mem_limit:")),
        "no memory limit"
    );
}

#[test]
fn its_paths_are_those_of_the_image() {
    let volumes = block(&["services", "bot", "volumes"]);
    let config = arguments_of("WORKDIR").pop().unwrap();
    assert!(
        volumes.contains(&format!("- config:{config}:ro")),
        "the config is not read-only"
    );
    assert_eq!(arguments_of("VOLUME"), ["[\"/data\"]"]);
    assert!(volumes.contains(&"- data:/data".to_owned()));

    // `docker compose run --rm minibot setup` writes what the bot reads.
    let command_line = block(&["services", "minibot", "volumes"]);
    assert!(command_line.contains(&format!("- config:{config}")));
    assert!(command_line.contains(&"- data:/data".to_owned()));
    let service = block(&["services", "minibot"]);
    assert!(
        service.contains(&"profiles: [command-line]".to_owned()),
        "`up` would start it too"
    );
    assert_known_command(&["setup"]);

    let declared = block(&["volumes"]);
    assert_eq!(declared, ["config:", "data:"]);
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
