//! A file of a workspace that is open, read piece by piece.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use async_trait::async_trait;

use super::beneath::Opened;
use super::workspaces::blocking;
use crate::core::files::FileError;
use crate::core::media::{Blob, MediaError};

/// The descriptor that was checked, and how long the file was then.
#[derive(Debug)]
pub(super) struct Held {
    file: Arc<File>,
    size: u64,
}

impl Held {
    pub(super) fn blob(opened: Opened) -> Arc<dyn Blob> {
        Arc::new(Self {
            size: opened.stamp.size_bytes,
            file: Arc::new(opened.file),
        })
    }
}

#[async_trait]
impl Blob for Held {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read_at(&self, offset: u64, most: usize) -> Result<Vec<u8>, MediaError> {
        let file = self.file.clone();
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let read = move || {
            let mut bytes = vec![0; most.min(left)];
            // One that was cut off meanwhile is no longer the file that was opened.
            let done = file.read_exact_at(&mut bytes, offset);
            done.map(|()| bytes)
                .map_err(|error| FileError::Failed(error.to_string()))
        };
        let read = blocking(read).await;
        read.map_err(|error| MediaError::Failed(error.to_string()))
    }
}
