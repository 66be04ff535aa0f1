//! The pipes of a run: what it prints is kept up to a limit, what it reads is given as it reads.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ChildStdin;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::core::sandbox::Rest;

/// An output of the run.
#[derive(Debug)]
pub(super) struct Capture<P> {
    /// Nothing once it has ended.
    pipe: Option<P>,
    kept: Vec<u8>,
    most: u64,
    total: u64,
}

/// A run may print so many times what is kept before that counts as an attack.
const PRINTED_IN_VAIN: u64 = 16;

impl<P: Read + AsFd> Capture<P> {
    pub(super) fn new(pipe: P, most: u64) -> std::io::Result<Self> {
        never_block(&pipe)?;
        Ok(Self {
            pipe: Some(pipe),
            kept: Vec::new(),
            most,
            total: 0,
        })
    }

    /// What to wait for, while there is something.
    pub(super) fn waits_on(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Whether far more was printed than is kept.
    pub(super) fn is_flood(&self) -> bool {
        self.total > self.most.saturating_mul(PRINTED_IN_VAIN)
    }

    /// Takes what is there now. It never waits for the end: who holds the other side may never close it.
    pub(super) fn take(&mut self) {
        let mut bytes = [0; 1 << 16];
        // So often at most: other pipes wait, and who prints without end must not hold the helper.
        for _ in 0..16 {
            let Some(pipe) = &mut self.pipe else { return };
            match pipe.read(&mut bytes) {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    self.total += count as u64;
                    let room = self.most.saturating_sub(self.kept.len() as u64);
                    let taken = count.min(usize::try_from(room).unwrap_or(count));
                    self.kept.extend_from_slice(&bytes[..taken]);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.pipe = None,
            }
        }
    }

    /// What was kept, and whether there was more.
    pub(super) fn finish(mut self) -> (Vec<u8>, Rest) {
        self.take();
        let rest = if self.total > self.kept.len() as u64 {
            Rest::CutOff
        } else {
            Rest::Whole
        };
        (self.kept, rest)
    }
}

/// The input of the run.
#[derive(Debug)]
pub(super) struct Feed {
    /// Nothing once all is given.
    pipe: Option<ChildStdin>,
    bytes: Vec<u8>,
    given: usize,
}

impl Feed {
    pub(super) fn new(pipe: ChildStdin, bytes: Vec<u8>) -> std::io::Result<Self> {
        never_block(&pipe)?;
        let mut feed = Self {
            pipe: Some(pipe),
            bytes,
            given: 0,
        };
        feed.give();
        Ok(feed)
    }

    pub(super) fn waits_on(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Gives what fits now. Closes the pipe behind the last byte, or when nobody reads.
    pub(super) fn give(&mut self) {
        while let Some(pipe) = &mut self.pipe {
            match pipe.write(&self.bytes[self.given..]) {
                _ if self.given == self.bytes.len() => self.pipe = None,
                Ok(count) => self.given += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.pipe = None,
            }
        }
    }
}

fn never_block(pipe: &impl AsFd) -> std::io::Result<()> {
    let flags = fcntl_getfl(pipe)?;
    Ok(fcntl_setfl(pipe, flags | OFlags::NONBLOCK)?)
}

#[cfg(test)]
mod tests {
    use std::io::{Write, pipe};

    use super::Capture;
    use crate::core::sandbox::Rest;

    #[test]
    fn the_head_is_kept_and_the_rest_is_counted() {
        let (reader, mut writer) = pipe().unwrap();
        let mut capture = Capture::new(reader, 10).unwrap();
        writer.write_all(b"0123").unwrap();
        capture.take();
        writer.write_all(b"456789abc").unwrap();
        capture.take();
        assert!(!capture.is_flood());
        writer.write_all(&[b'x'; 200]).unwrap();
        capture.take();
        assert!(capture.is_flood());
        // The writer is still open, and nobody waits for it.
        assert_eq!(capture.finish(), (b"0123456789".to_vec(), Rest::CutOff));
    }

    #[test]
    fn what_fits_exactly_is_whole() {
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(b"0123456789").unwrap();
        let capture = Capture::new(reader, 10).unwrap();
        assert_eq!(capture.finish(), (b"0123456789".to_vec(), Rest::Whole));
    }
}
