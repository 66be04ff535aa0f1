//! The line editor, on a thread of its own because it blocks: history, multi-line paste, Ctrl-C
//! and Ctrl-D.

use std::path::PathBuf;
use std::sync::Arc;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor as LineEditor};
use tokio::sync::{mpsc, oneshot};

use super::screen::{Screen, Showing};

const PROMPT: &str = "› ";

/// Lines that the history keeps.
const HISTORY: usize = 1_000;

/// What the person did at the prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Wrote something.
    Text(String),
    /// Pressed Ctrl-C.
    Interrupted,
    /// Pressed Ctrl-D, or the input has ended.
    End,
}

/// Reads lines.
#[derive(Debug)]
pub struct Editor {
    requests: mpsc::Sender<oneshot::Sender<Line>>,
}

impl Editor {
    /// An editor on this terminal. The history is kept in the given file, with mode 0600.
    pub fn start(screen: Arc<Screen>, history: Option<PathBuf>) -> rustyline::Result<Self> {
        let config = Config::builder()
            .max_history_size(HISTORY)?
            .history_ignore_space(true)
            .bracketed_paste(true)
            .auto_add_history(true)
            .build();
        let mut editor: LineEditor<(), FileHistory> = LineEditor::with_config(config)?;
        if let Some(file) = &history {
            // The first time there is none.
            let _ = editor.load_history(file);
        }
        let (requests, mut asked) = mpsc::channel::<oneshot::Sender<Line>>(1);
        // A plain thread: one that waits for a key must not keep the process alive.
        std::thread::Builder::new()
            .name("editor".into())
            .spawn(move || {
                while let Some(answer) = asked.blocking_recv() {
                    let line = read(&mut editor, &screen);
                    if let Some(file) = &history {
                        let _ = editor.save_history(file);
                    }
                    let _ = answer.send(line);
                }
            })?;
        Ok(Self { requests })
    }

    /// The next line.
    pub async fn read(&self) -> Line {
        let (answer, line) = oneshot::channel();
        if self.requests.send(answer).await.is_err() {
            return Line::End;
        }
        line.await.unwrap_or(Line::End)
    }
}

fn read(editor: &mut LineEditor<(), FileHistory>, screen: &Screen) -> Line {
    let terminal = screen.showing() == Showing::Terminal;
    let printer = editor.create_external_printer().ok();
    screen.edit_line(
        printer
            .filter(|_| terminal)
            .map(|printer| Box::new(printer) as _),
    );
    let line = editor.readline(if terminal { PROMPT } else { "" });
    screen.line_done();
    match line {
        Ok(text) => Line::Text(text),
        Err(ReadlineError::Interrupted) => Line::Interrupted,
        Err(_) => Line::End,
    }
}
