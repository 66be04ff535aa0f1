//! What pages cannot reach: a server of this machine that sees nothing, whatever a page does.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use minibot::core::browser::{Browser, ElementState};
use minibot::core::egress::{EgressConfig, ResolveError, Resolver};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use crate::world::{PATIENCE, World, chat};

/// A server that no page may see. It notes the first line of whatever comes.
#[derive(Clone)]
struct Inner {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Inner {
    /// Listens on 127.0.0.1 and ::1, for connections and datagrams.
    async fn start() -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = first.local_addr().unwrap().port();
        let mut listeners = vec![first];
        listeners.extend(TcpListener::bind(("::1", port)).await);
        for listener in listeners {
            let seen = seen.clone();
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let seen = seen.clone();
                    tokio::spawn(async move {
                        let mut head = vec![0; 2048];
                        let count = stream.read(&mut head).await.unwrap_or(0);
                        seen.lock().unwrap().push(first_line(&head[..count]));
                        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nAccess-Control-Allow-Origin: *\r\n\r\nsecret";
                        let _ = stream.write_all(answer).await;
                    });
                }
            });
        }
        let datagrams = UdpSocket::bind(("127.0.0.1", port)).await.unwrap();
        let heard = seen.clone();
        tokio::spawn(async move {
            let mut datagram = vec![0; 2048];
            while let Ok((count, _)) = datagrams.recv_from(&mut datagram).await {
                heard
                    .lock()
                    .unwrap()
                    .push(format!("a datagram of {count} bytes"));
            }
        });
        Self { port, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// What STUN and TURN begin with, behind their kind and length.
const STUN: &[u8] = &[0x21, 0x12, 0xa4, 0x42];

fn first_line(head: &[u8]) -> String {
    if head.get(4..8) == Some(STUN) {
        return "STUN /webrtc".to_owned();
    }
    let head = String::from_utf8_lossy(head);
    head.lines().next().unwrap_or("(nothing)").to_owned()
}

/// Names of these tests. `rebind.test` leads to 127.0.0.2 at first, and inside from then on.
#[derive(Debug, Default)]
pub struct Names {
    rebound: AtomicUsize,
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let address = match name {
            "site.test" | "inner.test" => Ipv4Addr::LOCALHOST,
            "rebind.test" if self.rebound.fetch_add(1, Ordering::SeqCst) == 0 => {
                Ipv4Addr::new(127, 0, 0, 2)
            }
            "rebind.test" => Ipv4Addr::LOCALHOST,
            "metadata.test" => Ipv4Addr::new(169, 254, 169, 254),
            _ => return Err(ResolveError::Unknown),
        };
        Ok(vec![address.into()])
    }
}

/// The hosts under which a page tries to find the server.
fn hosts(port: u16) -> Vec<String> {
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0.0.0.0",
        "2130706433",
        "inner.test",
        "metadata.test",
    ]
    .map(|name| format!("{name}:{port}"))
    .into_iter()
    .chain(["169.254.169.254".to_owned()])
    .collect()
}

/// Opens the page that attacks, lets it do all it can, and gives what it was told.
async fn attack(world: &World, hosts: &[String]) -> BTreeMap<String, String> {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(hosts.iter().map(|host| ("host", host)))
        .finish();
    world.open(&format!("/attack?{query}")).await.unwrap();
    until_none_of(async || {
        let title = world.browser.info(&chat(1)).await.unwrap().title;
        let is_done = title == "Attacked";
        if is_done { vec![] } else { vec!["Attacked"] }
    })
    .await;
    let raw = world.text().await;
    let start = raw.find('{').unwrap();
    let told = serde_json::from_str(raw[start..].trim()).unwrap();
    let _ = world.click("#popup").await;
    told
}

