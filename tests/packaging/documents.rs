//! What the documents say is so: commands run, settings are accepted, sentences are understood.
//!
//! A fenced block says by its first line what it is: `sh run` is run as it stands, `sh` names commands that need a running
//! bot, a container or the network (`shown` knows each of them), `toml` is a whole configuration, `text chat` has a sentence for the assistant in each line.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use minibot::adapters::browser::arguments::is_accepted;
use minibot::app::commands::Commands;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use tempfile::TempDir;

use crate::shell::{arguments, words};
use crate::{assert_known_command, documents, read, root};

/// What an unmarked block may ask of the program: the rest can be run, and so must be.
const NEED_A_RUNNING_BOT: [&str; 2] = ["run", "doctor"];

/// What the assistant says when it cannot do what was asked.
const REFUSALS: [&str; 5] = [
    "I did not understand",
    "Try: ",
    "For example: ",
    "switched off",
    "I found no",
];

/// A fenced block: the document that has it, what it says it is, and its lines.
struct Block {
    document: String,
    kind: String,
    text: String,
}

fn all_blocks() -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    for path in documents() {
        let document = path.strip_prefix(root()).unwrap().display().to_string();
        let mut inside = false;
        for event in Parser::new(&std::fs::read_to_string(&path).unwrap()) {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(kind))) => {
                    inside = true;
                    found.push(Block {
                        document: document.clone(),
                        kind: kind.into_string(),
                        text: String::new(),
                    });
                }
                Event::Text(text) if inside => found.last_mut().unwrap().text.push_str(&text),
                Event::End(TagEnd::CodeBlock) => inside = false,
                _ => {}
            }
        }
    }
    found
}

/// Every block of this kind, with the document that has it.
pub fn blocks(kind: &str) -> Vec<(String, String)> {
    let found: Vec<(String, String)> = all_blocks()
        .into_iter()
        .filter(|block| block.kind == kind)
        .map(|block| (block.document, block.text))
        .collect();
    assert!(!found.is_empty(), "no document has a block of `{kind}`");
    found
}

/// Every piece of code in running text, with the document that has it.
pub fn code_spans() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for document in documents() {
        let name = document.strip_prefix(root()).unwrap().display().to_string();
        for event in Parser::new(&std::fs::read_to_string(&document).unwrap()) {
            if let Event::Code(code) = event {
                found.push((name.clone(), code.into_string()));
            }
        }
    }
    found
}

/// A folder as a person has it who follows the documents.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let example = read("config.example.toml");
    std::fs::write(folder.path().join("config.example.toml"), example).unwrap();
    std::fs::write(folder.path().join("bot_token"), "123:abc\n").unwrap();
    std::fs::write(folder.path().join("api_key"), "sk-abc\n").unwrap();
    folder
}

/// A command in that folder, which finds the program and nothing of this machine's settings.
fn command(program: &str, folder: &Path) -> Command {
    let built = Path::new(env!("CARGO_BIN_EXE_minibot")).parent().unwrap();
    let path = format!("{}:{}", built.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path).env("HOME", folder);
    command.current_dir(folder);
    command
}

fn shown(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr];
    texts.map(|text| String::from_utf8_lossy(text)).concat()
}

#[test]
fn what_is_marked_to_run_runs() {
    for (document, script) in blocks("sh run") {
        let folder = folder();
        let output = command("sh", folder.path())
            .args(["-eu", "-c", &script])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{document}:\n{script}\n{}",
            shown(&output)
        );
    }
}

#[test]
fn no_command_hides_in_a_block_that_is_not_looked_at() {
    let looked_at = ["sh run", "sh", "toml", "text chat"];
    let shown_only = ["", "text", "yaml"];
    for Block {
        document,
        kind,
        text,
    } in all_blocks()
    {
        if looked_at.contains(&&*kind) {
            continue;
        }
        assert!(
            shown_only.contains(&&*kind),
            "{document}: nothing looks at a block of `{kind}`"
        );
        let hidden = text.lines().find(|line| line.starts_with("minibot "));
        assert_eq!(hidden, None, "{document}");
    }
}

