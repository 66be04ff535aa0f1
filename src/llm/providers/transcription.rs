//! Speech to text by any server that has OpenAI's `/audio/transcriptions`.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{Response, Url};
use secrecy::SecretString;
use serde_json::Value;

use super::http::body::streamed;
use super::http::{SetupError, Taken, authorization, counts, taken};
use crate::core::http_url::HttpUrl;
use crate::core::media::{Listened, MediaError, Recording, Transcriber};
use crate::core::tokens::estimated_tokens;
use crate::core::usage::{CallOutcome, TokenUsage, UsageEntry};

/// Below the base URL.
const PATH: &str = "/audio/transcriptions";

/// Long enough for a slow handshake, short enough for a person who waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Hours of speech are shorter than this.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// How a transcription server is reached.
#[derive(Debug, Clone)]
pub struct TranscriptionSettings {
    /// Where the API lies below.
    pub base_url: HttpUrl,
    /// Local servers mostly need none.
    pub api_key: Option<SecretString>,
    /// The model's name.
    pub model: String,
    /// The whole of one call.
    pub request_timeout: Duration,
}

/// A transcription server.
pub struct HttpTranscriber {
    http: reqwest::Client,
    url: Url,
    authorization: Option<HeaderValue>,
    settings: TranscriptionSettings,
}

impl HttpTranscriber {
    /// Sets it up; nothing is called yet.
    ///
    /// # Errors
    /// When the key cannot be sent, or the HTTP client does not start.
    pub fn new(settings: TranscriptionSettings) -> Result<Self, SetupError> {
        let authorization = authorization(settings.api_key.as_ref())?;
        // A redirect would carry the recording to a server that nobody named.
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("minibot/", env!("CARGO_PKG_VERSION")));
        if settings.base_url.is_loopback() {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| SetupError::Client(error.without_url().to_string()))?;
        let mut url = settings.base_url.as_url().clone();
        let whole = format!("{}{PATH}", url.path().trim_end_matches('/'));
        url.set_path(&whole);
        Ok(Self {
            http,
            url,
            authorization,
            settings,
        })
    }

    /// The answer, once it has begun.
    async fn send(&self, recording: &Recording) -> Result<Response, (Taken, MediaError)> {
        let content = recording.content.clone();
        let length = content.size();
        let file = Part::stream_with_length(streamed(content), length)
            .file_name(recording.name.clone())
            .mime_str(mime_of(&recording.name))
            .map_err(|error| (Taken::No, MediaError::Failed(error.to_string())))?;
        let form = Form::new()
            .text("model", self.settings.model.clone())
            .text("response_format", "json")
            .part("file", file);
        let mut request = self.http.post(self.url.clone()).multipart(form);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let sent = request.send().await;
        let response = sent.map_err(|error| (taken(&error), passing(error)))?;
        accepted(response).map_err(|error| (Taken::No, error))
    }
}

/// The server's own words stay where they are: they may repeat the key or the recording.
fn accepted(response: Response) -> Result<Response, MediaError> {
    match response.status().as_u16() {
        200..=299 => Ok(response),
        status @ (408 | 409 | 425 | 429 | 500..) => {
            Err(MediaError::Passing(format!("HTTP {status}")))
        }
        401 | 403 => Err(MediaError::Unreadable(
            "the transcription server does not accept the key \
                 (tools.audio_transcription.api_key)"
                .to_owned(),
        )),
        404 => Err(MediaError::Unreadable(
            "the server has no transcription; check tools.audio_transcription.base_url and \
                 model"
                .to_owned(),
        )),
        413 => Err(MediaError::Unreadable(
            "it is too large for the transcription server".to_owned(),
        )),
        status => Err(MediaError::Unreadable(format!(
            "the transcription server did not take it (HTTP {status})"
        ))),
    }
}

#[async_trait]
impl Transcriber for HttpTranscriber {
    async fn transcribe(&self, recording: &Recording) -> Listened {
        let call = async {
            match self.send(recording).await {
                Ok(response) => (Taken::Perhaps, body(response).await),
                Err((taken, error)) => (taken, Err(error)),
            }
        };
        let limit = self.settings.request_timeout;
        let (taken, answer) = tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
            let late = MediaError::Passing("no whole answer in time".to_owned());
            (Taken::Perhaps, Err(late))
        });
        let counted = answer.as_ref().ok().and_then(counts::usage);
        let counted = counted.unwrap_or_default();
        let words = answer.and_then(|answer| words(&answer));
        let guess = || TokenUsage {
            output: words.as_ref().map_or(0, |words| estimated_tokens(words)) as u64,
            ..recording.expected_tokens()
        };
        let is_unclear = counted == TokenUsage::default() && taken == Taken::Perhaps;
        let entry = UsageEntry {
            guess: is_unclear.then(guess),
            outcome: CallOutcome::of(&words),
            ..UsageEntry::new("transcription", self.settings.model.as_str(), counted)
        };
        Listened {
            words,
            usage: vec![entry],
        }
    }
}

fn words(answer: &Value) -> Result<String, MediaError> {
    let text = answer["text"].as_str();
    text.map(str::to_owned)
        .ok_or_else(|| MediaError::Passing("the answer has no text".to_owned()))
}

impl fmt::Debug for HttpTranscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTranscriber")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

async fn body(mut response: Response) -> Result<Value, MediaError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(passing)? {
        body.extend_from_slice(&piece);
        if body.len() > LARGEST_ANSWER {
            return Err(MediaError::Failed("the answer is too long".to_owned()));
        }
    }
    serde_json::from_slice(&body)
        .map_err(|_| MediaError::Passing("the answer is not JSON".to_owned()))
}

fn passing(error: reqwest::Error) -> MediaError {
    MediaError::Passing(error.without_url().to_string())
}

/// Servers go by the ending of the name, some by this as well.
fn mime_of(name: &str) -> &'static str {
    let ending = name.rsplit('.').next().unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "ogg" | "oga" | "opus" => "audio/ogg",
        "mp3" | "mpga" | "mpeg" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "mp4" => "video/mp4",
        "wav" => "audio/wav",
        "webm" => "audio/webm",
        "flac" => "audio/flac",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::core::media::InMemory;

    async fn listened(listener: &TcpListener) -> Listened {
        let address = listener.local_addr().unwrap();
        let transcriber = HttpTranscriber::new(TranscriptionSettings {
            base_url: HttpUrl::parse(&format!("http://{address}/v1")).unwrap(),
            api_key: None,
            model: "m".into(),
            request_timeout: Duration::from_secs(20),
        });
        let recording = Recording {
            content: InMemory::holding(vec![1; 3000]),
            name: "voice.ogg".into(),
        };
        transcriber.unwrap().transcribe(&recording).await
    }

    #[tokio::test]
    async fn a_recording_that_may_have_arrived_is_guessed_at() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hangs_up = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut got = Vec::new();
            while !got.ends_with(b"--\r\n") {
                connection.read_buf(&mut got).await.unwrap();
            }
        };
        let (listened, ()) = tokio::join!(listened(&listener), hangs_up);
        assert!(listened.words.is_err());
        assert!(listened.usage[0].guess.is_some(), "{listened:?}");
    }
}
