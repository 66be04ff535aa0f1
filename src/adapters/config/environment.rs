//! The process environment as the loader sees it, and the settings it overrides.

use std::collections::BTreeMap;
use std::fmt;

use super::document::{Node, Origin, Value};

/// Overrides are named `MINIBOT__SECTION__KEY`.
const PREFIX: &str = "MINIBOT__";
const SEPARATOR: &str = "__";

/// Environment variables by name. Its `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process, less what is not Unicode.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where settings come from"
    )]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.0.iter();
        variables.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn overrides(&self) -> impl Iterator<Item = (&str, Vec<String>, &str)> {
        self.0.iter().filter_map(|(name, value)| {
            let keys = name.strip_prefix(PREFIX)?;
            let keys = keys.split(SEPARATOR).map(str::to_lowercase).collect();
            Some((name.as_str(), keys, value.as_str()))
        })
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let owned = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self(owned.collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Lays the overrides over the tree. Returns the variables that could not be, each with the reason.
pub(super) fn apply_overrides(root: &mut Node, environment: &Environment) -> Vec<(String, String)> {
    let mut refused = Vec::new();
    for (variable, keys, value) in environment.overrides() {
        let node = Node {
            value: Value::Untyped(value.to_owned()),
            origin: Origin::Variable(variable.to_owned()),
            quotable: false,
        };
        if let Err(reason) = insert(root, &keys, node) {
            refused.push((variable.to_owned(), reason));
        }
    }
    refused
}

fn insert(root: &mut Node, keys: &[String], node: Node) -> Result<(), String> {
    let Some((last, sections)) = keys.split_last() else {
        return Ok(());
    };
    let mut section = root;
    for (depth, key) in sections.iter().enumerate() {
        let Value::Section(entries) = &mut section.value else {
            return Err(not_a_section(&keys[..depth]));
        };
        section = entries
            .entry(existing_spelling(entries, key))
            .or_insert_with(|| Node {
                origin: node.origin.clone(),
                ..Node::empty()
            });
    }
    let Value::Section(entries) = &mut section.value else {
        return Err(not_a_section(sections));
    };
    entries.insert(existing_spelling(entries, last), node);
    Ok(())
}

fn not_a_section(keys: &[String]) -> String {
    format!("{} has a value and is not a section", keys.join("."))
}

/// Names of profiles and models may have capitals; names of variables cannot tell.
fn existing_spelling(entries: &BTreeMap<String, Node>, key: &str) -> String {
    entries
        .keys()
        .find(|existing| existing.to_lowercase() == key)
        .map_or_else(|| key.to_owned(), Clone::clone)
}
