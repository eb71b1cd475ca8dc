//! One connection, on any runtime: a stack that runs on a transport.

mod bytes;
mod carry;
mod connection;
mod facts;
mod goodbye;
mod halves;
#[cfg(any(feature = "hyper", feature = "pac"))]
pub(crate) mod hyper_io;
mod idle;
mod messages;
mod pump;
mod relay;
mod route;
mod settled;
mod spare;
#[cfg(all(target_os = "linux", feature = "tokio"))]
mod splice;
#[cfg(not(all(target_os = "linux", feature = "tokio")))]
#[path = "no_splice.rs"]
mod splice;
mod split;
mod timeouts;
mod wakers;
mod websocket;

pub use connection::{Boxed, Connection, Ended};
pub(crate) use idle::IdleTimer;
pub use idle::RelayIdle;
pub use messages::ConnectionClosed;
pub(crate) use relay::Relay;
pub use relay::{Relayed, relay, relay_with_timeout};
pub use split::{Handle, Reader, Writer};
