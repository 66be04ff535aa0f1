//! Any command line is judged; what is allowed runs nothing but programs that are known to read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use minibot::core::action::Confinement;
use minibot::core::command::{Command, CommandLine, Reading, Verdict, classify};
use minibot::llm::tools::bash::parse::read;

/// Some of the programs that must never run unasked, whatever stands around them, but to tell their version.
const NEVER: [&str; 12] = [
    "rm", "sh", "bash", "eval", "env", "sudo", "curl", "awk", "xargs", "tee", "touch", "exec",
];

fuzz_target!(|text: &str| {
    let line = read(text);
    let allowed = classify(&line, Confinement::Native) == Verdict::Allow;
    if allowed {
        assert!(
            programs(&line)
                .iter()
                .all(|name| !NEVER.contains(&name.as_str())),
            "{text:?}"
        );
        assert!(!text.contains("\\\n") && !text.contains('\0'), "{text:?}");
    }
    // What is much longer than it was may be too long to be read.
    let Some(target) = line.target().filter(|target| target.len() < 16_000) else {
        return;
    };
    let again = read(&target);
    assert_eq!(again.target(), Some(target), "{text:?}");
    if allowed {
        assert_eq!(
            classify(&again, Confinement::Native),
            Verdict::Allow,
            "{text:?}"
        );
    }
});

fn programs(line: &CommandLine) -> Vec<String> {
    fn collect(command: &Command, names: &mut Vec<String>) {
        match command {
            Command::Simple(simple) => {
                let words: Vec<&str> = simple.words.iter().map(|word| word.text.as_str()).collect();
                if words.get(1..) != Some(&["--version"]) {
                    names.extend(words.first().map(|name| (*name).to_owned()));
                }
            }
            Command::Pipeline(stages) => stages.iter().for_each(|stage| collect(stage, names)),
            Command::Compound(compound) => panic!("{} is allowed", compound.kind),
        }
    }
    let mut names = Vec::new();
    if let Reading::Understood(script) = &line.reading {
        script
            .0
            .iter()
            .for_each(|part| collect(&part.command, &mut names));
    }
    names
}
