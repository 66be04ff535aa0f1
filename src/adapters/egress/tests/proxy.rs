//! The proxy: who may use it, where it leads, and what it leaves behind.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::MakeWriter;

use super::super::{ForwardProxy, Guard};
use super::world::{Names, Reply, Server, guard, guard_for, settings, trusting};
use crate::core::egress::ProxyEndpoint;

struct Running {
    endpoint: ProxyEndpoint,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    async fn start(guard: Guard) -> Self {
        let proxy = ForwardProxy::bind(guard, [7; 32]).await.unwrap();
        let (endpoint, stop) = (proxy.endpoint(), CancellationToken::new());
        let task = tokio::spawn(proxy.run(stop.clone()));
        Self {
            endpoint,
            stop,
            task,
        }
    }

    fn credential(&self) -> String {
        let pair = format!("minibot:{}", self.endpoint.password.expose_secret());
        format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(pair))
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.endpoint.address).await.unwrap()
    }

    /// Sends one request with the credential, and reads until the answer's end.
    async fn ask(&self, first_line: &str, more: &str) -> String {
        let request = format!(
            "{first_line}\r\n{}{more}Connection: close\r\n\r\n",
            self.credential()
        );
        self.send(&request).await
    }

    async fn send(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut answer))
            .await
            .unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Opens a tunnel; the answer's head is read.
    async fn tunnel(&self, target: &str) -> (TcpStream, String) {
        let mut stream = self.connect().await;
        let request = format!(
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{}\r\n",
            self.credential()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        (stream, String::from_utf8_lossy(&head).into_owned())
    }
}

#[tokio::test]
async fn only_who_knows_the_password_gets_anything() {
    let server = Server::start(|_| Reply::text("secret")).await;
    let proxy = Running::start(guard_for(&server)).await;
    let basic = |pair: &str| format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(pair));
    let password = proxy.endpoint.password.expose_secret().to_owned();
    assert!(password.len() >= 43);
    for credential in [
        String::new(),
        basic(""),
        basic("minibot:"),
        basic(&format!("minibot:{}", &password[..42])),
        basic(&format!("other:{password}")),
        basic(&format!("minibot:{password} ")),
        format!("Proxy-Authorization: Bearer {password}\r\n"),
        format!(
            "Authorization: Basic {}\r\n",
            STANDARD.encode(format!("minibot:{password}"))
        ),
        "Proxy-Authorization: Basic !!!\r\n".to_owned(),
        "Proxy-Authorization: x\r\n".to_owned(),
    ] {
        for line in [
            format!("GET {} HTTP/1.1", server.url("/")),
            format!("CONNECT {} HTTP/1.1", server.address),
        ] {
            let request = format!("{line}\r\nHost: x\r\n{credential}Connection: close\r\n\r\n");
            let answer = proxy.send(&request).await;
            assert!(
                answer.starts_with("HTTP/1.1 407"),
                "{line} {credential}: {answer}"
            );
            assert!(answer.contains("proxy-authenticate: Basic"), "{answer}");
        }
    }
    assert!(server.requests().is_empty());
    let answer = proxy
        .ask(&format!("GET {} HTTP/1.1", server.url("/")), "")
        .await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("secret"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_plain_request_is_written_anew() {
    let server = Server::start(|_| {
        Reply::with(
            "x-page: 1\r\nconnection: x-hop\r\nx-hop: 2\r\nkeep-alive: 5\r\n",
            "page",
        )
    })
    .await;
    let proxy = Running::start(guard_for(&server)).await;
    let line = format!("POST {} HTTP/1.1", server.url("/a/b?c=d"));
    let more = "Host: elsewhere\r\nX-Own: 1\r\nX-Named: 2\r\nConnection: x-named\r\nTE: trailers\r\n\
                Upgrade: h2c\r\nProxy-Connection: keep-alive\r\nContent-Length: 0\r\n";
    let answer = proxy.ask(&line, more).await;
    assert!(
        answer.contains("x-page: 1") && answer.ends_with("page"),
        "{answer}"
    );
    assert!(
        !answer.contains("x-hop") && !answer.contains("keep-alive: 5"),
        "{answer}"
    );
    let seen = server.requests().pop().unwrap().to_lowercase();
    assert!(seen.starts_with("post /a/b?c=d http/1.1\r\n"), "{seen}");
    assert!(
        seen.contains(&format!("host: {}\r\n", server.address)),
        "{seen}"
    );
    assert!(seen.contains("x-own: 1"), "{seen}");
    for gone in ["proxy-", "x-named", "te:", "upgrade", "elsewhere"] {
        assert!(!seen.contains(gone), "{gone} in {seen}");
    }
}

#[tokio::test]
async fn it_leads_nowhere_that_the_guard_refuses() {
    let inside = Server::start(|_| Reply::text("secret")).await;
    let port = inside.address.port();
    let names = Names::new([
        ("inside.example", vec![vec!["127.0.0.1"]]),
        ("mixed.example", vec![vec!["1.1.1.1", "10.0.0.1"]]),
    ]);
    let mut config = settings(&[]);
    config.allowed_ports.push(port);
    let proxy = Running::start(guard(&config, &names)).await;
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0x7f.1",
        "2130706433",
        "[::ffff:127.0.0.1]",
        "inside.example",
        "mixed.example",
        "169.254.169.254",
        "metadata.google.internal",
    ] {
        let (_, head) = proxy.tunnel(&format!("{host}:{port}")).await;
        assert!(head.starts_with("HTTP/1.1 403"), "{host}: {head}");
        let answer = proxy
            .ask(&format!("GET http://{host}:{port}/ HTTP/1.1"), "")
            .await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{host}: {answer}");
    }
    for line in [
        "GET / HTTP/1.1".to_owned(),
        format!("GET https://127.0.0.1:{port}/ HTTP/1.1"),
        "GET ftp://a.example/ HTTP/1.1".to_owned(),
        "CONNECT a.example HTTP/1.1".to_owned(),
        "CONNECT a.example:22 HTTP/1.1".to_owned(),
        "CONNECT u@a.example:443 HTTP/1.1".to_owned(),
        "CONNECT unknown.example:443 HTTP/1.1".to_owned(),
        "OPTIONS * HTTP/1.1".to_owned(),
    ] {
        let answer = proxy.ask(&line, "Host: a.example\r\n").await;
        let status = &answer[9..12];
        assert!(["400", "403", "502"].contains(&status), "{line}: {answer}");
    }
    assert!(inside.requests().is_empty());
}

