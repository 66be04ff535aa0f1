//! Servers that answer as they are told, and name servers that lie.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::{Guard, Tls};
use crate::core::egress::{
    EgressConfig, FetchError, FetchLimits, FetchMethod, FetchRequest, Fetched, Fetcher,
    ResolveError, Resolver,
};

/// What a server does with a request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// Sends this and closes.
    Bytes(Vec<u8>),
    /// Sends this, and a byte every few milliseconds, for ever.
    Drip(Vec<u8>),
    /// Sends this, and then more of it, for ever.
    Endless(Vec<u8>),
    /// Says nothing.
    Silence,
}

impl Reply {
    /// A good answer with these headers.
    pub(super) fn with(headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n",
            body.len()
        );
        Self::Bytes([head.as_bytes(), body].concat())
    }

    pub(super) fn text(body: &str) -> Self {
        Self::with("content-type: text/plain\r\n", body)
    }

    pub(super) fn redirect(status: u16, location: &str) -> Self {
        let text =
            format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        Self::Bytes(text.into_bytes())
    }
}

/// A server on loopback that keeps what it was sent.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen("127.0.0.1:0", None, answer).await
    }

    pub(super) async fn secure(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                certificates(SERVER),
                PrivateKeyDer::from_pem_slice(KEY).unwrap(),
            )
            .unwrap();
        Self::listen(
            "127.0.0.1:0",
            Some(TlsAcceptor::from(Arc::new(config))),
            answer,
        )
        .await
    }

    pub(super) async fn listen(
        address: &str,
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
        };
        let (requests, answer) = (server.requests.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (requests, answer, tls) = (requests.clone(), answer.clone(), tls.clone());
                tokio::spawn(async move {
                    let _ = match tls {
                        None => converse(stream, &requests, &*answer).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => converse(stream, &requests, &*answer).await,
                            Err(error) => Err(error),
                        },
                    };
                });
            }
        });
        server
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The port with a name before it.
    pub(super) fn named(&self, scheme: &str, name: &str, path: &str) -> String {
        format!("{scheme}://{name}:{}{path}", self.address.port())
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    requests: &Mutex<Vec<String>>,
    answer: &(dyn Fn(&str) -> Reply + Send + Sync),
) -> io::Result<()> {
    let request = read_request(&mut stream).await?;
    requests.lock().unwrap().push(request.clone());
    match answer(&request) {
        Reply::Bytes(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Reply::Drip(bytes) => {
            stream.write_all(&bytes).await?;
            loop {
                tokio::time::sleep(Duration::from_millis(10)).await;
                stream.write_all(b"x").await?;
                stream.flush().await?;
            }
        }
        Reply::Endless(bytes) => loop {
            stream.write_all(&bytes).await?;
            tokio::task::yield_now().await;
        },
        Reply::Silence => std::future::pending().await,
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        let byte = stream.read_u8().await?;
        bytes.push(byte);
        if bytes.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(head + &String::from_utf8_lossy(&body))
}

/// Name servers that answer from a script, and the last line of it from then on.
#[derive(Debug, Default)]
pub(super) struct Names {
    script: Mutex<HashMap<&'static str, Vec<Vec<&'static str>>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    pub(super) fn new<const N: usize>(
        script: [(&'static str, Vec<Vec<&'static str>>); N],
    ) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::new(script.into()),
            asked: Mutex::default(),
        })
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        self.asked.lock().unwrap().push(name.to_owned());
        if name.starts_with("hangs.") {
            std::future::pending::<()>().await;
        }
        let mut script = self.script.lock().unwrap();
        let answers = script.get_mut(name).ok_or(ResolveError::Unknown)?;
        let addresses = if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        };
        Ok(addresses.iter().map(|text| text.parse().unwrap()).collect())
    }
}

/// The settings of the tests: plain http, short look-ups, and these private addresses.
pub(super) fn settings(open: &[&str]) -> EgressConfig {
    EgressConfig {
        allow_http: true,
        allow_private: open.iter().map(|entry| entry.parse().unwrap()).collect(),
        dns_timeout_seconds: serde_json::from_str("0.2").unwrap(),
        ..EgressConfig::default()
    }
}

pub(super) fn guard(config: &EgressConfig, names: &Arc<Names>) -> Guard {
    Guard::new(config, names.clone(), Tls::with(trusting(ROOT)))
}

/// A guard that may reach this server and nothing else inside.
pub(super) fn guard_for(server: &Server) -> Guard {
    let entry = format!("127.0.0.1/32:{}", server.address.port());
    guard(&settings(&[&entry]), &Names::new([]))
}

const ROOT: &[u8] = include_bytes!("tls/root.pem");
const SERVER: &[u8] = include_bytes!("tls/server.pem");
const KEY: &[u8] = include_bytes!("tls/key.pem");

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem)
        .map(Result::unwrap)
        .collect()
}

/// Trusts nobody but these.
pub(super) fn trusting(roots: &[u8]) -> Arc<ClientConfig> {
    let mut store = RootCertStore::empty();
    for root in certificates(roots) {
        store.add(root).unwrap();
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    Arc::new(config)
}

/// Trusts nobody at all.
pub(super) fn trusting_nobody() -> Arc<ClientConfig> {
    trusting(b"")
}

pub(super) fn get(url: impl Into<String>) -> FetchRequest {
    FetchRequest {
        method: FetchMethod::Get,
        url: url.into(),
        headers: Vec::new(),
        body: None,
        limits: FetchLimits {
            time: Duration::from_secs(5),
            bytes: 1_000_000,
            redirects: 5,
        },
    }
}

pub(super) async fn fetch(guard: &Guard, url: impl Into<String>) -> Result<Fetched, FetchError> {
    guard.fetch(get(url)).await
}
