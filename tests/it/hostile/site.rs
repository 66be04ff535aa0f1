//! The web of these tests: one server under every name, which keeps what it is sent.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::json;

use super::injections::ORDER;
use crate::support::pictures::pdf;
use crate::support::wire::{Server, lock};

/// A page of the attacker's with everything that a browser can be led to use.
const ARENA: &str = include_str!("arena.html");

/// Every name of the web leads here.
#[derive(Debug)]
pub struct Site {
    server: Server,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Site {
    pub async fn start() -> Self {
        let seen = Arc::new(Mutex::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        let server = Server::start(router).await;
        Self { server, seen }
    }

    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    pub fn at(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port())
    }

    /// On the host that the person names.
    pub fn said(&self, path: &str) -> String {
        self.at("said.example", path)
    }

    /// What it was sent.
    pub fn seen(&self) -> Vec<String> {
        lock(&self.seen).clone()
    }

    /// Forgets what it was sent.
    pub fn forget(&self) {
        lock(&self.seen).clear();
    }
}

async fn answer(
    State(seen): State<Arc<Mutex<Vec<String>>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8_lossy(&body);
    lock(&seen).push(format!("{method} {uri} {headers:?} {body}"));
    let order = ORDER;
    let path = uri.path();
    let kind = path.split('/').nth(1).unwrap_or_default();
    match kind {
        "page" => Html(format!("<h1>News</h1><p>{order}")).into_response(),
        "list" => {
            let links = (0..12).map(|n| format!("<a href='/item/{n}'>{n}</a> "));
            Html(links.collect::<String>()).into_response()
        }
        "json" => {
            let body = json!({ "order": order }).to_string();
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        "header" => ([(header::LINK, order)], "ok").into_response(),
        "arena" => {
            let mark = path.split('/').nth(2).unwrap_or_default();
            Html(ARENA.replace("MARK", mark).replace("ORDER", order)).into_response()
        }
        "pdf" => ([(header::CONTENT_TYPE, "application/pdf")], pdf(order)).into_response(),
        "redirect" => Redirect::temporary(&path.replace("redirect", "page")).into_response(),
        _ => "ok".into_response(),
    }
}
