//! Drivers: the only code that touches a socket, a clock, a thread or the system's entropy.
//!
//! A driver carries out and never decides: what to connect to, when to give up and what to try next
//! is the [`Dialer`](crate::Dialer)'s business, everything else the layers'.
//!
//! * [`tokio`](mod@tokio): on tokio.
//! * [`futures`]: on smol, or any other executor, by way of a small trait.
//! * [`polled`]: what these two share.
//! * [`blocking`]: sockets and threads.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "futures")]
pub mod futures;
#[cfg(any(feature = "tokio", feature = "futures"))]
pub mod polled;
#[cfg(feature = "tokio")]
pub mod tokio;

#[cfg(any(feature = "tokio", feature = "futures", feature = "blocking"))]
mod system;
#[cfg(any(feature = "tokio", feature = "futures", feature = "blocking"))]
use system::{seed, socket, to_io};
