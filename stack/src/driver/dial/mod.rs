//! Carries out what a [`Dialer`](crate::Dialer) says: look-ups, sockets, streams of shared connections,
//! questions for credentials.

mod context;
mod dialing;
mod pool;
mod stream;

pub use context::DialContext;
pub use dialing::Dialed;
pub(crate) use dialing::no_runtime;
pub use pool::Pool;
