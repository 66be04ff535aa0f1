//! The screen: prints answers as they grow, above the prompt while a line is being edited.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustyline::ExternalPrinter;
use tokio::sync::watch;

use super::paint::{Colours, paint};
use crate::core::ids::MessageId;
use crate::core::markup::FormattedText;
use crate::core::outbox::Outgoing;

const SPINNER: [&str; 4] = ["·  ", "·· ", "···", " ··"];

/// What the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Showing {
    /// A terminal: answers grow, styles show.
    Terminal,
    /// A file or a pipe: whole answers, plain text.
    Pipe,
}

/// What is on the screen.
pub struct Screen {
    showing: Showing,
    colours: Colours,
    state: Mutex<State>,
    /// Why nothing can be printed any more.
    broken: watch::Sender<Option<String>>,
}

#[derive(Default)]
struct State {
    /// The message that is still growing, as printed.
    growing: Option<(MessageId, String)>,
    /// Prints above the line that is being edited.
    above: Option<Box<dyn ExternalPrinter + Send>>,
    cursor: Cursor,
    frame: usize,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    #[default]
    AtLineStart,
    AfterText,
    AfterSpinner,
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen")
            .field("showing", &self.showing)
            .finish_non_exhaustive()
    }
}

impl Screen {
    /// The screen on standard output; `plain` leaves styles out.
    pub fn stdout(plain: bool) -> Self {
        let showing = if io::stdout().is_terminal() {
            Showing::Terminal
        } else {
            Showing::Pipe
        };
        let colours = if plain || showing == Showing::Pipe {
            Colours::Off
        } else {
            Colours::On
        };
        Self {
            showing,
            colours,
            state: Mutex::default(),
            broken: watch::Sender::new(None),
        }
    }

    /// What the output is.
    pub fn showing(&self) -> Showing {
        self.showing
    }

    /// Nothing can be printed: a closed pipe, a full disk.
    pub(super) fn give_up(&self, reason: &io::Error) {
        self.broken.send_replace(Some(reason.to_string()));
    }

    /// Returns with the reason once nothing can be printed any more.
    pub async fn broken(&self) -> String {
        let mut broken = self.broken.subscribe();
        let reason = broken.wait_for(Option::is_some).await;
        reason
            .ok()
            .and_then(|reason| reason.clone())
            .unwrap_or_default()
    }

    /// From now on a line is being edited: print above it.
    pub(super) fn edit_line(&self, printer: Option<Box<dyn ExternalPrinter + Send>>) {
        let mut state = self.state();
        state.above = printer;
        state.growing = None;
    }

    /// The line is finished.
    pub(super) fn line_done(&self) {
        self.state().above = None;
    }

    /// A line of our own.
    pub fn say(&self, line: &str) -> io::Result<()> {
        let mut state = self.state();
        state.growing = None;
        let start = state.fresh_line();
        state.put(&format!("{start}{line}\n"))?;
        state.cursor = Cursor::AtLineStart;
        Ok(())
    }

    /// Shows that work is going on, while nothing else is on the line.
    pub fn spin(&self) -> io::Result<()> {
        let mut state = self.state();
        if self.showing == Showing::Pipe || state.cursor == Cursor::AfterText {
            return Ok(());
        }
        state.frame = (state.frame + 1) % SPINNER.len();
        let frame = SPINNER[state.frame];
        state.put(&format!("\r{frame}"))?;
        state.cursor = Cursor::AfterSpinner;
        Ok(())
    }

    /// Ends what stands on the line, so that the next thing starts on its own.
    pub fn finish_line(&self) -> io::Result<()> {
        let mut state = self.state();
        state.growing = None;
        let start = state.fresh_line();
        state.put(start)?;
        state.cursor = Cursor::AtLineStart;
        Ok(())
    }

    /// Prints a new message.
    pub(super) fn begin(&self, id: &MessageId, content: &Outgoing) -> io::Result<()> {
        let text = &*visible(content);
        let mut state = self.state();
        let start = state.fresh_line();
        let mut printed = format!("{start}{}", paint(text, 0, self.colours));
        let ends = self.showing == Showing::Pipe || state.above.is_some();
        if ends {
            printed.push('\n');
        }
        state.put(&printed)?;
        state.cursor = if ends {
            Cursor::AtLineStart
        } else {
            Cursor::AfterText
        };
        state.growing = Some((id.clone(), text.text.clone()));
        Ok(())
    }

    /// Prints what a message has more than before; `None` when it is not the one that grows.
    pub(super) fn go_on(&self, id: &MessageId, content: &Outgoing) -> io::Result<Option<()>> {
        let text = &*visible(content);
        let mut state = self.state();
        let Some((growing, printed)) = state.growing.clone() else {
            return Ok(None);
        };
        if &growing != id {
            return Ok(None);
        }
        let rest = match continuation(&printed, &text.text) {
            Continuation::Append { from } => paint(text, from, self.colours),
            Continuation::RewriteLine { from } => {
                format!("\r\x1b[K{}", paint(text, from, self.colours))
            }
            Continuation::Again => format!("\n{}", paint(text, 0, self.colours)),
        };
        state.put(&rest)?;
        state.growing = Some((growing, text.text.clone()));
        Ok(Some(()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What must be printed first, so that the next thing stands at the start of a line.
    fn fresh_line(&self) -> &'static str {
        match self.cursor {
            Cursor::AtLineStart => "",
            Cursor::AfterText => "\n",
            Cursor::AfterSpinner => "\r\x1b[K",
        }
    }

    fn put(&mut self, text: &str) -> io::Result<()> {
        if let Some(printer) = &mut self.above {
            return printer.print(text.to_owned()).map_err(io::Error::other);
        }
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

/// How a grown text follows from what stands on the screen.
#[derive(Debug, PartialEq, Eq)]
enum Continuation {
    /// The rest from here.
    Append { from: usize },
    /// The last line has changed: print it anew.
    RewriteLine { from: usize },
    /// More has changed: print it all again.
    Again,
}

fn continuation(printed: &str, text: &str) -> Continuation {
    if text.starts_with(printed) {
        return Continuation::Append {
            from: printed.len(),
        };
    }
    let last_line = printed.rfind('\n').map_or(0, |at| at + 1);
    if text.starts_with(&printed[..last_line]) {
        return Continuation::RewriteLine { from: last_line };
    }
    Continuation::Again
}

fn visible(content: &Outgoing) -> Cow<'_, FormattedText> {
    match content {
        Outgoing::Text { text, .. } => Cow::Borrowed(text),
        Outgoing::Document { caption, .. } => Cow::Borrowed(caption),
        Outgoing::Files { files } => {
            let lines = files.iter().map(|file| match file.caption.text.as_str() {
                "" => format!("📎 {}", file.origin),
                caption => format!("📎 {}\n{caption}", file.origin),
            });
            let lines: Vec<String> = lines.collect();
            Cow::Owned(FormattedText::plain(lines.join("\n")))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_growing_text_is_printed_once() {
        for (printed, text, expected) in [
            ("", "a", Continuation::Append { from: 0 }),
            ("one", "one two", Continuation::Append { from: 3 }),
            (
                "one\ntw*o",
                "one\ntwo",
                Continuation::RewriteLine { from: 4 },
            ),
            ("one", "two", Continuation::RewriteLine { from: 0 }),
            ("one\ntwo", "1\n2", Continuation::Again),
        ] {
            assert_eq!(
                continuation(printed, text),
                expected,
                "{printed:?} to {text:?}"
            );
        }
    }
}
