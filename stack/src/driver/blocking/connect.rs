//! Connecting by URL.

use super::{Connection, Outside, Transport, dial};
use crate::connect::{self, Prepared};
use crate::dial::{Asked, Credentials, DialError, Dialer, Trace};
use crate::driver::seed;
use crate::websocket::{Message, Payload};
use crate::{BoxSocket, BoxTunnel, Layer, Queue};
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

/// A WebSocket about to be connected: say [`connect`](connect::Connect::connect).
pub type Connect<F = Queue<Message>> = connect::Connect<F, Outside>;

/// A stream of bytes about to be opened: say [`connect`](connect::ConnectStream::connect).
pub type ConnectStream = connect::ConnectStream<Outside>;

/// A WebSocket that [`connect`](fn@connect) opened: of messages, unless it is of their parts or of
/// bytes.
pub type WebSocket<F = Queue<Message>> = Connection<Transport, BoxSocket<F>>;

/// A stream of bytes that [`connect_stream`] opened.
pub type ByteStream = Connection<Transport, BoxTunnel>;

/// Connects a WebSocket to a `ws://` or `wss://` URL, through the hops given by
/// [`via`](connect::Connect::via), or else by the proxy that the environment names (see
/// [`Environment`](crate::dial::Environment)).
pub fn connect(url: &str) -> Connect {
    Connect::new(url, Outside::default())
}

/// Opens a stream of bytes to a `tcp://host:port` or `tls://host:port` URL, through the hops given
/// by [`via`](connect::ConnectStream::via).
pub fn connect_stream(url: &str) -> ConnectStream {
    ConnectStream::new(url, Outside::default())
}

macro_rules! goes {
    ($builder:ident $(, $form:ident)? => $layer:ty) => {
        impl$(<$form: Payload>)? connect::$builder<$($form,)? Outside> {
            /// Looks names up by this, instead of the system; each address shall have the port.
            pub fn resolver(
                mut self,
                resolve: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
            ) -> Self {
                self.outside = self.outside.resolver(resolve);
                self
            }
            /// Asks this for credentials when an HTTP proxy that is
            /// [`asking`](crate::dial::Hop::asking) wants some.
            pub fn credentials(
                mut self,
                ask: impl Fn(Asked) -> Option<Credentials> + Send + Sync + 'static,
            ) -> Self {
                self.outside = self.outside.credentials(ask);
                self
            }
            /// Connects.
            ///
            /// # Errors
            ///
            /// What connecting failed at, hop by hop.
            pub fn connect(self) -> Result<Connection<Transport, $layer>, DialError> {
                Ok(self.traced()?.0)
            }
            /// Connects, and tells what was done for it too.
            ///
            /// # Errors
            ///
            /// What connecting failed at, hop by hop.
            pub fn traced(self) -> Result<(Connection<Transport, $layer>, Trace), DialError> {
                go(self.prepare(Instant::now())?)
            }
        }
    };
}
goes!(Connect, F => BoxSocket<F>);
goes!(ConnectStream => BoxTunnel);

fn go<L>(prepared: Prepared<L, Outside>) -> Result<(Connection<Transport, L>, Trace), DialError>
where
    L: Layer<In: Default, Out: Default>,
{
    let Prepared {
        plan,
        timeouts,
        outside,
    } = prepared;
    let dialer = Dialer::new(plan, timeouts, seed(), Instant::now());
    dial(dialer, &outside)
}
