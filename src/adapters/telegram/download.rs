//! The files that people send: where they are, and their bytes as they come.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Response;
use serde_json::json;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::client::{ApiClient, ApiError, Origin, Refusal};
use crate::core::ids::FileRef;
use crate::core::media::{Download, MediaError, MediaSource};

/// What Telegram's own server hands out (Bot API, `getFile`); a server of one's own has no limit.
const CLOUD_BYTES: u64 = 20 * 1_000_000;

/// The longest silence in a download.
const SILENCE: Duration = Duration::from_secs(30);

/// What is read at once of a file on this machine.
const PIECE: usize = 64 * 1024;

/// The files of one bot.
#[derive(Debug)]
pub(super) struct TelegramFiles {
    api: ApiClient,
}

impl TelegramFiles {
    pub(super) fn new(api: ApiClient) -> Self {
        Self { api }
    }

    /// Where the server says the file is.
    async fn path(&self, file: &FileRef) -> Result<String, MediaError> {
        let asked = json!({ "file_id": file.as_str() });
        let answer = self.api.call("getFile", &asked).await.map_err(failure)?;
        let path = answer["file_path"].as_str().unwrap_or_default();
        if path.is_empty() {
            let nowhere = "the server does not say where the file is".to_owned();
            return Err(MediaError::Passing(nowhere));
        }
        Ok(path.to_owned())
    }
}

#[async_trait]
impl MediaSource for TelegramFiles {
    fn most_bytes(&self) -> Option<u64> {
        self.api.is_telegrams_own().then_some(CLOUD_BYTES)
    }

    async fn open(&self, file: &FileRef) -> Result<Box<dyn Download>, MediaError> {
        let path = self.path(file).await?;
        // A Bot API server of one's own that runs with `--local` names files on its disk.
        if Path::new(&path).is_absolute() {
            if self.api.is_telegrams_own() {
                let odd = "the server names a file of this machine".to_owned();
                return Err(MediaError::Gone(odd));
            }
            return Ok(Box::new(LocalFile::open(path.into()).await?));
        }
        let response = self.api.file(&path).await.map_err(failure)?;
        let api = self.api.clone();
        Ok(Box::new(RemoteFile { api, response }))
    }
}

/// A file of the server.
struct RemoteFile {
    api: ApiClient,
    response: Response,
}

#[async_trait]
impl Download for RemoteFile {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, MediaError> {
        match tokio::time::timeout(SILENCE, self.response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece.map(|piece| piece.to_vec())),
            Ok(Err(error)) => Err(failure(self.api.failure(error))),
            Err(_) => {
                let silent = format!("nothing came for {} s", SILENCE.as_secs());
                Err(MediaError::Passing(silent))
            }
        }
    }
}

/// A file of this machine.
struct LocalFile(File);

impl LocalFile {
    async fn open(path: PathBuf) -> Result<Self, MediaError> {
        let unusable = |_| MediaError::Gone("the server's file cannot be opened here".to_owned());
        let about = tokio::fs::symlink_metadata(&path).await.map_err(unusable)?;
        if !about.is_file() {
            let odd = "the server names something that is no file".to_owned();
            return Err(MediaError::Gone(odd));
        }
        File::open(path).await.map(Self).map_err(unusable)
    }
}

#[async_trait]
impl Download for LocalFile {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, MediaError> {
        let mut piece = vec![0; PIECE];
        let read = self.0.read(&mut piece).await;
        let count = read.map_err(|error| MediaError::Failed(error.to_string()))?;
        piece.truncate(count);
        Ok((count > 0).then_some(piece))
    }
}

/// What a failure means for whoever wants the file. The client has taken the token out of its words.
fn failure(error: ApiError) -> MediaError {
    let ApiError::Refused(refusal) = error else {
        return MediaError::Passing(error.to_string());
    };
    let said = refusal.description.to_lowercase();
    match (refusal.code, refusal.retry_after) {
        (429, Some(after)) => MediaError::Busy { after },
        _ => refused(refusal, &said),
    }
}

/// What a refusal means that does not say when to ask again.
fn refused(refusal: Refusal, said: &str) -> MediaError {
    match refusal.code {
        400 if said.contains("file is too big") => MediaError::ChannelTooLarge,
        429 | 500.. => MediaError::Passing(refusal.to_string()),
        // A page of something in between says nothing about the file.
        300.. if refusal.origin == Origin::Elsewhere && refusal.code != 404 => {
            MediaError::Passing(refusal.to_string())
        }
        _ => MediaError::Gone(refusal.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};

    use super::*;
    use crate::core::http_url::HttpUrl;

    /// A file of which so much comes, and then nothing.
    fn stalling(beginning: &'static str) -> RemoteFile {
        let pieces = stream::iter([Ok::<_, std::io::Error>(beginning)]);
        let body = reqwest::Body::wrap_stream(pieces.chain(stream::pending()));
        let url = HttpUrl::parse("http://127.0.0.1:1").expect("an address");
        let token = "1:x".to_owned().into();
        RemoteFile {
            api: ApiClient::new(&url, &token).expect("a client"),
            response: Response::from(axum::http::Response::new(body)),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_download_that_stalls_is_given_up() {
        // As main does; the first one of this process stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut file = stalling("one");
        assert_eq!(file.next().await, Ok(Some(b"one".to_vec())));
        let began = tokio::time::Instant::now();
        let silent = MediaError::Passing("nothing came for 30 s".to_owned());
        assert_eq!(file.next().await, Err(silent));
        assert_eq!(began.elapsed(), SILENCE);
    }
}
