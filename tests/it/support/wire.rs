//! A loopback listener whose connections a fake server can cut in the middle of a call.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running server; dropping it stops accepting and cuts every connection.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    network: Arc<Network>,
    task: JoinHandle<()>,
}

impl Server {
    /// Binds a free loopback port and serves `router` on a task of its own.
    pub async fn start(router: Router) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("loopback has a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let network = Arc::new(Network::default());
        let cuttable = CuttableListener {
            listener,
            network: Arc::clone(&network),
        };
        let service = router.into_make_service_with_connect_info::<Line>();
        let task = tokio::spawn(async move {
            let _ = axum::serve(cuttable, service).await;
        });
        Self {
            address,
            network,
            task,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection and, until [`Server::go_online`], each new one as soon as it is accepted.
    pub fn go_offline(&self) {
        self.network.offline.store(true, Ordering::SeqCst);
        self.network.cut_all();
    }

    pub fn go_online(&self) {
        self.network.offline.store(false, Ordering::SeqCst);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        self.network.cut_all();
    }
}

#[derive(Debug, Default)]
struct Network {
    offline: AtomicBool,
    lines: Mutex<Vec<Weak<LineState>>>,
}

impl Network {
    fn cut_all(&self) {
        for line in lock(&self.lines)
            .drain(..)
            .filter_map(|line| line.upgrade())
        {
            line.cut();
        }
    }

    fn open_line(&self) -> Line {
        let line = Line(Arc::new(LineState::default()));
        let mut lines = lock(&self.lines);
        lines.retain(|known| known.strong_count() > 0);
        lines.push(Arc::downgrade(&line.0));
        line
    }
}

/// One connection, as the handler of a request sees it.
#[derive(Debug, Clone)]
pub struct Line(Arc<LineState>);

impl Line {
    /// Ends the connection: the client sees it close without (the rest of) an answer.
    pub fn cut(&self) {
        self.0.cut();
    }
}

#[derive(Debug, Default)]
struct LineState {
    cut: AtomicBool,
    reader: AtomicWaker,
}

impl LineState {
    fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.reader.wake();
    }

    fn check(&self) -> Result<()> {
        if self.cut.load(Ordering::SeqCst) {
            return Err(Error::from(ErrorKind::ConnectionReset));
        }
        Ok(())
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Line {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().line.clone()
    }
}

#[derive(Debug)]
struct CuttableListener {
    listener: TcpListener,
    network: Arc<Network>,
}

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            if self.network.offline.load(Ordering::SeqCst) {
                continue;
            }
            let _ = stream.set_nodelay(true);
            return (
                CuttableStream {
                    stream,
                    line: self.network.open_line(),
                },
                address,
            );
        }
    }

    fn local_addr(&self) -> Result<Self::Addr> {
        self.listener.local_addr()
    }
}

#[derive(Debug)]
struct CuttableStream {
    stream: TcpStream,
    line: Line,
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        self.line.0.reader.register(context.waker());
        self.line.0.check()?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        self.line.0.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.line.0.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.line.0.check()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Locks even after a panic elsewhere: a failed assertion must not hide behind a poisoned lock.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
