//! What a WebSocket can do beyond sending and receiving messages.

use super::stream::{Http2Stream, Http2WebSocket};
use super::{Connection, Ended};
use crate::websocket::{Client, CloseCode, Closed, Payload, PingToken, Pong, Server};
use crate::{End, Engine, Error, Layer};
use bytes::Bytes;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

impl<S, L, F> Connection<S, L>
where
    S: AsyncRead + AsyncWrite + Unpin,
    L: Layer<In = F, Out = F>,
    F: Payload,
{
    /// Returns the subprotocol that was agreed on.
    pub fn subprotocol(&mut self) -> Option<String> {
        let socket = socket(self.engine())?;
        socket.subprotocol().map(str::to_owned)
    }
    /// Sends a ping of up to 125 bytes, and returns how long its answer took.
    ///
    /// Messages that come before the answer wait to be received; when there is no room for more of
    /// them, so does the answer. Dropping the future loses nothing but the answer.
    ///
    /// # Errors
    ///
    /// A payload that is too long, too many pings without an answer, or what ended the stack.
    pub async fn ping(&mut self, payload: impl Into<Bytes>) -> Result<Duration, Error> {
        let ping = self.begin_ping(payload.into())?;
        poll_fn(|cx| self.answer(ping, cx)).await
    }
    pub(super) fn begin_ping(&mut self, payload: Bytes) -> Result<PingToken, Error> {
        let socket = socket(self.engine()).ok_or_else(none)?;
        socket.ping(payload)
    }
    pub(super) fn answer(
        &mut self,
        ping: PingToken,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Duration, Error>> {
        loop {
            if let Some(pong) = socket(self.engine()).and_then(|socket| socket.pong_to(ping)) {
                return Poll::Ready(Ok(pong.elapsed));
            }
            match self.engine().to_app().closed() {
                Some(End::Aborted(error)) => return Poll::Ready(Err(error.clone())),
                Some(End::Finished) => return Poll::Ready(Err(Error::peer("connection", Ended))),
                None => ready!(self.advance(cx)),
            }
        }
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
    fn pong_to(&mut self, ping: PingToken) -> Option<Pong>;
    fn closed(&self) -> Option<&Closed>;
    fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error>;
}

macro_rules! socket {
    ($role:ident) => {
        impl<F> Socket for $role<F> {
            fn subprotocol(&self) -> Option<&str> {
                Self::subprotocol(self)
            }
            fn ping(&mut self, payload: Bytes) -> Result<PingToken, Error> {
                Self::ping(self, payload)
            }
            fn pong_to(&mut self, ping: PingToken) -> Option<Pong> {
                Self::pong_to(self, ping)
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

fn socket<L, F>(engine: &mut Engine<L>) -> Option<&mut dyn Socket>
where
    L: Layer<In = F, Out = F>,
    F: Payload,
{
    if engine.part::<Client<F>>().is_some() {
        return engine.part::<Client<F>>().map(|client| client as _);
    }
    engine.part::<Server<F>>().map(|server| server as _)
}

fn none() -> Error {
    Error::local("connection", NoSocket)
}

#[derive(Debug, thiserror::Error)]
#[error("there is no open WebSocket in this stack")]
struct NoSocket;
