//! What the loader has to say about a configuration: problems that stop the start and warnings that
//! do not.

use std::fmt;

/// Where a remark points to. The order is the order of the report: the file from top to bottom,
/// then the environment, then what has no place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The file as a whole.
    File(String),
    /// A line of the file, counted from 1.
    Line { file: String, line: usize },
    /// An environment variable.
    Variable(String),
    /// A default, or the lack of something.
    Nowhere,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(formatter, "{file}: "),
            Self::Line { file, line } => write!(formatter, "{file}, line {line}: "),
            Self::Variable(name) => write!(formatter, "environment variable {name}: "),
            Self::Nowhere => Ok(()),
        }
    }
}

/// One problem or warning, ready to be shown: `config.toml, line 3: …`. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    pub place: Place,
    pub message: String,
}

impl Remark {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: printable(&message.into()),
        }
    }
}

/// Keys and values may hold anything; a message must not move a terminal's cursor.
fn printable(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    for letter in message.chars() {
        let turns_text = matches!(letter, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if letter.is_control() || turns_text {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

impl fmt::Display for Remark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.place, self.message)
    }
}

/// Everything that is wrong with a configuration, in the order of its lines. At least one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    pub problems: Vec<Remark>,
    /// What would have been warned about as well.
    pub warnings: Vec<Remark>,
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Remark> for Problems {
    fn from(problem: Remark) -> Self {
        Self {
            problems: vec![problem],
            warnings: Vec::new(),
        }
    }
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Problem,
    Warning,
}

/// What a rule over the whole settings found; the loader turns it into a [`Remark`] with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// The keys the rule looked at, dotted, the one to point to first. A finding about a key whose
    /// value could not be read is dropped: its default says nothing.
    pub keys: Vec<String>,
    pub message: String,
}

impl Finding {
    pub fn problem<K: Into<String>>(
        keys: impl IntoIterator<Item = K>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Problem,
            keys: keys.into_iter().map(Into::into).collect(),
            message: message.into(),
        }
    }

    pub fn warning<K: Into<String>>(
        keys: impl IntoIterator<Item = K>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::problem(keys, message)
        }
    }
}
