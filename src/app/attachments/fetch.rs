//! Fetching files and having them listened to, each tried again where that makes sense.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::Attachments;
use crate::core::clock::Clock;
use crate::core::ids::FileRef;
use crate::core::media::{Blob, MediaError, MediaSource, Recording, Refusal, Scratch};

/// Tries of one download or transcription, the first included.
const TRIES: u32 = 3;

/// Before the second try; it doubles from there.
const PAUSE: Duration = Duration::from_millis(300);

/// A channel that is busy for longer is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What a download may take beside its bytes, with all tries.
const ANSWER: Duration = Duration::from_secs(60);

/// Bytes in a second: a line that is slower than this does not carry files.
const SLOWEST: u64 = 100_000;

/// Copied at once.
const PIECE: usize = 256 * 1024;

/// The way of a file from where it is to where it can be read.
pub(super) struct Fetching<'a> {
    pub(super) source: &'a dyn MediaSource,
    pub(super) scratch: &'a dyn Scratch,
    pub(super) clock: &'a dyn Clock,
}

impl Fetching<'_> {
    /// Fetches a file of at most `most_bytes`. However it drips, it is given up after a time.
    pub(super) async fn fetch(
        &self,
        file: &FileRef,
        most_bytes: u64,
    ) -> Result<Arc<dyn Blob>, MediaError> {
        let limit = ANSWER + Duration::from_secs(most_bytes / SLOWEST);
        let fetched = tokio::time::timeout(limit, self.tries(file, most_bytes)).await;
        fetched.unwrap_or_else(|_| {
            let slow = format!("it was not there after {} s", limit.as_secs());
            Err(MediaError::Passing(slow))
        })
    }

    async fn tries(&self, file: &FileRef, most_bytes: u64) -> Result<Arc<dyn Blob>, MediaError> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            let wait = match self.once(file, most_bytes).await {
                Err(MediaError::Busy { after }) if after <= LONGEST_WAIT => after,
                Err(MediaError::Passing(why)) => {
                    warn!(%why, "a file could not be fetched; trying again");
                    let wait = pause;
                    pause *= 2;
                    wait
                }
                outcome => return outcome,
            };
            self.clock.sleep(wait).await;
        }
        self.once(file, most_bytes).await
    }

    async fn once(&self, file: &FileRef, most_bytes: u64) -> Result<Arc<dyn Blob>, MediaError> {
        let mut download = self.source.open(file).await?;
        let mut place = self.scratch.create().await?;
        let mut count = 0;
        while let Some(piece) = download.next().await? {
            count += piece.len() as u64;
            if count > most_bytes {
                return Err(MediaError::TooLarge { limit: most_bytes });
            }
            place.append(&piece).await?;
        }
        place.seal().await
    }
}

impl Attachments {
    /// A copy of a file that may change, which does not.
    pub(super) async fn copy(&self, content: &Arc<dyn Blob>) -> Result<Arc<dyn Blob>, MediaError> {
        let mut place = self.scratch.create().await?;
        let mut offset = 0;
        while offset < content.size() {
            let piece = content.read_at(offset, PIECE).await?;
            if piece.is_empty() {
                break;
            }
            offset += piece.len() as u64;
            place.append(&piece).await?;
        }
        place.seal().await
    }

