//! The commands of the documents that no test runs as they stand: each is known to the program, run by the check of the
//! containers, or on a short list with the reason why it is only shown.

use std::collections::BTreeSet;

use crate::documents::{blocks, code_spans};
use crate::read;
use crate::shell::{arguments, assert_exists, words};

const BUILDS: &str = "scripts/docker-check builds the image itself";
const PACKAGE: &str = "scripts/docker-check makes, installs and purges the package";
const AS_ROOT: &str = "changes the machine that it is run on";

/// What can be run neither by a test nor in the check of the containers, and why.
const SHOWN_ONLY: [(&str, &str); 19] = [
    ("curl -fsSL https://get.docker.com | sh", "installs Docker"),
    ("git clone <this repository> minibot", "needs the network"),
    ("cd minibot", "goes into that clone"),
    ("docker compose build", BUILDS),
    ("docker compose up -d --build", BUILDS),
    (
        "docker save minibot:latest | ssh server docker load",
        "needs another server",
    ),
    (
        "nano $(docker volume inspect --format '{{.Mountpoint}}' minibot_config)/config.toml",
        "opens an editor; the check of the containers looks for the volume there",
    ),
    (
        concat!(
            "apt-get install ./minibot_",
            env!("CARGO_PKG_VERSION"),
            "-1_amd64.deb"
        ),
        PACKAGE,
    ),
    (
        "fallocate -l 4G /swap && chmod 600 /swap && mkswap /swap && swapon /swap",
        AS_ROOT,
    ),
    ("systemctl start minibot", AS_ROOT),
    ("systemctl enable --now minibot", AS_ROOT),
    ("install -m 0755 minibot /usr/local/bin/minibot", AS_ROOT),
    (
        "useradd --system --user-group --home-dir /var/lib/minibot --shell /usr/sbin/nologin minibot",
        AS_ROOT,
    ),
    (
        "install -d -o minibot -g minibot -m 0750 /etc/minibot",
        AS_ROOT,
    ),
    (
        "install -d -o minibot -g minibot -m 0700 /var/lib/minibot",
        AS_ROOT,
    ),
    ("cp deploy/minibot.service /etc/systemd/system/", AS_ROOT),
    ("cargo install cargo-fuzz --locked", "needs the network"),
    (
        "cargo fuzz run --sanitizer none --codegen-units 16 markup -- -dict=fuzz/dictionaries/markup.dict -max_total_time=120",
        "runs for minutes; scripts/fuzz runs it with the same options",
    ),
    (
        "docker compose logs",
        "the end of the same command that follows the log",
    ),
];

/// What benches/container runs for real; it fails when it has left one out.
const RUN_IN_CONTAINERS: &str = "benches/container/documented.txt";

/// A command line as it is compared: without its comment, and without where its input comes from and its output goes to.
fn plain(line: &str) -> String {
    let words = words(line);
    let command = words
        .iter()
        .take_while(|word| !["<", ">"].contains(&word.as_str()));
    command.cloned().collect::<Vec<_>>().join(" ")
}

/// Whether something runs this line, or knows why nothing does.
fn is_known(line: &str) -> bool {
    let line = plain(line);
    if SHOWN_ONLY.iter().any(|(shown, _)| *shown == line) {
        return true;
    }
    if line.starts_with("docker ") {
        return read(RUN_IN_CONTAINERS).lines().any(|run| run == line);
    }
    line.starts_with("./scripts/") || arguments(&line).is_some()
}

#[test]
fn each_line_is_run_or_known_to_be_shown_only() {
    for (document, script) in blocks("sh") {
        for line in script.lines() {
            assert_exists(line);
            assert!(
                is_known(line),
                "{document}: nothing runs `{line}`, and nothing says why"
            );
        }
    }
}

#[test]
fn what_the_text_and_the_compose_file_say_of_containers_is_run() {
    let mut said: Vec<(String, String)> = code_spans();
    let compose_file = read("docker-compose.yml");
    let usage = compose_file.lines().filter_map(|line| {
        let line = line.strip_prefix("#     ")?;
        Some((
            "docker-compose.yml".to_owned(),
            line.split("    ").next()?.to_owned(),
        ))
    });
    said.extend(usage);
    said.retain(|(_, code)| code.starts_with("docker compose "));
    assert!(said.len() > 3, "{said:?}");
    for (document, code) in said {
        assert!(is_known(&code), "{document}: nothing runs `{code}`");
    }
}

/// A line that no document has any more must not let a new one through.
#[test]
fn nothing_is_excused_that_no_document_has() {
    let lines = blocks("sh").into_iter();
    let mut there: BTreeSet<String> = lines
        .flat_map(|(_, script)| script.lines().map(plain).collect::<Vec<_>>())
        .collect();
    there.extend(code_spans().into_iter().map(|(_, code)| code));
    for (line, _) in SHOWN_ONLY {
        assert!(there.contains(line), "no document says `{line}`");
    }
    for line in read(RUN_IN_CONTAINERS).lines() {
        assert!(there.contains(line), "no document says `{line}`");
    }
}

#[test]
fn a_stale_line_is_found() {
    for stale in [
        "docker compose exec minibot minibot doctor",
        "docker run minibot",
        "docker compose down",
        "rm -rf /data",
        "minibotctl start",
    ] {
        assert!(!is_known(stale), "{stale}");
    }
}
