//! The joint between protocols: one trait, four flows, and no I/O.
//!
//! A **layer** is one protocol as a state machine. It has four [flows](Flow): from the wire and to
//! the wire, from the application and to the application. The time and randomness come from its
//! caller; it never opens a socket, reads a clock or starts a thread. So a test, any runtime or
//! another layer can drive it: the application of one layer is the wire of the next.
//!
//! ```text
//!            from_app    to_app            messages, or bytes that carry one more layer
//!               |          ^
//!            +--v----------+--+
//!            |     layer      |   <- now      deadline ->
//!            +--+----------^--+
//!               |          |
//!             to_wire   from_wire           bytes
//! ```
//!
//! A layer that swaps the case of every letter, driven by hand:
//!
//! ```
//! use wirestack_layer::{Flow, Instant, Layer, Pipe, Flows, Progress};
//!
//! struct Caps;
//!
//! fn swap(from: &mut Pipe, to: &mut Pipe) {
//!     let n = from.len().min(to.room());
//!     let swapped = from.take(n).iter().map(|b| b ^ 0x20).collect::<Vec<u8>>();
//!     to.write(&swapped);
//!     if let Some(end) = from.end().cloned() {
//!         to.close(end);
//!     }
//! }
//!
//! impl Layer for Caps {
//!     type In = Pipe;
//!     type Out = Pipe;
//!
//!     fn name(&self) -> &'static str {
//!         "caps"
//!     }
//!
//!     fn process(&mut self, mut p: Flows<'_>, _now: Instant) {
//!         p.propagate_stop();
//!         swap(p.from_wire, p.to_app);
//!         swap(p.from_app, p.to_wire);
//!     }
//!
//!     fn is_open(&self) -> bool {
//!         true
//!     }
//!
//!     fn progress(&self) -> Progress {
//!         Progress::Open
//!     }
//! }
//!
//! # let now = Instant::ORIGIN;
//! let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
//! from_app.write(b"Hello");
//! from_app.finish();
//! let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
//! Caps.process(flows, now);
//! assert_eq!(to_wire.unread(), b"hELLO");
//! assert!(to_wire.is_closed());
//! ```
//!
//! # Contents
//!
//! * [`Layer`], [`Flows`], [`Progress`]: the trait, and the flows that it is called with.
//! * [`Pipe`], [`Queue`], [`Flow`], [`End`], [`Stop`]: flows of bytes and of items, and their ends.
//! * [`Error`], [`Blame`], [`Place`]: the cause of an error, its place in the stack, and the side
//!   that is to blame.
//! * [`Escaped`], [`decode_text`]: texts of a peer, made safe to show. [`FirstBytes`],
//!   [`SeenProtocol`]: the name of a protocol that nobody wanted.
//! * [`HostPort`], [`HostKind`], [`HostError`]: a host and a port, read, checked and shown.
//! * [`Seed`]: randomness that comes in from outside. [`constant_time_eq`]: the comparison of
//!   secrets.
//! * [`Tunnel`], [`Wire`], [`Parsed`], [`ReadError`]: a handshake as straight-line code.
//! * [`LayerExt`]: facts and decisions, found in a stack by type. [`Status`]: the state of a layer.
//!
//! [`Layer`] lists the laws that every layer keeps; the crate `wirestack-laws` checks them.
//!
//! # Features
//!
//! * `std`, on by default: [`Instant::now`], [`Instant::from_std`], [`Instant::into_std`] and
//!   [`Pipe::io_slices`]. Without it the crate is `no_std` and needs `alloc`.
//!

#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![warn(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]
#![warn(clippy::alloc_instead_of_core)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod any;
mod clock;
mod constant_time;
mod error;
mod escaped;
mod first_bytes;
mod flow;
mod flows;
mod host_port;
mod keepalive;
mod layer;
pub mod origin;
mod part;
mod pipe;
mod progress;
mod queue;
mod seed;
mod tunnel;
#[cfg(feature = "std")]
mod with_std;

pub use any::{AnyLayer, Facts, Status};
pub use clock::Instant;
pub use constant_time::constant_time_eq;
pub use error::{Blame, BoxError, Error, Place};
pub use escaped::{Escaped, decode_text};
pub use first_bytes::{FirstBytes, SeenProtocol};
pub use flow::{End, Flow, Stop};
pub use flows::Flows;
pub use host_port::{HostError, HostKind, HostPort};
pub use keepalive::Keepalive;
pub use layer::Layer;
pub use part::LayerExt;
pub use pipe::Pipe;
pub use progress::Progress;
pub use queue::{ByteSize, Queue};
pub use seed::Seed;
pub use tunnel::{Parsed, ReadError, Tunnel, Wire};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
