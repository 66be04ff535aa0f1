//! The verdict over a command line: reads run, foot-guns do not, and a person decides on the rest.

use super::readers;
use super::walk::Walk;
use super::{Command, CommandLine, Joiner, Reading, Redirect, Script, Simple};
use crate::core::action::Confinement;

/// Characters of a reason.
const LONGEST_REASON: usize = 200;

/// What may become of a command line. The reason is in words for the person and the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It only reads: it may run.
    Allow,
    /// A person decides.
    Ask(String),
    /// It is refused, whoever asks.
    Deny(String),
}

/// Judges a command line. What is not known to be a mere read is asked about, what is known to do
/// great harm is refused.
pub fn classify(line: &CommandLine, confinement: Confinement) -> Verdict {
    let script = match &line.reading {
        Reading::Unclear(why) => return Verdict::Ask((*why).to_owned()),
        Reading::Understood(script) => script,
    };
    if let Some(harm) = Walk::default().script(script) {
        return Verdict::Deny(short(&harm));
    }
    if line.source.contains("\\\n") {
        return Verdict::Ask("a word of it may go on in the next line".to_owned());
    }
    match only_reads(script, confinement) {
        Ok(()) => Verdict::Allow,
        Err(doubt) => Verdict::Ask(short(&doubt)),
    }
}

/// A word in it may be as long as the line.
fn short(reason: &str) -> String {
    let shown: String = reason.chars().take(LONGEST_REASON).collect();
    if shown.len() < reason.len() {
        shown + "…"
    } else {
        shown
    }
}

fn only_reads(script: &Script, confinement: Confinement) -> Result<(), String> {
    if script.0.is_empty() {
        return Err("there is no command in it".to_owned());
    }
    script.0.iter().try_for_each(|part| {
        if part.then == Joiner::Background {
            return Err("it leaves a command running in the background".to_owned());
        }
        command(&part.command, confinement)
    })
}

fn command(command: &Command, confinement: Confinement) -> Result<(), String> {
    match command {
        Command::Pipeline(stages) => stages
            .iter()
            .try_for_each(|stage| self::command(stage, confinement)),
        Command::Compound(compound) => Err(format!("it has {}", compound.kind)),
        Command::Simple(simple) => self::simple(simple, confinement),
    }
}

fn simple(simple: &Simple, confinement: Confinement) -> Result<(), String> {
    if !simple.assignments.is_empty() {
        return Err("it sets a variable".to_owned());
    }
    let mut words = Vec::new();
    for word in &simple.words {
        let open = || format!("what {} becomes is known only when it runs", word.text);
        words.push(word.as_literal().ok_or_else(open)?);
    }
    if !simple.redirects.iter().all(is_harmless) {
        return Err("it redirects input or output".to_owned());
    }
    readers::check(&words, confinement)
}

/// Into nothing, or into another descriptor that is open anyway.
fn is_harmless(redirect: &Redirect) -> bool {
    let descriptor = matches!(redirect.descriptor, None | Some(0..=2));
    let target = redirect.target.as_literal();
    descriptor
        && match redirect.operator {
            ">" | ">>" | "&>" | "&>>" | "<" => target == Some("/dev/null"),
            ">&" => matches!(target, Some("1" | "2")),
            _ => false,
        }
}
