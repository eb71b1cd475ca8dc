//! Carries out the steps of a [`Dialer`](crate::Dialer): it looks names up, opens sockets and
//! streams, asks for credentials, and exchanges messages with other servers.

mod context;
mod dialing;
mod exchange;
mod find;
mod pool;
mod stream;
mod turns;

pub use context::DialContext;
pub use dialing::Dialed;
pub(crate) use dialing::no_runtime;
pub use pool::Pool;
