//! Collects everything that is wrong with a tree, instead of stopping at the first thing.

use serde::de::DeserializeOwned;

use super::Rules;
use super::document::{Node, Origin, Step, Value};
use super::environment::Environment;
use super::interpolate::interpolate;
use super::known_keys::known_keys;
use super::read_error::Complaint;
use super::remarks::{Finding, Place, Problems, Remark, Severity};

/// Nobody reads more than this at once.
const MOST_PROBLEMS: usize = 100;

/// What has been found so far.
pub(super) struct Gathering<'a> {
    pub label: &'a str,
    pub rules: &'a Rules,
    pub problems: Vec<Remark>,
    pub warnings: Vec<Remark>,
    /// Keys whose value is gone because it was wrong, dotted.
    unusable: Vec<String>,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(label: &'a str, rules: &'a Rules) -> Self {
        Self {
            label,
            rules,
            problems: Vec::new(),
            warnings: Vec::new(),
            unusable: Vec::new(),
        }
    }

    pub(super) fn refuse(&mut self, path: Vec<String>, origin: &Origin, message: String) {
        self.problems.push(Remark::new(self.place(origin), message));
        self.unusable.push(path.join("."));
    }

    fn place(&self, origin: &Origin) -> Place {
        match origin {
            Origin::Line(line) => Place::Line {
                file: self.label.to_owned(),
                line: *line,
            },
            Origin::Variable(name) => Place::Variable(name.clone()),
            Origin::Nowhere => Place::Nowhere,
        }
    }

    /// Fills in `${NAME}` everywhere; a string that cannot be filled in is taken out.
    pub(super) fn interpolate_all(
        &mut self,
        node: &mut Node,
        path: &mut Vec<String>,
        environment: &Environment,
    ) {
        match &mut node.value {
            Value::Section(entries) => entries.retain(|key, entry| {
                path.push(key.clone());
                let usable = self.interpolate_one(entry, path, environment);
                path.pop();
                usable
            }),
            Value::List(items) => {
                items.retain_mut(|item| self.interpolate_one(item, path, environment));
            }
            _ => {}
        }
    }

    fn interpolate_one(
        &mut self,
        node: &mut Node,
        path: &mut Vec<String>,
        environment: &Environment,
    ) -> bool {
        let Value::Text(text) = &node.value else {
            self.interpolate_all(node, path, environment);
            return true;
        };
        match interpolate(text, environment) {
            Ok(None) => true,
            Ok(Some(filled)) => {
                node.value = Value::Untyped(filled);
                node.quotable = false;
                true
            }
            Err(error) => {
                let message = error.message(&path.join("."));
                self.refuse(path.clone(), &node.origin, message);
                false
            }
        }
    }

    /// Reads the settings. What does not fit is reported and taken out of the tree until the rest
    /// fits; `None` when nothing is left to take out or too much is wrong.
    pub(super) fn read<T: DeserializeOwned>(&mut self, root: &mut Node) -> Option<T> {
        while self.problems.len() < MOST_PROBLEMS {
            let error = match T::deserialize(&*root) {
                Ok(settings) => return Some(settings),
                Err(error) => error,
            };
            let path = error.path();
            let (node, taken) = root.remove_nearest(&path)?;
            let message = self.explain::<T>(&dotted(&path), &error.complaint, &node);
            self.refuse(dotted(&path[..taken]), &node.origin, message);
        }
        self.problems.push(Remark::new(
            Place::Nowhere,
            "there may be more; these come first",
        ));
        None
    }

    fn explain<T: DeserializeOwned>(
        &self,
        keys: &[String],
        complaint: &Complaint,
        node: &Node,
    ) -> String {
        let path = keys.join(".");
        match complaint {
            Complaint::UnknownKey(known) => {
                let retired = self.rules.retired.iter().find(|key| key.path == path);
                match retired {
                    Some(key) => format!("{path} is a key of the Python MiniBot; {}", key.instead),
                    None => format!("unknown key {path}{}", self.suggest::<T>(keys, known)),
                }
            }
            Complaint::UnknownChoice(choices) => {
                let guess = match &node.value {
                    Value::Text(text) if node.quotable => nearest(text, choices.iter().copied()),
                    _ => None,
                };
                let found = node.describe();
                let list = quoted_list(choices);
                match guess {
                    Some(guess) => {
                        format!("{path}: expected {list}, found {found}; did you mean \"{guess}\"?")
                    }
                    None => format!("{path}: expected {list}, found {found}"),
                }
            }
            Complaint::MissingKey(key) => format!("{path}: the key {key} is missing"),
            Complaint::Expected(expected) => {
                format!("{path}: {expected}, found {}", node.describe())
            }
        }
    }

    fn suggest<T: DeserializeOwned>(&self, keys: &[String], known: &[&str]) -> String {
        let Some(unknown) = keys.last() else {
            return String::new();
        };
        let with_files: Vec<String> = known
            .iter()
            .map(|key| (*key).to_owned())
            .chain(
                self.rules
                    .file_keys
                    .iter()
                    .filter(|key| known.contains(&key.name))
                    .map(|key| format!("{}_file", key.name)),
            )
            .collect();
        if let Some(guess) = nearest(unknown, with_files.iter().map(String::as_str)) {
            return format!("; did you mean {guess}?");
        }
        if let Some(section) = home_of::<T>(unknown) {
            return format!("; {unknown} belongs in [{section}]");
        }
        if known.is_empty() {
            return "; this section has no keys".to_owned();
        }
        String::new()
    }

    /// Places what the rules over the whole settings found.
    pub(super) fn add_findings(&mut self, findings: Vec<Finding>, root: &Node) {
        for finding in findings {
            let blind = |key: &String| {
                self.unusable
                    .iter()
                    .any(|gone| is_within(key, gone) || is_within(gone, key))
            };
            if finding.keys.iter().any(blind) {
                continue;
            }
            let origin = origin_of(&finding.keys, root);
            let remark = Remark::new(self.place(&origin), finding.message);
            match finding.severity {
                Severity::Problem => self.problems.push(remark),
                Severity::Warning => self.warnings.push(remark),
            }
        }
    }

    /// All that was found, sorted, or nothing when there was no problem.
    pub(super) fn finish(mut self) -> Result<Vec<Remark>, Problems> {
        self.problems.sort();
        self.warnings.sort();
        if self.problems.is_empty() {
            Ok(self.warnings)
        } else {
            Err(Problems {
                problems: self.problems,
                warnings: self.warnings,
            })
        }
    }
}

