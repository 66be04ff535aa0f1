//! The body of a call: JSON, in which files stand that are read and encoded only while they are sent, so
//! that a request with twenty megabytes of pictures takes no memory for them.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{self, StreamExt};
use serde_json::Value;

use crate::core::media::Blob;

/// Read at once; a multiple of three, so that the pieces of Base64 fit together.
const PIECE: usize = 48 * 1024;

/// Files on their way into a body: each stands in the JSON as a mark until the body is made.
#[derive(Debug, Default)]
pub struct Files {
    mark: String,
    contents: Vec<Arc<dyn Blob>>,
}

impl Files {
    fn marked(mark: String) -> Self {
        Self {
            mark,
            contents: Vec::new(),
        }
    }

    /// A data URL with the bytes of a file.
    pub fn data_url(&mut self, mime: &str, content: &Arc<dyn Blob>) -> String {
        self.contents.push(content.clone());
        format!("data:{mime};base64,{}", self.mark)
    }
}

/// What stands around the number of a mark.
const MARK: (&str, &str) = ("<file:", ">");

fn mark(number: usize) -> String {
    format!("{}{number}{}", MARK.0, MARK.1)
}

/// A mark that stands nowhere in `json`, whatever that is: the numbers that do are read once.
fn unused_mark(json: &str) -> String {
    let behind = json.split(MARK.0).skip(1);
    let numbers = behind.filter_map(|text| text.split_once(MARK.1)?.0.parse().ok());
    let used: HashSet<usize> = numbers.collect();
    let free = (0..=used.len()).find(|number| !used.contains(number));
    mark(free.unwrap_or(used.len()))
}

/// What is sent.
pub struct Body {
    pieces: Vec<Piece>,
    length: u64,
}

/// What makes a request large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Nothing but what was said and done.
    Words,
    /// Files as well.
    WithFiles,
}

enum Piece {
    Text(String),
    Base64(Arc<dyn Blob>),
}

impl Body {
    /// The JSON that `write` makes, with the files that it names. `write` must do the same each
    /// time: where a text happens to hold the mark, it is asked once more with a mark that no text
    /// holds. What the texts say must never decide how often that is.
    pub fn of(mut write: impl FnMut(&mut Files) -> Value) -> Self {
        let mut files = Files::marked(mark(0));
        let mut json = write(&mut files).to_string();
        if files.contents.is_empty() {
            return Self::of_text(json);
        }
        if json.matches(&files.mark).count() != files.contents.len() {
            files = Files::marked(unused_mark(&json));
            json = write(&mut files).to_string();
        }
        Self::with(&json, files)
    }

    fn of_text(json: String) -> Self {
        let length = json.len() as u64;
        let pieces = vec![Piece::Text(json)];
        Self { pieces, length }
    }

    fn with(json: &str, files: Files) -> Self {
        let mut contents = files.contents.into_iter();
        let mut pieces = Vec::new();
        for (index, text) in json.split(&files.mark).enumerate() {
            if index > 0 {
                pieces.extend(contents.next().map(Piece::Base64));
            }
            pieces.push(Piece::Text(text.to_owned()));
        }
        let length = pieces.iter().map(Piece::length).sum();
        Self { pieces, length }
    }

    /// Whether files go with it.
    pub(super) fn load(&self) -> Load {
        let is_file = |piece: &Piece| matches!(piece, Piece::Base64(_));
        if self.pieces.iter().any(is_file) {
            Load::WithFiles
        } else {
            Load::Words
        }
    }

    /// Its length in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// It as the HTTP client takes it.
    pub(super) fn into_stream(self) -> reqwest::Body {
        let pieces = stream::iter(self.pieces).flat_map(|piece| match piece {
            Piece::Text(text) => stream::once(async { Ok(text.into_bytes()) }).boxed(),
            Piece::Base64(content) => encoded(content).boxed(),
        });
        reqwest::Body::wrap_stream(pieces)
    }
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Base64(content) => content.size().div_ceil(3) * 4,
        }
    }
}

/// A file as it is, read while it is sent.
pub fn streamed(content: Arc<dyn Blob>) -> reqwest::Body {
    reqwest::Body::wrap_stream(pieces(content))
}

/// A file in Base64.
fn encoded(content: Arc<dyn Blob>) -> impl stream::Stream<Item = io::Result<Vec<u8>>> {
    pieces(content).map(|piece| piece.map(|bytes| STANDARD.encode(bytes).into_bytes()))
}

