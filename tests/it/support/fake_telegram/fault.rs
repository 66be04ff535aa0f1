//! Faults that a test scripts for the next calls of a method.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::refusal::Refusal;
use crate::support::gate::Gate;
use crate::support::wire::Line;

/// What goes wrong with one call. "After" means: the call took effect, and only its answer is lost.
#[derive(Debug, Clone)]
pub enum Fault {
    /// 429 with `parameters.retry_after` in seconds; no effect.
    TooManyRequests { retry_after: u64 },
    /// 5xx with the Bot API's JSON body; no effect.
    ServerError(u16),
    /// 5xx with a proxy's HTML body; no effect.
    HtmlError(u16),
    /// The connection closes; no effect.
    DropBefore,
    /// The connection closes although the call took effect.
    DropAfter,
    /// The answer is 200 with a body cut off in the middle; the call took effect.
    InvalidJson,
    /// 5xx although the call took effect.
    ServerErrorAfter(u16),
    /// The call waits, then goes on normally.
    Delay(Duration),
    /// The call waits for the gate before it takes effect.
    HoldBefore(Gate),
    /// The call takes effect at once and its answer waits for the gate.
    HoldAfter(Gate),
    /// An answer whose body never ends; no effect.
    Endless,
    /// Any answer instead of the normal one; no effect.
    Answer { status: u16, body: String },
}

impl Fault {
    /// What happens before the call takes effect; `Some` replaces it.
    pub async fn before(&self, line: &Line) -> Option<Response> {
        match self {
            Self::TooManyRequests { retry_after } => {
                Some(refuse(&Refusal::too_many_requests(*retry_after)))
            }
            Self::ServerError(status) => Some(refuse(&Refusal::server_error(*status))),
            Self::HtmlError(status) => Some(html_error(*status)),
            Self::DropBefore => {
                line.cut();
                Some(refuse(&Refusal::server_error(500)))
            }
            Self::Delay(duration) => {
                tokio::time::sleep(*duration).await;
                None
            }
            Self::HoldBefore(gate) => {
                gate.pass().await;
                None
            }
            Self::Endless => {
                let piece = || Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024]);
                let pieces = futures::stream::repeat_with(piece);
                Some(axum::body::Body::from_stream(pieces).into_response())
            }
            Self::Answer { status, body } => Some(json_answer(*status, body.clone())),
            Self::DropAfter
            | Self::InvalidJson
            | Self::ServerErrorAfter(_)
            | Self::HoldAfter(_) => None,
        }
    }

    /// What happens to the `answer` of a call that took effect.
    pub async fn after(&self, line: &Line, answer: Response) -> Response {
        match self {
            Self::DropAfter => {
                line.cut();
                answer
            }
            Self::InvalidJson => json_answer(200, "{\"ok\":true,\"result\":{\"mess".to_owned()),
            Self::ServerErrorAfter(status) => refuse(&Refusal::server_error(*status)),
            Self::HoldAfter(gate) => {
                gate.pass().await;
                answer
            }
            _ => answer,
        }
    }
}

pub fn refuse(refusal: &Refusal) -> Response {
    json_answer(refusal.status, refusal.body().to_string())
}

pub fn json_answer(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).expect("a scripted status is a valid one");
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

fn html_error(status: u16) -> Response {
    let status = StatusCode::from_u16(status).expect("a scripted status is a valid one");
    let body = format!("<html><head><title>{status}</title></head><body>{status}</body></html>");
    (status, [(CONTENT_TYPE, "text/html")], body).into_response()
}
