//! Why a value of the tree does not fit the settings, in words for people.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use super::document::Step;

/// What a key complains about.
#[derive(Debug)]
pub(super) enum Complaint {
    /// The key is not one of these.
    UnknownKey(&'static [&'static str]),
    /// The text is not one of these.
    UnknownChoice(&'static [&'static str]),
    /// The section lacks this key.
    MissingKey(&'static str),
    /// Not what the key takes.
    Expected(String),
}

/// The first thing that does not fit, and the way to it.
#[derive(Debug)]
pub(super) struct ReadError {
    steps_inside_out: Vec<Step>,
    pub complaint: Complaint,
}

impl ReadError {
    pub(super) fn inside(mut self, step: Step) -> Self {
        self.steps_inside_out.push(step);
        self
    }

    pub(super) fn path(&self) -> Vec<Step> {
        self.steps_inside_out.iter().rev().cloned().collect()
    }
}

impl From<Complaint> for ReadError {
    fn from(complaint: Complaint) -> Self {
        Self {
            steps_inside_out: Vec::new(),
            complaint,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a setting does not fit")
    }
}

impl std::error::Error for ReadError {}

impl Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Complaint::Expected(message.to_string()).into()
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Complaint::Expected(in_words(&expected.to_string())).into()
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Complaint::Expected(in_words(&expected.to_string())).into()
    }

    fn missing_field(key: &'static str) -> Self {
        Complaint::MissingKey(key).into()
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Complaint::UnknownChoice(expected).into()
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Complaint::UnknownKey(expected).into()
    }
}

/// Serde's names of what a type takes, as a person would say them.
fn in_words(expected: &str) -> String {
    let words = match expected {
        "a boolean" => "true or false",
        "a string" | "path string" | "a borrowed string" => "text in quotes",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "u64" | "usize" => "a whole number, 0 or more",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "a nonzero u16" => "a whole number from 1 to 65535",
        "a nonzero u32" => "a whole number from 1 to 4294967295",
        "a nonzero u64" => "a whole number, 1 or more",
        "f32" | "f64" => "a number",
        "a sequence" => "a list in brackets",
        "a map" => "a section",
        other if other.starts_with("struct ") => "a section",
        other => other,
    };
    if words.starts_with("expected ") {
        words.to_owned()
    } else {
        format!("expected {words}")
    }
}
