//! What the asynchronous drivers share: everything that is polled, whatever the executor.
//!
//! A [`Runtime`] brings the clock, the timer and the ways to open a [`Wire`]; the rest is here, once.
//! [`tokio`](crate::driver::tokio) and [`futures`](crate::driver::futures) name these types with their
//! own runtime filled in, which is how most programs know them.

mod bytes;
mod connect;
mod connection;
mod dial;
mod messages;
mod moving;
mod outside;
mod relay;
mod resolve;
mod runtime;
mod shared;
mod wakers;
mod websocket;

#[cfg(feature = "tokio")]
pub(super) use connect::go;
pub use connection::{Boxed, Connection, Ended};
pub use dial::{Dialed, dial};
pub use messages::Closed;
pub use outside::Outside;
pub use relay::{Relayed, relay};
#[cfg(feature = "hickory")]
pub(super) use resolve::Answer;
pub(super) use resolve::one;
pub use resolve::{Found, Resolve};
pub use runtime::{Opened, Pending, Runtime, Wire};
pub use shared::{Handle, Reader, Writer};
