//! What is known of a connection: its layers, its transport, its addresses and its state.

use super::Connection;
use crate::driver::runtime::Runtime;
use std::any::Any;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use wirestack_layer::{Layer, Progress, Status};

impl<L: Layer> Connection<L> {
    /// Returns the topmost layer of type `T`, to read facts from.
    pub fn part<T: Any>(&self) -> Option<&T>
    where
        L: 'static,
    {
        self.engine.part()
    }

    /// Returns the topmost layer of type `T`, to take a decision in.
    ///
    /// ```
    /// use wirestack::{Connection, Error, socks};
    ///
    /// /// Lets the client of a SOCKS server in, with the address that was bound for it.
    /// async fn accept(client: &mut Connection<socks::Server>, bound: socks::Address) -> Result<(), Error> {
    ///     let server: &mut socks::Server = client.part_mut().expect("in the stack");
    ///     server.accept(bound);
    ///     client.open().await
    /// }
    /// ```
    pub fn part_mut<T: Any>(&mut self) -> Option<&mut T>
    where
        L: 'static,
    {
        self.engine.part_mut()
    }

    /// Returns the `nth` layer of type `T`, counted from the top down from 0, to read facts from.
    /// TLS in TLS has two.
    pub fn nth_part<T: Any>(&self, nth: usize) -> Option<&T>
    where
        L: 'static,
    {
        self.engine.nth_part(nth)
    }

    /// Returns the `nth` layer of type `T`, counted from the top down, to take a decision in.
    ///
    /// ```
    /// use wirestack::{WebSocket, socks};
    ///
    /// /// Returns the outer one of two SOCKS clients, to change it.
    /// fn outer(socket: &mut WebSocket) -> Option<&mut socks::Client> {
    ///     socket.nth_part_mut(1)
    /// }
    /// ```
    pub fn nth_part_mut<T: Any>(&mut self, nth: usize) -> Option<&mut T>
    where
        L: 'static,
    {
        self.engine.nth_part_mut(nth)
    }

    /// Returns the stream that the connection runs on: a socket of tokio, smol or the standard
    /// library, or the stream in an adapter. Returns `None` if it is not a `T` or is closed.
    pub fn transport<T: Any>(&self) -> Option<&T> {
        self.io.as_ref()?.as_any().downcast_ref()
    }

    /// Returns the local address of the socket.
    ///
    /// # Errors
    ///
    /// The transport has no address or is closed, or the system returned an error.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io
            .as_ref()
            .map_or_else(not_connected, |io| io.local_addr())
    }

    /// Returns the address of the socket's peer, which may be a proxy.
    ///
    /// # Errors
    ///
    /// The transport has no address or is closed, or the system returned an error.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io
            .as_ref()
            .map_or_else(not_connected, |io| io.peer_addr())
    }

    /// Returns how far the stack has come, and what it waits for.
    pub fn progress(&self) -> Progress {
        self.engine.progress()
    }

    /// Returns the state of each layer, from the wire up. Each one displays as a line.
    ///
    /// ```
    /// use wirestack::WebSocket;
    ///
    /// /// Prints all that is known of a connection.
    /// fn show(socket: &WebSocket) {
    ///     println!("{:?} to {:?}", socket.local_addr(), socket.peer_addr());
    ///     println!("{}, on {:?}", socket.progress(), socket.runtime());
    ///     for layer in socket.describe() {
    ///         println!("{layer}"); // such as: tls open TLSv1.3 TLS13_AES_256_GCM_SHA384
    ///     }
    ///     if let Some(tcp) = socket.transport::<tokio::net::TcpStream>() {
    ///         println!("TTL {:?}", tcp.ttl());
    ///     }
    /// }
    /// ```
    pub fn describe(&self) -> Vec<Status<'_>> {
        self.engine.describe()
    }

    /// Returns the runtime that the connection runs on.
    pub fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.runtime
    }
}

/// Shows the state of each layer, from the wire up.
impl<L: Layer> fmt::Debug for Connection<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut layers = f.debug_list();
        for status in self.describe() {
            layers.entry(&format_args!("{status}"));
        }
        layers.finish()
    }
}

fn not_connected<T>() -> io::Result<T> {
    Err(io::ErrorKind::NotConnected.into())
}
