//! A stack whose application side is bytes, as a byte stream.

use super::Connection;
use crate::{End, Error, Flow, Layer, Pipe};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Reads what the stack received. Bytes are never lost: a read that is dropped has taken none.
impl<S, L> AsyncRead for Connection<S, L>
where
    S: AsyncRead + AsyncWrite + Unpin,
    L: Layer<In = Pipe, Out = Pipe>,
{
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let to_app = this.engine().to_app();
            let n = to_app.first().len().min(buf.remaining());
            if n > 0 || buf.remaining() == 0 {
                buf.put_slice(&to_app.first()[..n]);
                to_app.consume(n);
                return Poll::Ready(Ok(()));
            }
            let Some(end) = to_app.end().cloned() else {
                ready!(this.advance(cx));
                continue;
            };
            this.push(cx); // the layers' last words, such as an alert
            return Poll::Ready(match end {
                End::Finished => Ok(()),
                End::Aborted(error) => Err(to_io(&error)),
            });
        }
    }
}

/// Writes go to the transport at once as far as it takes them; `flush` waits for the rest, and
/// `shutdown` ends this direction and leaves the other open if the stack
/// [carries half-close](Layer::carries_half_close).
impl<S, L> AsyncWrite for Connection<S, L>
where
    S: AsyncRead + AsyncWrite + Unpin,
    L: Layer<In = Pipe, Out = Pipe>,
{
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        loop {
            this.check()?;
            let from_app = this.engine().from_app();
            let n = bytes.len().min(from_app.room());
            if n > 0 || bytes.is_empty() {
                from_app.write(&bytes[..n]);
                this.push(cx);
                return Poll::Ready(Ok(n));
            }
            ready!(this.advance(cx));
        }
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().flush(cx).map_err(|error| to_io(&error))
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.engine().from_app().finish();
        ready!(this.flush(cx)).map_err(|error| to_io(&error))?;
        Poll::Ready(Ok(()))
    }
}

impl<S, L> Connection<S, L>
where
    S: AsyncRead + AsyncWrite + Unpin,
    L: Layer<In = Pipe, Out = Pipe>,
{
    /// Cuts both directions short: the peer sees a reset or a truncation, not an end.
    pub fn abort(&mut self, cause: Error) {
        self.engine().from_app().abort(cause.at(crate::Place::App));
        self.engine().process(super::now());
    }
    fn check(&mut self) -> io::Result<()> {
        if let Some(End::Aborted(error)) = self.engine().to_app().closed() {
            return Err(to_io(error));
        }
        match self.engine().from_app().is_closed() {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Ok(()),
        }
    }
}

/// Wraps an error for tokio's traits: the wire's own kind if it was the wire, the text as it is.
pub(super) fn to_io(error: &Error) -> io::Error {
    let kind = error
        .cause::<io::Error>()
        .map_or(io::ErrorKind::ConnectionAborted, io::Error::kind);
    io::Error::new(kind, error.clone())
}
