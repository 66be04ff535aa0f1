//! The crash matrix: the binary dies at every boundary of every kind of answer, and afterwards the person has read each answer once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use futures::StreamExt;
use image::ImageFormat;
use minibot::core::boundary::Boundary;
use serde_json::json;
use tokio::time::timeout;

use crate::support::fake_model::{Reply, Request};
use crate::support::fake_telegram::{FakeMessage, FileKind, UserFile};
use crate::support::pictures::picture;
use crate::support::program::{ALICE, Program};

/// Deaths at the same boundary of one kind, at most: at its first, second and third pass.
const PASSES: usize = 3;

/// Worlds at the same time.
const WORLDS: usize = 4;

/// A life that has not ended by then has not passed where it was to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// It takes longer than the wait for a first message.
const STREAMED: &str = "One two three four five six seven eight nine ten eleven twelve thirteen \
                        fourteen fifteen sixteen seventeen eighteen nineteen.";

/// What the chat says when all before it is done.
const ALL_DONE: &str = "There is no command /done. /help shows what there is.";

/// A kind of answer: what is asked, and what is read in the end.
struct Kind {
    asked: &'static str,
    /// How the messages begin.
    read: &'static [&'static str],
    files: usize,
}

const KINDS: [Kind; 9] = [
    Kind {
        asked: "plain",
        read: &["Plain answer."],
        files: 0,
    },
    Kind {
        asked: "streamed",
        read: &[STREAMED],
        files: 0,
    },
    Kind {
        asked: "tools",
        read: &["Tools answer."],
        files: 0,
    },
    // Acts outside: it must not run twice.
    Kind {
        asked: PROGRAM,
        read: &["Program answer."],
        files: 0,
    },
    // Too long for messages: it comes as a file.
    Kind {
        asked: "file",
        read: &["Chapter one. … (the whole answer,"],
        files: 1,
    },
    Kind {
        asked: "reminder",
        read: &["Will do.", "Stretch."],
        files: 0,
    },
    Kind {
        asked: "picture",
        read: &["A gradient."],
        files: 0,
    },
    Kind {
        asked: "voice",
        read: &["🎤 voice", "Voice answer."],
        files: 0,
    },
    Kind {
        asked: "job",
        read: &["Will do.", "Knock knock."],
        files: 0,
    },
];

fn reply(request: &Request) -> Reply {
    let after_question = request.messages().iter().rev();
    let results = after_question.take_while(|message| message["role"] != "user");
    let results = results.filter(|message| message["role"] == "tool").count();
    let schedule = |content: &str, role: &str| {
        let arguments = json!({ "content": content, "delay_seconds": 1, "role": role });
        Reply::tools([("schedule_prompt", arguments)])
    };
    match (request.last_user_text().as_str(), results) {
        ("plain", _) => Reply::text("Plain answer."),
        ("picture", _) if request.body.to_string().contains("data:image/png") => {
            Reply::text("A gradient.")
        }
        ("voice", _) => Reply::text("Voice answer."),
        ("streamed", _) => Reply::text(STREAMED).slow(Duration::from_millis(30)),
        ("file", _) => Reply::text(format!("Chapter one.\n\n{}", "All of it. ".repeat(2_500))),
        ("tools", 0) => Reply::tools([("calculate_expression", json!({ "expression": "6*7" }))]),
        ("tools", 1) => {
            let note = json!({ "title": "answer", "data": "42" });
            Reply::tools([("user_memory_save", note)])
        }
        ("tools", _) => Reply::text("Tools answer."),
        (PROGRAM, 0) => Reply::tools([("bash", json!({ "command": "echo ran >> runs.txt" }))]),
        (PROGRAM, _) => Reply::text("Program answer."),
        ("reminder", 0) => schedule("Stretch.", "assistant"),
        ("job", 0) => schedule("joke", "user"),
        ("joke", _) => Reply::text("Knock knock."),
        _ => Reply::text("Will do."),
    }
}

/// How a case ended for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The boundary was not passed so often.
    NotPassed,
    Once,
    /// An answer, or the beginning of one, stands there twice.
    Doubled,
}

/// The kind that acts outside.
const PROGRAM: &str = "program";

const WITH_PROGRAMS: &str = r#"
[approvals.tools]
"*" = "allow"

