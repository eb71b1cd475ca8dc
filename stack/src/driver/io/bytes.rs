//! Reading and writing where the application's side is bytes, for the stream traits of every
//! runtime.

use super::Connection;
use crate::driver::error::to_io;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use wirestack_layer::{End, Error, Flow, Layer, Pipe, origin};

impl<L> Connection<L>
where
    L: Layer<In = Pipe, Out = Pipe>,
{
    /// Aborts both directions: the peer sees a reset or a truncated stream, not a clean end.
    ///
    /// ```
    /// use wirestack::{ByteStream, Error};
    ///
    /// /// Ends a stream so that the peer sees that it was cut.
    /// fn cut(mut stream: ByteStream) {
    ///     stream.abort(Error::local("my-program", "the file is damaged"));
    /// }
    /// ```
    pub fn abort(&mut self, cause: Error) {
        self.engine()
            .from_app()
            .abort(cause.at(wirestack_layer::Place::App));
        let now = self.now();
        self.engine().process(now);
        // The caller may drop the connection.
        let Some(io) = &self.io else { return };
        let is_aborted = |end: Option<&End>| matches!(end, Some(End::Aborted(_)));
        let to_wire = self.engine.to_wire();
        if is_aborted(to_wire.end()) {
            io.reset();
            self.io = None; // no bytes wait that would have to leave before
        } else if !io.lingers() && to_wire.closed().is_none_or(|end| is_aborted(Some(end))) {
            io.reset(); // bytes that wait leave if the connection is driven, and its drop is no clean end
        }
    }

    /// Gives up to `max` received bytes to `take`, and returns their number; 0 is the end. A read
    /// that is dropped while it waits has taken no bytes.
    pub(crate) fn poll_read_bytes(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        take: impl FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        self.read_with(cx, |this, cx| this.take_bytes(cx, max, take))
    }

    #[inline]
    fn take_bytes(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        loop {
            let to_app = self.engine().to_app();
            let n = to_app.first().len().min(max);
            if n > 0 || max == 0 {
                take(&to_app.first()[..n]);
                to_app.consume(n);
                return Poll::Ready(Ok(n));
            }
            let Some(end) = to_app.end().cloned() else {
                ready!(self.advance(cx));
                continue;
            };
            self.process_and_write(cx); // the layers' last bytes, such as an alert
            return Poll::Ready(match end {
                End::Finished => Ok(0),
                End::Aborted(error) => Err(to_io(&error)),
            });
        }
    }

    /// Reads for a caller that drives nothing else until bytes come. It leaves no waker in the
    /// connection, as no other task can take the bytes meanwhile.
    #[cfg(feature = "blocking")]
    pub(crate) fn poll_read_alone(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        take: impl FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        let read = self.poll_read_bytes(cx, max, take);
        if read.is_pending() {
            self.forget_tasks();
        }
        read
    }

    /// Accepts bytes from the application, and returns their number. As many as possible go to the
    /// transport at once.
    pub(crate) fn poll_write_bytes(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write_with(cx, |this, cx| this.accept_bytes(cx, bytes))
    }

    #[inline]
    fn accept_bytes(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            self.check_writable()?;
            let from_app = self.engine().from_app();
            let n = bytes.len().min(from_app.room());
            if n > 0 || bytes.is_empty() {
                from_app.write(&bytes[..n]);
                self.process_and_write(cx);
                return Poll::Ready(match self.engine().from_app().stopped() {
                    Some(error) if n > 0 => Err(to_io(error)),
                    _ => Ok(n),
                });
            }
            ready!(self.advance(cx));
        }
    }

    /// Waits until all written bytes have left.
    pub(crate) fn poll_flush_bytes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flush(cx).map_err(|error| to_io(&error))
    }

    /// Ends the direction to the peer, and waits until all written bytes have left. The other
    /// direction stays open if the stack [carries half-close](Layer::carries_half_close).
    pub(crate) fn poll_shutdown_bytes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.engine().from_app().finish();
        let flushed = self.poll_flush_bytes(cx);
        if flushed.is_ready() {
            self.closing = None;
            return flushed;
        }
        let timeout = Duration::from_millis(self.close_timeout.into());
        let closing = match &mut self.closing {
            Some(closing) => closing,
            none => match self.runtime.now().checked_add(timeout) {
                Some(at) => none.insert(self.runtime.new_timer(at)),
                None => return Poll::Pending,
            },
        };
        let error = match ready!(closing.as_mut().poll_expired(cx)) {
            Ok(()) => Error::peer(origin::CONNECTION, CloseTimedOut { timeout }),
            Err(error) => Error::local(origin::RUNTIME, error),
        };
        self.closing = None;
        self.reset(&error);
        Poll::Ready(Err(to_io(&error)))
    }

    fn check_writable(&mut self) -> io::Result<()> {
        if let Some(error) = self.refused() {
            return Err(to_io(&error));
        }
        if self.engine().from_app().is_closed() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    }
}

/// The peer did not accept all written bytes in the time for closing.
#[derive(Debug, thiserror::Error)]
#[error(
    "shutdown: the peer did not accept all written bytes within {timeout:?}; flush before the \
     shutdown, or set a longer close timeout"
)]
struct CloseTimedOut {
    timeout: Duration,
}