/// The first of the keys that was written anywhere, else the section that the first one is missing
/// from.
fn origin_of(keys: &[String], root: &Node) -> Origin {
    let mut section = None;
    for key in keys {
        let (node, rest) = root.nearest_dotted(key);
        if rest.is_empty() {
            return node.origin.clone();
        }
        section.get_or_insert_with(|| node.origin.clone());
    }
    section.unwrap_or(Origin::Nowhere)
}

/// Whether a dotted key is that section or below it.
fn is_within(key: &str, section: &str) -> bool {
    let rest = key.strip_prefix(section);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The path without the places inside lists.
fn dotted(path: &[Step]) -> Vec<String> {
    path.iter()
        .filter_map(|step| match step {
            Step::Key(key) => Some(key.clone()),
            Step::Index(_) => None,
        })
        .collect()
}

/// The known word that was meant, if one is near.
pub fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    known
        .map(|key| (strsim::damerau_levenshtein(&word, key), key))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, key)| key)
}

/// The only section with a key of this name.
fn home_of<T: DeserializeOwned>(key: &str) -> Option<String> {
    let all = known_keys::<T>();
    let mut sections = all
        .iter()
        .filter_map(|path| path.rsplit_once('.'))
        .filter(|(section, name)| *name == key && !section.contains("NAME"))
        .map(|(section, _)| section.to_owned());
    let section = sections.next()?;
    sections.next().is_none().then_some(section)
}

fn quoted_list(choices: &[&str]) -> String {
    let quoted: Vec<String> = choices
        .iter()
        .map(|choice| format!("\"{choice}\""))
        .collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.join(""),
    }
}
