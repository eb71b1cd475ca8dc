//! The laws that every layer keeps, as a test kit for the authors of layers.
//!
//! A [`Subject`] makes the client and the server of a protocol, and states what the protocol
//! promises. [`check`] joins the two in memory. They talk over a link that cuts, delays, changes
//! and breaks off the bytes, through flows of one byte and of many, on a simulated clock. The kit
//! neither sleeps nor opens a socket. If a law is broken, it panics: the message names the law, the
//! peer that broke it, what was seen, and the conversation.
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
//!   +--v----+--+   link: whole, in chunks, delayed; with faults    +--v----+--+
//!   |  client  | <------------------------------------------------>|  server  |
//!   +----------+                                                   +----------+
//! ```
//!
//! # Contents
//!
//! * [`Subject`], [`Endpoint`], [`Traffic`]: the protocol under test.
//! * [`check`]: every law of one subject. [`associativity`]: the law that compares several.
//! * [`delivery`]: the condition for all of them. [`fragmentation`], [`ordering`],
//!   [`idempotence`], [`deadline`], [`termination`], [`backpressure`], [`demand`], [`robustness`],
//!   [`transparency`], [`cancellation`], [`honesty`]: one law each.
//! * [`Law`]: the names of the laws, as a failure shows them.
//! * [`fuzz`]: conversations that bytes describe, for fuzzers.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod compare;
mod context;
mod conversation;
pub mod fuzz;
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
    honesty, idempotence, ordering, robustness, termination, transparency,
};
pub use subject::{Endpoint, Subject};
pub use traffic::{Traffic, pattern};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
