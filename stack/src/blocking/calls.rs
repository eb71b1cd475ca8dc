//! The calls of a blocking connection, and of its halves: receiving, sending, pinging and closing.

use super::{Connection, Reader, TimedOut, Writer};
use crate::driver::error::to_io;
use crate::driver::runtime::threads::block_for;
use bytes::Bytes;
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::task::Poll;
use std::time::Duration;
use wirestack_layer::{ByteSize, Error, Layer, Pipe, Queue};
use wirestack_nest::Engine;
use wirestack_websocket::{self as websocket, CloseCode, Payload};

macro_rules! receives {
    ($holder:ident, $receiver:ident => $next:expr, $read:ident) => {
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
            /// The error that ended the stack, which is returned once, or [`TimedOut`].
            #[expect(
                clippy::should_implement_trait,
                reason = "messages may follow a time-out"
            )]
            pub fn next(&mut self) -> Option<Result<O, Error>> {
                let received = self.wait(|$receiver| $next);
                received.unwrap_or_else(|timed_out| Some(Err(timed_out)))
            }
        }

        impl<L: Layer<In = Pipe, Out = Pipe>> Read for $holder<L> {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                let max = buf.len();
                let read = self.wait(|receiver| {
                    poll_fn(move |cx| {
                        let take = |bytes: &[u8]| buf[..bytes.len()].copy_from_slice(bytes);
                        receiver.$read(cx, max, take)
                    })
                });
                read.map_err(|error| timed_out(&error))?
            }
        }
    };
}
receives!(Connection, connection => poll_fn(|cx| connection.receive_alone(cx)), poll_read_alone);
receives!(Reader, reader => reader.next(), poll_read_bytes);

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
            /// The error that ended the stack, [`ConnectionClosed`](crate::ConnectionClosed), or
            /// [`TimedOut`]. A time-out does not tell if the message was accepted: where that
            /// matters, call [`feed`](Self::feed), then [`flushed`](Self::flushed).
            pub fn send(&mut self, message: impl Into<I>) -> Result<(), Error> {
                self.wait(|sender| sender.send(message))?
            }

            /// Accepts a message as soon as there is room, and does not send it yet.
            ///
            /// # Errors
            ///
            /// The error that ended the stack, [`ConnectionClosed`](crate::ConnectionClosed), or
            /// [`TimedOut`]. After a time-out, the message was not accepted.
            pub fn feed(&mut self, message: impl Into<I>) -> Result<(), Error> {
                self.wait(|sender| sender.feed(message))?
            }

            /// Waits until every accepted message has left.
            ///
            /// # Errors
            ///
            /// The error that ended the stack, or [`TimedOut`].
            pub fn flushed(&mut self) -> Result<(), Error> {
                self.wait(|sender| sender.flushed())?
            }
        }

        impl<L: Layer<In = Pipe, Out = Pipe>> Write for $holder<L> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let written =
                    self.wait(|sender| poll_fn(move |cx| sender.poll_write_bytes(cx, bytes)));
                written.map_err(|error| timed_out(&error))?
            }

            fn flush(&mut self) -> io::Result<()> {
                let flushed = self.wait(|sender| poll_fn(|cx| sender.poll_flush_bytes(cx)));
                flushed.map_err(|error| timed_out(&error))?
            }
        }

        impl<L: Layer<In = Pipe, Out = Pipe>> $holder<L> {
            /// Ends the direction to the peer, and waits until all written bytes have left.
            ///
            /// ```
            /// use wirestack::blocking::ByteStream;
            ///
            /// /// Sends a whole request. The answer is read behind it.
            /// fn ask(stream: &mut ByteStream, request: &[u8]) -> std::io::Result<()> {
            ///     std::io::Write::write_all(stream, request)?;
            ///     stream.shutdown()
            /// }
            /// ```
            ///
            /// # Errors
            ///
            /// The error that ended the stack, or a time-out.
            pub fn shutdown(&mut self) -> io::Result<()> {
                let ended = self.wait(|sender| poll_fn(|cx| sender.poll_shutdown_bytes(cx)));
                ended.map_err(|error| timed_out(&error))?
            }
        }

        impl<L: Layer<In = F, Out = F> + 'static, F: Payload> $holder<L> {
            /// Sends a Ping (RFC 6455 §5.5.2) of up to 125 bytes, and returns the time until its
            /// Pong.
            ///
            /// # Errors
            ///
            /// The payload is too long, too many pings have no answer yet, the error that ended the
            /// stack, or [`TimedOut`].
            pub fn ping(&mut self, payload: impl Into<Bytes>) -> Result<Duration, Error> {
                let payload = payload.into();
                self.wait(|sender| sender.ping(payload))?
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
            /// Closes the WebSocket with a code and a reason (RFC 6455 §7.1), and waits for the
            /// peer's Close. Messages that still arrive are discarded.
            ///
            /// # Errors
            ///
            /// The code or the reason may not be sent, the error that ended the stack instead, or
            /// [`TimedOut`].
            pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
                self.wait(move |socket| socket.close(code, reason))?
            }
        }

        impl<L: Layer<In = Pipe, Out = Pipe> + 'static> $holder<L> {
            /// Closes a WebSocket that carries bytes, with a code and a reason (RFC 6455 §7.1), and
            /// waits for the peer's Close. Bytes that still arrive are discarded.
            ///
            /// ```
            /// use wirestack::Pipe;
            /// use wirestack::blocking::WebSocket;
            ///
            /// /// Ends a tunnel of bytes, and says why.
            /// fn end(mut tunnel: WebSocket<Pipe>) -> Result<(), wirestack::Error> {
            ///     tunnel.close_websocket(1001, "the program ends")
            /// }
            /// ```
            ///
            /// # Errors
            ///
            /// There is no WebSocket in this stack, the code or the reason may not be sent, the
            /// error that ended the stack instead, or [`TimedOut`].
            pub fn close_websocket(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<(), Error> {
                self.wait(move |socket| socket.close_websocket(code, reason))?
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

    /// Returns the negotiated subprotocol.
    pub fn subprotocol(&self) -> Option<&str> {
        self.inner.subprotocol()
    }

    /// Returns the response to the handshake of a client. See
    /// [`Connection::response`](crate::Connection::response).
    pub fn response(&self) -> Option<&http::Response<()>> {
        self.inner.response()
    }

    /// Returns the version of HTTP over which a client opened the WebSocket.
    pub fn http_version(&self) -> Option<http::Version> {
        self.inner.http_version()
    }

    /// Returns the compression that was agreed on, if there is one.
    #[cfg(feature = "deflate")]
    pub fn compression(&self) -> Option<&websocket::Compression> {
        self.inner.compression()
    }
}

impl<L: Layer<In = Pipe, Out = Pipe>> Connection<L> {
    /// Aborts both directions: the peer sees a reset or a truncated stream, not a clean end.
    ///
    /// ```
    /// use wirestack::Error;
    /// use wirestack::blocking::ByteStream;
    ///
    /// /// The bytes were not good: the server must not take them for a whole file.
    /// fn give_up(mut upload: ByteStream) {
    ///     upload.abort(Error::local("upload", "the disk is broken"));
    /// }
    /// ```
    pub fn abort(&mut self, cause: Error) {
        self.inner.abort(cause);
        let written = poll_fn(|cx| {
            self.inner.process_and_write(cx);
            Poll::Ready(())
        });
        let _ = block_for(Some(Duration::ZERO), written);
    }
}

macro_rules! halves {
    ($($holder:ident)*) => {$(
        impl<L: Layer> $holder<L> {
            /// Calls `act` with the engine of the stack, to read facts from it or to take a
            /// decision in it.
            ///
            /// ```
            /// use wirestack::blocking::Reader;
            /// use wirestack::dial::BoxSocket;
            ///
            /// /// Says how far the stack has come, from the half of it.
            /// fn show(reader: &Reader<BoxSocket>) -> String {
            ///     reader.with(|engine| engine.progress().to_string())
            /// }
            /// ```
            pub fn with<T>(&self, act: impl FnOnce(&mut Engine<L>) -> T) -> T {
                self.inner.with(act)
            }
        }
    )*};
}
halves!(Reader Writer);

/// Converts an error for `Read` and `Write`. A time-out has the kind `TimedOut`.
fn timed_out(error: &Error) -> io::Error {
    match error.cause::<TimedOut>() {
        Some(_) => io::Error::new(io::ErrorKind::TimedOut, error.clone()),
        None => to_io(error),
    }
}
