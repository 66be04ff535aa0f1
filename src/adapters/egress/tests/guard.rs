//! Where the guard goes, and where it does not.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use super::super::own::{is_own, is_own_by};
use super::super::{Guard, SystemResolver, Tls};
use super::world::{Names, Reply, Server, fetch, get, guard, guard_for, settings, trusting_nobody};
use crate::core::egress::{
    BodyEnding, EgressConfig, FetchError, FetchMethod, Fetcher, Refusal, ResolveError, Resolver,
};

fn refused(refusal: Refusal) -> FetchError {
    FetchError::Refused(refusal)
}

#[tokio::test]
async fn a_page_is_fetched() {
    let server = Server::start(|_| Reply::text("hello")).await;
    let page = fetch(&guard_for(&server), server.url("/a?b=c#d"))
        .await
        .unwrap();
    assert_eq!((page.status, page.body.as_slice()), (200, &b"hello"[..]));
    assert_eq!(page.ending, BodyEnding::Whole);
    assert_eq!(page.header("content-type"), Some("text/plain"));
    let request = &server.requests()[0];
    assert!(request.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{request}");
    let host = format!("host: {}\r\n", server.address);
    for wanted in [
        &host,
        "accept-encoding: gzip",
        "user-agent: minibot/",
        "accept: ",
    ] {
        assert!(request.contains(wanted), "{wanted} in {request}");
    }
}

#[tokio::test]
async fn what_is_sent_along_arrives() {
    let server = Server::start(|_| Reply::text("")).await;
    let mut request = get(server.url("/"));
    request.method = FetchMethod::Patch;
    request.headers = vec![("X-Own".into(), "1".into())];
    request.body = Some(b"a body".to_vec());
    guard_for(&server).fetch(request).await.unwrap();
    let seen = &server.requests()[0];
    assert!(seen.starts_with("PATCH / "), "{seen}");
    assert!(
        seen.contains("x-own: 1\r\n") && seen.ends_with("\r\n\r\na body"),
        "{seen}"
    );
    // The guard checks once more what the tool should have.
    let mut request = get(server.url("/"));
    request.headers = vec![("Host".into(), "inside".into())];
    assert!(guard_for(&server).fetch(request).await.is_err());
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_not_followed_inside() {
    let good = Server::start(|_| Reply::text("good")).await;
    let port = good.address.port();
    // The same port of another address of this machine: what rebinding is after.
    let inside = Server::listen(&format!("127.0.0.2:{port}"), None, |_| {
        Reply::text("secret")
    })
    .await;
    let names = Names::new([(
        "rebinds.example",
        vec![vec!["127.0.0.1"], vec!["127.0.0.2"]],
    )]);
    let guard = guard(&settings(&["127.0.0.1/32"]), &names);
    let url = good.named("http", "rebinds.example", "/");
    let page = fetch(&guard, &url).await.unwrap();
    assert_eq!(page.body, b"good");
    assert_eq!(names.asked().len(), 1, "one look-up for one request");
    for _ in 0..3 {
        assert_eq!(
            fetch(&guard, &url).await,
            Err(refused(Refusal::LeadsInside))
        );
    }
    assert!(inside.requests().is_empty());
    let host = format!("host: rebinds.example:{port}\r\n");
    assert!(good.requests()[0].contains(&host));
}

#[tokio::test]
async fn one_bad_address_keeps_the_guard_from_all() {
    let server = Server::start(|_| Reply::text("secret")).await;
    let names = Names::new([
        ("mixed.example", vec![vec!["127.0.0.1", "169.254.169.254"]]),
        ("mixed6.example", vec![vec!["127.0.0.1", "::1"]]),
        ("mapped.example", vec![vec!["::ffff:127.0.0.1"]]),
        ("inside.example", vec![vec!["10.0.0.1"]]),
        ("nobody.example", vec![vec![]]),
        (
            "many.example",
            vec![std::iter::repeat_n("127.0.0.1", 50).collect()],
        ),
    ]);
    let guard = guard(&settings(&["127.0.0.1/32"]), &names);
    let ask = |name: &str| {
        let url = server.named("http", name, "/");
        let guard = &guard;
        async move { fetch(guard, url).await.map(|page| page.status) }
    };
    for name in [
        "mixed.example",
        "mixed6.example",
        "mapped.example",
        "inside.example",
    ] {
        let found = ask(name).await;
        assert!(
            matches!(found, Err(FetchError::Refused(_))),
            "{name}: {found:?}"
        );
    }
    assert!(server.requests().is_empty());
    assert_eq!(ask("many.example").await, Ok(200));
    assert_eq!(ask("nobody.example").await, Err(FetchError::UnknownHost));
    assert_eq!(ask("unknown.example").await, Err(FetchError::UnknownHost));
    let hangs = FetchError::Failed("the host name could not be looked up");
    assert_eq!(ask("hangs.example").await, Err(hangs));
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_takes_no_connection() {
    let server = Server::start(|_| Reply::text("here")).await;
    let names = Names::new([("two.example", vec![vec!["127.0.0.3", "127.0.0.1"]])]);
    let guard = guard(&settings(&["127.0.0.0/8"]), &names);
    let page = fetch(&guard, server.named("http", "two.example", "/")).await;
    assert_eq!(page.unwrap().body, b"here");
    let url = server.named("http", "127.0.0.9", "/");
    let failed = FetchError::Failed("the server takes no connection");
    assert_eq!(fetch(&guard, url).await, Err(failed));
}

#[tokio::test]
async fn whether_it_may_be_opened_is_told_without_a_request() {
    let server = Server::start(|_| Reply::text("")).await;
    let guard = guard_for(&server);
    let url = server.url("/a b");
    assert_eq!(guard.admit(&url).await.unwrap().path(), "/a%20b");
    assert!(guard.admit("http://127.0.0.1:1/").await.is_err());
    assert!(server.requests().is_empty());
}

/// A public address of this machine leads past the firewall that keeps others from what listens here.
#[tokio::test]
async fn a_public_address_of_this_machine_is_inside() {
    let names = Names::new([
        ("own.example", vec![vec!["1.1.1.1", "8.8.8.8"]]),
        ("other.example", vec![vec!["1.1.1.1"]]),
    ]);
    let is_own = |address| ["8.8.8.8", "2606:4700::1111"].contains(&&*IpAddr::to_string(&address));
    let guarded = |config| guard(&config, &names).where_own(is_own);
    let closed = guarded(settings(&[]));
    for (url, refusal) in [
        ("http://8.8.8.8:8080/admin", Refusal::Address),
        ("https://[2606:4700::1111]/", Refusal::Address),
        ("http://own.example:8080/", Refusal::LeadsInside),
    ] {
        assert_eq!(closed.admit(url).await, Err(refused(refusal)), "{url}");
        assert!(matches!(
            fetch(&closed, url).await,
            Err(FetchError::Refused(_))
        ));
    }
    assert!(closed.admit("http://other.example/").await.is_ok());
    let named = guarded(settings(&["8.8.8.8/32:8080"]));
    assert!(named.admit("http://8.8.8.8:8080/").await.is_ok());
    let other_port = named.admit("http://8.8.8.8/").await;
    assert_eq!(other_port, Err(refused(Refusal::Address)));
    let open = guarded(EgressConfig {
        block_private_networks: false,
        ..settings(&[])
    });
    assert!(open.admit("http://8.8.8.8:8080/").await.is_ok());
}

#[test]
fn the_system_knows_which_addresses_are_its_own() {
    for (address, own) in [
        ("127.0.0.1", true),
        ("192.0.2.1", false),
        ("2001:db8::1", false),
    ] {
        assert_eq!(is_own(address.parse().unwrap()), own, "{address}");
    }
}

#[test]
fn an_address_counts_as_own_where_the_system_cannot_say_but_not_where_it_cannot_have_one() {
    let address = "2606:4700::1111".parse().unwrap();
    for (errno, own) in [
        (Errno::MFILE, true),
        (Errno::NOBUFS, true),
        (Errno::AFNOSUPPORT, false),
        (Errno::ADDRNOTAVAIL, false),
    ] {
        assert_eq!(is_own_by(address, |_| Err(errno.into())), own, "{errno}");
    }
}

#[tokio::test]
async fn no_notation_of_an_inner_address_is_reached() {
    let inside = Server::start(|_| Reply::text("secret")).await;
    let port = inside.address.port();
    let door = Server::start(|request| {
        let location = request
            .split(' ')
            .nth(1)
            .unwrap()
            .trim_start_matches("/to?");
        Reply::redirect(302, location)
    })
    .await;
    let mut config = settings(&[&format!("127.0.0.1/32:{}", door.address.port())]);
    config.allowed_ports.push(port);
    let names = Names::new([
        ("inside.example", vec![vec!["127.0.0.1"]]),
        ("localhost", vec![vec!["127.0.0.1"]]),
    ]);
    let guard = guard(&config, &names);
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "127.0.0.1.",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST.",
        "inside.example",
        "inside.example.",
        "%31%32%37.0.0.1",
        "127%2e0%2e0%2e1",
    ];
    for host in hosts {
        let target = format!("http://{host}:{port}/");
        let found = fetch(&guard, &target).await;
        assert!(
            matches!(found, Err(FetchError::Refused(_))),
            "{target}: {found:?}"
        );
        let found = fetch(&guard, door.url(&format!("/to?{target}"))).await;
        assert!(
            matches!(found, Err(FetchError::Refused(_))),
            "to {target}: {found:?}"
        );
    }
    assert!(inside.requests().is_empty());
    assert_eq!(door.requests().len(), hosts.len());
}

#[tokio::test]
async fn redirects_are_followed_through_the_guard() {
    let other = Server::start(|_| Reply::text("arrived")).await;
    let elsewhere = other.url("/other");
    let server = Server::start(move |request| match request.split(' ').nth(1).unwrap() {
        "/start" => Reply::redirect(302, "next?x=1"),
        "/next?x=1" => Reply::redirect(303, &elsewhere),
        "/again" => Reply::redirect(307, &elsewhere),
        "/loop" => Reply::redirect(301, "/loop"),
        "/file" => Reply::redirect(302, "file:///etc/passwd"),
        "/user" => Reply::redirect(302, "http://a:b@127.0.0.1/"),
        "/odd" => Reply::Bytes(b"HTTP/1.1 302 x\r\nlocation: /\x01\r\n\r\n".to_vec()),
        "/none" => Reply::Bytes(b"HTTP/1.1 302 x\r\ncontent-length: 0\r\n\r\n".to_vec()),
        _ => Reply::text("?"),
    })
    .await;
    let open = [&server, &other].map(|server| format!("127.0.0.1/32:{}", server.address.port()));
    let guard = guard(&settings(&[&open[0], &open[1]]), &Names::new([]));
    let send = |path: &str, redirects| {
        let mut request = get(server.url(path));
        request.method = FetchMethod::Post;
        request.headers = vec![
            ("X-Own".into(), "mine".into()),
            ("Accept".into(), "a/b".into()),
        ];
        request.body = Some(b"posted".to_vec());
        request.limits.redirects = redirects;
        let guard = &guard;
        async move { guard.fetch(request).await }
    };
    let page = send("/start", 2).await.unwrap();
    assert_eq!(
        (page.url.path(), page.body.as_slice()),
        ("/other", &b"arrived"[..])
    );
    let seen = server.requests();
    assert!(seen[0].starts_with("POST /start") && seen[0].ends_with("posted"));
    assert!(
        seen[1].starts_with("GET /next?x=1") && seen[1].contains("x-own"),
        "{}",
        seen[1]
    );
    assert!(
        !seen[1].contains("posted") && !seen[1].contains("content-length"),
        "{}",
        seen[1]
    );
    let last = &other.requests()[0];
    assert!(
        !last.contains("x-own") && last.contains("accept: a/b"),
        "{last}"
    );
    assert_eq!(
        send("/start", 1).await,
        Err(FetchError::TooManyRedirects(1))
    );
    assert_eq!(send("/loop", 5).await, Err(FetchError::TooManyRedirects(5)));
    assert_eq!(send("/file", 5).await, Err(refused(Refusal::Scheme)));
    assert_eq!(send("/user", 5).await, Err(refused(Refusal::Credentials)));
    assert!(send("/odd", 5).await.is_err());
    assert_eq!(send("/none", 5).await.unwrap().status, 302);
    send("/again", 5).await.unwrap();
    let last = other.requests().pop().unwrap();
    assert!(
        last.starts_with("POST /other") && last.ends_with("posted"),
        "{last}"
    );
}

#[tokio::test]
async fn certificates_count() {
    let plain = Server::start(|_| Reply::text("plain")).await;
    let downgrade = plain.url("/");
    let server = Server::secure(move |request| {
        if request.starts_with("GET /down") {
            Reply::redirect(302, &downgrade)
        } else {
            Reply::text("private")
        }
    })
    .await;
    let address = vec![vec!["127.0.0.1"]];
    let names = Names::new([("good.example", address.clone()), ("bad.example", address)]);
    let config = settings(&["127.0.0.1/32"]);
    let trusting = guard(&config, &names);
    for name in ["good.example", "127.0.0.1"] {
        let page = fetch(&trusting, server.named("https", name, "/"))
            .await
            .unwrap();
        assert_eq!(page.body, b"private");
    }
    let invalid = FetchError::Failed("the server's certificate is not valid");
    let url = server.named("https", "bad.example", "/");
    assert_eq!(fetch(&trusting, url).await, Err(invalid.clone()));
    let doubting = Guard::new(&config, names, Tls::with(trusting_nobody()));
    let url = server.named("https", "good.example", "/");
    assert_eq!(fetch(&doubting, url).await, Err(invalid));
    let url = server.named("https", "good.example", "/down");
    assert_eq!(
        fetch(&trusting, url).await,
        Err(refused(Refusal::Downgrade))
    );
    assert!(plain.requests().is_empty());
    let mut not_tls = get(plain.named("https", "good.example", "/"));
    not_tls.limits.time = Duration::from_millis(200);
    assert!(trusting.fetch(not_tls).await.is_err());
}

#[tokio::test]
async fn nothing_takes_longer_than_it_may() {
    let silent = Server::start(|_| Reply::Silence).await;
    let dripping_head = Server::start(|_| Reply::Drip(b"HTTP/1.1 200 OK\r\nx: ".to_vec())).await;
    let dripping = Server::start(|_| Reply::Drip(b"HTTP/1.1 200 OK\r\n\r\n".to_vec())).await;
    let time = Duration::from_millis(150);
    for server in [silent, dripping_head, dripping] {
        let mut request = get(server.url("/"));
        request.limits.time = time;
        let found = guard_for(&server).fetch(request).await;
        assert_eq!(found, Err(FetchError::Timeout(time)));
    }
}

#[tokio::test]
async fn servers_that_speak_no_http_are_told_apart() {
    let broken = FetchError::Failed("the server did not answer as HTTP servers do");
    for reply in [
        Reply::Bytes(Vec::new()),
        Reply::Bytes(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
        Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n".to_vec()),
        Reply::Endless(b"HTTP/1.1 200 OK\r\nx: y\r\n".to_vec()),
        Reply::Endless(b"x".repeat(1000)),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        let found = fetch(&guard_for(&server), server.url("/")).await;
        assert_eq!(found, Err(broken.clone()));
    }
}

#[tokio::test]
async fn the_system_knows_its_own_name() {
    let resolver: Arc<dyn Resolver> = Arc::new(SystemResolver::default());
    let addresses = resolver.resolve("localhost").await.unwrap();
    assert!(addresses.iter().all(|address| address.is_loopback()));
    assert!(!addresses.is_empty());
    let unknown = resolver.resolve("no-such-name.invalid").await;
    assert_eq!(unknown, Err(ResolveError::Unknown));
    let address: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let guard = Guard::new(&settings(&[]), resolver, Tls::system());
    for url in [format!("http://{address}/"), "http://localhost/".to_owned()] {
        assert!(matches!(
            fetch(&guard, url).await,
            Err(FetchError::Refused(_))
        ));
    }
}
