//! A stack whose application side is bytes: what the traits of bytes of every runtime are made of.

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
    /// Cuts both directions short: the peer sees a reset or a truncation, not an end.
    pub fn abort(&mut self, cause: Error) {
        self.engine()
            .from_app()
            .abort(cause.at(wirestack_layer::Place::App));
        let now = self.now();
        self.engine().process(now);
    }

    /// Hands over what the stack received, `most` bytes of it, and returns how many; 0 is the end.
    /// Bytes are never lost: one that is dropped while it waits has taken none.
    pub(crate) fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        loop {
            let to_app = self.engine().to_app();
            let n = to_app.first().len().min(most);
            if n > 0 || most == 0 {
                take(&to_app.first()[..n]);
                to_app.consume(n);
                return Poll::Ready(Ok(n));
            }
            let Some(end) = to_app.end().cloned() else {
                self.waits_to_read(cx);
                ready!(self.advance(cx));
                continue;
            };
            self.push(cx); // the layers' last words, such as an alert
            return Poll::Ready(match end {
                End::Finished => Ok(0),
                End::Aborted(error) => Err(to_io(&error)),
            });
        }
    }

    /// Takes bytes from the application; they go to the transport at once as far as it takes them.
    pub(crate) fn poll_put(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            self.check()?;
            let from_app = self.engine().from_app();
            let n = bytes.len().min(from_app.room());
            if n > 0 || bytes.is_empty() {
                from_app.write(&bytes[..n]);
                self.push(cx);
                return Poll::Ready(match self.engine().from_app().stopped() {
                    Some(error) if n > 0 => Err(to_io(error)),
                    _ => Ok(n),
                });
            }
            ready!(self.advance(cx));
        }
    }

    /// Waits until everything has left.
    pub(crate) fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flush(cx).map_err(|error| to_io(&error))
    }

    /// Ends this direction, and leaves the other open if the stack
    /// [carries half-close](Layer::carries_half_close).
    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.engine().from_app().finish();
        let flushed = self.poll_left(cx);
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
        self.cut(&error);
        Poll::Ready(Err(to_io(&error)))
    }

    fn check(&mut self) -> io::Result<()> {
        if let Some(error) = self.refused() {
            return Err(to_io(&error));
        }
        if self.engine().from_app().is_closed() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    }
}

/// The peer did not take in time what was written before the end.
#[derive(Debug, thiserror::Error)]
#[error("the peer did not take everything within {timeout:?} after the end was written")]
struct CloseTimedOut {
    timeout: Duration,
}
