//! CONNECT: a tunnel to a checked address, into which nobody looks.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::{Answer, Door};
use crate::core::egress::{FetchError, Refusal};

/// No page needs longer, and what is forgotten must end.
const MAX_LIFE: Duration = Duration::from_secs(30 * 60);
/// From the open tunnel to the first word of the program.
const FIRST_WORD: Duration = Duration::from_secs(30);
/// How a TLS handshake begins: the content type of its records.
const TLS_HANDSHAKE: u8 = 0x16;

/// Connects, says so, and leaves the two ends to each other.
pub(super) async fn open(
    door: &Arc<Door>,
    mut request: Request<Incoming>,
    place: Arc<OwnedSemaphorePermit>,
) -> Result<Answer, FetchError> {
    let authority = request.uri().authority().ok_or(Refusal::NotAUrl)?;
    if authority.port().is_none() {
        return Err(Refusal::NotAUrl.into());
    }
    let (server, _) = door.connect(&format!("https://{authority}/")).await?;
    let upgraded = hyper::upgrade::on(&mut request);
    let (stop, plain_http) = (door.stop.clone(), door.guard.policy().allows_plain_http());
    door.tasks.spawn(async move {
        let _place = place;
        let Ok(program) = upgraded.await else { return };
        let program = TokioIo::new(program);
        tokio::select! {
            () = stop.cancelled() => {}
            _ = timeout(MAX_LIFE, join(program, server, plain_http)) => {}
        }
    });
    let body = Empty::new().map_err(|never| match never {}).boxed();
    Ok(Response::new(body))
}

/// Where plain http is switched off, a tunnel carries TLS or nothing.
async fn join(
    mut program: TokioIo<hyper::upgrade::Upgraded>,
    mut server: TcpStream,
    plain_http: bool,
) {
    if !plain_http {
        let Ok(Ok(first)) = timeout(FIRST_WORD, program.read_u8()).await else {
            return;
        };
        if first != TLS_HANDSHAKE || server.write_u8(first).await.is_err() {
            return;
        }
    }
    let _ = copy_bidirectional(&mut program, &mut server).await;
}
