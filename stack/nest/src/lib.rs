//! Stacks of protocol layers, without any protocol and without I/O.
//!
//! A [`Stack`] puts one [`Layer`] over another and is a layer itself, so stacks nest in any grouping. An
//! [`Engine`] is a stack with its four outer flows, to be driven by hand or by a driver. This crate knows
//! the trait of layers alone, so a stack of two small layers builds nothing else; the crate `wirestack`
//! has a driver for it on every runtime.
//!
//! ```
//! use wirestack_nest::{Engine, Nest};
//! use {wirestack_http1 as http1, wirestack_socks as socks};
//!
//! # let now = wirestack_layer::Instant::ORIGIN;
//! // An HTTP proxy that is behind a SOCKS proxy.
//! let gate = socks::Client::new(socks::Address::new("proxy.test", 3128)?);
//! let proxy = http1::connect::Client::new("example.org", 22)?;
//! let mut engine = Engine::new(proxy.over(gate));
//!
//! engine.process(now);
//! assert_eq!(engine.to_wire().unread(), [5, 1, 0]); // the greeting of SOCKS5
//! let proxy = engine.part::<http1::connect::Client>().expect("in the stack");
//! assert!(proxy.response().is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//!    from_app    to_app
//!       |          ^
//!    +--v----------+--+
//!    |  upper layer   |
//!    +--+----------^--+
//!       |  joint   |         Stack: two layers and the flows between them
//!    +--v----------+--+
//!    |  lower layer   |
//!    +--+----------^--+
//!       |          |
//!     to_wire   from_wire    Engine: a stack and the four flows around it
//! ```
//!
//! # Contents
//!
//! * [`Nest`]: `over`, `then` and `boxed`, on every layer. [`Stack`]: the layer that they make.
//! * [`Engine`], [`OpeningTimedOut`]: driving a stack.
//! * [`Identity`]: the layer that changes nothing. [`BoxTunnel`]: a stack of any depth, boxed.
//!
//! With the feature `tracing`, an engine has a span for its connection and one for each of its layers.

mod engine;
mod identity;
#[cfg(feature = "tracing")]
mod spans;
mod stack;

#[cfg(doc)]
use wirestack_layer::Layer;

pub use engine::{Engine, OpeningTimedOut};
pub use identity::Identity;
pub use stack::{BoxTunnel, Nest, Stack};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
