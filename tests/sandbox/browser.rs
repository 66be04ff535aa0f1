//! A real Chromium under its own profile of the sandbox.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::world::World;

const CHROMIUM: &str = "/usr/bin/chromium";

/// A web server that answers everything with the same words, on a thread that ends with the test.
fn server(words: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let _ = answer(connection, words);
        }
    });
    port
}

fn answer(mut connection: TcpStream, words: &str) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let _ = connection.read(&mut request)?;
    let length = words.len();
    write!(
        connection,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{words}"
    )
}

fn confined(world: &World, port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_minibot"));
    let profile = world.data().join("profile");
    command
        .arg("__confine-browser")
        .args(["--profile".as_ref(), profile.as_os_str()])
        .args(["--port", &port.to_string(), "--parent", &own_id()])
        .args(["--", CHROMIUM])
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ])
        .arg(format!(
            "--user-data-dir={}",
            profile.join("data").display()
        ))
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", &profile)
        .env("TMPDIR", &profile)
        .env("XDG_CONFIG_HOME", &profile)
        .env("XDG_CACHE_HOME", &profile);
    command
}

/// The process that starts it.
fn own_id() -> String {
    std::process::id().to_string()
}

/// The text of a page as the confined browser shows it.
fn dump(world: &World, port: u16, url: &str) -> String {
    let output = confined(world, port, &["--timeout=8000", "--dump-dom", url])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Only a machine outside CI may have none.
fn is_there() -> bool {
    let is_there = Path::new(CHROMIUM).exists();
    assert!(
        is_there || std::env::var_os("CI").is_none(),
        "there is no {CHROMIUM}"
    );
    if !is_there {
        eprintln!("skipped: there is no {CHROMIUM}");
    }
    is_there
}

#[test]
fn it_starts_shows_its_one_port_and_neither_another_nor_the_data_folder() {
    if !is_there() {
        return;
    }
    let world = World::new();
    let (allowed, other) = (
        server("<p>the proxy's words</p>"),
        server("<p>another's words</p>"),
    );
    let page = format!("http://127.0.0.1:{allowed}/");
    assert!(dump(&world, allowed, &page).contains("the proxy's words"));
    let page = format!("http://127.0.0.1:{other}/");
    assert!(!dump(&world, allowed, &page).contains("another's words"));
    fs::write(world.data().join("secret.html"), "<p>a secret</p>").unwrap();
    let page = format!("file://{}/secret.html", world.data().display());
    assert!(!dump(&world, allowed, &page).contains("a secret"));
    // It is the sandbox, not the address: what lies in the profile is shown.
    fs::write(world.data().join("profile/own.html"), "<p>no secret</p>").unwrap();
    let page = format!("file://{}/profile/own.html", world.data().display());
    assert!(dump(&world, allowed, &page).contains("no secret"));
}

#[test]
fn its_debugging_port_can_be_spoken_to() {
    if !is_there() {
        return;
    }
    let world = World::new();
    let _browser = Guard(
        confined(&world, 1, &["--remote-debugging-port=0", "about:blank"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let told = world.data().join("profile/data/DevToolsActivePort");
    let begun = Instant::now();
    let port = loop {
        let port = fs::read_to_string(&told).unwrap_or_default();
        if let Some(port) = port
            .lines()
            .next()
            .and_then(|line| line.parse::<u16>().ok())
        {
            break port;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it does not listen"
        );
        thread::sleep(Duration::from_millis(20));
    };
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        connection,
        "GET /json/version HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

/// What a renderer could try that has broken out of the browser's own sandbox.
#[test]
fn what_runs_in_its_place_gets_no_further() {
    let world = World::new();
    let (allowed, other) = (server("x"), server("x"));
    let code = format!(
        "import os, socket, sys\n\
        def show(name, attempt):\n\
        \x20   try:\n\
        \x20       attempt()\n\
        \x20       print(name, 'through')\n\
        \x20   except OSError:\n\
        \x20       print(name, 'blocked')\n\
        data = {data:?}\n\
        show('proxy', lambda: socket.create_connection(('127.0.0.1', {allowed})))\n\
        show('profile', lambda: open(data + '/profile/x', 'w').write('x'))\n\
        show('other', lambda: socket.create_connection(('127.0.0.1', {other})))\n\
        show('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))\n\
        show('udp6', lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))\n\
        show('mptcp', lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262))\n\
        show('vsock', lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM))\n\
        show('database', lambda: open(data + '/minibot.db').read())\n\
        show('list', lambda: os.listdir(data))\n\
        show('write', lambda: open(data + '/x', 'w'))\n\
        show('tmp', lambda: os.listdir('/tmp'))\n\
        show('environ', lambda: open(f'/proc/{{os.getppid()}}/environ').read())\n\
        show('signal', lambda: os.kill(os.getppid(), 0))\n",
        data = world.data().display().to_string(),
    );
    let output = Command::new(env!("CARGO_BIN_EXE_minibot"))
        .arg("__confine-browser")
        .args([
            "--profile".as_ref(),
            world.data().join("profile").as_os_str(),
        ])
        .args([
            "--port",
            &allowed.to_string(),
            "--parent",
            &own_id(),
            "--",
            crate::world::PYTHON,
            "-c",
            &code,
        ])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    let through: Vec<&str> = shown
        .lines()
        .filter(|line| line.ends_with("through"))
        .collect();
    assert_eq!(through, ["proxy through", "profile through"], "{output:?}");
    assert_eq!(shown.lines().count(), 13, "{output:?}");
}

/// Whoever started it may be gone before it asks to end with them.
#[test]
fn it_does_not_start_for_one_who_is_gone() {
    let world = World::new();
    let start = |parent: &str| {
        Command::new(env!("CARGO_BIN_EXE_minibot"))
            .arg("__confine-browser")
            .args([
                "--profile".as_ref(),
                world.data().join("profile").as_os_str(),
            ])
            .args([
                "--port",
                "1",
                "--parent",
                parent,
                "--",
                "/bin/sh",
                "-c",
                "echo started",
            ])
            .output()
            .unwrap()
    };
    let output = start("1");
    assert!(
        !output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("is gone"));
    assert_eq!(start(&own_id()).stdout, b"started\n");
}

struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
