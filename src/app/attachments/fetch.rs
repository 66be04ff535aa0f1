//! Fetching files and having them listened to, each tried again where that makes sense.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::Attachments;
use crate::core::ids::FileRef;
use crate::core::media::{Blob, MediaError, MediaSource, Recording, Refusal};
use crate::core::usage::CallPurpose;

/// Tries of one download or transcription, the first included.
const TRIES: u32 = 3;

/// Before the second try; it doubles from there.
const PAUSE: Duration = Duration::from_millis(300);

/// Read at once when a file is put together.
const PIECE: usize = 256 * 1024;

impl Attachments {
    pub(super) async fn fetch(
        &self,
        source: &dyn MediaSource,
        file: &FileRef,
        most_bytes: u64,
    ) -> Result<Arc<dyn Blob>, MediaError> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.fetch_once(source, file, most_bytes).await {
                Err(MediaError::Passing(why)) => {
                    warn!(%why, "a file could not be fetched; trying again");
                    self.clock.sleep(pause).await;
                    pause *= 2;
                }
                outcome => return outcome,
            }
        }
        self.fetch_once(source, file, most_bytes).await
    }

    async fn fetch_once(
        &self,
        source: &dyn MediaSource,
        file: &FileRef,
        most_bytes: u64,
    ) -> Result<Arc<dyn Blob>, MediaError> {
        let mut download = source.open(file).await?;
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

    pub(super) async fn listen(&self, recording: Recording) -> Result<String, MediaError> {
        let Some(transcriber) = &self.transcriber else {
            let off = Refusal::NotHeard.reason();
            return Err(MediaError::Unreadable(off));
        };
        let mut pause = PAUSE;
        let mut tries = 1;
        let transcript = loop {
            match transcriber.transcribe(&recording).await {
                Err(MediaError::Passing(why)) if tries < TRIES => {
                    warn!(%why, "a recording could not be transcribed; trying again");
                    self.clock.sleep(pause).await;
                    pause *= 2;
                    tries += 1;
                }
                outcome => break outcome?,
            }
        };
        if let Some(entry) = &transcript.usage {
            let entries = std::slice::from_ref(entry);
            let now = self.clock.now();
            let booked = self.usage.book(CallPurpose::Turn, entries, now).await;
            if let Err(error) = booked {
                warn!(%error, "what a transcription cost could not be booked");
            }
        }
        Ok(transcript.text.trim().to_owned())
    }
}

/// All bytes of a file.
pub(super) async fn whole(content: &Arc<dyn Blob>) -> Result<Vec<u8>, MediaError> {
    let size = usize::try_from(content.size()).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        let piece = content.read_at(bytes.len() as u64, PIECE).await?;
        if piece.is_empty() {
            break;
        }
        bytes.extend(piece);
    }
    Ok(bytes)
}
