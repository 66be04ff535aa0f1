//! Command lines: what a shell would run, as far as it can be told without running it.
//!
//! The tree is what rules decide on ([`classify`]). It is built by a parser outside of this folder, which
//! maps whatever it does not fully understand to [`Reading::Unclear`], an open [`Word`] or
//! [`Command::Compound`]; none of these is ever allowed without a question.

mod foot_guns;
mod git;
mod programs;
mod readers;
mod render;
mod targets;
mod verdict;
mod walk;
mod wrappers;

pub use self::verdict::{Verdict, classify};
pub use self::wrappers::{nested_scripts, piped_scripts};

/// A command line and what was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// It, as it was written.
    pub source: String,
    /// What it says.
    pub reading: Reading,
}

/// What was made of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// It is clear where each command begins and ends.
    Understood(Script),
    /// Nobody can tell; why, in words for the person.
    Unclear(&'static str),
}

/// Commands in a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script(pub Vec<Part>);

/// A command of a row, and how the row goes on behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The command.
    pub command: Command,
    /// What joins it to the next one.
    pub then: Joiner,
}

/// What joins a command to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joiner {
    /// `;` or a new line.
    Next,
    /// `&&`
    IfDone,
    /// `||`
    IfFailed,
    /// `&`
    Background,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A program with its arguments.
    Simple(Simple),
    /// Several, the output of each being the input of the next.
    Pipeline(Vec<Command>),
    /// Anything else that has commands in it.
    Compound(Compound),
}

/// A program with its arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Simple {
    /// Variables that are set for it.
    pub assignments: Vec<Word>,
    /// Its name and its arguments.
    pub words: Vec<Word>,
    /// Where it reads and writes.
    pub redirects: Vec<Redirect>,
    /// Arguments that a shell would run in turn, such as that of `sh -c`.
    pub scripts: Vec<Script>,
}

/// A loop, a group, a function, or whatever else holds commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compound {
    /// What it is, in words for the person: `a loop`.
    pub kind: &'static str,
    /// The function that it defines.
    pub defines: Option<String>,
    /// The commands in it.
    pub body: Vec<Script>,
    /// Where it reads and writes.
    pub redirects: Vec<Redirect>,
}

/// A word of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// Its text without quotes; of an open word, what stands there (`$HOME`, `*.txt`).
    pub text: String,
    /// Whether that text is what the program gets.
    pub form: WordForm,
    /// Commands whose output becomes a part of it.
    pub commands: Vec<Script>,
}

/// Whether it is known what a word will be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WordForm {
    /// The program gets exactly this text.
    Literal,
    /// The shell may make something else of it.
    #[default]
    Open,
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The descriptor that is meant, where one is named.
    pub descriptor: Option<i32>,
    /// The operator: `>`, `>>`, `<`, `>&`, `<&`, `&>`, `&>>`, `<>`, `>|`, `<<`, `<<<`.
    pub operator: &'static str,
    /// The file, the descriptor or the text.
    pub target: Word,
}

impl CommandLine {
    /// One that nobody understands.
    pub fn unclear(source: &str, why: &'static str) -> Self {
        Self {
            source: source.to_owned(),
            reading: Reading::Unclear(why),
        }
    }

    /// The target of a rule that lets exactly this pass: the command written in one fixed way. `None`
    /// where the same words may do something else another time.
    pub fn target(&self) -> Option<String> {
        match &self.reading {
            Reading::Understood(script) => render::script(script),
            Reading::Unclear(_) => None,
        }
    }
}

impl Word {
    /// A word that is what it says.
    pub fn literal(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            form: WordForm::Literal,
            commands: Vec::new(),
        }
    }

    /// A word of which only the spelling is known.
    pub fn open(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// The text, if the program gets exactly that.
    pub fn as_literal(&self) -> Option<&str> {
        (self.form == WordForm::Literal).then_some(self.text.as_str())
    }
}

impl Redirect {
    /// Whether it writes to a file.
    pub fn writes(&self) -> bool {
        match self.operator {
            // `>&1` names a descriptor, `>&file` a file.
            ">&" => !self.target.text.bytes().all(|byte| byte.is_ascii_digit()),
            operator => operator.contains('>'),
        }
    }
}
