//! The HTTP side: paths, token, recording of calls, faults and the shape of the answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State as Extract};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::fault::{json_answer, refuse};
use super::params::Params;
use super::refusal::Refusal;
use super::state::{Call, Shared};
use super::{methods, sending};
use crate::support::wire::Line;

pub fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .fallback(handle)
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

async fn handle(
    Extract(shared): Extract<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response {
    let path = request.uri().path().replace("%3A", ":");
    let token = shared.with(|state| state.options.token.clone());
    if let Some(rest) = path.strip_prefix("/file/bot") {
        return match rest.split_once('/') {
            Some((given, file)) if given == token => {
                let params = json!({ "path": file });
                let effect = async { download(&shared, file) };
                observe(&shared, &line, methods::DOWNLOAD, params, effect).await
            }
            _ => refuse(&Refusal::unauthorized()),
        };
    }
    let Some((given, method)) = path
        .strip_prefix("/bot")
        .and_then(|rest| rest.split_once('/'))
    else {
        return refuse(&Refusal::not_found());
    };
    if given != token {
        shared.with(|state| state.strange_tokens += 1);
        shared.announce();
        return refuse(&Refusal::unauthorized());
    }
    match methods::canonical(method) {
        Some(method) => call(&shared, &line, method, request).await,
        None => refuse(&Refusal::not_found()),
    }
}

async fn call(
    shared: &Arc<Shared>,
    line: &Line,
    method: &'static str,
    request: Request,
) -> Response {
    let params = match Params::read(request).await {
        Ok(params) => params,
        Err(refusal) => return refuse(&refusal),
    };
    let effect = async {
        match methods::dispatch(shared, method, &params).await {
            Ok(result) => {
                let body = json!({ "ok": true, "result": result });
                (json_answer(200, body.to_string()), String::new())
            }
            Err(refusal) => (refuse(&refusal), refusal.description),
        }
    };
    observe(shared, line, method, params.shown(), effect).await
}

/// Records the call and lets it meet its fault, if one is scripted. The effect comes with the
/// reason of a refusal.
async fn observe(
    shared: &Shared,
    line: &Line,
    method: &'static str,
    params: Value,
    effect: impl Future<Output = (Response, String)>,
) -> Response {
    let (index, fault) = shared.with(|state| {
        let fault = state.take_fault(method);
        let calls = state.calls.entry(method.to_owned()).or_default();
        let method = method.to_owned();
        calls.push(Call {
            method,
            params,
            at: Instant::now(),
            outcome: None,
        });
        (calls.len() - 1, fault)
    });
    shared.announce();
    if let Some(fault) = &fault
        && let Some(answer) = fault.before(line).await
    {
        let status = answer.status().as_u16();
        record(
            shared,
            method,
            index,
            (status, format!("scripted: {fault:?}")),
        );
        return answer;
    }
    let (answer, reason) = effect.await;
    record(shared, method, index, (answer.status().as_u16(), reason));
    match fault {
        Some(fault) => fault.after(line, answer).await,
        None => answer,
    }
}

fn record(shared: &Shared, method: &str, index: usize, outcome: (u16, String)) {
    shared.with(|state| {
        if let Some(call) = state
            .calls
            .get_mut(method)
            .and_then(|calls| calls.get_mut(index))
        {
            call.outcome = Some(outcome);
        }
    });
    shared.announce();
}

fn download(shared: &Shared, path: &str) -> (Response, String) {
    let found = shared.with(|state| {
        let file = state.files.values().find(|file| file.path() == path);
        file.filter(|file| file.size <= sending::DOWNLOAD_LIMIT)
            .map(|file| file.bytes.clone())
    });
    match found {
        Some(bytes) => (bytes.to_vec().into_response(), String::new()),
        None => (refuse(&Refusal::not_found()), "no such file".to_owned()),
    }
}
