//! Streams of the standard library as transports.

use super::block_on::{attempt, wait_for_socket};
use super::sleeper::Waitable;
use super::system::{CAN_WAIT_IN_READ, prepare, read, read_or_wait, write};
use crate::driver::runtime::transport::{no_address, read_initialized, write_slices};
use crate::driver::runtime::{IDLE_READ_SIZE, Transport};
use rustix::event::PollFlags;
use rustix::fd::{AsFd, BorrowedFd};
use socket2::SockRef;
use std::any::Any;
use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use wirestack_layer::Pipe;

/// A stream socket.
#[derive(Debug)]
pub(super) struct Streamed<S> {
    socket: Arc<Socket<S>>,
    /// The last read took all waiting bytes, so the next one first waits until the socket is
    /// readable.
    is_drained: bool,
}

/// A socket, and what a sleeping thread has read from it.
#[derive(Debug)]
struct Socket<S> {
    io: S,
    has_early: AtomicBool,
    early: Mutex<Option<Early>>,
}

/// The result of a read in which a thread has slept, until the connection is polled.
#[derive(Debug)]
struct Early {
    buffer: Box<[u8]>,
    read: io::Result<usize>,
}

impl<S: Stream> Streamed<S>
where
    for<'a> &'a S: Read + Write,
{
    pub(super) fn new(io: S) -> io::Result<Self> {
        prepare(|is_nonblocking| io.set_nonblocking(is_nonblocking))?;
        let socket = Socket {
            io,
            has_early: AtomicBool::new(false),
            early: Mutex::new(None),
        };
        Ok(Self {
            socket: Arc::new(socket),
            is_drained: false,
        })
    }

    fn take_early(&self, to: &mut Pipe) -> Option<io::Result<usize>> {
        if !self.socket.has_early.load(Ordering::Acquire) {
            return None;
        }
        self.socket.has_early.store(false, Ordering::Relaxed);
        let Early { buffer, read } = self.socket.early().take()?;
        if let Ok(n) = read {
            to.write(&buffer[..n]);
        }
        let _ = SPARE.try_with(|spare| spare.set(Some(buffer))); // fails while the thread ends
        Some(read)
    }
}

impl<S> Socket<S> {
    fn early(&self) -> MutexGuard<'_, Option<Early>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Stream> Waitable for Socket<S>
where
    for<'a> &'a S: Read + Write,
{
    fn fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }

    fn sleep_in_read(&self) -> bool {
        if !CAN_WAIT_IN_READ || self.has_early.load(Ordering::Acquire) {
            return false;
        }
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        let mut buffer = spare.unwrap_or_else(|| vec![0; IDLE_READ_SIZE].into_boxed_slice());
        // No lock is held while it waits.
        let read = read_or_wait(&self.io, &mut buffer);
        match read.as_ref().map_err(io::Error::kind) {
            Err(ErrorKind::Interrupted) => {}
            // A clone of the socket was made nonblocking, or has a time-out.
            Err(ErrorKind::WouldBlock) => return false,
            _ => {
                *self.early() = Some(Early { buffer, read });
                self.has_early.store(true, Ordering::Release);
            }
        }
        true
    }
}

thread_local! {
    /// A buffer that no socket has.
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// The calls that differ between TCP and Unix sockets.
pub(super) trait Stream: AsFd + Send + Sync + 'static
where
    for<'a> &'a Self: Read + Write,
{
    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()>;
    fn shutdown(&self) -> io::Result<()>;
    fn set_nodelay(&self) {}
    fn reset(&self) {}
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(no_address())
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(no_address())
    }
}

impl Stream for TcpStream {
    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        Self::set_nonblocking(self, is_nonblocking)
    }

    fn shutdown(&self) -> io::Result<()> {
        Self::shutdown(self, Shutdown::Write)
    }

    fn set_nodelay(&self) {
        let _ = Self::set_nodelay(self, true); // a broken socket fails again at the next read
    }

    fn reset(&self) {
        let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Self::peer_addr(self)
    }
}

#[cfg(unix)]
impl Stream for std::os::unix::net::UnixStream {
    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        Self::set_nonblocking(self, is_nonblocking)
    }

    fn shutdown(&self) -> io::Result<()> {
        Self::shutdown(self, Shutdown::Write)
    }
}

impl<S: Stream> Transport for Streamed<S>
where
    for<'a> &'a S: Read + Write,
{
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
        expected: usize,
    ) -> Poll<io::Result<usize>> {
        if let Some(early) = self.take_early(to) {
            self.is_drained = early
                .as_ref()
                .is_ok_and(|n| (1..IDLE_READ_SIZE).contains(n));
            return Poll::Ready(early);
        }
        if mem::take(&mut self.is_drained) {
            return wait_for_socket(&self.socket, PollFlags::IN, cx);
        }
        let mut is_drained = false;
        let result = read_initialized(to, expected, |buf| {
            let read = attempt(&self.socket, PollFlags::IN, cx, |socket| {
                read(&socket.io, buf)
            });
            if let Poll::Ready(Ok(n)) = read {
                is_drained = n > 0 && n < buf.len();
            }
            read
        });
        self.is_drained = is_drained;
        result
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        write_slices(from, |slices| {
            attempt(&self.socket, PollFlags::OUT, cx, |socket| {
                write(&socket.io, slices)
            })
        })
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.socket.io.shutdown())
    }

    fn set_nodelay(&self) {
        self.socket.io.set_nodelay();
    }

    fn reset(&self) {
        self.socket.io.reset();
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.io.local_addr()
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.io.peer_addr()
    }

    fn as_any(&self) -> &dyn Any {
        &self.socket.io
    }
}
