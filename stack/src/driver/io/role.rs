//! What both roles of a WebSocket can do, in whatever stack.

use bytes::Bytes;
use std::any::TypeId;
use wirestack_layer::{Error, Layer, origin};
use wirestack_nest::Engine;
use wirestack_websocket::{Client, CloseCode, Closed, Payload, PingToken, Pong, Server};

/// What both roles of a WebSocket can do.
pub(crate) trait Socket {
    fn subprotocol(&self) -> Option<&str>;
    fn ping(&mut self, payload: Bytes) -> Result<PingToken, Error>;
    fn is_answered(&self, ping: PingToken) -> bool;
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

            fn is_answered(&self, ping: PingToken) -> bool {
                Self::is_answered(self, ping)
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

/// Returns the WebSocket at the top of a stack, to read facts.
pub(crate) fn socket<L, F>(engine: &Engine<L>) -> Option<&dyn Socket>
where
    L: Layer<In = F, Out = F> + 'static,
    F: Payload,
{
    let socket = engine.layer().find_part(&mut is_socket::<F>)?;
    match socket.downcast_ref::<Client<F>>() {
        Some(client) => Some(client),
        None => socket.downcast_ref::<Server<F>>().map(|server| server as _),
    }
}

/// Returns the WebSocket at the top of a stack, to tell it something.
pub(crate) fn socket_mut<L, F>(engine: &mut Engine<L>) -> Option<&mut dyn Socket>
where
    L: Layer<In = F, Out = F> + 'static,
    F: Payload,
{
    let socket = engine.layer_mut().find_part_mut(&mut is_socket::<F>)?;
    if socket.is::<Client<F>>() {
        return socket.downcast_mut::<Client<F>>().map(|client| client as _);
    }
    socket.downcast_mut::<Server<F>>().map(|server| server as _)
}

fn is_socket<F: Payload>(part: TypeId) -> bool {
    part == TypeId::of::<Client<F>>() || part == TypeId::of::<Server<F>>()
}

/// The error of one that is not there.
pub(crate) fn none() -> Error {
    Error::local(origin::CONNECTION, NoSocket)
}

#[derive(Debug, thiserror::Error)]
#[error("there is no open WebSocket in this stack")]
struct NoSocket;
