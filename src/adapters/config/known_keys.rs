//! Which keys a settings type has, asked of the type itself.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::document::{Node, Value};
use super::read_error::Complaint;

/// No key is named like this.
const PROBE: &str = "\u{1}";
/// Stands in a path for a name that people choose, as in `llm.profiles.NAME.model`.
const ANY_NAME: &str = "NAME";
/// Deeper than any settings; a type that contains itself must not be followed for ever.
const DEEPEST: usize = 8;

/// Every key of `T` as a dotted path, sorted; sections themselves are left out. Keys of a table
/// whose names people choose stand under `NAME`.
pub fn known_keys<T: DeserializeOwned>() -> Vec<String> {
    let mut found = Vec::new();
    explore::<T>(&mut Vec::new(), &mut found);
    found.sort();
    found
}

enum Shape {
    Section(&'static [&'static str]),
    Named,
    Leaf,
}

fn explore<T: DeserializeOwned>(path: &mut Vec<String>, found: &mut Vec<String>) {
    let children: Vec<&str> = match shape::<T>(path) {
        Shape::Section(keys) if path.len() < DEEPEST => keys.to_vec(),
        Shape::Named if path.len() < DEEPEST => vec![ANY_NAME],
        _ => {
            found.push(path.join("."));
            return;
        }
    };
    for child in children {
        path.push(child.to_owned());
        explore::<T>(path, found);
        path.pop();
    }
}

/// Offers an unknown key at the path and looks who complains.
fn shape<T: DeserializeOwned>(path: &[String]) -> Shape {
    let inner = section(PROBE, Node::empty());
    let mut root = section(PROBE, inner);
    for key in path.iter().rev() {
        root = section(key, root);
    }
    let Err(error) = T::deserialize(&root) else {
        return Shape::Leaf;
    };
    let depth = error.path().len().saturating_sub(path.len());
    match (error.complaint, depth) {
        (Complaint::UnknownKey(keys), 1) => Shape::Section(keys),
        (Complaint::UnknownKey(_), 2) => Shape::Named,
        _ => Shape::Leaf,
    }
}

fn section(key: &str, node: Node) -> Node {
    Node {
        value: Value::Section(BTreeMap::from([(key.to_owned(), node)])),
        ..Node::empty()
    }
}
