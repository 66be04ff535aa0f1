//! The configuration: what a person reads when it is wrong, where values come from, and that no
//! secret gets out.

#![allow(clippy::unwrap_used, clippy::panic)]

mod bounds;
mod example;
mod hostile;
mod meaning;
mod network;
mod pieces;
mod problems;
mod sources;

use std::path::Path;

use minibot::adapters::config::{Loaded, Problems, Remark, Text, load_text};
use minibot::wiring::settings::{RULES, Settings};

const TOKEN: &str = "123456:AbCdEf_secret-token";

fn read_with(content: &str, variables: &[(&str, &str)]) -> Result<Loaded<Settings>, Problems> {
    let text = Text {
        label: "config.toml",
        content,
        base_dir: Path::new("/base"),
    };
    load_text(&text, &variables.iter().copied().collect(), &RULES)
}

fn read(content: &str) -> Result<Loaded<Settings>, Problems> {
    read_with(content, &[])
}

fn lines(remarks: &[Remark]) -> Vec<String> {
    remarks.iter().map(ToString::to_string).collect()
}

pub fn problems(content: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match read_with(content, variables) {
        Ok(_) => Vec::new(),
        Err(problems) => lines(&problems.problems),
    }
}

fn warnings(content: &str) -> Vec<String> {
    lines(&read(content).unwrap().warnings)
}