[tools.bash]
enabled = true
"#;

const WITH_FILES: &str = "[tools.file_storage]\nenabled = true";

const WITH_VOICE: &str = "[tools.audio_transcription]\nenabled = true";

async fn world(kind: &Kind) -> Program {
    // To find the sandbox takes a moment of each start.
    let more = match kind.asked {
        PROGRAM => WITH_PROGRAMS,
        "picture" => WITH_FILES,
        _ => WITH_VOICE,
    };
    let program = Program::new(more).await;
    let heard = (200, json!({ "text": "voice" }));
    program.provider.hears(std::iter::repeat_n(heard, 4));
    program.provider.respond_with(reply);
    program
}

fn all_read(kind: &Kind, messages: &[FakeMessage]) -> bool {
    let shown = |text: &&str| {
        messages
            .iter()
            .any(|message| message.text.starts_with(*text))
    };
    kind.read.iter().all(shown) && files(messages) >= kind.files
}

fn files(messages: &[FakeMessage]) -> usize {
    messages
        .iter()
        .filter(|message| message.file.is_some())
        .count()
}

/// The file of an answer that had begun to show has no words of its own: they stand above it.
fn with_words(messages: &[FakeMessage]) -> usize {
    messages
        .iter()
        .filter(|message| !message.text.is_empty())
        .count()
}

fn ask(program: &Program, kind: &Kind) {
    let file = match kind.asked {
        "picture" => UserFile {
            caption: kind.asked.to_owned(),
            ..UserFile::new(FileKind::Photo, "p.png", picture(9, 9, ImageFormat::Png))
        },
        "voice" => UserFile::new(FileKind::Voice, "", b"OggS".to_vec()),
        words => {
            program.telegram.user_sends(ALICE, ALICE, words);
            return;
        }
    };
    program.telegram.user_sends_file(ALICE, ALICE, file);
}

async fn until_read(program: &Program, kind: &'static Kind) {
    let done = move |messages: &[FakeMessage]| all_read(kind, messages);
    program.telegram.wait_for(ALICE, done).await;
}

/// How often each boundary is passed when nothing happens.
async fn passes(kind: &'static Kind) -> BTreeMap<&'static str, usize> {
    let mut program = world(kind).await;
    let log = program.data().join("passed");
    program.start_with(&[("MINIBOT_FAILPOINT_LOG", log.to_str().unwrap())]);
    ask(&program, kind);
    until_read(&program, kind).await;
    program.terminate().await;
    let log = std::fs::read_to_string(log).unwrap();
    let count = |name: &str| log.lines().filter(|line| *line == name).count();
    Boundary::ALL
        .into_iter()
        .map(|boundary| (boundary.name(), count(boundary.name())))
        .collect()
}

/// Dies at a pass of a boundary, starts again, and looks at the chat.
async fn die_at(kind: &'static Kind, boundary: Boundary, pass: usize) -> Outcome {
    let mut program = world(kind).await;
    let point = format!("{}:{pass}", boundary.name());
    program.start_with(&[("MINIBOT_FAILPOINT", &point)]);
    ask(&program, kind);
    let telegram = program.telegram.clone();
    let Ok(status) = timeout(PATIENCE, program.child().wait()).await else {
        return Outcome::NotPassed;
    };
    let status = status.unwrap();
    assert_eq!(status.signal(), Some(9), "{point}: {status:?}");
    program.start();
    until_read(&program, kind).await;
    telegram.user_sends(ALICE, ALICE, "/done");
    telegram.wait_for_text(ALICE, ALL_DONE).await;
    program.kill().await;
    if kind.asked == PROGRAM {
        was_run_at_most_once(&program, boundary);
    }
    if kind.asked == "picture" {
        was_kept_once(&program);
    }
    let messages = telegram.messages(ALICE);
    let surplus_words = with_words(&messages) - kind.read.len() - 1;
    let surplus = surplus_words.max(files(&messages) - kind.files);
    match surplus {
        0 => Outcome::Once,
        1 if boundary == Boundary::Sent || heard_twice(kind, &messages) => Outcome::Doubled,
        _ => panic!("{} dies at {point}\n{}", kind.asked, telegram.dump()),
    }
}

/// What was heard is sent while the model is asked: any death of the turn can fall into that call.
fn heard_twice(kind: &Kind, messages: &[FakeMessage]) -> bool {
    let times = |text: &str| {
        let begins = |message: &&FakeMessage| message.text.starts_with(text);
        messages.iter().filter(begins).count()
    };
    kind.asked == "voice" && times(kind.read[0]) == 2 && times(kind.read[1]) == 1
}

/// Wherever it died, what was sent is one file.
fn was_kept_once(program: &Program) {
    let kept = program.data().join("files/chats").join(ALICE.to_string());
    let kept = std::fs::read_dir(kept.join("uploads/temp")).unwrap();
    let names: Vec<_> = kept.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["photo.jpg"]);
}

