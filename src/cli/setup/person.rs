//! Asking the person at the terminal; where there is none, a missing answer is an error that names its option.

use std::io::{ErrorKind, IsTerminal};

use anyhow::{Context, bail};
use dialoguer::{Confirm, Input, Password, Select};

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Person {
    /// Somebody at a terminal.
    Present,
    /// Nobody: a script.
    Absent,
}

impl Person {
    /// Whoever there is on the standard input.
    pub(super) fn here() -> Self {
        if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
            Self::Present
        } else {
            Self::Absent
        }
    }

    fn must_answer(self, option: &str) -> anyhow::Result<()> {
        if self == Self::Absent {
            bail!("there is no terminal to ask on; give {option}");
        }
        Ok(())
    }

    /// A line of text.
    pub(super) fn text(
        self,
        question: &str,
        suggested: &str,
        option: &str,
    ) -> anyhow::Result<String> {
        self.must_answer(option)?;
        let mut input = Input::<String>::new()
            .with_prompt(question)
            .allow_empty(true);
        if !suggested.is_empty() {
            input = input.default(suggested.to_owned());
        }
        let text = answered(input.interact_text())?;
        Ok(text.trim().to_owned())
    }

    /// A line that is not shown; may be empty.
    pub(super) fn secret(self, question: &str, option: &str) -> anyhow::Result<String> {
        self.must_answer(option)?;
        let password = Password::new()
            .with_prompt(question)
            .allow_empty_password(true)
            .interact();
        Ok(answered(password)?.trim().to_owned())
    }

    /// One of several.
    pub(super) fn choice(
        self,
        question: &str,
        choices: &[&str],
        option: &str,
    ) -> anyhow::Result<usize> {
        self.must_answer(option)?;
        let choice = Select::new()
            .with_prompt(question)
            .items(choices)
            .default(0)
            .interact();
        answered(choice)
    }

    /// Yes or no.
    pub(super) fn agrees(self, question: &str, option: &str) -> anyhow::Result<bool> {
        self.must_answer(option)?;
        let agreed = Confirm::new()
            .with_prompt(question)
            .default(true)
            .interact();
        answered(agreed)
    }
}

fn answered<T>(answer: dialoguer::Result<T>) -> anyhow::Result<T> {
    match answer {
        Err(dialoguer::Error::IO(error)) if error.kind() == ErrorKind::Interrupted => loop {
            // Ctrl-C came as a key and goes on as a signal, whose handler ends the program.
            std::thread::park();
        },
        answer => answer.context("no answer"),
    }
}
