//! A stack whose application side is bytes, as a byte stream.

use super::connection::TimedOut;
use super::{Connection, Socket};
use crate::driver::to_io;
use crate::{End, Error, Flow, Layer, Pipe, Place};
use std::io::{self, Read, Write};
use std::time::Instant;

/// Reads what the stack received.
impl<S: Socket, L: Layer<In = Pipe, Out = Pipe>> Read for Connection<S, L> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let taken = self.wait(|engine| take(engine.to_app(), buf));
        taken.map_err(|error| waited(&error))?
    }
}

/// A write takes what there is room for; what it took leaves with it as far as the transport takes it
/// at once, and `flush` waits for the rest.
impl<S: Socket, L: Layer<In = Pipe, Out = Pipe>> Write for Connection<S, L> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let put =
            self.wait(|engine| put(engine.to_app().closed().cloned(), engine.from_app(), bytes));
        put.map_err(|error| waited(&error))?
    }
    fn flush(&mut self) -> io::Result<()> {
        self.left().map_err(|error| waited(&error))
    }
}

impl<S: Socket, L: Layer<In = Pipe, Out = Pipe>> Connection<S, L> {
    /// Ends the direction that is written to, and leaves the other open if the stack
    /// [carries half-close](Layer::carries_half_close).
    ///
    /// # Errors
    ///
    /// What ended the stack, or [`TimedOut`].
    pub fn shutdown(&mut self) -> Result<(), Error> {
        self.engine().from_app().finish();
        self.left()
    }
    /// Cuts both directions short: the peer sees a reset or a truncation, not an end.
    pub fn abort(&mut self, cause: Error) {
        self.engine().from_app().abort(cause.at(Place::App));
        self.engine().process(Instant::now());
        self.push();
    }
}

/// Takes what there is, or the end.
pub(super) fn take(to_app: &mut Pipe, buf: &mut [u8]) -> Option<io::Result<usize>> {
    let n = to_app.first().len().min(buf.len());
    if n > 0 {
        buf[..n].copy_from_slice(&to_app.first()[..n]);
        to_app.consume(n);
        return Some(Ok(n));
    }
    Some(match to_app.end()? {
        End::Finished => Ok(0),
        End::Aborted(error) => Err(to_io(error)),
    })
}

/// Puts in what there is room for.
pub(super) fn put(
    ended: Option<End>,
    from_app: &mut Pipe,
    bytes: &[u8],
) -> Option<io::Result<usize>> {
    if let Some(End::Aborted(error)) = ended {
        return Some(Err(to_io(&error)));
    }
    if from_app.is_closed() {
        return Some(Err(io::ErrorKind::BrokenPipe.into()));
    }
    let n = bytes.len().min(from_app.room());
    if n == 0 && !bytes.is_empty() {
        return None;
    }
    from_app.write(&bytes[..n]);
    Some(Ok(n))
}

/// An error of waiting; one that took too long says so by its kind.
pub(super) fn waited(error: &Error) -> io::Error {
    match error.cause::<TimedOut>() {
        Some(_) => io::Error::new(io::ErrorKind::TimedOut, error.clone()),
        None => to_io(error),
    }
}
