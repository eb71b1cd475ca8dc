//! The laws that every layer keeps, as a test kit for whoever writes one.
//!
//! A [`Subject`] says how the client and the server of a protocol are made and what the protocol
//! promises; [`check`] joins them in memory and holds conversations over a link that chops, delays,
//! bends and cuts the bytes, through flows of one byte and of many, on a clock of its own. It neither
//! sleeps nor opens a socket. Where a law is broken it panics, with the law, who broke it, what was
//! seen, and the conversation in which it was.
//!
//! ```
//! # use wirestack_layer::Instant;
//! # use wirestack_layer::{Layer, Flows, Progress};
//! use wirestack_laws::{Subject, check};
//! use wirestack_layer::{Flow, Pipe};
//!
//! struct Caps; // swaps the case of every letter
//!
//! fn swap(from: &mut Pipe, to: &mut Pipe) {
//!     let n = from.len().min(to.room()); // leave the `min` out, and `Backpressure` is broken
//!     to.write(&from.unread()[..n].iter().map(|b| b ^ 0x20).collect::<Vec<u8>>());
//!     from.consume(n);
//!     if let Some(end) = from.end().cloned() {
//!         to.close(end); // `closed()` instead of `end()` would break `Ordering`
//!     }
//! }
//! # impl Layer for Caps {
//! #     type In = Pipe;
//! #     type Out = Pipe;
//! #     fn name(&self) -> &'static str { "caps" }
//! #     fn process(&mut self, mut p: Flows<'_>, _now: Instant) {
//! #         p.propagate_stop();
//! #         swap(p.from_wire, p.to_app);
//! #         swap(p.from_app, p.to_wire);
//! #     }
//! #     fn is_open(&self) -> bool { true }
//! #     fn progress(&self) -> Progress { Progress::Open }
//! # }
//!
//! check(&Subject::tunnel("caps", || Caps, || Caps).same_bytes().largest(200_000));
//! ```
//!
//! ```text
//!   application                                                    application
//!      |    ^                                                         |    ^
//!   +--v----+--+     link: whole, chunks, split, late; cut, bent   +--v----+--+
//!   |  client  | <------------------------------------------------>|  server  |
//!   +----------+                                                   +----------+
//! ```
//!
//! # Contents
//!
//! * [`Subject`], [`Endpoint`], [`Traffic`]: what is under test.
//! * [`check`]: every law of one subject. [`associativity`]: the law that compares several.
//! * [`delivery`], [`idempotence`], [`deadline`], [`fragmentation`], [`ordering`], [`termination`], [`backpressure`], [`demand`], [`robustness`],
//!   [`transparency`]: one law each.
//! * [`Law`]: their names, as they stand in a failure.

mod compare;
mod context;
mod conversation;
mod law;
mod laws;
mod monologue;
mod peer;
mod rng;
mod role;
mod simulation;
mod subject;
mod traffic;

pub use law::Law;
pub use laws::{
    associativity, backpressure, cancellation, check, deadline, delivery, demand, fragmentation,
    idempotence, ordering, robustness, termination, transparency,
};
pub use subject::{Endpoint, Subject};
pub use traffic::{Traffic, pattern};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
