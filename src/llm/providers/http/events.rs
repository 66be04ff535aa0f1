//! Server-sent events (WHATWG HTML, section 9.2), read leniently: bytes in, events out.

/// The longest line that is kept; a longer one is no event of a model.
pub(super) const LONGEST_LINE: usize = 1024 * 1024;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// The `event` field; mostly empty.
    pub(super) name: String,
    /// The `data` fields, with a line break between them.
    pub(super) data: String,
}

/// A line, or the data of an event, is longer than any honest server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// Splits a stream of bytes into events. Lines end with LF, CRLF or CR; comments and unknown
/// fields are skipped; bytes that are no UTF-8 become U+FFFD.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    line: Vec<u8>,
    after_cr: bool,
    begun: bool,
    event: Event,
    has_data: bool,
}

impl EventReader {
    /// Takes the next bytes and adds the events that they complete to `events`.
    pub(super) fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), TooLong> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr) && rest.first() == Some(&b'\n') {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &rest[..end.unwrap_or(rest.len())];
            if self.line.len() + part.len() > LONGEST_LINE {
                return Err(TooLong);
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { break };
            self.after_cr = rest.get(end) == Some(&b'\r');
            rest = &rest[end + 1..];
            self.end_line(events)?;
        }
        Ok(())
    }

    /// The stream is over. What it left unfinished counts, since some servers leave out the last
    /// blank line.
    pub(super) fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), TooLong> {
        if !self.line.is_empty() {
            self.end_line(events)?;
        }
        self.dispatch(events);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<Event>) -> Result<(), TooLong> {
        let bytes = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&bytes);
        let mut line = line.as_ref();
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            self.dispatch(events);
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if self.event.data.len() + value.len() > LONGEST_LINE {
                    return Err(TooLong);
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "event" => self.event.name = value.into(),
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, events: &mut Vec<Event>) {
        let event = std::mem::take(&mut self.event);
        if std::mem::take(&mut self.has_data) {
            events.push(event);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    /// The data of the events, when the bytes come in pieces of `size`.
    fn read(bytes: &[u8], size: usize) -> Vec<String> {
        let (mut reader, mut events) = (EventReader::default(), Vec::new());
        for piece in bytes.chunks(size) {
            reader.feed(piece, &mut events).unwrap();
        }
        reader.finish(&mut events).unwrap();
        events.into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn streams_read_the_same_however_their_bytes_are_cut() {
        let cases: &[(&[u8], &[&str])] = &[
            (b"", &[]),
            (b"data: a\n\ndata: b\n\n", &["a", "b"]),
            (b"data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]),
            (b"data: a\r\rdata: b\r\r", &["a", "b"]),
            (b"data:a\n\n", &["a"]),
            (b"data:  a\n\n", &[" a"]),
            (b"data: a\ndata: b\n\n", &["a\nb"]),
            (b"data\n\n", &[""]),
            (b": OPENROUTER PROCESSING\n\n: x\ndata: a\n\n", &["a"]),
            (b"event: ping\n\ndata: a\n\n", &["a"]),
            (b"id: 7\nretry: 1\nnonsense\ndata: a\n\n\n\n", &["a"]),
            (b"data: a\n\ndata: last", &["a", "last"]),
            ("\u{feff}data: é😀\n\n".as_bytes(), &["é😀"]),
            (b"data: a\xffb\n\n", &["a\u{fffd}b"]),
        ];
        for (bytes, expected) in cases {
            for size in [1, 2, 3, 7, 1000] {
                let shown = String::from_utf8_lossy(bytes);
                assert_eq!(
                    read(bytes, size),
                    *expected,
                    "{shown:?} in pieces of {size}"
                );
            }
        }
    }

    #[test]
    fn the_name_of_an_event_is_kept_and_ends_with_it() {
        let (mut reader, mut events) = (EventReader::default(), Vec::new());
        reader
            .feed(b"event: error\ndata: a\n\ndata: b\n\n", &mut events)
            .unwrap();
        let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names, ["error", ""]);
    }

    #[test]
    fn endless_lines_and_endless_events_are_refused() {
        let mut events = Vec::new();
        let long = vec![b'x'; LONGEST_LINE];
        let mut reader = EventReader::default();
        assert_eq!(reader.feed(&long, &mut events), Ok(()));
        assert_eq!(reader.feed(b"x", &mut events), Err(TooLong));

        let mut reader = EventReader::default();
        let line = format!("data: {}\n", "x".repeat(LONGEST_LINE / 2));
        assert_eq!(reader.feed(line.as_bytes(), &mut events), Ok(()));
        assert_eq!(reader.feed(line.as_bytes(), &mut events), Ok(()));
        assert_eq!(reader.feed(line.as_bytes(), &mut events), Err(TooLong));
    }
}
