//! The end of a WebSocket: the closing handshake, its deadline, and aborts.

mod aborts;
mod handshake;
mod timeouts;

use std::time::Duration;

/// The close timeout of the default settings.
const TIMEOUT: Duration = Duration::from_secs(10);
