//! The parsed file as a tree whose every node knows where it was written.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

/// Where a value came from.
#[derive(Clone)]
pub(super) enum Origin {
    Line(usize),
    Variable(String),
    Nowhere,
}

/// One value of the tree.
#[derive(Clone)]
pub(super) struct Node {
    pub value: Value,
    pub origin: Origin,
    /// Whether the value may stand in a message: not for secrets nor for what came from elsewhere.
    pub quotable: bool,
}

#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    /// Text from the environment: read as whatever the key needs.
    Untyped(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Date,
    List(Vec<Node>),
    Section(BTreeMap<String, Node>),
}

/// One step on the way from the root to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// A line of the file, counted from 1, and what is wrong with it.
pub(super) type SyntaxError = (usize, String);

impl Node {
    pub(super) fn empty() -> Self {
        Self {
            value: Value::Section(BTreeMap::new()),
            origin: Origin::Nowhere,
            quotable: true,
        }
    }

    fn child(&self, step: &Step) -> Option<&Self> {
        match (&self.value, step) {
            (Value::Section(entries), Step::Key(key)) => entries.get(key),
            (Value::List(items), Step::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    fn child_mut(&mut self, step: &Step) -> Option<&mut Self> {
        match (&mut self.value, step) {
            (Value::Section(entries), Step::Key(key)) => entries.get_mut(key),
            (Value::List(items), Step::Index(index)) => items.get_mut(*index),
            _ => None,
        }
    }

    /// The node at the dotted path, or the last one on the way that exists, and what is left of the path. Names
    /// that people choose may have dots, so the longest one that fits is followed.
    pub(super) fn nearest_dotted<'p>(&self, path: &'p str) -> (&Self, &'p str) {
        let (mut node, mut rest) = (self, path);
        while let Value::Section(entries) = &node.value {
            let fitting = entries.iter().filter_map(|(name, entry)| {
                let after = rest.strip_prefix(name.as_str())?;
                let after = match after.strip_prefix('.') {
                    Some(below) => below,
                    None if after.is_empty() => after,
                    None => return None,
                };
                Some((entry, after))
            });
            match fitting.min_by_key(|(_, after)| after.len()) {
                Some(step) => (node, rest) = step,
                None => break,
            }
            if rest.is_empty() {
                break;
            }
        }
        (node, rest)
    }

    /// Takes the node at the path out of the tree, or the last one on the way that exists: a value from the
    /// environment is in one piece. With how many steps of the path were gone.
    pub(super) fn remove_nearest(&mut self, path: &[Step]) -> Option<(Self, usize)> {
        let mut node = &*self;
        let steps = path.iter().map_while(|step| {
            node = node.child(step)?;
            Some(())
        });
        let taken = steps.count();
        Some((self.remove(&path[..taken])?, taken))
    }

    /// Takes the node at the path out of the tree.
    fn remove(&mut self, path: &[Step]) -> Option<Self> {
        let (last, way) = path.split_last()?;
        let mut node = self;
        for step in way {
            node = node.child_mut(step)?;
        }
        match (&mut node.value, last) {
            (Value::Section(entries), Step::Key(key)) => entries.remove(key),
            (Value::List(items), Step::Index(index)) if *index < items.len() => {
                Some(items.remove(*index))
            }
            _ => None,
        }
    }

    /// The value in a few words for a message.
    pub(super) fn describe(&self) -> String {
        const LONGEST_QUOTE: usize = 24;
        match &self.value {
            Value::Text(text) if self.quotable && text.chars().count() <= LONGEST_QUOTE => {
                format!("{text:?}")
            }
            Value::Integer(number) if self.quotable => number.to_string(),
            Value::Float(number) if self.quotable => number.to_string(),
            Value::Boolean(flag) if self.quotable => flag.to_string(),
            Value::Text(_) => "text".to_owned(),
            Value::Integer(_) | Value::Float(_) => "a number".to_owned(),
            Value::Boolean(_) => "true or false".to_owned(),
            Value::Untyped(_) => "something else".to_owned(),
            Value::Date => "a date or time".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Section(_) => "a section".to_owned(),
        }
    }
}

/// Parses a whole file. `is_secret` says of a key's name whether its value must never be shown.
pub(super) fn parse(
    text: &str,
    is_secret: &dyn Fn(&str) -> bool,
) -> Result<Node, Vec<SyntaxError>> {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let errors = errors
        .iter()
        .map(|error| {
            let start = error.span().map_or(text.len(), |span| span.start);
            (lines.at(start), wording(error, text))
        })
        .collect();
    let mut builder = Builder {
        lines: &lines,
        is_secret,
        errors,
    };
    let root = Node {
        value: builder.section(table.get_ref(), true),
        origin: Origin::Nowhere,
        quotable: true,
    };
    let mut errors = builder.errors;
    // One slip makes the parser stumble several times over the same line.
    errors.sort_by_key(|(line, _)| *line);
    errors.dedup_by_key(|(line, _)| *line);
    if errors.is_empty() {
        Ok(root)
    } else {
        Err(errors)
    }
}

/// The parser's words, with the name of a key that stands there twice.
fn wording(error: &toml::de::Error, text: &str) -> String {
    const LONGEST_KEY: usize = 64;
    let message = error.message();
    let key = error.span().and_then(|span| text.get(span));
    match key {
        Some(key) if message == "duplicate key" && key.len() <= LONGEST_KEY => {
            format!("{message} {key}")
        }
        _ => message.to_owned(),
    }
}

/// Parses what an environment variable holds, when it is a number, a flag, a list or an inline
/// table.
pub(super) fn parse_untyped(text: &str, origin: &Origin) -> Option<Node> {
    let parsed = DeValue::parse(text.trim()).ok()?;
    if matches!(parsed.get_ref(), DeValue::String(_) | DeValue::Datetime(_)) {
        return None;
    }
    let lines = Lines::of(text);
    let mut builder = Builder {
        lines: &lines,
        is_secret: &|_| false,
        errors: Vec::new(),
    };
    let mut node = builder.value(parsed.get_ref(), origin.clone(), false);
    set_origin(&mut node, origin);
    builder.errors.is_empty().then_some(node)
}

fn set_origin(node: &mut Node, origin: &Origin) {
    node.origin = origin.clone();
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| set_origin(item, origin)),
        Value::Section(entries) => entries
            .values_mut()
            .for_each(|entry| set_origin(entry, origin)),
        _ => {}
    }
}

