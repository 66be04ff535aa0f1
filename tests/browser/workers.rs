//! What pages open beside their requests, through the same guard: sockets, workers, service workers.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use minibot::core::egress::EgressConfig;
use tungstenite::Message;

use crate::walls::Names;
use crate::world::World;

/// A server of sockets that sends back what it hears, on a thread that ends with the test.
struct Echo {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::default());
        let written: Arc<Mutex<Vec<String>>> = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(mut socket) = tungstenite::accept(stream) else {
                    continue;
                };
                while let Ok(message) = socket.read() {
                    if let Message::Text(text) = message {
                        written.lock().unwrap().push(text.to_string());
                        let _ = socket.send(Message::text(format!("you said {text}")));
                    }
                }
            }
        });
        Self { port, heard }
    }
}

/// Waits until the page says something else than that it waits.
async fn told(world: &World) -> String {
    for _ in 0..600 {
        let text = world.text().await;
        if !text.contains("waiting") {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it waits for ever")
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_and_workers_work_and_pass_the_guard() {
    let echo = Echo::start();
    let open = |ports: [u16; 2]| EgressConfig {
        allow_http: true,
        allowed_ports: ports.into(),
        allow_private: ports
            .map(|port| format!("127.0.0.1/32:{port}").parse().unwrap())
            .into(),
        ..EgressConfig::default()
    };
    let world = World::guarded(Arc::new(Names::default()), |port| open([port, echo.port]));
    let Some(world) = world.await else { return };

    let path = format!("/socket?port={}", echo.port);
    world.open(&path).await.unwrap();
    assert_eq!(told(&world).await, "you said hello");
    assert_eq!(*echo.heard.lock().unwrap(), ["hello"]);

    world.open("/worker").await.unwrap();
    assert_eq!(told(&world).await, "worker read it");

    // Its registration is active, and it answers in the place of the server.
    world.open("/service").await.unwrap();
    assert_eq!(told(&world).await, "activated: from the worker");
    let seen = world.site.requests();
    let is_seen = |line: &str| seen.iter().any(|seen| seen == line);
    assert!(is_seen("GET /next?by=worker"), "{seen:?}");
    assert!(is_seen("GET /next?by=service"), "{seen:?}");
    assert!(!is_seen("GET /answered"), "{seen:?}");
}
