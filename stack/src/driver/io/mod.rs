//! One connection, on any runtime: a stack that runs on a transport.

mod bytes;
mod connection;
mod goodbye;
mod messages;
mod pump;
mod relay;
mod split;
mod wakers;
mod websocket;

pub use connection::{Boxed, Connection, Ended};
pub use messages::ConnectionClosed;
pub use relay::{Relayed, relay};
pub use split::{Handle, Reader, Writer};