#[test]
fn what_can_be_run_is_run() {
    for (document, script) in blocks("sh") {
        for line in script.lines() {
            let asked = arguments(line).and_then(|asked| asked.first().cloned());
            let alone = words(line).first().is_some_and(|word| word == "minibot");
            assert!(
                !alone || asked.is_some_and(|asked| NEED_A_RUNNING_BOT.contains(&&*asked)),
                "{document}: `{line}` can be run; mark its block with `sh run`"
            );
        }
    }
}

#[test]
fn settings_are_accepted_and_have_an_effect() {
    for (document, settings) in blocks("toml") {
        let folder = folder();
        std::fs::write(folder.path().join("config.toml"), &settings).unwrap();
        let output = command("minibot", folder.path())
            .arg("check")
            .output()
            .unwrap();
        let said = shown(&output);
        assert!(output.status.success(), "{document}:\n{settings}\n{said}");
        assert!(!said.contains("has no effect"), "{document}: {said}");
    }
}

#[test]
fn what_one_can_say_is_understood() {
    for (document, sentences) in blocks("text chat") {
        let folder = folder();
        for sentence in sentences.lines() {
            let output = command("minibot", folder.path())
                .args(["console", "--once", sentence])
                .output()
                .unwrap();
            let answer = shown(&output);
            assert!(output.status.success(), "{document}: {sentence}\n{answer}");
            for refusal in REFUSALS {
                assert!(
                    !answer.contains(refusal),
                    "{document}: {sentence}\n{answer}"
                );
            }
        }
    }
}

#[test]
fn commands_in_the_text_are_known() {
    let chat: BTreeSet<&str> = Commands::names().collect();
    let of_others = [
        "newbot",
        "setprivacy",
        "config",
        "data",
        "tmp",
        "proc",
        "usr",
        "bin",
        "sys",
    ];
    for (document, code) in code_spans() {
        if code.starts_with("minibot ") {
            let asked = words(&code);
            let asked: Vec<&str> = asked[1..].iter().map(String::as_str).collect();
            assert_known_command(&asked);
        }
        let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_lowercase());
        if let Some(name) = code.strip_prefix('/').filter(is_name) {
            let known = chat.contains(name) || of_others.contains(&name);
            assert!(known, "{document}: there is no command {code}");
        }
    }
}

#[test]
fn keys_in_the_text_exist() {
    let (sections, keys) = keys_of_the_example();
    for (document, code) in code_spans() {
        let is_dotted = code.split('.').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        });
        let top = code.split('.').next().unwrap();
        let is_ours = code.contains('.')
            && sections
                .iter()
                .any(|name| name.starts_with(&format!("{top}.")) || name == top);
        // A file such as `config.toml` is no key.
        if is_dotted && is_ours {
            let known = keys.contains(&code) || sections.contains(&code);
            assert!(known, "{document}: the config has no key {code}");
        }
    }
}

/// The sections and the dotted keys of `config.example.toml`, those in comments included.
fn keys_of_the_example() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut sections, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let mut section = String::new();
    for line in read("config.example.toml").lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name.to_owned();
            sections.insert(section.clone());
        } else if let Some((key, _)) = line.split_once(" = ")
            && !key.contains(' ')
        {
            keys.insert(format!("{section}.{key}"));
        }
    }
    (sections, keys)
}

/// The arguments of the browser that a person may add are those that the document lists.
#[test]
fn the_listed_arguments_of_the_browser_are_accepted() {
    let document = read("docs/browser.md");
    let listed: BTreeSet<&str> = document
        .split('`')
        .filter(|code| code.starts_with("--") && !code.contains("no-sandbox"))
        .filter(|code| !code.contains("build-arg"))
        .collect();
    assert!(listed.len() > 20, "{listed:?}");
    for argument in listed {
        let name = argument.trim_end_matches('…');
        let ways = ["", "1", "=1", "=word"].map(|value| format!("{name}{value}"));
        assert!(ways.iter().any(|way| is_accepted(way)), "{argument}");
    }
}
