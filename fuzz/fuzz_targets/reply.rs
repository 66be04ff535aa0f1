//! Any answer of a model's server, from its socket to the reply: no crash, legal calls, and no failure tells a secret.
#![no_main]

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use minibot::core::http_url::HttpUrl;
use minibot::core::model::{ChatModel, ModelRequest, ReplySink};
use minibot::core::usage::UsageEntry;
use minibot::llm::providers::openai::OpenAiModel;
use minibot::llm::providers::{Pdfs, ServerSettings, StrictTools};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

const KEY: &str = "sk-fuzz-Zq7xW9KpVb3";
/// So many characters of a key in a row are taken for a part of it.
const KEY_RUN: usize = 6;
const SAID: &str = "the safe is behind the mirror";
const STATUSES: [u16; 6] = [200, 200, 200, 400, 429, 503];

type Answer = Arc<Mutex<Vec<u8>>>;

struct World {
    runtime: Runtime,
    answer: Answer,
    settings: ServerSettings,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let answer = Answer::default();
    let listener = runtime
        .block_on(TcpListener::bind("127.0.0.1:0"))
        .expect("a port");
    let address = listener.local_addr().expect("its address");
    runtime.spawn(serve(listener, answer.clone()));
    World {
        runtime,
        answer,
        settings: settings(&format!("http://{address}/v1")),
    }
});

fn settings(url: &str) -> ServerSettings {
    ServerSettings {
        provider_name: "openai".into(),
        base_url: HttpUrl::parse(url).expect("an address"),
        api_key: Some(KEY.into()),
        model: "gpt-test".into(),
        request_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_secs(5),
        temperature: None,
        max_new_tokens: None,
        reasoning_effort: None,
        top_p: None,
        strict_tools: StrictTools::WhereKnown,
        pdfs: Pdfs::AsFiles,
    }
}

thread_local! {
    // It keeps its connection, but learns from refusals: one for each input would cost a handshake.
    static MODEL: OpenAiModel = OpenAiModel::new(WORLD.settings.clone()).expect("a model");
}

fuzz_target!(|input: (u8, &[u8])| {
    let (status, body) = input;
    let status = STATUSES[usize::from(status) % STATUSES.len()];
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    *WORLD.answer.lock().expect("nobody panics with it") = [head.as_bytes(), body].concat();
    let sink = Heard::default();
    let request = request();
    let reply = MODEL.with(|model| WORLD.runtime.block_on(model.reply(&request, &sink)));
    match reply {
        Ok(reply) => {
            assert_eq!(status, 200);
            assert_eq!(*sink.0.lock().expect("nobody panics with it"), reply.text);
            let mut ids: Vec<&str> = reply.calls.iter().map(|call| call.id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), reply.calls.len(), "{:?}", reply.calls);
            assert!(!ids.contains(&""), "{:?}", reply.calls);
        }
        Err(error) => {
            let detail = &error.detail;
            assert!(
                !detail.contains(SAID) && !detail.contains(char::is_control),
                "{detail}"
            );
            let shows_key = KEY
                .as_bytes()
                .windows(KEY_RUN)
                .any(|run| detail.as_bytes().windows(KEY_RUN).any(|shown| shown == run));
            assert!(!shows_key, "{detail}");
        }
    }
});

fn request() -> ModelRequest {
    ModelRequest {
        user: SAID.into(),
        cache_key: "1".into(),
        ..ModelRequest::default()
    }
}

/// What a person would have seen by now.
#[derive(Default)]
struct Heard(Mutex<String>);

impl ReplySink for Heard {
    fn push(&self, text: &str) {
        self.0.lock().expect("nobody panics with it").push_str(text);
    }

    fn restart(&self) {
        self.0.lock().expect("nobody panics with it").clear();
    }

    fn lost(&self, _: Vec<UsageEntry>) {
        unreachable!("each reply is waited for");
    }
}

async fn serve(listener: TcpListener, answer: Answer) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(talk(stream, answer.clone()));
    }
}

/// Says the present answer to every request of a connection.
async fn talk(stream: TcpStream, answer: Answer) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            if let Some(given) = line.to_lowercase().strip_prefix("content-length:") {
                length = given.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let answer = answer.lock().expect("nobody panics with it").clone();
        stream.write_all(&answer).await.ok()?;
        stream.flush().await.ok()?;
    }
}
