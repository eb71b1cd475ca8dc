//! A runtime that opens connections only for the finding of routes, and never one by a route.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;
use wirestack::Instant;
use wirestack::dial::Event;
use wirestack::runtime::{
    AddressStream, AsyncListener, AsyncTimer, AsyncUdpSocket, BoxFuture, Resolve, Runtime,
    TcpOptions, Transport,
};

/// The state of a dialing that ends when its routes are known.
#[derive(Debug, Default)]
pub(super) struct Finding {
    is_finding: AtomicBool,
    is_over: Notify,
}

/// The runtime of such a dialing, and its resolver.
#[derive(Clone, Debug)]
pub(super) struct FindingRuntime {
    inner: Arc<dyn Runtime>,
    finding: Arc<Finding>,
}

impl Finding {
    /// Notes an event of the dialing.
    pub(super) fn note(&self, event: &Event) {
        match event {
            Event::FindingRoutes(_) => self.is_finding.store(true, Ordering::SeqCst),
            Event::FoundRoutes(_) | Event::RoutesNotFound(_) => {
                self.is_finding.store(false, Ordering::SeqCst);
            }
            _ => {}
        }
    }

    /// Waits until the dialing would go by a route.
    pub(super) async fn over(&self) {
        self.is_over.notified().await;
    }

    /// Returns `true` while a file may be fetched and a name looked up. Otherwise the finding is
    /// over.
    fn goes_on(&self) -> bool {
        let goes_on = self.is_finding.load(Ordering::SeqCst);
        if !goes_on {
            self.is_over.notify_one();
        }
        goes_on
    }
}

impl FindingRuntime {
    pub(super) fn new(inner: Arc<dyn Runtime>, finding: Arc<Finding>) -> Self {
        Self { inner, finding }
    }
}

/// Looks up the names that the finding of routes asks about.
impl Resolve for FindingRuntime {
    fn resolve(&self, host: String, port: u16) -> AddressStream {
        if self.finding.goes_on() {
            self.inner.lookup(host, port)
        } else {
            Box::pin(futures_util::stream::pending())
        }
    }
}

impl Runtime for FindingRuntime {
    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        self.inner.new_timer(at)
    }

    fn spawn(&self, task: BoxFuture<()>) {
        self.inner.spawn(task);
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.inner.spawn_blocking(work);
    }

    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        self.connect_tcp_with(to, TcpOptions::default())
    }

    fn connect_tcp_with(
        &self,
        to: SocketAddr,
        options: TcpOptions,
    ) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        if self.finding.goes_on() {
            self.inner.connect_tcp_with(to, options)
        } else {
            Box::pin(std::future::pending())
        }
    }

    fn connect_unix(&self, _: PathBuf) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        self.finding.goes_on(); // no file with routes is behind a Unix socket
        Box::pin(std::future::pending())
    }

    fn lookup(&self, host: String, port: u16) -> AddressStream {
        self.resolve(host, port)
    }

    fn wrap_tcp(&self, socket: TcpStream) -> io::Result<Box<dyn Transport>> {
        self.inner.wrap_tcp(socket)
    }

    fn wrap_listener(&self, listener: TcpListener) -> io::Result<Box<dyn AsyncListener>> {
        self.inner.wrap_listener(listener)
    }

    fn wrap_udp(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        self.inner.wrap_udp(socket)
    }
}