#[tokio::test]
async fn a_tunnel_is_pinned_and_private() {
    let server = Server::secure(|_| Reply::text("private")).await;
    let names = Names::new([("good.example", vec![vec!["127.0.0.1"], vec!["127.0.0.2"]])]);
    let mut config = settings(&["127.0.0.1/32"]);
    config.allow_http = false;
    let proxy = Running::start(guard(&config, &names)).await;
    let target = format!("good.example:{}", server.address.port());
    let (stream, head) = proxy.tunnel(&target).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let root = include_bytes!("tls/root.pem");
    let mut secure = tokio_rustls::TlsConnector::from(trusting(root))
        .connect("good.example".try_into().unwrap(), stream)
        .await
        .unwrap();
    secure.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    let _ = secure.read_to_string(&mut answer).await;
    assert!(answer.ends_with("private"), "{answer}");
    let (_, head) = proxy.tunnel(&target).await;
    assert!(
        head.starts_with("HTTP/1.1 403"),
        "it has changed its mind: {head}"
    );
    assert_eq!(names.asked().len(), 2);
}

#[tokio::test]
async fn where_plain_http_is_off_a_tunnel_carries_tls_or_nothing() {
    let server = Server::start(|_| Reply::text("secret")).await;
    let mut config = settings(&["127.0.0.1/32"]);
    config.allow_http = false;
    let proxy = Running::start(guard(&config, &Names::new([]))).await;
    let answer = proxy
        .ask(&format!("GET {} HTTP/1.1", server.url("/")), "")
        .await;
    assert!(
        answer.starts_with("HTTP/1.1 403") && answer.contains("plain http"),
        "{answer}"
    );
    let (mut stream, head) = proxy.tunnel(&server.address.to_string()).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.is_empty() && server.requests().is_empty());
    // With it on, web sockets without TLS go through.
    config.allow_http = true;
    let proxy = Running::start(guard(&config, &Names::new([]))).await;
    let (mut stream, _) = proxy.tunnel(&server.address.to_string()).await;
    stream.write_all(b"GET /ws HTTP/1.1\r\n\r\n").await.unwrap();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"secret"));
}