/// Looks again and again until nothing is missing.
async fn until_none_of(mut missing: impl AsyncFnMut() -> Vec<&'static str>) {
    let begun = Instant::now();
    loop {
        let missing = missing().await;
        if missing.is_empty() {
            return;
        }
        assert!(begun.elapsed() < 2 * PATIENCE, "missing: {missing:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The ways of which the server saw something.
fn ways_seen(lines: &[String]) -> Vec<String> {
    let mut ways: Vec<String> = lines
        .iter()
        .map(|line| {
            let path = line.split(['/', '?', ' ']).nth(2).unwrap_or(line);
            path.to_owned()
        })
        .collect();
    ways.sort();
    ways.dedup();
    ways
}

/// The addresses of this machine that pages may see, with their ports.
fn egress(world_port: u16, inner: &Inner) -> EgressConfig {
    EgressConfig {
        allow_http: true,
        allowed_ports: vec![80, 443, world_port, inner.port],
        allow_private: [
            format!("127.0.0.1/32:{world_port}"),
            format!("127.0.0.2/32:{}", inner.port),
        ]
        .iter()
        .map(|network| network.parse().unwrap())
        .collect(),
        ..EgressConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_leads_inside() {
    let inner = Inner::start().await;
    let names = Arc::new(Names::default());
    let guarded = World::guarded(names, |port| egress(port, &inner));
    let Some(world) = guarded.await else { return };
    let told = attack(&world, &hosts(inner.port)).await;
    println!("what the page was told, by way and address:");
    for (way, outcome) in &told {
        println!("{way:<44} {outcome}");
    }
    // So much later a window has opened, if any does.
    tokio::time::sleep(Duration::from_millis(700)).await;
    let seen = inner.seen();
    println!("{} tries; the server saw {seen:?}", told.len());
    assert!(told.len() >= 150, "{}", told.len());
    assert_eq!(seen, Vec::<String>::new());

    // The page's own visits end at the same wall.
    for host in hosts(inner.port) {
        let visited = world.open_url(&format!("http://{host}/visit")).await;
        if let Ok(arrival) = visited {
            let text = world.text().await;
            assert!(!text.contains("secret"), "{host}: {arrival:?} {text}");
        }
    }
    for url in [
        "/to?u=http://127.0.0.1",
        "/leave?u=file:///etc/passwd",
        "/leave?u=chrome://version",
    ] {
        let url = world
            .site
            .url(&url.replace("127.0.0.1", &format!("127.0.0.1:{}", inner.port)));
        let _ = world.open_url(&url).await;
        let text = world.text().await;
        assert!(
            !text.contains("secret") && !text.contains("root:"),
            "{url}: {text}"
        );
    }
    assert_eq!(inner.seen(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_wall_these_are_attacks() {
    let inner = Inner::start().await;
    let names = Arc::new(Names::default());
    let open = World::guarded(names, |port| EgressConfig {
        block_private_networks: false,
        ..egress(port, &inner)
    });
    let Some(world) = open.await else { return };
    // By its address as well: for its own connections a page looks up no name at all.
    let hosts = ["inner.test", "127.0.0.1"].map(|host| format!("{host}:{}", inner.port));
    attack(&world, &hosts).await;
    const WAYS: [&str; 21] = [
        "img",
        "script",
        "style",
        "font",
        "media",
        "object",
        "fetch",
        "xhr",
        "beacon",
        "events",
        "iframe",
        "form",
        "redirect",
        "frame_redirect",
        "meta_refresh",
        "socket",
        "webrtc",
        "prefetch",
        "worker",
        "service_worker",
        "popup",
    ];
    until_none_of(async || {
        let seen = ways_seen(&inner.seen());
        let mut missing = WAYS.to_vec();
        missing.retain(|way| !seen.iter().any(|line| line.starts_with(way)));
        missing
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_turns_inside_is_not_followed() {
    let inner = Inner::start().await;
    let benign = TcpListener::bind(("127.0.0.2", inner.port)).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = benign.accept().await {
            let mut head = vec![0; 4096];
            let _ = stream.read(&mut head).await;
            let page = "<title>Outside</title><p id=p></p><script>setTimeout(() => fetch('/rebound').then((a) => a.text()).then((t) => p.textContent = 'read: ' + t, (e) => p.textContent = 'refused'), 100)</script>";
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                page.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let names = Arc::new(Names::default());
    let guarded = World::guarded(names.clone(), |port| egress(port, &inner));
    let Some(world) = guarded.await else { return };
    let url = format!("http://rebind.test:{}/", inner.port);
    assert_eq!(world.open_url(&url).await.unwrap().page.title, "Outside");
    let waited = world
        .browser
        .wait_for(&chat(1), "#p", ElementState::Visible, PATIENCE)
        .await;
    waited.unwrap();
    assert!(!world.text().await.contains("secret"));
    assert!(names.rebound.load(Ordering::SeqCst) > 1);
    assert_eq!(inner.seen(), Vec::<String>::new());
}
