//! What a WebSocket can do beyond sending and receiving messages.

use super::Connection;
use super::stream::{Http2Stream, Http2WebSocket};
use crate::websocket::{Client, CloseCode, Closed, Message, PingToken, Pong, Server};
use crate::{End, Engine, Error, Flow, Layer, Queue};
use bytes::Bytes;
use std::future::poll_fn;
use std::task::{Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};

impl<S, L> Connection<S, L>
where
    S: AsyncRead + AsyncWrite + Unpin,
    L: Layer<In = Queue<Message>, Out = Queue<Message>>,
{
    /// Returns the subprotocol that was agreed on.
    pub fn subprotocol(&mut self) -> Option<String> {
        let socket = socket(self.engine())?;
        socket.subprotocol().map(str::to_owned)
    }
    /// Queues a ping of up to 125 bytes; it leaves with the next call that drives.
    ///
    /// # Errors
    ///
    /// A payload that is too long, or too many pings without an answer.
    pub fn ping(&mut self, payload: impl Into<Bytes>) -> Result<PingToken, Error> {
        let socket = socket(self.engine()).ok_or_else(none)?;
        socket.ping(payload.into())
    }
    /// Returns the next answer to a ping; answers arrive while the connection is driven.
    pub fn pong(&mut self) -> Option<Pong> {
        socket(self.engine())?.pong()
    }
    /// Returns how the WebSocket was closed, once it is.
    pub fn closed(&mut self) -> Option<Closed> {
        socket(self.engine())?.closed().cloned()
    }
    /// Closes with a code and a reason, and waits for the peer's Close. Messages that were accepted
    /// leave first; messages that still arrive are thrown away.
    ///
    /// Dropping the future loses nothing: the closing goes on with the next call that drives.
    ///
    /// # Errors
    ///
    /// A code or a reason that may not be sent, or what ended the stack instead.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        let socket = socket(self.engine()).ok_or_else(none)?;
        socket.close(code, reason)?;
        self.engine().from_app().finish();
        poll_fn(|cx| {
            loop {
                self.engine().to_app().discard();
                match self.engine().to_app().closed() {
                    Some(End::Finished) => return self.flush(cx),
                    Some(End::Aborted(error)) => return Poll::Ready(Err(error.clone())),
                    None => ready!(self.advance(cx)),
                }
            }
        })
        .await
    }
}

/// Puts a WebSocket on a stream; one that aborts resets the stream.
pub(super) fn over_http2<S>(stream: Http2Stream<S>, client: Client) -> Http2WebSocket<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Connection::with(stream, Engine::new(client), Http2Stream::reset)
}

/// What both roles of a WebSocket can do.
trait Socket {
    fn subprotocol(&self) -> Option<&str>;
    fn ping(&mut self, payload: Bytes) -> Result<PingToken, Error>;
    fn pong(&mut self) -> Option<Pong>;
    fn closed(&self) -> Option<&Closed>;
    fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error>;
}

macro_rules! socket {
    ($role:ident) => {
        impl Socket for $role {
            fn subprotocol(&self) -> Option<&str> {
                Self::subprotocol(self)
            }
            fn ping(&mut self, payload: Bytes) -> Result<PingToken, Error> {
                Self::ping(self, payload)
            }
            fn pong(&mut self) -> Option<Pong> {
                Self::pong(self)
            }
            fn closed(&self) -> Option<&Closed> {
                Self::closed(self)
            }
            fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
                Self::close(self, code, reason)
            }
        }
    };
}
socket!(Client);
socket!(Server);

fn socket<L: Layer>(engine: &mut Engine<L>) -> Option<&mut dyn Socket> {
    if engine.part::<Client>().is_some() {
        return engine.part::<Client>().map(|client| client as _);
    }
    engine.part::<Server>().map(|server| server as _)
}

fn none() -> Error {
    Error::local("connection", NoSocket)
}

#[derive(Debug, thiserror::Error)]
#[error("there is no open WebSocket in this stack")]
struct NoSocket;
