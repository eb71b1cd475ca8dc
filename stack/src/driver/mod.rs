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
#[cfg(feature = "polled")]
pub mod polled;
#[cfg(feature = "tokio")]
pub mod tokio;

use crate::{Error, Place, Seed};
use std::io;

/// An error of the transport below every layer. A transport that is itself made of layers tells its
/// own.
fn socket(error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::peer("wire", error).at(Place::Wire),
    }
}

/// Wraps an error for the traits of bytes: the wire's own kind if it was the wire, the text as it is.
fn to_io(error: &Error) -> io::Error {
    let kind = error
        .cause::<io::Error>()
        .map_or(io::ErrorKind::ConnectionAborted, io::Error::kind);
    io::Error::new(kind, error.clone())
}

/// Randomness for one connection, from the system.
///
/// # Panics
///
/// If the system has none to give: nothing that needs keys may go on then.
fn seed() -> Seed {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system's entropy");
    Seed::new(bytes)
}
