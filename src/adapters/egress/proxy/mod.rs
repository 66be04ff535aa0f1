//! The forward proxy: lets a program of this machine that knows the password out through the guard.
//!
//! It listens on loopback only, and writes nothing about what passes through it.

mod plain;
mod tunnel;

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::guard::Guard;
use crate::core::egress::{FetchError, ProxyEndpoint};

/// A browser opens some dozens; beyond this, the next one waits.
const MAX_CONNECTIONS: usize = 256;
const MAX_HEADERS: usize = 128;
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// From a connection to its request.
const HEADER_TIME: Duration = Duration::from_secs(30);
/// From a request to the connection that it needs.
const CONNECT_TIME: Duration = Duration::from_secs(20);
/// At the end, for connections to notice it.
const LEAVE: Duration = Duration::from_secs(1);
/// When the system is out of descriptors, some time may help.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const USER: &str = "minibot";

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

/// A proxy that listens, and answers when it is run.
pub struct ForwardProxy {
    listener: TcpListener,
    endpoint: ProxyEndpoint,
    guard: Guard,
}

impl fmt::Debug for ForwardProxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ForwardProxy")
            .field("address", &self.endpoint.address)
            .finish_non_exhaustive()
    }
}

impl ForwardProxy {
    /// Takes a free port of this machine. `chance` makes the password.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn bind(guard: Guard, chance: [u8; 32]) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = ProxyEndpoint {
            address: listener.local_addr()?,
            username: USER.to_owned(),
            password: SecretString::from(URL_SAFE_NO_PAD.encode(chance)),
        };
        Ok(Self {
            listener,
            endpoint,
            guard,
        })
    }

    /// Where it listens, and whom it knows.
    pub fn endpoint(&self) -> ProxyEndpoint {
        self.endpoint.clone()
    }

    /// Answers until it is told to stop; then every connection ends at once.
    ///
    /// # Errors
    /// None: what fails ends one connection.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let tasks = TaskTracker::new();
        let door = Arc::new(Door {
            expected: expected(&self.endpoint),
            guard: self.guard,
            tasks: tasks.clone(),
            stop: stop.clone(),
        });
        loop {
            let accepted = async {
                let place = places.clone().acquire_owned().await;
                (self.listener.accept().await, place)
            };
            let (stream, place) = tokio::select! {
                () = stop.cancelled() => break,
                (Ok((stream, _)), Ok(place)) = accepted => (stream, place),
                else => {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let (door, stop) = (door.clone(), stop.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = door.serve(stream, Arc::new(place)) => {}
                }
            });
        }
        tasks.close();
        let _ = tokio::time::timeout(LEAVE, tasks.wait()).await;
        Ok(())
    }
}

fn expected(endpoint: &ProxyEndpoint) -> [u8; 32] {
    let pair = format!(
        "{}:{}",
        endpoint.username,
        endpoint.password.expose_secret()
    );
    Sha256::digest(pair.as_bytes()).into()
}

/// What each request passes through.
struct Door {
    /// The hash of user and password.
    expected: [u8; 32],
    guard: Guard,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Door {
    async fn serve(self: Arc<Self>, stream: TcpStream, place: Arc<OwnedSemaphorePermit>) {
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request| {
            let (door, place) = (self.clone(), place.clone());
            async move { Ok::<_, std::convert::Infallible>(door.answer(request, place).await) }
        });
        // Whatever fails here fails for the program that connected, which sees it.
        let _ = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .max_headers(MAX_HEADERS)
            .max_header_size(MAX_HEADER_BYTES)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
            .await;
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        place: Arc<OwnedSemaphorePermit>,
    ) -> Answer {
        if !self.knows(request.headers()) {
            let mut answer = say(
                StatusCode::PROXY_AUTHENTICATION_REQUIRED,
                "who are you?".to_owned(),
            );
            let challenge = HeaderValue::from_static("Basic realm=\"minibot\"");
            answer.headers_mut().insert(PROXY_AUTHENTICATE, challenge);
            return answer;
        }
        let answered = if request.method() == Method::CONNECT {
            tunnel::open(&self, request, place).await
        } else {
            plain::forward(&self, request).await
        };
        answered.unwrap_or_else(|error| refusal(&error))
    }

    /// Takes the same time for every wrong password: what is compared are hashes, and all of them.
    fn knows(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(PROXY_AUTHORIZATION)
            .map_or(&b""[..], HeaderValue::as_bytes);
        let (scheme, pair) = given.split_at(given.len().min(6));
        let pair = STANDARD.decode(pair.trim_ascii()).unwrap_or_default();
        let difference = Sha256::digest(pair)
            .iter()
            .zip(self.expected)
            .fold(0, |difference, (a, b)| difference | (a ^ b));
        difference == 0 && scheme.eq_ignore_ascii_case(b"basic ")
    }

    /// A checked connection to where a URL leads.
    async fn connect(&self, url: &str) -> Result<(TcpStream, url::Url), FetchError> {
        let connected = async {
            let destination = self.guard.policy().check_written(url)?;
            let route = self.guard.route(destination).await?;
            let stream = self.guard.connect(&route).await?;
            Ok((stream, route.destination().url().clone()))
        };
        tokio::time::timeout(CONNECT_TIME, connected)
            .await
            .unwrap_or(Err(FetchError::Timeout(CONNECT_TIME)))
    }
}

/// The browser shows the words to the model where the request was plain; a tunnel only fails.
fn refusal(error: &FetchError) -> Answer {
    let status = match error {
        FetchError::Refused(_) => StatusCode::FORBIDDEN,
        FetchError::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    };
    say(status, error.to_string())
}

fn say(status: StatusCode, words: String) -> Answer {
    let body = Full::new(Bytes::from(words)).map_err(|never| match never {});
    let mut answer = Response::new(body.boxed());
    *answer.status_mut() = status;
    answer
}
