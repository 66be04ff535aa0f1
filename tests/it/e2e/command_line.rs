//! The command line as a whole: help, codes, colours, completions, and outputs that nobody reads to the end.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use rexpect::session::spawn_command;

use crate::support::program::Program;

const PATIENCE_MS: u64 = 20_000;

const ESCAPE: char = '\u{1b}';

fn minibot(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_minibot"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> (Output, String, String) {
    let output = minibot(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

fn help(path: &[&str]) -> String {
    let (output, help, _) = output(&[path, &["--help"]].concat());
    assert_eq!(output.status.code(), Some(0), "{path:?}");
    help
}

/// The commands that a help lists.
fn listed(help: &str) -> Vec<String> {
    let below = help
        .split_once("\nCommands:\n")
        .map_or("", |(_, below)| below);
    let names = below.lines().take_while(|line| !line.is_empty());
    let names = names.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !name.is_empty() && *name != "help");
    names.map(str::to_owned).collect()
}

/// Every command with those below it.
fn commands() -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    for name in listed(&help(&[])) {
        let below = listed(&help(&[&name]));
        found.push(vec![name.clone()]);
        found.extend(below.into_iter().map(|inner| vec![name.clone(), inner]));
    }
    found
}

#[test]
fn every_command_has_an_example_that_is_understood() {
    let commands = commands();
    assert!(commands.len() > 16, "{commands:?}");
    for path in commands {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let text = help(&path);
        let (_, example) = text
            .split_once("Example: minibot ")
            .unwrap_or_else(|| panic!("{path:?} has no example: {text}"));
        let line = example.lines().next().unwrap().split(" > ").next().unwrap();
        let quotes: Vec<&str> = line.split('"').collect();
        let mut words: Vec<&str> = quotes[0].split_whitespace().collect();
        words.extend(quotes.get(1));
        assert!(words.starts_with(&path), "{path:?}: {line}");
        let (asked, _, err) = output(&[&words[..], &["--help"]].concat());
        assert_eq!(asked.status.code(), Some(0), "{line}: {err}");
    }
}

#[test]
fn a_mistake_in_the_command_line_is_code_2() {
    let mistakes: [&[&str]; 9] = [
        &["nonsense"],
        &["--nonsense"],
        &["jobs", "show", "first"],
        &["jobs", "show"],
        &["backup"],
        &["audit", "--verify", "--tool", "bash"],
        &["setup", "--no-telegram", "--user-id", "1"],
        &["setup", "--from", "old.toml", "--timezone", "UTC"],
        &["completions", "tcsh"],
    ];
    for mistake in mistakes {
        let (output, out, err) = output(mistake);
        assert_eq!(output.status.code(), Some(2), "{mistake:?}: {err}");
        assert!(
            err.starts_with("error: ") && err.contains("--help"),
            "{err}"
        );
        assert_eq!(out, "", "{mistake:?}");
    }
}

#[test]
fn what_cannot_be_done_is_one_line_and_code_1() {
    let nowhere = tempfile::tempdir().unwrap();
    let config = nowhere.path().join("config.toml");
    std::fs::write(&config, "").unwrap();
    std::fs::set_permissions(&config, PermissionsExt::from_mode(0o600)).unwrap();
    let config = config.to_str().unwrap();
    let failures: [&[&str]; 8] = [
        &["jobs"],
        &["history"],
        &["audit"],
        &["usage"],
        &["backup", "copy.db"],
        &["restore", "nowhere.db"],
        &["run"],
        &["check", "--config", "nowhere.toml"],
    ];
    for failure in failures {
        let named = if failure.contains(&"--config") {
            &[][..]
        } else {
            &["--config", config]
        };
        let output = minibot(&[failure, named].concat())
            .current_dir(nowhere.path())
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{failure:?}: {err}");
        assert!(err.starts_with("minibot: "), "{failure:?}: {err}");
        assert_eq!(err.lines().count(), 1, "{failure:?}: {err}");
    }
}

#[test]
fn what_is_not_there_to_be_copied_makes_no_folder() {
    let nowhere = tempfile::tempdir().unwrap();
    for command in [["backup", "copy.db"], ["restore", "copy.db"]] {
        let config = nowhere.path().join("config.toml");
        std::fs::write(&config, "").unwrap();
        std::fs::set_permissions(&config, PermissionsExt::from_mode(0o600)).unwrap();
        let mut program = minibot(&command);
        let output = program.current_dir(nowhere.path()).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.contains("does not exist"), "{err}");
        assert_eq!(std::fs::read_dir(nowhere.path()).unwrap().count(), 1);
    }
}

#[test]
fn the_history_shows_answers_as_they_were_shown() {
    let here = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str]| {
        let output = minibot(arguments).current_dir(here.path()).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let shown = said(&[
        "console",
        "--once",
        "remind me tomorrow at 17:00 to buy milk",
    ]);
    let history = said(&["history", "--chat", "console"]);
    assert!(
        history.contains(&format!("bot: {}", shown.trim())),
        "{history}"
    );
    assert!(history.contains("17:00 (in "), "{history}");
}

#[test]
fn there_are_completions_for_every_shell_and_nothing_of_the_bots_own() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (output, script, err) = output(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}: {err}");
        for path in commands() {
            for name in path {
                assert!(script.contains(&name), "{shell}: {name}");
            }
        }
        for hidden in ["__", "read-pdf"] {
            let of_the_program =
                |line: &&str| !line.contains("minibot__") && !line.contains("__fish");
            let line = script
                .lines()
                .filter(of_the_program)
                .find(|line| line.contains(&format!(" {hidden}")));
            assert_eq!(line, None, "{shell}");
        }
        assert!(!script.contains("confine"), "{shell}");
    }
    let (_, script, _) = output(&["completions", "bash"]);
    let checked = Command::new("bash")
        .args(["-n", "-c", &script])
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let shown = |variable: Option<&str>| {
        let mut command = minibot(&["--help"]);
        command.env("TERM", "xterm-256color");
        command.envs(variable.map(|name| (name, "1")));
        spawn_command(command, Some(PATIENCE_MS))
            .unwrap()
            .exp_eof()
            .unwrap()
    };
    assert!(shown(None).contains(ESCAPE));
    assert!(!shown(Some("NO_COLOR")).contains(ESCAPE));
    assert!(!help(&[]).contains(ESCAPE));
}

/// What a command says on its other output when the one for answers is this.
fn answers_into(program: &Program, arguments: &[&str], output: impl Into<Stdio>) -> String {
    let mut command = program.command(arguments);
    let command = command.as_std_mut().stdout(output).stderr(Stdio::piped());
    let output = command.output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {err}");
    err
}

#[tokio::test]
async fn a_reader_that_has_enough_ends_a_command_quietly() {
    let program = Program::new("").await;
    for arguments in [
        &["check"][..],
        &["completions", "zsh"],
        &["doctor", "--quick"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(
            answers_into(&program, arguments, writer),
            "",
            "{arguments:?}"
        );
    }
    let full = std::fs::File::options().write(true).open("/dev/full");
    let err = answers_into(&program, &["check"], full.unwrap());
    let words = "minibot: the answer cannot be written: ";
    assert!(err.starts_with(words) && err.lines().count() == 1, "{err}");
}
