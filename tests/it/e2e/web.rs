//! The program fetches pages for the model, and only those that it may.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use crate::support::fake_model::Reply;
use crate::support::program::{ALICE, Program};
use crate::support::wire::Server;

type Seen = Arc<Mutex<Vec<String>>>;

const PAGE: &str = "<title>Tides</title><h1>Tides</h1><p>High at nine. <a href=more>More</a>\
                    <script>alert('no')</script>";

async fn site(uri: Uri, headers: HeaderMap, State(seen): State<Seen>) -> Response {
    let path = uri.to_string();
    seen.lock().unwrap().push(path.clone());
    assert!(
        headers[header::USER_AGENT]
            .to_str()
            .unwrap()
            .starts_with("minibot/")
    );
    match uri.path() {
        "/tides" => Html(PAGE).into_response(),
        "/inside" => Redirect::temporary("http://127.0.0.1:1/pathsecret").into_response(),
        "/metadata" => Redirect::temporary("http://169.254.169.254/pathsecret").into_response(),
        "/json" => ([(header::CONTENT_TYPE, "application/json")], "{\"a\":  1}").into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn start() -> (Server, Seen) {
    let seen = Seen::default();
    let router = Router::new().fallback(site).with_state(seen.clone());
    (Server::start(router).await, seen)
}

/// What the tool answered to the last call, as the model was shown it.
fn answered(program: &Program) -> Value {
    let request = program.provider.requests().pop().unwrap();
    let text = request.last_text("tool").unwrap();
    let (start, end) = (text.find('{').unwrap(), text.rfind('}').unwrap());
    serde_json::from_str(&text[start..=end]).unwrap()
}

#[tokio::test]
async fn pages_are_fetched_for_the_model_and_inner_ones_are_not() {
    let (server, seen) = start().await;
    let address = server.address();
    let more = format!(
        "[runtime]\nlog_level = \"trace,minibot=trace\"\n[egress]\nallow_http = true\n\
         allow_private = [\"127.0.0.1/32:{}\"]\n[tools.http_client]\nenabled = true\n",
        address.port()
    );
    let mut program = Program::new(&more).await;
    program.start();
    let ask = async |program: &Program, url: String, says: &str| {
        program.provider.replies([
            Reply::tools([("http_request", json!({ "url": url }))]),
            Reply::text(says),
        ]);
        program
            .telegram
            .user_sends(ALICE, ALICE, &format!("look at {url}"));
        program.telegram.wait_for_text(ALICE, says).await;
        answered(program)
    };
    let page = ask(
        &program,
        format!("http://{address}/tides?q=querysecret"),
        "One.",
    )
    .await;
    let body = format!("# Tides\n\nHigh at nine. [More](http://{address}/more)");
    assert_eq!(page["body"], body);
    assert_eq!(page["processor_used"], "html_to_markdown");
    let data = ask(&program, format!("http://{address}/json"), "Two.").await;
    assert_eq!(data["body"], "{\"a\":  1}");
    for (at, path) in ["/inside", "/metadata"].iter().enumerate() {
        let refused = ask(
            &program,
            format!("http://{address}{path}"),
            &format!("No {at}."),
        )
        .await;
        assert_eq!(refused["code"], "egress_refused", "{refused}");
    }
    let provider = program.provider.url();
    let refused = ask(&program, format!("{provider}/models"), "Four.").await;
    assert_eq!(refused["code"], "egress_refused", "{refused}");
    let expected = ["/tides?q=querysecret", "/json", "/inside", "/metadata"];
    assert_eq!(*seen.lock().unwrap(), expected);
    program.terminate().await;
    let output = program.output();
    for secret in ["querysecret", "pathsecret"] {
        assert!(!output.contains(secret), "{secret} in the log");
    }
}
