//! The console at a terminal of its own: keys, what is shown, Ctrl-C and Ctrl-D.

use std::time::{Duration, Instant};

use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::sys::wait::WaitStatus;
use rexpect::session::{PtySession, spawn_command};
use tokio::runtime::Handle;

use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::program::Program;

const PATIENCE_MS: u64 = 20_000;

const UP: &str = "\u{1b}[A";
const LEFT: &str = "\u{1b}[D";
const BACKSPACE: &str = "\u{7f}";

const NO_MODEL: &str = "No model is configured";

/// The console of a program, at a terminal.
struct Terminal {
    session: PtySession,
    shown: String,
}

impl Terminal {
    fn open(program: &Program, variable: Option<&str>) -> Self {
        let mut command = program.at_a_terminal(&["console"]);
        command.env_remove("NO_COLOR");
        command.envs(variable.map(|name| (name, "1")));
        let session = spawn_command(command, Some(PATIENCE_MS)).unwrap();
        let shown = String::new();
        Self { session, shown }
    }

    /// Waits until this is shown.
    #[track_caller]
    fn reads(&mut self, words: &str) -> &mut Self {
        match self.session.exp_string(words) {
            Ok(before) => self.shown += &format!("{before}{words}"),
            Err(error) => panic!(
                "{words:?} is not shown: {error:?}\nbefore: {:?}",
                self.shown
            ),
        }
        self
    }

    /// Waits until keys are read one by one, as they are at the prompt and nowhere else.
    fn at_the_prompt(&mut self) -> &mut Self {
        let terminal = self.session.process().get_file_handle().unwrap();
        let until = Instant::now() + Duration::from_millis(PATIENCE_MS);
        let by_line = || {
            let modes = tcgetattr(&terminal).unwrap().local_flags;
            modes.contains(LocalFlags::ICANON)
        };
        while by_line() {
            assert!(Instant::now() < until, "no prompt: {:?}", self.shown);
            std::thread::yield_now();
        }
        self
    }

    /// Types at the prompt.
    fn types(&mut self, keys: &str) -> &mut Self {
        self.at_the_prompt();
        self.session.send(keys).unwrap();
        self.session.flush().unwrap();
        self
    }

    fn presses(&mut self, control: char) -> &mut Self {
        self.session.send_control(control).unwrap();
        self
    }

    /// Leaves with Ctrl-D. All that was shown.
    fn leaves(mut self) -> String {
        self.at_the_prompt().presses('d');
        self.shown += &self.session.exp_eof().unwrap();
        let ended = self.session.process().wait().unwrap();
        assert!(matches!(ended, WaitStatus::Exited(_, 0)), "{ended:?}");
        self.shown
    }
}

/// What a terminal is used for, beside the servers of the test.
async fn at<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_edited_and_comes_back_and_ctrl_d_leaves() {
    let program = Program::new("").await;
    program.configure("");
    let shown = at(move || {
        let mut terminal = Terminal::open(&program, Some("NO_COLOR"));
        terminal.reads(NO_MODEL).reads("Ctrl-D leaves");
        terminal.types(&format!("what is 16+7{LEFT}{BACKSPACE}*\r"));
        terminal.reads("112");
        terminal.types("what is 30+1\r").reads("31");
        terminal.types(&format!("{UP}{UP}\r")).reads("112");
        terminal
            .at_the_prompt()
            .presses('c')
            .reads("Ctrl-D leaves.");
        let first = terminal.leaves();
        // Another life knows what was typed in the last one.
        let mut terminal = Terminal::open(&program, Some("NO_COLOR"));
        terminal.types(&format!("{UP}\r")).reads("112");
        terminal.leaves();
        first
    })
    .await;
    assert_eq!(shown.matches(NO_MODEL).count(), 1, "{shown}");
    assert!(!shown.contains("\u{1b}[0m"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_grows_and_has_styles_where_they_are_wanted() {
    let program = Program::new("").await;
    for (variable, styled) in [(None, true), (Some("NO_COLOR"), false)] {
        let gate = Gate::new();
        let held = Reply::text("one **bold** word and the rest of it").held_midway(&gate);
        program.provider.replies([held]);
        let mut terminal = Terminal::open(&program, variable);
        let handle = Handle::current();
        let shown = at(move || {
            terminal.types("count\r");
            handle.block_on(gate.wait_for_arrivals(1));
            terminal.reads("one ");
            gate.open();
            terminal.reads("the rest of it");
            terminal.leaves()
        })
        .await;
        assert_eq!(shown.contains("\u{1b}[1m"), styled, "{shown:?}");
        assert!(!shown.contains(NO_MODEL), "{shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_stops_the_turn_and_not_the_console() {
    let program = Program::new("").await;
    let gate = Gate::new();
    program.provider.replies([
        Reply::text("a long story that nobody wants to hear").held_midway(&gate),
        Reply::text("Gladly."),
    ]);
    let mut terminal = Terminal::open(&program, Some("NO_COLOR"));
    let handle = Handle::current();
    let shown = at(move || {
        terminal.types("tell me\r");
        handle.block_on(gate.wait_for_arrivals(1));
        terminal.reads("a long");
        terminal.presses('c').reads("Stopped");
        terminal.types("something else\r").reads("Gladly.");
        gate.open();
        terminal.leaves()
    })
    .await;
    assert!(!shown.contains("wants to hear"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_is_printed_while_a_line_is_being_typed() {
    let program = Program::new("").await;
    program.configure("");
    let handle = Handle::current();
    let shown = at(move || {
        let mut terminal = Terminal::open(&program, Some("NO_COLOR"));
        terminal
            .types("remind me in 3 hours to stretch\r")
            .reads("In 3 hours")
            .reads("stretch");
        terminal.types("what is 20").reads("what is 20");
        let run = handle.block_on(program.run(&["jobs", "run", "1"]));
        assert!(run.status.success(), "{run:?}");
        terminal.reads("stretch").reads("what is 20");
        terminal.types("+2\r").reads("22");
        terminal.leaves()
    })
    .await;
    assert_eq!(shown.matches("No model").count(), 1, "{shown}");
}

#[tokio::test]
async fn notes_are_listed_shown_and_deleted_by_their_title() {
    let program = Program::new("").await;
    program.configure("");
    let mut title = String::new();
    for (said, part) in [
        ("note: the locker code is 4711", ""),
        ("/notes", "Notes: 1\n\n1. "),
        ("/notes TITLE", "4711"),
        ("/notes delete TITLE", "Deleted. It said:"),
        ("/notes", "No notes here."),
    ] {
        let said = said.replace("TITLE", &title);
        let output = program.run(&["console", "--once", &said]).await;
        let answer = String::from_utf8(output.stdout).unwrap();
        assert!(answer.contains(part), "{said}: {answer}");
        if let Some((_, listed)) = answer.split_once("Notes: 1\n\n1. ") {
            title = listed.lines().next().unwrap().to_owned();
        }
    }
}