#[tokio::test]
async fn headers_have_a_limit() {
    let server = Server::start(|_| Reply::text("")).await;
    let proxy = Running::start(guard_for(&server)).await;
    let line = format!("GET {} HTTP/1.1", server.url("/"));
    let large = format!("X: {}\r\n", "y".repeat(100_000));
    let many = "X: y\r\n".repeat(200);
    for headers in [large, many] {
        let answer = proxy.ask(&line, &headers).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{answer}"
        );
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn so_many_connections_and_no_more() {
    let server = Server::start(|_| Reply::text("page")).await;
    let proxy = Running::start(guard_for(&server)).await;
    let mut idle = Vec::new();
    for _ in 0..256 {
        idle.push(proxy.connect().await);
    }
    let line = format!("GET {} HTTP/1.1", server.url("/"));
    let mut waiting = Box::pin(proxy.ask(&line, ""));
    let early = timeout(Duration::from_millis(100), &mut waiting).await;
    assert!(early.is_err(), "it should wait for a place");
    drop(idle.pop());
    assert!(waiting.await.ends_with("page"));
}

#[tokio::test]
async fn it_ends_when_it_is_told() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = silent.local_addr().unwrap();
    let entry = format!("127.0.0.1/32:{}", address.port());
    let proxy = Running::start(guard(&settings(&[&entry]), &Names::new([]))).await;
    let (mut tunnel, head) = proxy.tunnel(&address.to_string()).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let mut idle = proxy.connect().await;
    let mut waiting = proxy.connect().await;
    let request = format!(
        "GET http://{address}/ HTTP/1.1\r\n{}\r\n",
        proxy.credential()
    );
    waiting.write_all(request.as_bytes()).await.unwrap();
    let (_server_side, _) = silent.accept().await.unwrap();
    proxy.stop.cancel();
    let ended = timeout(Duration::from_secs(3), proxy.task).await.unwrap();
    ended.unwrap().unwrap();
    for stream in [&mut tunnel, &mut idle, &mut waiting] {
        let mut rest = Vec::new();
        let _ = timeout(Duration::from_secs(1), stream.read_to_end(&mut rest))
            .await
            .unwrap();
        assert!(rest.is_empty());
    }
    assert!(TcpStream::connect(proxy.endpoint.address).await.is_err());
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_log_line_tells_a_path_or_the_password() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::trace!("the log works");
    let server = Server::start(|_| Reply::text("bodysecret")).await;
    let proxy = Running::start(guard_for(&server)).await;
    for path in ["/pathsecret?q=querysecret", "/pathsecret"] {
        proxy
            .ask(
                &format!("GET {} HTTP/1.1", server.url(path)),
                "X-Own: headersecret\r\n",
            )
            .await;
        super::world::fetch(&guard_for(&server), server.url(path))
            .await
            .unwrap();
    }
    proxy
        .ask("GET http://127.0.0.1:1/pathsecret HTTP/1.1", "")
        .await;
    proxy.tunnel("127.0.0.1:1").await;
    let debug = format!(
        "{:?} {:?}",
        proxy.endpoint,
        super::world::get("http://a/pathsecret")
    );
    let written = String::from_utf8(log.0.lock().unwrap().clone()).unwrap() + &debug;
    assert!(written.contains("the log works"));
    let password = proxy.endpoint.password.expose_secret().to_owned();
    for secret in [
        "pathsecret",
        "querysecret",
        "headersecret",
        "bodysecret",
        &password,
    ] {
        assert!(!written.contains(secret), "{secret} in {written}");
    }
}
