//! The driver: the only code that touches a socket, a clock, a thread or the system's entropy.
//!
//! It carries out decisions and takes none. The [`Dialer`](crate::Dialer) decides where to connect
//! to, when to give up and what to try next. The layers, and `serve` of `wirestack-dial`, decide
//! the rest.
//!
//! * `runtime`: the traits of a runtime, and the runtimes that implement them.
//! * `io`: one connection, the same on every runtime.
//! * `async_io`: the stream traits of tokio and of `futures-io`.
//! * `http2`: many streams over one HTTP/2 connection.
//! * `dial`: carries out the steps of a dialer.
//! * `negotiate`: the tickets of the system, for proxies.
//! * `server`: the loop of a server, WebSocket servers and proxy servers.
//! * `shutdown`: the signal by which a server ends.
//! * `datagrams`: UDP through a SOCKS5 proxy.
//! * `system`: the proxy settings of the system.
//! * `tasks`: a set of tasks that belong together.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod async_io;
pub(crate) mod datagrams;
pub(crate) mod dial;
pub(crate) mod error;
#[cfg_attr(
    not(any(feature = "tokio", feature = "futures")),
    allow(dead_code, reason = "the stream traits come with these features")
)]
pub(crate) mod http2;
#[cfg_attr(
    not(any(feature = "tokio", feature = "futures")),
    allow(dead_code, reason = "the stream traits come with these features")
)]
pub(crate) mod io;
#[cfg(feature = "negotiate")]
mod negotiate;
pub mod runtime;
pub(crate) mod server;
pub(crate) mod shutdown;
#[cfg(feature = "system-proxy")]
pub(crate) mod system;
pub(crate) mod tasks;
