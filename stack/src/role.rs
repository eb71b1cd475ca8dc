//! What both roles of a WebSocket can do, in whatever stack.

use crate::websocket::{Client, CloseCode, Closed, Payload, PingToken, Pong, Server};
use crate::{Engine, Error, Layer};
use bytes::Bytes;

/// What both roles of a WebSocket can do.
pub(crate) trait Socket {
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

/// Returns the WebSocket at the top of a stack.
pub(crate) fn socket<L, F>(engine: &mut Engine<L>) -> Option<&mut dyn Socket>
where
    L: Layer<In = F, Out = F>,
    F: Payload,
{
    if engine.part::<Client<F>>().is_some() {
        return engine.part::<Client<F>>().map(|client| client as _);
    }
    engine.part::<Server<F>>().map(|server| server as _)
}

/// The error of one that is not there.
pub(crate) fn none() -> Error {
    Error::local("connection", NoSocket)
}

#[derive(Debug, thiserror::Error)]
#[error("there is no open WebSocket in this stack")]
struct NoSocket;
