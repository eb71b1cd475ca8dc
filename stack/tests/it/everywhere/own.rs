//! A runtime of a user, which counts its timers, tasks and sockets.

use smol::Async;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wirestack::Instant;
use wirestack::runtime::{
    AsyncListener, AsyncTimer, AsyncUdpSocket, BoxFuture, Runtime, Transport,
};

#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) timers: AtomicUsize,
    pub(super) tasks: AtomicUsize,
    pub(super) sockets: AtomicUsize,
}

fn count(at: &AtomicUsize) {
    at.fetch_add(1, Ordering::Relaxed);
}

impl Runtime for Own {
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        count(&self.timers);
        Box::pin(smol::Timer::at(at.into_std()))
    }

    fn spawn(&self, task: BoxFuture<()>) {
        count(&self.tasks);
        smol::spawn(task).detach();
    }

    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        count(&self.sockets);
        Box::pin(async move { Ok(Box::new(smol::net::TcpStream::connect(to).await?) as _) })
    }

    fn wrap_tcp(&self, io: std::net::TcpStream) -> io::Result<Box<dyn Transport>> {
        count(&self.sockets);
        Ok(Box::new(smol::net::TcpStream::try_from(io)?))
    }

    fn wrap_listener(&self, io: std::net::TcpListener) -> io::Result<Box<dyn AsyncListener>> {
        count(&self.sockets);
        Ok(Box::new(Async::new(io)?))
    }

    fn wrap_udp(&self, io: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        count(&self.sockets);
        Ok(Arc::new(Async::new(io)?))
    }
}
