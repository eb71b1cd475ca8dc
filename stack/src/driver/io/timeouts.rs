//! The time-outs of a connection: to open, to write and to close.

use super::Connection;
use std::time::Duration;
use wirestack_layer::Layer;

impl<L: Layer> Connection<L> {
    /// Sets how long the stack may take to open, counted from now. See
    /// [`Engine::set_open_timeout`](crate::Engine::set_open_timeout).
    pub fn set_open_timeout(&mut self, allowed: Duration) {
        self.engine.set_open_timeout(allowed, self.now());
    }

    /// Sets how long `shutdown` of a stream of bytes may take, counted from its first call. The
    /// default is 10 s. After that the connection is reset, and the call fails. To send many bytes
    /// to a slow peer, flush before the shutdown: a flush has no limit.
    ///
    /// A WebSocket has its own [time-out for
    /// closing](crate::websocket::WebSocketConfig::close_timeout).
    ///
    /// ```
    /// use std::time::Duration;
    /// use wirestack::WebSocket;
    ///
    /// fn hurry(socket: &mut WebSocket) {
    ///     socket.set_close_timeout(Duration::from_secs(1));
    ///     socket.set_write_timeout(Duration::from_secs(5)); // for a peer that takes nothing
    ///     assert_eq!(socket.close_timeout(), Duration::from_secs(1));
    /// }
    /// ```
    pub fn set_close_timeout(&mut self, timeout: Duration) {
        self.close_timeout = timeout.as_millis().try_into().unwrap_or(u32::MAX);
    }

    /// Returns the time-out of `shutdown`.
    pub fn close_timeout(&self) -> Duration {
        Duration::from_millis(self.close_timeout.into())
    }

    /// Sets the time in which the peer has to take some of the bytes that wait for it. The default
    /// is 60 s. A peer that takes none is given up: the connection is reset, and every call fails
    /// with [`WriteTimedOut`](crate::WriteTimedOut). See
    /// [`Engine::set_write_timeout`](crate::Engine::set_write_timeout).
    pub fn set_write_timeout(&mut self, timeout: Duration) {
        self.engine.set_write_timeout(timeout);
    }
}