    pub(super) async fn listen(&self, recording: Recording) -> Result<String, MediaError> {
        let Some(transcriber) = &self.transcriber else {
            let off = Refusal::NotHeard.reason();
            return Err(MediaError::Unreadable(off));
        };
        let mut pause = PAUSE;
        let mut tries = 1;
        let words = loop {
            match transcriber.transcribe(&recording).await.words {
                Err(MediaError::Passing(why)) if tries < TRIES => {
                    warn!(%why, "a recording could not be transcribed; trying again");
                    self.clock.sleep(pause).await;
                    pause *= 2;
                    tries += 1;
                }
                outcome => break outcome?,
            }
        };
        Ok(words.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Mutex;

    use async_trait::async_trait;
    use chrono::{DateTime, TimeDelta, Utc};
    use tokio::time::Instant;

    use super::*;
    use crate::core::media::{Download, InMemory, ScratchFile};

    /// Brings a byte each `pause`, without end; the first tries meet these errors.
    #[derive(Debug)]
    struct Dripping {
        pause: Duration,
        errors: Mutex<Vec<MediaError>>,
        opened: Mutex<Vec<Instant>>,
    }

    struct Drops(Duration);

    #[async_trait]
    impl Download for Drops {
        async fn next(&mut self) -> Result<Option<Vec<u8>>, MediaError> {
            tokio::time::sleep(self.0).await;
            Ok(Some(vec![b'x']))
        }
    }

    #[async_trait]
    impl MediaSource for Dripping {
        fn most_bytes(&self) -> Option<u64> {
            None
        }

        async fn open(&self, _: &FileRef) -> Result<Box<dyn Download>, MediaError> {
            self.opened.lock().unwrap().push(Instant::now());
            match self.errors.lock().unwrap().pop() {
                Some(error) => Err(error),
                None => Ok(Box::new(Drops(self.pause))),
            }
        }
    }

    #[derive(Debug)]
    struct Memory;

    struct Growing(Vec<u8>);

    #[async_trait]
    impl Scratch for Memory {
        async fn create(&self) -> Result<Box<dyn ScratchFile>, MediaError> {
            Ok(Box::new(Growing(Vec::new())))
        }
    }

    #[async_trait]
    impl ScratchFile for Growing {
        async fn append(&mut self, piece: &[u8]) -> Result<(), MediaError> {
            self.0.extend(piece);
            Ok(())
        }

        async fn seal(self: Box<Self>) -> Result<Arc<dyn Blob>, MediaError> {
            Ok(InMemory::holding(self.0))
        }
    }

    #[derive(Debug)]
    struct PausedClock(Instant);

    #[async_trait]
    impl Clock for PausedClock {
        fn now(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH + TimeDelta::from_std(self.0.elapsed()).unwrap()
        }

        async fn sleep_until(&self, moment: DateTime<Utc>) {
            let left = (moment - self.now()).to_std().unwrap_or_default();
            tokio::time::sleep(left).await;
        }
    }

    async fn fetched(source: &Dripping, most_bytes: u64) -> (Result<u64, MediaError>, Duration) {
        let began = Instant::now();
        let fetching = Fetching {
            source,
            scratch: &Memory,
            clock: &PausedClock(began),
        };
        let fetched = fetching.fetch(&FileRef::new("f"), most_bytes).await;
        (fetched.map(|content| content.size()), began.elapsed())
    }

    fn dripping(pause: u64, errors: Vec<MediaError>) -> Dripping {
        Dripping {
            pause: Duration::from_secs(pause),
            errors: Mutex::new(errors),
            opened: Mutex::default(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_download_that_drips_is_given_up() {
        let source = dripping(29, Vec::new());
        let (fetched, took) = fetched(&source, 10_000_000).await;
        assert_eq!(
            fetched,
            Err(MediaError::Passing("it was not there after 160 s".into()))
        );
        assert_eq!(
            (took.as_secs(), source.opened.lock().unwrap().len()),
            (160, 1)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_channel_is_asked_again_when_it_says() {
        let busy = |seconds| MediaError::Busy {
            after: Duration::from_secs(seconds),
        };
        let source = dripping(0, vec![busy(7), MediaError::Passing("x".into())]);
        let (fetched, took) = fetched(&source, 3).await;
        assert_eq!(fetched, Err(MediaError::TooLarge { limit: 3 }));
        assert_eq!(took.as_millis(), 7_300);
        let source = dripping(0, vec![busy(61)]);
        let (fetched, took) = self::fetched(&source, 3).await;
        assert_eq!((fetched, took.as_secs()), (Err(busy(61)), 0));
    }
}