/// Whether it ran is known, or the model was told that nobody knows.
fn was_run_at_most_once(program: &Program, boundary: Boundary) {
    let runs = program.data().join("files/chats").join(ALICE.to_string());
    let runs = std::fs::read_to_string(runs.join("runs.txt")).unwrap_or_default();
    let unknown = program.provider.requests().iter().any(|request| {
        let mut messages = request.messages().iter();
        messages.any(|message| message.to_string().contains("interrupted by a restart"))
    });
    let (times, told) = match boundary {
        Boundary::ToolStarted => (0, true),
        Boundary::ToolDone => (1, true),
        _ => (1, false),
    };
    assert_eq!(
        (runs.lines().count(), unknown),
        (times, told),
        "{}",
        boundary.name()
    );
    // What the model had said is known from the moment before the tool began.
    let asked = program.provider.requests();
    let first = asked.iter().filter(|request| {
        let last = request.messages().last();
        last.is_some_and(|message| message["role"] == "user")
    });
    let unheard = matches!(boundary, Boundary::ModelAsked | Boundary::ModelAnswered);
    if !unheard {
        assert_eq!(
            first.count(),
            1,
            "{}: it is paid for twice",
            boundary.name()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_lost_or_doubled_wherever_it_dies() {
    let mut cases = Vec::new();
    for kind in &KINDS {
        let passed = passes(kind).await;
        for boundary in Boundary::ALL {
            let times = passed[boundary.name()].min(PASSES);
            cases.extend((1..=times).map(|pass| (kind, boundary, pass)));
        }
    }
    let runs = cases.into_iter().map(|(kind, boundary, pass)| async move {
        let outcome = die_at(kind, boundary, pass).await;
        ((boundary, pass), kind.asked, outcome)
    });
    let outcomes: Vec<_> = futures::stream::iter(runs)
        .buffer_unordered(WORLDS)
        .collect()
        .await;
    let mut table: BTreeMap<(usize, usize), BTreeMap<&str, Outcome>> = BTreeMap::new();
    let mut died_at = BTreeSet::new();
    for ((boundary, pass), kind, outcome) in outcomes {
        let place = Boundary::ALL.iter().position(|b| *b == boundary).unwrap();
        table
            .entry((place, pass))
            .or_default()
            .insert(kind, outcome);
        if outcome != Outcome::NotPassed {
            died_at.insert(boundary.name());
        }
    }
    eprintln!("{}", shown(&table));
    let doubled = table.values().flat_map(|row| row.values());
    let doubled = doubled
        .filter(|outcome| **outcome == Outcome::Doubled)
        .count();
    eprintln!("{doubled} doubled, all between the call and its record");
    for boundary in Boundary::ALL {
        let name = boundary.name();
        assert!(died_at.contains(name), "no run has died at {name}");
    }
}

fn shown(table: &BTreeMap<(usize, usize), BTreeMap<&str, Outcome>>) -> String {
    let mut text = format!("{:<18}", "dies at");
    for kind in &KINDS {
        let _ = write!(text, "{:>10}", kind.asked);
    }
    for ((place, pass), row) in table {
        let _ = write!(
            text,
            "\n{:<18}",
            format!("{}:{pass}", Boundary::ALL[*place].name())
        );
        for kind in &KINDS {
            let word = match row.get(kind.asked) {
                None | Some(Outcome::NotPassed) => "–",
                Some(Outcome::Once) => "once",
                Some(Outcome::Doubled) => "doubled",
            };
            let _ = write!(text, "{word:>10}");
        }
    }
    text
}
