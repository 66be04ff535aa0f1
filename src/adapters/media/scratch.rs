//! Temporary files without a name: nothing of them is left behind, however the process ends.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::task::spawn_blocking;

use crate::core::media::{Blob, MediaError, Scratch, ScratchFile};

/// Temporary files in a folder.
#[derive(Debug, Clone)]
pub struct ScratchFolder {
    folder: PathBuf,
}

impl ScratchFolder {
    /// Files in `folder`, which must exist when one is made.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

#[async_trait]
impl Scratch for ScratchFolder {
    async fn create(&self) -> Result<Box<dyn ScratchFile>, MediaError> {
        let folder = self.folder.clone();
        let file = blocking(move || tempfile::tempfile_in(folder)).await?;
        Ok(Box::new(Growing {
            file: Arc::new(file),
            size: 0,
        }))
    }
}

/// A file that grows.
struct Growing {
    file: Arc<File>,
    size: u64,
}

#[async_trait]
impl ScratchFile for Growing {
    async fn append(&mut self, piece: &[u8]) -> Result<(), MediaError> {
        let (file, bytes) = (self.file.clone(), piece.to_vec());
        self.size += bytes.len() as u64;
        blocking(move || file.as_ref().write_all(&bytes)).await
    }

    async fn seal(self: Box<Self>) -> Result<Arc<dyn Blob>, MediaError> {
        Ok(Arc::new(Sealed {
            file: self.file,
            size: self.size,
        }))
    }
}

/// A file that is whole.
#[derive(Debug)]
struct Sealed {
    file: Arc<File>,
    size: u64,
}

#[async_trait]
impl Blob for Sealed {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read_at(&self, offset: u64, most: usize) -> Result<Vec<u8>, MediaError> {
        let file = self.file.clone();
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        blocking(move || {
            let mut bytes = vec![0; most.min(left)];
            file.read_exact_at(&mut bytes, offset)?;
            Ok(bytes)
        })
        .await
    }
}

fn failure(error: &std::io::Error) -> MediaError {
    let words = error.to_string();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => MediaError::NoRoom(words),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            MediaError::NotAllowed(words)
        }
        _ => MediaError::Failed(words),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, MediaError> {
    match spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| failure(&error)),
        Err(_) => Err(MediaError::Failed("the work on a file broke down".into())),
    }
}
