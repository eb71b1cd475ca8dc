//! The driver: the only code that touches a socket, a clock, a thread or the system's entropy.
//!
//! It carries out and never decides: what to connect to, when to give up and what to try next is up to
//! the [`Dialer`](crate::Dialer), everything else to the layers.
//!
//! * `runtime`: the seam to executors, and the executors behind it.
//! * `io`: one connection, the same on all of them.
//! * `http2`: many streams over a connection. `async_io`: the traits of byte streams.
//! * `datagrams`: UDP through a proxy of SOCKS5. `dial`: what carries out the steps of a dialer.
//! * `server`: servers of WebSockets, and proxies.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod async_io;
pub(crate) mod datagrams;
pub(crate) mod dial;
pub(crate) mod error;
#[cfg_attr(
    not(any(feature = "tokio", feature = "futures")),
    allow(dead_code, reason = "the traits of bytes come with these features")
)]
pub(crate) mod http2;
#[cfg_attr(
    not(any(feature = "tokio", feature = "futures")),
    allow(dead_code, reason = "the traits of bytes come with these features")
)]
pub(crate) mod io;
pub mod runtime;
pub(crate) mod server;
mod tasks;