struct Builder<'a> {
    lines: &'a Lines,
    is_secret: &'a dyn Fn(&str) -> bool,
    errors: Vec<SyntaxError>,
}

impl Builder<'_> {
    fn section(&mut self, table: &DeTable<'_>, quotable: bool) -> Value {
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            let name = key.get_ref().to_string();
            let quotable = quotable && !(self.is_secret)(&name);
            let origin = Origin::Line(self.lines.at(key.span().start));
            let node = self.value(value.get_ref(), origin, quotable);
            entries.insert(name, node);
        }
        Value::Section(entries)
    }

    fn value(&mut self, value: &DeValue<'_>, origin: Origin, quotable: bool) -> Node {
        let value = match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => self.integer(number, &origin),
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => Value::Float(number),
                Err(_) => Value::Text(number.as_str().to_owned()),
            },
            DeValue::Boolean(flag) => Value::Boolean(*flag),
            DeValue::Datetime(_) => Value::Date,
            DeValue::Array(items) => {
                Value::List(items.iter().map(|item| self.item(item, quotable)).collect())
            }
            DeValue::Table(table) => self.section(table, quotable),
        };
        Node {
            value,
            origin,
            quotable,
        }
    }

    fn item(&mut self, item: &Spanned<DeValue<'_>>, quotable: bool) -> Node {
        let origin = Origin::Line(self.lines.at(item.span().start));
        self.value(item.get_ref(), origin, quotable)
    }

    fn integer(&mut self, number: &DeInteger<'_>, origin: &Origin) -> Value {
        match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => {
                if let Origin::Line(line) = origin {
                    self.errors
                        .push((*line, "this number is too large".to_owned()));
                }
                Value::Integer(0)
            }
        }
    }
}

/// The start of each line, to turn a byte offset into a line number.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let breaks = text.match_indices('\n').map(|(offset, _)| offset + 1);
        Self(std::iter::once(0).chain(breaks).collect())
    }

    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset).max(1)
    }
}
