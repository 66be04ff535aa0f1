//! Reads the body of an answer as it comes: one JSON value, or a stream of events.

use serde_json::Value;

use super::answer::Answer;
use super::errors::{Failure, ServerError};
use super::events::{Event, EventReader, TooLong};
use crate::core::model::ReplySink;

/// The bytes of an answer in one piece.
const LARGEST_BODY: usize = 8 * 1024 * 1024;
/// The bytes of a stream: each letter of an answer may come in a frame of its own.
const LARGEST_STREAM: usize = 64 * 1024 * 1024;

/// An answer while it is read.
#[derive(Debug)]
pub(super) struct Reading<'a, A> {
    answer: &'a mut A,
    form: Form,
    size: usize,
}

/// Servers that cannot stream answer in one piece, and not all of them name the right content type.
/// A JSON object begins with a brace, and no stream of events does.
#[derive(Debug, Default)]
enum Form {
    #[default]
    Unknown,
    Plain(Vec<u8>),
    Events(EventReader),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Done,
}

impl<'a, A: Answer> Reading<'a, A> {
    pub(super) fn of(answer: &'a mut A) -> Self {
        Self {
            answer,
            form: Form::default(),
            size: 0,
        }
    }

    /// Whether all that matters has come.
    pub(super) fn is_finished(&self) -> bool {
        self.answer.is_finished()
    }

    /// Whether the answer is under way: an answer in one piece is with its first byte.
    pub(super) fn is_flowing(&self) -> bool {
        matches!(self.form, Form::Plain(_)) || self.answer.is_flowing()
    }

    /// How much of the answer has come.
    pub(super) fn size(&self) -> usize {
        self.answer.size()
    }

    /// Takes the next bytes of the body.
    pub(super) fn take(&mut self, bytes: &[u8], sink: &dyn ReplySink) -> Result<Progress, Failure> {
        if matches!(self.form, Form::Unknown) {
            self.form = match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
                None => return Ok(Progress::More),
                Some(b'{' | b'[') => Form::Plain(Vec::new()),
                Some(_) => Form::Events(EventReader::default()),
            };
        }
        self.size += bytes.len();
        let mut events = Vec::new();
        let (read, largest) = match &mut self.form {
            Form::Unknown => (Ok(()), LARGEST_BODY),
            Form::Plain(body) => {
                body.extend_from_slice(bytes);
                (Ok(()), LARGEST_BODY)
            }
            Form::Events(reader) => (reader.feed(bytes, &mut events), LARGEST_STREAM),
        };
        if self.size > largest {
            return Err(Failure::malformed(format!(
                "the answer is larger than {largest} bytes"
            )));
        }
        self.take_events(read, events, sink)
    }

    /// The body is over.
    pub(super) fn end(&mut self, sink: &dyn ReplySink) -> Result<(), Failure> {
        match &mut self.form {
            Form::Unknown => Err(Failure::malformed("the answer is empty")),
            Form::Plain(body) => {
                let value = serde_json::from_slice(body)
                    .or_else(|_| serde_json::from_str(&String::from_utf8_lossy(body)))
                    .map_err(|_| Failure::malformed("the answer is no JSON"))?;
                self.answer.take(&value, sink)
            }
            Form::Events(reader) => {
                let mut events = Vec::new();
                let read = reader.finish(&mut events);
                if self.take_events(read, events, sink)? == Progress::Done
                    || self.answer.is_finished()
                {
                    return Ok(());
                }
                Err(if self.answer.has_begun() {
                    Failure::broken_off("the stream ended before the answer did")
                } else {
                    Failure::malformed("the answer is neither JSON nor a stream of events")
                })
            }
        }
    }

    /// What was read before a line got too long still counts: it may hold the server's error.
    fn take_events(
        &mut self,
        read: Result<(), TooLong>,
        events: Vec<Event>,
        sink: &dyn ReplySink,
    ) -> Result<Progress, Failure> {
        for event in events {
            if self.take_event(&event, sink)? == Progress::Done {
                return Ok(Progress::Done);
            }
        }
        read.map_err(|TooLong| Failure::malformed("a line of the stream is longer than 1 MiB"))?;
        Ok(Progress::More)
    }

    fn take_event(&mut self, event: &Event, sink: &dyn ReplySink) -> Result<Progress, Failure> {
        for value in values(&event.data)? {
            let Some(value) = value else {
                return Ok(Progress::Done);
            };
            if event.name == "error"
                && let Some(error) = ServerError::of_body(&value)
            {
                return Err(Failure::of_answer(&error));
            }
            self.answer.take(&value, sink)?;
        }
        Ok(Progress::More)
    }
}

/// The JSON values of an event, `None` for the end of the stream. Servers that leave out the blank
/// line between events make one event of several, each on a line.
fn values(data: &str) -> Result<Vec<Option<Value>>, Failure> {
    let one = |text: &str| match text.trim() {
        "[DONE]" => Ok(None),
        text => serde_json::from_str(text).map(Some),
    };
    if data.trim().is_empty() {
        return Ok(Vec::new());
    }
    if let Ok(value) = one(data) {
        return Ok(vec![value]);
    }
    data.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| one(line).map_err(|_| Failure::malformed("an event of the stream is no JSON")))
        .collect()
}
