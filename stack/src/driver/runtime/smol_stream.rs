//! The sockets that the runtime of smol opens, accepts and wraps.

use super::Transport;
use super::transport::read_initialized;
use super::turn::in_turns;
use smol::Async;
use std::any::Any;
use std::io::{self, ErrorKind, Read};
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use wirestack_layer::Pipe;

/// A socket of smol. Behind a read that took all there was, it waits without another read that finds
/// nothing, and it stays registered with the reactor until an event comes.
pub(super) struct Stream<T, S> {
    shown: T,
    io: Arc<Async<S>>,
    /// The last read took all that was there.
    is_drained: bool,
}

impl<T, S> Stream<T, S>
where
    T: Clone + Into<Arc<Async<S>>>,
{
    pub(super) fn new(socket: T) -> Self {
        Self {
            io: socket.clone().into(),
            shown: socket,
            is_drained: false,
        }
    }

    /// Reads, or registers the waker.
    fn poll_read_some(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>
    where
        for<'a> &'a S: Read,
    {
        if mem::take(&mut self.is_drained) {
            // The first answer may be an event for bytes that were read since. A registration
            // reports bytes that have come meanwhile.
            ready!(self.io.poll_readable(cx))?;
            ready!(self.io.poll_readable(cx))?;
        }
        loop {
            match self.io.get_ref().read(buf) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.io.poll_readable(cx))?;
                }
                read => {
                    let read = read?;
                    self.is_drained = (1..buf.len()).contains(&read);
                    return Poll::Ready(Ok(read));
                }
            }
        }
    }
}

impl<T, S> Transport for Stream<T, S>
where
    T: Transport + Clone + Into<Arc<Async<S>>>,
    S: Send + Sync + 'static,
    for<'a> &'a S: Read,
{
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
        expected: usize,
    ) -> Poll<io::Result<usize>> {
        in_turns(cx, |cx| {
            read_initialized(to, expected, |buf| self.poll_read_some(cx, buf))
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        self.shown.poll_write(cx, from)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shown.poll_shutdown(cx)
    }

    fn set_nodelay(&self) {
        Transport::set_nodelay(&self.shown);
    }

    fn reset(&self) {
        self.shown.reset();
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Transport::local_addr(&self.shown)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Transport::peer_addr(&self.shown)
    }

    fn as_any(&self) -> &dyn Any {
        &self.shown
    }
}
