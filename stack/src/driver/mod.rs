//! Drivers: the only code that touches a socket, a clock, a thread or the system's entropy.
//!
//! A driver carries out and never decides: what to connect to, when to give up and what to try next
//! is the [`Dialer`](crate::Dialer)'s business, everything else the layers'.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

#[cfg(feature = "tokio")]
pub mod tokio;