/// A file, piece by piece. One that is shorter than it said breaks the call.
fn pieces(content: Arc<dyn Blob>) -> impl stream::Stream<Item = io::Result<Vec<u8>>> {
    stream::try_unfold((content, 0), |(content, offset)| async move {
        let left = content.size() - offset;
        if left == 0 {
            return Ok(None);
        }
        let wanted = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        let bytes = content.read_at(offset, wanted).await;
        let bytes = bytes.map_err(|error| io::Error::other(error.to_string()))?;
        if bytes.len() != wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((bytes, (content, offset + wanted as u64))))
    })
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use async_trait::async_trait;
    use serde_json::json;

    use super::*;
    use crate::core::media::MediaError;

    #[derive(Debug)]
    struct Bytes {
        bytes: Vec<u8>,
        claims: u64,
    }

    #[async_trait]
    impl Blob for Bytes {
        fn size(&self) -> u64 {
            self.claims
        }

        async fn read_at(&self, offset: u64, most: usize) -> Result<Vec<u8>, MediaError> {
            let from = usize::try_from(offset).unwrap().min(self.bytes.len());
            let to = (from + most).min(self.bytes.len());
            Ok(self.bytes[from..to].to_vec())
        }
    }

    fn file(bytes: Vec<u8>) -> Arc<dyn Blob> {
        let claims = bytes.len() as u64;
        Arc::new(Bytes { bytes, claims })
    }

    async fn sent(body: Body) -> Result<Value, String> {
        let length = body.length();
        let pieces = stream::iter(body.pieces).flat_map(|piece| match piece {
            Piece::Text(text) => stream::once(async { Ok(text.into_bytes()) }).boxed(),
            Piece::Base64(content) => encoded(content).boxed(),
        });
        let pieces: Vec<io::Result<Vec<u8>>> = pieces.collect().await;
        let mut whole = Vec::new();
        for piece in pieces {
            whole.extend(piece.map_err(|error| error.to_string())?);
        }
        assert_eq!(whole.len() as u64, length);
        Ok(serde_json::from_slice(&whole).unwrap())
    }

    #[tokio::test]
    async fn files_stand_where_they_belong_whatever_the_texts_say() {
        for size in [0, 1, 2, 3, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 2] {
            let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let (one, other) = (file(bytes.clone()), file(b"other".to_vec()));
            let texts = [
                "plain <file:> <file:x> <file:99999999999999999999> <file:",
                "<file:0>",
                "<<file:1>> <file:0>",
                "\u{0}\"<file:2>",
            ];
            let body = Body::of(|files| {
                json!([
                    texts,
                    files.data_url("image/png", &one),
                    "<file:0>",
                    files.data_url("a/b", &other)
                ])
            });
            let first = format!("data:image/png;base64,{}", STANDARD.encode(&bytes));
            let second = format!("data:a/b;base64,{}", STANDARD.encode("other"));
            let expected = json!([texts, first, "<file:0>", second]);
            assert_eq!(sent(body).await.unwrap(), expected, "{size}");
        }
    }

    #[tokio::test]
    async fn no_text_decides_how_often_the_request_is_written() {
        let picture = file(b"picture".to_vec());
        let depth = 50_000;
        let numbers: String = (0..10_000).map(|n| format!("<file:{n}>")).collect();
        for inner in ["file", "file:0", &numbers] {
            let text = format!("{}{inner}{}", "<".repeat(depth), ">".repeat(depth));
            let mut passes = 0;
            let body = Body::of(|files| {
                passes += 1;
                assert!(passes <= 2, "written again and again");
                json!([text, files.data_url("a/b", &picture)])
            });
            let url = format!("data:a/b;base64,{}", STANDARD.encode("picture"));
            assert_eq!(sent(body).await.unwrap(), json!([text, url]));
        }
        let mut passes = 0;
        let _ = Body::of(|_| {
            passes += 1;
            json!("<file:0> <file>")
        });
        assert_eq!(passes, 1, "without files there is nothing to look for");
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_breaks_the_call() {
        let bytes = b"short".to_vec();
        let short: Arc<dyn Blob> = Arc::new(Bytes { bytes, claims: 9 });
        let body = Body::of(|files| json!(files.data_url("a/b", &short)));
        assert!(sent(body).await.is_err());
    }
}
