//! Plain http: the request is written anew to a checked address, without what was meant for the proxy.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Version};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use url::{Position, Url};

use super::super::exchange::path_of;
use super::{Answer, Door, MAX_HEADER_BYTES, MAX_HEADERS};
use crate::core::egress::{FetchError, Refusal};

/// From the request to the head of its answer.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// What is meant for the next machine only (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

const BROKEN: FetchError = FetchError::Failed("the server did not answer as HTTP servers do");

/// Sends a request on, and its answer back.
pub(super) async fn forward(
    door: &Arc<Door>,
    mut request: Request<Incoming>,
) -> Result<Answer, FetchError> {
    // https goes through a tunnel, and a bare path is meant for a server, which this is not.
    if request.uri().scheme_str() != Some("http") {
        return Err(Refusal::NotAUrl.into());
    }
    let (stream, url) = door.connect(&request.uri().to_string()).await?;
    readdress(&mut request, &url)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEADER_BYTES)
        .max_buf_size(MAX_HEADER_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| BROKEN)?;
    let stop = door.stop.clone();
    door.tasks.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            _ = connection => {}
        }
    });
    let answer = timeout(ANSWER_TIME, sender.send_request(request))
        .await
        .map_err(|_| FetchError::Timeout(ANSWER_TIME))?
        .map_err(|_| BROKEN)?;
    let mut answer = answer.map(BodyExt::boxed);
    drop_hop_by_hop(answer.headers_mut());
    *answer.version_mut() = Version::HTTP_11;
    Ok(answer)
}

fn readdress(request: &mut Request<Incoming>, url: &Url) -> Result<(), FetchError> {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let host = HeaderValue::from_str(host).map_err(|_| Refusal::BadHost)?;
    *request.uri_mut() = path_of(url).map_err(|_| Refusal::NotAUrl)?;
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    drop_hop_by_hop(headers);
    headers.insert(HOST, host);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(())
}

fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}
