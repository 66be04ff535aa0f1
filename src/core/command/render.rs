//! A command line written in one fixed way: the same commands give the same text, however they were quoted.

use super::{Command, Joiner, Redirect, Script, Simple, Word};

/// The whole, if every word of it is known.
pub(super) fn script(script: &Script) -> Option<String> {
    let mut text = String::new();
    for (at, part) in script.0.iter().enumerate() {
        text.push_str(&command(&part.command)?);
        let last = at + 1 == script.0.len();
        text.push_str(match part.then {
            Joiner::Next if last => "",
            Joiner::Next => "; ",
            Joiner::IfDone => " && ",
            Joiner::IfFailed => " || ",
            Joiner::Background if last => " &",
            Joiner::Background => " & ",
        });
    }
    Some(text).filter(|text| !text.is_empty())
}

fn command(command: &Command) -> Option<String> {
    match command {
        Command::Simple(simple) => self::simple(simple),
        Command::Pipeline(stages) => {
            let stages: Option<Vec<String>> = stages.iter().map(self::command).collect();
            Some(stages?.join(" | "))
        }
        Command::Compound(_) => None,
    }
}

fn simple(simple: &Simple) -> Option<String> {
    let mut words = Vec::new();
    for assignment in &simple.assignments {
        let (name, value) = assignment.as_literal()?.split_once('=')?;
        words.push(format!("{name}={}", quoted(value)));
    }
    for word in &simple.words {
        words.push(self::word(word)?);
    }
    for redirect in &simple.redirects {
        words.push(self::redirect(redirect)?);
    }
    Some(words.join(" "))
}

fn redirect(redirect: &Redirect) -> Option<String> {
    let descriptor = redirect
        .descriptor
        .map(|number| number.to_string())
        .unwrap_or_default();
    let target = word(&redirect.target)?;
    Some(format!("{descriptor}{}{target}", redirect.operator))
}

fn word(word: &Word) -> Option<String> {
    word.as_literal().map(quoted)
}

/// Words that would mean something to the shell itself.
const RESERVED: [&str; 17] = [
    "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
    "select", "then", "time", "until", "while",
];

fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./:,+@%".contains(letter);
    if !text.is_empty() && text.chars().all(plain) && !RESERVED.contains(&text) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r#"'"'"'"#))
}
