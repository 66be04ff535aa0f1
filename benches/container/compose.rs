//! The services of docker-compose.yml, as a person drives them; what docker answers comes back as text.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

/// The commands of the documents, which this is to run; tests/packaging holds the documents to the list.
const DOCUMENTED: &str = include_str!("documented.txt");

/// What was run of them, each as its words without `-T`: here nobody sits at a terminal.
static RAN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Without `-T`, as one line.
fn plain<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words = words.into_iter().filter(|word| *word != "-T");
    words.collect::<Vec<_>>().join(" ")
}

/// Each command that a document shows has run by now, perhaps with more arguments.
pub fn all_documented_ran() {
    let ran = RAN.lock().unwrap();
    for line in DOCUMENTED.lines() {
        let line = plain(line.split(' ').skip("docker compose".split(' ').count()));
        let more = format!("{line} ");
        let is_there = ran.iter().any(|run| *run == line || run.starts_with(&more));
        assert!(is_there, "nothing here has run `docker compose {line}`");
    }
}

/// The program in front of `up`, `run` and the like: `docker compose`, or the older `docker-compose`.
fn compose() -> Command {
    let program = std::env::var("COMPOSE").unwrap_or_else(|_| "docker compose".to_owned());
    let mut words = program.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// A compose command that is not started yet.
pub fn command(arguments: &[&str]) -> Command {
    RAN.lock().unwrap().push(plain(arguments.iter().copied()));
    let mut command = compose();
    command.args(arguments);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a command wrote to both of its outputs.
pub fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

fn output(command: &mut Command) -> Output {
    let done = command.stdin(Stdio::null()).output();
    done.unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn answer(command: &mut Command) -> String {
    let done = output(command);
    assert!(done.status.success(), "{command:?}: {}", said(&done));
    text(&done.stdout)
}

/// Runs it to its end; it must end well.
pub fn run(arguments: &[&str]) -> String {
    answer(&mut command(arguments))
}

/// The program of the image in a container of its own, beside the bot or without it.
pub fn minibot(arguments: &[&str]) -> String {
    run(&[&["run", "--rm", "-T", "minibot"], arguments].concat())
}

/// Another program of the image in such a container, with words on its standard input.
pub fn other(program: &str, arguments: &[&str], input: &[u8]) -> String {
    let before = ["run", "--rm", "-T", "--entrypoint", program, "minibot"];
    let mut command = command(&[&before, arguments].concat());
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{command:?}");
    text(&done.stdout)
}

/// A command in the container of the running bot.
pub fn inside(arguments: &[&str]) -> Output {
    output(&mut command(&[&["exec", "-T", "bot"], arguments].concat()))
}

/// Follows the log until a line has these words.
pub fn follow_log_until(words: &str) {
    let mut command = command(&["logs", "-f"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let found = lines.map_while(Result::ok).any(|line| line.contains(words));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(found, "the log ends, and nothing in it says {words}");
}

/// What docker knows of the bot's container, by a template.
pub fn inspect(template: &str) -> String {
    let id = run(&["ps", "-q", "-a", "bot"]);
    docker(&["inspect", "--format", template, id.trim()])
}

/// Docker itself.
pub fn docker(arguments: &[&str]) -> String {
    let answer = answer(Command::new("docker").args(arguments));
    answer.trim().to_owned()
}
