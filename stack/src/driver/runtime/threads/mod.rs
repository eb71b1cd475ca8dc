//! Threads as a runtime: each thread waits by itself for its sockets and timers.
//!
//! [`block_on`] polls a future, and sleeps in `poll(2)` until a socket or a timer of that future is
//! ready. If the future waits for the bytes of one socket and for nothing else, it sleeps in the read. There is no reactor, no background thread and no registration with the kernel.

mod block_on;
mod sleeper;
mod sockets;
mod streams;
mod system;

pub(crate) use block_on::block_for;
pub use block_on::block_on;
pub(super) use block_on::is_current;

use super::{
    AsyncListener, AsyncTimer, AsyncUdpSocket, BoxFuture, Runtime, TcpOptions, Transport,
    blocking_task,
};
use block_on::{forget_timer, next_timer_id, wait_for_time};
#[cfg(unix)]
use socket2::{Domain, Socket, Type};
use sockets::{Polled, connect};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use streams::Streamed;
use wirestack_layer::Instant;

/// The runtime of plain threads: each thread waits for its own sockets and timers.
///
/// A connection on this runtime works only inside of
/// [`blocking::block_on`](crate::blocking::block_on); elsewhere its calls return an error. Each
/// spawned task is a thread.
///
/// ```
/// use std::sync::Arc;
/// use wirestack::blocking::block_on;
/// use wirestack::runtime::{Threads, current};
///
/// // Inside of `block_on`, it is the current runtime.
/// let name = block_on(async { format!("{:?}", current().unwrap()) });
/// assert_eq!(name, "Threads");
///
/// // A connection can name it.
/// let connect = wirestack::connect("wss://example.org").runtime(Arc::new(Threads));
/// # drop(connect);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Threads;

static SHARED: LazyLock<Arc<Threads>> = LazyLock::new(Arc::default);

impl Threads {
    pub(crate) fn shared() -> Arc<dyn Runtime> {
        SHARED.clone()
    }
}

impl Runtime for Threads {
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        Box::pin(ThreadTimer {
            at,
            id: next_timer_id(),
        })
    }

    fn spawn(&self, task: BoxFuture<()>) {
        blocking_task::on_new_thread(Box::new(|| block_on(task)));
    }

    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        self.connect_tcp_with(to, TcpOptions::default())
    }

    fn connect_tcp_with(
        &self,
        to: SocketAddr,
        options: TcpOptions,
    ) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        Box::pin(async move {
            let socket = connect(options.socket(to)?, to.into()).await?;
            Ok(Box::new(Streamed::new(std::net::TcpStream::from(socket))?) as _)
        })
    }

    #[cfg(unix)]
    fn connect_unix(&self, path: std::path::PathBuf) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        Box::pin(async move {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            socket.set_nonblocking(true)?;
            let socket = connect(socket, socket2::SockAddr::unix(path)?).await?;
            let socket = std::os::fd::OwnedFd::from(socket);
            let socket = std::os::unix::net::UnixStream::from(socket);
            Ok(Box::new(Streamed::new(socket)?) as _)
        })
    }

    fn wrap_tcp(&self, socket: std::net::TcpStream) -> io::Result<Box<dyn Transport>> {
        Ok(Box::new(Streamed::new(socket)?))
    }

    #[cfg(unix)]
    fn wrap_unix(&self, socket: std::os::unix::net::UnixStream) -> io::Result<Box<dyn Transport>> {
        Ok(Box::new(Streamed::new(socket)?))
    }

    fn wrap_listener(&self, listener: std::net::TcpListener) -> io::Result<Box<dyn AsyncListener>> {
        listener.set_nonblocking(true)?;
        Ok(Box::new(Polled::new(listener)))
    }

    #[cfg(unix)]
    fn wrap_unix_listener(
        &self,
        listener: std::os::unix::net::UnixListener,
    ) -> io::Result<Box<dyn AsyncListener>> {
        listener.set_nonblocking(true)?;
        Ok(Box::new(Polled::new(listener)))
    }

    fn wrap_udp(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        socket.set_nonblocking(true)?;
        Ok(Arc::new(Polled::new(socket)))
    }
}

struct ThreadTimer {
    at: Instant,
    id: u64,
}

impl AsyncTimer for ThreadTimer {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.at = at;
    }

    fn poll_expired(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.at <= Instant::now() {
            return Poll::Ready(Ok(()));
        }
        wait_for_time(self.id, self.at.into_std(), cx)
    }
}

impl Drop for ThreadTimer {
    fn drop(&mut self) {
        forget_timer(self.id);
    }
}
