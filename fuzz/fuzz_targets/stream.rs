//! Any bytes of a model's stream: however they are cut, the same events come out.
#![no_main]
// The file is the program's own; what only its other users need is unused here.
#![allow(dead_code)]

#[path = "../../src/llm/providers/http/events.rs"]
mod events;

use events::{Event, EventReader, TooLong};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let whole = read(bytes, bytes.len().max(1));
    assert_eq!(read(bytes, 1), whole);
    assert_eq!(read(bytes, usize::from(size).max(1)), whole);
    let (events, _) = whole;
    let length: usize = events
        .iter()
        .map(|event| event.data.len() + event.name.len())
        .sum();
    // A byte that is no UTF-8 becomes three.
    assert!(length <= 3 * bytes.len(), "{length} of {}", bytes.len());
});

fn read(bytes: &[u8], size: usize) -> (Vec<Event>, Result<(), TooLong>) {
    let (mut reader, mut events) = (EventReader::default(), Vec::new());
    let read = bytes
        .chunks(size)
        .try_for_each(|piece| reader.feed(piece, &mut events))
        .and_then(|()| reader.finish(&mut events));
    (events, read)
}
