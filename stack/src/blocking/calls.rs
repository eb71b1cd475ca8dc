//! The calls of a blocking connection and of its halves.

use super::{Connection, Reader, TimedOut, Writer};
use crate::driver::error::to_io;
use crate::driver::runtime::threads::block_until;
use bytes::Bytes;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::task::Poll;
use std::time::{Duration, Instant};
use wirestack_layer::{ByteSize, Error, Layer, Pipe, Queue};
use wirestack_nest::Engine;
use wirestack_websocket::{self as websocket, CloseCode, Payload};

macro_rules! receives {
    ($($holder:ident)*) => {$(
        impl<L, I, O> $holder<L>
        where
            L: Layer<In = Queue<I>, Out = Queue<O>>,
            I: ByteSize,
            O: ByteSize,
        {
            /// Receives the next message; `None` is a clean end.
            ///
            /// # Errors
            ///
            /// The error that ended the stack, once, or [`TimedOut`].
            #[expect(clippy::should_implement_trait, reason = "its time-out does not end it")]
            pub fn next(&mut self) -> Option<Result<O, Error>> {
                self.wait(|it| it.next()).unwrap_or_else(|late| Some(Err(late)))
            }
        }

        impl<L: Layer<In = Pipe, Out = Pipe>> Read for $holder<L> {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                let most = buf.len();
                let read = self.wait(|it| {
                    poll_fn(move |cx| {
                        it.poll_take(cx, most, |got| buf[..got.len()].copy_from_slice(got))
                    })
                });
                read.map_err(|late| timed_out(&late))?
            }
        }
    )*};
}
receives!(Connection Reader);

macro_rules! sends {
    ($($holder:ident)*) => {$(
        impl<L, I, O> $holder<L>
        where
            L: Layer<In = Queue<I>, Out = Queue<O>>,
            I: ByteSize,
            O: ByteSize,
        {
            /// Sends a message and waits until it has left.
            ///
            /// # Errors
            ///
            /// The error that ended the stack, or [`TimedOut`].
            pub fn send(&mut self, message: I) -> Result<(), Error> {
                self.wait(|it| it.send(message))?
            }

            /// Accepts a message as soon as there is room, without sending it yet.
            ///
            /// # Errors
            ///
            /// The error that ended the stack, or [`TimedOut`]: then the message was not accepted.
            pub fn feed(&mut self, message: I) -> Result<(), Error> {
                self.wait(|it| it.feed(message))?
            }

            /// Waits until every accepted message has left.
            ///
            /// # Errors
            ///
            /// The error that ended the stack, or [`TimedOut`].
            pub fn flushed(&mut self) -> Result<(), Error> {
                self.wait(|it| it.flushed())?
            }
        }

        impl<L: Layer<In = Pipe, Out = Pipe>> Write for $holder<L> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let put = self.wait(|it| poll_fn(move |cx| it.poll_put(cx, bytes)));
                put.map_err(|late| timed_out(&late))?
            }

            fn flush(&mut self) -> io::Result<()> {
                let left = self.wait(|it| poll_fn(|cx| it.poll_left(cx)));
                left.map_err(|late| timed_out(&late))?
            }
        }

        impl<L: Layer<In = Pipe, Out = Pipe>> $holder<L> {
            /// Ends the direction that is written to, and waits until everything has left.
            ///
            /// # Errors
            ///
            /// The error that ended the stack, or a time-out.
            pub fn shutdown(&mut self) -> io::Result<()> {
                let left = self.wait(|it| poll_fn(|cx| it.poll_finish(cx)));
                left.map_err(|late| timed_out(&late))?
            }
        }

        impl<L: Layer<In = F, Out = F> + 'static, F: Payload> $holder<L> {
            /// Sends a ping, and returns how long its answer took.
            ///
            /// # Errors
            ///
            /// A payload that is too long, too many pings without an answer, what ended the stack, or
            /// [`TimedOut`].
            pub fn ping(&mut self, payload: impl Into<Bytes>) -> Result<Duration, Error> {
                let payload = payload.into();
                self.wait(|it| it.ping(payload))?
            }
        }
    )*};
}
sends!(Connection Writer);

macro_rules! closes {
    ($($holder:ident)*) => {$(
        impl<L, I> $holder<L>
        where
            L: Layer<In = Queue<I>, Out = Queue<I>> + 'static,
            Queue<I>: Payload,
        {
            /// Closes with a code and a reason, and waits for the peer's Close. Messages that still
            /// arrive are thrown away.
            ///
            /// # Errors
            ///
            /// A code or a reason that may not be sent, the error that ended the stack instead, or [`TimedOut`].
            pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
                self.wait(move |it| it.close(code, reason))?
            }
        }

        impl<L: Layer<In = Pipe, Out = Pipe> + 'static> $holder<L> {
            /// Closes a WebSocket that carries bytes, with a code and a reason, and waits for the peer's
            /// Close. Bytes that still arrive are thrown away.
            ///
            /// # Errors
            ///
            /// There is no WebSocket in this stack, a code or a reason that may not be sent, what ended
            /// the stack instead, or [`TimedOut`].
            pub fn close_websocket(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
                self.wait(move |it| it.close_websocket(code, reason))?
            }
        }
    )*};
}
closes!(Connection Reader Writer);

impl<L: Layer<In = F, Out = F> + 'static, F: Payload> Connection<L> {
    /// Returns the peer's Close frame, once it has arrived.
    pub fn closed(&self) -> Option<&websocket::CloseFrame> {
        self.inner.closed()
    }

    /// Returns the side that sent its Close frame first, once the peer's has arrived.
    pub fn closed_by(&self) -> Option<websocket::Closer> {
        self.inner.closed_by()
    }

    /// Returns the subprotocol that was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.inner.subprotocol()
    }
}

impl<L: Layer<In = Pipe, Out = Pipe>> Connection<L> {
    /// Cuts both directions short: the peer sees a reset or a truncation, not an end.
    pub fn abort(&mut self, cause: Error) {
        self.inner.abort(cause);
        let now = Some(Instant::now());
        let pushed = poll_fn(|cx| {
            self.inner.push(cx);
            Poll::Ready(())
        });
        let _ = block_until(now, pushed);
    }
}

macro_rules! halves {
    ($($holder:ident)*) => {$(
        impl<L: Layer> $holder<L> {
            /// Reads facts from the stack, or takes a decision in it.
            pub fn with<T>(&self, act: impl FnOnce(&mut Engine<L>) -> T) -> T {
                self.inner.with(act)
            }
        }
    )*};
}
halves!(Reader Writer);

/// Makes an error of the traits of bytes; a time-out has the kind `TimedOut`.
fn timed_out(error: &Error) -> io::Error {
    match error.cause::<TimedOut>() {
        Some(_) => io::Error::new(io::ErrorKind::TimedOut, error.clone()),
        None => to_io(error),
    }
}
