//! Reads files: decides by the content what they are, and lets nothing take more time or memory than it may.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::kind::{HEAD, Kind, PictureType, kind};
use super::pdf::PdfReader;
use super::picture::{self, Made};
use super::text;
use crate::core::media::{Blob, Excerpt, FileReader, MediaError, Readable, Scratch, Wanted};

/// Read at once.
const PIECE: usize = 256 * 1024;

/// How many bytes of a file a byte of text may take, in the encodings that are read: UTF-16 has two for
/// a letter of ASCII.
const LONGEST_LETTER: usize = 2;

/// Reads files on this machine.
#[derive(Debug)]
pub struct LocalFileReader {
    scratch: Arc<dyn Scratch>,
    pdfs: PdfReader,
    /// One picture at a time is in memory.
    decoding: Semaphore,
}

impl LocalFileReader {
    /// A reader that puts what it makes into `scratch`, and has PDFs read by `pdfs`.
    pub fn new(scratch: Arc<dyn Scratch>, pdfs: PdfReader) -> Self {
        Self {
            scratch,
            pdfs,
            decoding: Semaphore::new(1),
        }
    }

    async fn picture(
        &self,
        content: &Arc<dyn Blob>,
        kind: PictureType,
    ) -> Result<Readable, MediaError> {
        let broke = || MediaError::Failed("the work on a picture broke down".to_owned());
        let _place = self.decoding.acquire().await.map_err(|_| broke())?;
        let bytes = beginning(content, usize::MAX).await?;
        let made = spawn_blocking(move || picture::read(&bytes, kind)).await;
        // A defect of the decoder is a broken picture to everybody else.
        let made = made.unwrap_or_else(|_| Err("the picture is damaged".to_owned()));
        match made.map_err(MediaError::Unreadable)? {
            Made::AsItIs => Ok(Readable::Picture {
                mime: kind.mime(),
                content: content.clone(),
            }),
            Made::Another { mime, bytes } => {
                let mut place = self.scratch.create().await?;
                place.append(&bytes).await?;
                let content = place.seal().await?;
                Ok(Readable::Picture { mime, content })
            }
        }
    }

    async fn words(content: &Arc<dyn Blob>, most_bytes: usize) -> Result<Excerpt, MediaError> {
        let most = most_bytes.saturating_mul(LONGEST_LETTER).max(HEAD);
        let bytes = beginning(content, most).await?;
        let words = text::words(&bytes)
            .ok_or_else(|| MediaError::Unreadable("I cannot read files of this type".to_owned()))?;
        let mut excerpt = Excerpt::of(words, most_bytes);
        excerpt.is_cut |= (bytes.len() as u64) < content.size();
        Ok(excerpt)
    }
}

#[async_trait]
impl FileReader for LocalFileReader {
    async fn read(&self, content: &Arc<dyn Blob>, wanted: Wanted) -> Result<Readable, MediaError> {
        if content.size() == 0 {
            return Err(MediaError::Unreadable("it is empty".to_owned()));
        }
        match kind(&content.read_at(0, HEAD).await?) {
            Kind::Picture(kind) => self.picture(content, kind).await,
            Kind::Pdf => Ok(Readable::Pdf {
                text: if wanted.pdf_text {
                    Some(self.pdfs.text(content, wanted.most_bytes).await)
                } else {
                    None
                },
            }),
            Kind::Other(mime) => Err(MediaError::Unreadable(format!(
                "I cannot read files of the type {mime}"
            ))),
            Kind::Unknown => Self::words(content, wanted.most_bytes)
                .await
                .map(Readable::Text),
        }
    }

    async fn mime(&self, content: &Arc<dyn Blob>) -> Result<String, MediaError> {
        let head = content.read_at(0, HEAD).await?;
        Ok(match kind(&head) {
            Kind::Picture(picture) => picture.mime(),
            Kind::Pdf => "application/pdf",
            Kind::Other(mime) => mime,
            Kind::Unknown if text::words(&head).is_some() => "text/plain",
            Kind::Unknown => "application/octet-stream",
        }
        .to_owned())
    }
}

/// At most so many bytes of a file.
async fn beginning(content: &Arc<dyn Blob>, most: usize) -> Result<Vec<u8>, MediaError> {
    let size = usize::try_from(content.size())
        .unwrap_or(usize::MAX)
        .min(most);
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        let wanted = PIECE.min(size - bytes.len());
        let piece = content.read_at(bytes.len() as u64, wanted).await?;
        if piece.is_empty() {
            break;
        }
        bytes.extend(piece);
    }
    Ok(bytes)
}
