//! The driver: the only code that touches a socket, a clock, a thread or the system's entropy.
//!
//! It carries out and never decides: what to connect to, when to give up and what to try next is up to
//! the [`Dialer`](crate::Dialer), everything else to the layers.
//!
//! * `runtime`: the seam to executors, and the executors behind it.
//! * `io`: one connection, the same on all of them.
//! * `http2`, `server`, `associate`: many streams over a connection, servers, datagrams.
//! * `blocking`: the same connection, waited for in a thread.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

pub(crate) mod associate;
#[cfg(feature = "blocking")]
pub mod blocking;
mod error;
#[cfg_attr(
    not(any(feature = "tokio", feature = "futures")),
    allow(dead_code, reason = "the traits of bytes come with these features")
)]
pub(crate) mod http2;
#[cfg(feature = "hyper")]
pub(crate) mod hyper;
#[cfg_attr(
    not(any(feature = "tokio", feature = "futures")),
    allow(dead_code, reason = "the traits of bytes come with these features")
)]
pub(crate) mod io;
pub mod runtime;
pub(crate) mod server;
mod tasks;
