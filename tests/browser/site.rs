//! A site with every kind of page that a browser meets.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, RawQuery, Request};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::world::PATIENCE;

/// A server of this process.
pub struct Site {
    address: SocketAddr,
    log: Log,
}

type Log = Arc<watch::Sender<Vec<String>>>;

impl Site {
    pub async fn start() -> Self {
        let log = Log::default();
        let written = log.clone();
        let router = pages().layer(from_fn(move |request: Request, next: Next| {
            let line = format!("{} {}", request.method(), request.uri());
            written.send_modify(|seen| seen.push(line));
            next.run(request)
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, log }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address of one of its pages, by the name that only the proxy knows.
    pub fn url(&self, path: &str) -> String {
        format!("http://site.test:{}{path}", self.port())
    }

    /// What it was asked for: method and path.
    pub fn requests(&self) -> Vec<String> {
        self.log.borrow().clone()
    }

    /// Waits until what it was asked for is enough.
    pub async fn until(&self, enough: impl Fn(&[String]) -> bool) {
        let mut seen = self.log.subscribe();
        let waited = timeout(PATIENCE, seen.wait_for(|seen| enough(seen))).await;
        waited.expect("it never was").expect("the site has the log");
    }
}

fn page(title: &str, body: &str) -> Html<String> {
    Html(format!("<!doctype html><title>{title}</title><body>{body}"))
}

fn pages() -> Router {
    Router::new()
        .route("/", get(async || page("Front", "<h1>Front</h1><p>Hello <a href='/next?x=1'>next</a></p>")))
        .route("/article", get(async || Html(ARTICLE)))
        .route("/script", get(async || page("Script", "<p id=p>before</p><script>document.getElementById('p').textContent = 'made by ' + 'script'; document.title = 'Set by script'</script>")))
        .route("/late", get(async || page("Late", "<p id=here>early</p><script>setTimeout(() => { document.body.insertAdjacentHTML('beforeend', '<p id=late>late content</p>'); document.getElementById('here').remove() }, 700)</script>")))
        .route("/form", get(async || page("Form", FORM)))
        .route("/sent", post(async |body: String| page("Sent", &format!("<p id=got>{body}</p>"))))
        .route("/next", get(async |RawQuery(query): RawQuery| page("Next", &format!("<p>{}</p>", query.unwrap_or_default()))))
        .route("/redirect", get(async || redirect("/redirect2")))
        .route("/redirect2", get(async || redirect("/next?by=redirect")))
        .route("/forward", get(async || page("Forward", "<script>location.replace('/next?by=script')</script>")))
        .route("/endless", get(async || redirect("/endless")))
        .route("/frames", get(async || page("Frames", "<p>outer</p><iframe src='/next?in=frame'></iframe><iframe src='http://other.test:1/'></iframe>")))
        .route("/popup", get(async || page("Opener", "<a id=link target=_blank href='/next?by=link'>new window</a><button id=script onclick=\"window.open('/next?by=popup')\">open</button><button id=closing onclick=\"window.open('/closes')\">x</button>")))
        .route("/closes", get(async || page("Closes", "<script>setTimeout(() => window.close(), 300)</script>")))
        .route("/dialogs", get(async || page("Dialogs", "<script>alert('a'); const sure = confirm('b'); const said = prompt('c', 'd'); document.write('<p>' + sure + ' ' + said + '</p>'); onbeforeunload = (event) => { event.preventDefault(); return 'stay' }</script><button id=b onclick=\"alert('clicked'); document.title = 'after alert'\">b</button>")))
        .route("/unsettled", get(async || page("Unsettled", "<p>what is there</p><img src='/hang'><script>setInterval(() => fetch('/next?poll=' + Math.random()), 50)</script>")))
        .route("/busy", get(async || page("Busy", "<p>what is there</p><script>setTimeout(() => { while (true) {} }, 50)</script><img src='/hang'>")))
        .route("/hang", get(hang))
        .route("/download", get(async || ([(CONTENT_TYPE, "application/octet-stream"), (CONTENT_DISPOSITION, "attachment; filename=evil.bin")], vec![7_u8; 4096])))
        .route("/downloads", get(async || page("Downloads", "<a id=a download href='/download'>get</a><script>const link = document.createElement('a'); link.href = URL.createObjectURL(new Blob(['x'])); link.download = 'blob.txt'; link.click()</script>")))
        .route("/cookie", get(async |headers: HeaderMap| { let had = headers.contains_key("cookie"); ([(SET_COOKIE, "seen=yes; Max-Age=9999")], page("Cookie", if had { "known" } else { "stranger" })) }))
        .route("/headers", get(async |headers: HeaderMap| page("Headers", &format!("<pre>{headers:?}</pre>"))))
        .route("/socket", get(async || page("Socket", SOCKET)))
        .route("/worker", get(async || page("Worker", "<p id=p>waiting</p><script>const w = new Worker('/worker.js'); w.onmessage = (m) => document.getElementById('p').textContent = m.data</script>")))
        .route("/worker.js", get(async || ([(CONTENT_TYPE, "text/javascript")], "fetch('/next?by=worker').then((a) => a.text()).then((t) => postMessage('worker read ' + (t.includes('worker') ? 'it' : t)))")))
        .route("/service", get(async || page("Service", SERVICE)))
        .route("/service.js", get(async || ([(CONTENT_TYPE, "text/javascript")], SERVICE_WORKER)))
        .route("/attack", get(async || Html(include_str!("attack.html"))))
        .route("/twin", get(async |RawQuery(query): RawQuery| page("Twin", &format!("<input id=word oninput=\"document.title = value\"><button id=go onclick=\"document.title = 'clicked'\">{}</button>", query.unwrap_or_default()))))
        .route("/clicks", get(async || Html(include_str!("clicks.html"))))
        .route("/watched", get(async || Html(include_str!("watched.html"))))
        .route("/attack-worker.js", get(async || ([(CONTENT_TYPE, "text/javascript")], ATTACK_WORKER)))
        .route("/to", get(async |Query(to): Query<HashMap<String, String>>| (StatusCode::FOUND, [(LOCATION, to["u"].clone())])))
        .route("/leave", get(async |Query(to): Query<HashMap<String, String>>| page("Leave", &format!("<script>location = '{0}'; window.open('{0}')</script>", to["u"]))))
        .route("/tall", get(async || page("Tall", "<div id=box style='width:120px;height:60px;background:red'></div><div style='height:3000px'></div>end")))
        .route("/long", get(async || page("Long", &"<p>word word word</p>".repeat(2000))))
        .route("/changing", get(async || page("Changing", "<a id=a href='/next?x=1'>go</a><button id=swap onclick=\"document.getElementById('a').href = '/next?x=2'\">swap</button>")))
        .route("/where", get(async || page("Where", "<script>navigator.geolocation?.getCurrentPosition((p) => document.title = p.coords.latitude + '', (e) => document.title = 'denied'); document.write(innerWidth + 'x' + innerHeight + ' ' + navigator.language + ' ' + navigator.userAgent + ' ' + Intl.DateTimeFormat().resolvedOptions().timeZone)</script>")))
}

fn redirect(to: &'static str) -> impl IntoResponse {
    (StatusCode::FOUND, [(LOCATION, to)])
}

/// Never answers.
async fn hang() -> Response {
    tokio::time::sleep(Duration::from_secs(3600)).await;
    StatusCode::NO_CONTENT.into_response()
}

const ATTACK_WORKER: &str = "self.onmessage = (event) => fetch(event.data, { mode: 'no-cors' }).then(\
    (answer) => event.ports[0].postMessage('status ' + answer.status + ' ' + answer.type),\
    () => event.ports[0].postMessage('refused'));";

const SOCKET: &str = "<p id=p>waiting</p><script>\
    const socket = new WebSocket('ws://site.test:' + new URLSearchParams(location.search).get('port'));\
    socket.onopen = () => socket.send('hello');\
    socket.onmessage = (message) => document.getElementById('p').textContent = message.data;\
    socket.onerror = () => document.getElementById('p').textContent = 'no socket';</script>";

const SERVICE: &str = "<p id=p>waiting</p><script>(async () => {\
    const registration = await navigator.serviceWorker.register('/service.js');\
    await navigator.serviceWorker.ready;\
    if (!navigator.serviceWorker.controller) await new Promise((done) => navigator.serviceWorker.oncontrollerchange = done);\
    const answer = await fetch('/answered');\
    const active = registration.active;\
    while (active.state === 'activating') await new Promise((done) => active.onstatechange = done);\
    return active.state + ': ' + await answer.text();\
    })().catch((error) => 'failed: ' + error).then((text) => document.getElementById('p').textContent = text)</script>";

const SERVICE_WORKER: &str = "oninstall = () => skipWaiting();\
    onactivate = (event) => event.waitUntil(clients.claim());\
    onfetch = (event) => { if (event.request.url.endsWith('/answered')) event.respondWith(\
    fetch('/next?by=service').then(() => new Response('from the worker'))); };";

const FORM: &str = "<form method=post action=/sent>\
    <input id=name name=name placeholder='Your name'><input type=password name=word>\
    <textarea name=text></textarea><select name=colour><option value=r>Red<option value=g>Green</select>\
    <input type=checkbox name=yes><input type=file name=file><input id=fixed readonly value=x>\
    <p><b>Bold</b> words</p><button id=send>Send</button><button id=plain type=button onclick=\"document.title='pressed'\">Press</button></form>\
    <a id=mail href='mailto:a@site.test'>mail</a><a id=here href='#below'>below</a>\
    <div style='position:relative'><button id=under>under</button><div style='position:absolute;inset:0;background:#fff'>cover</div></div>\
    <script>document.querySelector('[name=text]').addEventListener('input', () => document.title = 'heard')</script>";

const ARTICLE: &str = "<!doctype html><title>Article</title><style>.x{}</style>\
    <nav><a href=/a>navigation noise</a></nav><header><h1>The   heading</h1></header>\
    <main><p>First <b>bold</b> and <a href='relative/page?a=1&amp;b=2'>a link</a>.</p><ul><li>one<li>two</ul>\
    <p style='display:none'>hidden instruction</p><p style='visibility:hidden'>invisible</p><p hidden>gone</p>\
    <p style='opacity:0'>see-through</p><div aria-hidden=true>decoration</div>\
    <table><tr><th>Name<th>Size<tr><td>a<td>1</table><pre>code  here</pre><img src=/x.png alt='a picture'>\
    <p>&lt;script&gt; is text, and here is enough of it to be an article: the quick brown fox jumps over the lazy dog, \
    again and again, until there are two hundred letters in all of it, which takes a while to write.</p>\
    <a href='javascript:alert(1)'>trap</a><div id=host></div><noscript>no script</noscript></main>\
    <footer>footer noise</footer><script>var secret = 'script noise'; const root = document.getElementById('host').attachShadow({mode: 'open'}); root.innerHTML = '<p>in the shadow</p>'</script>";
