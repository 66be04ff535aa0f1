//! The ports to files on their way: from a channel, through a temporary place, to a reader.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::core::ids::FileRef;
use crate::core::usage::{TokenUsage, UsageEntry};

/// Why a file could not be had or read: one variant for each decision. The words are for logs and
/// hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// It may work in a moment.
    #[error("{0}")]
    Passing(String),
    /// The channel is busy, and says when to ask again.
    #[error("busy for {} s", after.as_secs())]
    Busy {
        /// How long.
        after: Duration,
    },
    /// The channel does not hand it out: too large for that.
    #[error("larger than the channel hands out")]
    ChannelTooLarge,
    /// It has more bytes than are taken.
    #[error("more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// It is not there, or not for us.
    #[error("{0}")]
    Gone(String),
    /// What is there cannot be read; the words are for a person too.
    #[error("{0}")]
    Unreadable(String),
    /// The disk is full.
    #[error("{0}")]
    NoRoom(String),
    /// The bot may not write, or read, where such files lie.
    #[error("{0}")]
    NotAllowed(String),
    /// Something else of ours failed.
    #[error("{0}")]
    Failed(String),
}

/// The bytes of a file that lies somewhere; it goes when the last handle goes.
#[async_trait]
pub trait Blob: Send + Sync + fmt::Debug {
    /// How many bytes there are.
    fn size(&self) -> u64;

    /// At most `most` bytes from `offset`; fewer only at the end, none behind it.
    async fn read_at(&self, offset: u64, most: usize) -> Result<Vec<u8>, MediaError>;
}

/// A file in memory.
#[derive(Clone)]
pub struct InMemory(Vec<u8>);

impl InMemory {
    /// The file with these bytes.
    pub fn holding(bytes: Vec<u8>) -> Arc<dyn Blob> {
        Arc::new(Self(bytes))
    }
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InMemory({} bytes)", self.0.len())
    }
}

#[async_trait]
impl Blob for InMemory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read_at(&self, offset: u64, most: usize) -> Result<Vec<u8>, MediaError> {
        let from = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(self.0.len());
        let to = from.saturating_add(most).min(self.0.len());
        Ok(self.0[from..to].to_vec())
    }
}

/// Where a channel keeps the files that people send.
#[async_trait]
pub trait MediaSource: Send + Sync + fmt::Debug {
    /// The largest file that it hands out, in bytes; `None` when there is no such limit.
    fn most_bytes(&self) -> Option<u64>;

    /// Begins a download. One attempt: whoever asks tries again.
    async fn open(&self, file: &FileRef) -> Result<Box<dyn Download>, MediaError>;
}

/// A download under way. Dropping it ends it.
#[async_trait]
pub trait Download: Send {
    /// The next bytes; `None` at the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, MediaError>;
}

/// Room for files that are needed only for a while.
#[async_trait]
pub trait Scratch: Send + Sync + fmt::Debug {
    /// An empty file. Nothing of it is left when it is dropped, or when the process ends.
    async fn create(&self) -> Result<Box<dyn ScratchFile>, MediaError>;
}

/// A file in the making.
#[async_trait]
pub trait ScratchFile: Send {
    /// Adds bytes at its end.
    async fn append(&mut self, piece: &[u8]) -> Result<(), MediaError>;

    /// The whole file.
    async fn seal(self: Box<Self>) -> Result<Arc<dyn Blob>, MediaError>;
}

/// What can be read of a file.
#[derive(Debug, Clone)]
pub enum Readable {
    /// A picture, in a form and a size that models take.
    Picture {
        /// Its type.
        mime: &'static str,
        /// The picture: the file itself, or one made of it.
        content: Arc<dyn Blob>,
    },
    /// Words.
    Text(Excerpt),
    /// A PDF.
    Pdf {
        /// Its text, if that was asked for; or why there is none.
        text: Option<Result<Excerpt, String>>,
    },
}

/// A text, or as much of its beginning as there is room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The words.
    pub text: String,
    /// Whether there is more.
    pub is_cut: bool,
}

impl Excerpt {
    /// At most `most_bytes` of a text, in whole characters.
    pub fn of(mut text: String, most_bytes: usize) -> Self {
        let end = text.floor_char_boundary(most_bytes);
        let is_cut = end < text.len();
        text.truncate(end);
        Self { text, is_cut }
    }
}

/// What is asked of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// So much text is given, in bytes of UTF-8: tokens are guessed by bytes.
    pub most_bytes: usize,
    /// Whether the text of PDFs is needed.
    pub pdf_text: bool,
}

/// Reads files of strangers. An implementer trusts no name and no claim, only the content, and ends
/// within limits of time and memory whatever the content is.
#[async_trait]
pub trait FileReader: Send + Sync + fmt::Debug {
    /// What can be read of a file, and its MIME type by its content.
    async fn read(&self, content: &Arc<dyn Blob>, wanted: Wanted) -> Result<Readable, MediaError>;

    /// The MIME type of a file by its content.
    async fn mime(&self, content: &Arc<dyn Blob>) -> Result<String, MediaError>;
}

/// Something to listen to.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The file.
    pub content: Arc<dyn Blob>,
    /// A name with an ending that says what it is.
    pub name: String,
}

impl Recording {
    /// What listening to it will probably take: models hear ten tokens a second, for which a voice
    /// message has some 3,000 bytes and other recordings more, and a third as many are spoken.
    pub fn expected_tokens(&self) -> TokenUsage {
        let heard = self.content.size() / 300;
        TokenUsage {
            input: heard,
            cached_input: 0,
            output: heard / 3,
        }
    }
}

/// What came of an attempt to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listened {
    /// The words; may be empty.
    pub words: Result<String, MediaError>,
    /// What it cost.
    pub usage: Vec<UsageEntry>,
}

/// Turns speech into words.
#[async_trait]
pub trait Transcriber: Send + Sync + fmt::Debug {
    /// Listens to a recording. One attempt: whoever asks tries again.
    async fn transcribe(&self, recording: &Recording) -> Listened;
}
