//! One request and its answer, on a connection of their own.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use futures::Stream;
use http_body_util::Full;
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, HOST, HeaderMap, HeaderName, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use url::{Position, Url};

use super::guard::Guard;
use crate::core::egress::{FetchError, Hop};

/// Of an answer; more is a mistake or an attack.
const MAX_HEADERS: usize = 128;
const MAX_HEADER_BYTES: usize = 64 * 1024;

const DEFAULTS: [(HeaderName, &str); 2] = [
    (
        ACCEPT,
        "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8",
    ),
    (USER_AGENT, concat!("minibot/", env!("CARGO_PKG_VERSION"))),
];

/// An answer whose body is still to come.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Pieces,
}

/// The pieces of a body as they come from the wire.
pub(super) struct Pieces {
    line: Line,
    body: Incoming,
    received: Arc<AtomicU64>,
    /// Dropping it would tell the connection that it is not needed any more.
    _sender: SendRequest<Full<Bytes>>,
}

impl Pieces {
    /// Counts the bytes that came, also while somebody else holds the pieces.
    pub(super) fn received(&self) -> Arc<AtomicU64> {
        self.received.clone()
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Sends one request along the way that the guard finds, and reads the head of the answer.
pub(super) async fn exchange(guard: &Guard, hop: &Hop) -> Result<Answer, FetchError> {
    let destination = guard.policy().check_url(hop.url.clone())?;
    let route = guard.route(destination).await?;
    let stream = guard.connect(&route).await?;
    let io: Box<dyn Io> = if hop.url.scheme() == "https" {
        Box::new(guard.tls().wrap(stream, &hop.url).await?)
    } else {
        Box::new(stream)
    };
    let request = request(hop)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEADER_BYTES)
        .max_buf_size(MAX_HEADER_BYTES)
        .handshake(TokioIo::new(io))
        .await
        .map_err(|_| BROKEN)?;
    let mut line = Line(Some(Box::pin(async {
        let _ = connection.await;
    })));
    let response: Response<Incoming> = line
        .beside(sender.send_request(request))
        .await
        .map_err(|_| BROKEN)?;
    let (head, body) = response.into_parts();
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: Pieces {
            line,
            body,
            received: Arc::default(),
            _sender: sender,
        },
    })
}

const BROKEN: FetchError = FetchError::Failed("the server did not answer as HTTP servers do");

fn request(hop: &Hop) -> Result<Request<Full<Bytes>>, FetchError> {
    const UNFIT: FetchError = FetchError::Failed("this request cannot be written as HTTP");
    let body = Full::new(Bytes::from(hop.body.clone().unwrap_or_default()));
    let mut request = Request::new(body);
    *request.method_mut() = hop.method.as_str().parse().map_err(|_| UNFIT)?;
    *request.uri_mut() = path_of(&hop.url).map_err(|_| UNFIT)?;
    let headers = request.headers_mut();
    for (name, value) in &hop.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| UNFIT)?;
        headers.append(name, value.parse().map_err(|_| UNFIT)?);
    }
    for (name, value) in DEFAULTS {
        headers
            .entry(name)
            .or_insert(hyper::header::HeaderValue::from_static(value));
    }
    let own = [
        (HOST, &hop.url[Position::BeforeHost..Position::AfterPort]),
        (ACCEPT_ENCODING, "gzip, deflate, br, zstd"),
        (CONNECTION, "close"),
    ];
    for (name, value) in own {
        headers.insert(name, value.parse().map_err(|_| UNFIT)?);
    }
    Ok(request)
}

/// What stands in the first line of a request to the server itself.
pub(super) fn path_of(url: &Url) -> Result<Uri, hyper::http::uri::InvalidUri> {
    url[Position::BeforePath..Position::AfterQuery].parse()
}

/// The connection, which must be worked while anything is awaited from it.
struct Line(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Line {
    fn work(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.0
            && connection.as_mut().poll(context).is_ready()
        {
            self.0 = None;
        }
    }

    async fn beside<T>(&mut self, awaited: impl Future<Output = T>) -> T {
        let mut awaited = pin!(awaited);
        poll_fn(|context| {
            self.work(context);
            awaited.as_mut().poll(context)
        })
        .await
    }
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.line.work(context);
        loop {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) else {
                return Poll::Ready(None);
            };
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => return Poll::Ready(Some(Err(io::Error::other(error)))),
            };
            // Trailers tell nothing that is wanted.
            if let Ok(piece) = frame.into_data() {
                let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
                self.received.fetch_add(length, Ordering::Relaxed);
                return Poll::Ready(Some(Ok(piece)));
            }
        }
    }
}
