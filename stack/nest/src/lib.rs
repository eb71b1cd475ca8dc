//! Stacks of protocol layers, without any protocol and without I/O.
//!
//! A [`Stack`] puts one [`Layer`] over another one and is itself a layer, so stacks nest in any
//! grouping. An [`Engine`] is a stack with its four outer flows, which a driver or your own loop
//! fills and empties. This crate depends on the trait `Layer` and on no protocol, so that two small
//! layers can be nested without building the others. The crate `wirestack` has a driver for every
//! runtime.
//!
//! ```
//! use wirestack_nest::{Engine, Nest};
//! use {wirestack_http1 as http1, wirestack_socks as socks};
//!
//! # let now = wirestack_layer::Instant::ORIGIN;
//! // An HTTP proxy behind a SOCKS proxy.
//! let socks = socks::Client::new(socks::Address::new("proxy.test", 3128)?);
//! let connect = http1::connect::Client::new("example.org", 22)?;
//! let mut engine = Engine::new(connect.over(socks));
//!
//! engine.process(now);
//! assert_eq!(engine.to_wire().unread(), [5, 1, 0]); // the greeting of SOCKS5
//! let connect = engine.part::<http1::connect::Client>().expect("in the stack");
//! assert!(connect.response().is_none());
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
//! * [`Nest`]: the methods `over`, `then` and `boxed`, for every layer. [`Stack`]: the layer that
//!   they return.
//! * [`Engine`], [`OpeningTimedOut`], [`WriteTimedOut`]: driving a stack.
//! * [`Identity`]: the layer that changes nothing. [`BoxLayer`], [`BoxTunnel`]: a stack of any
//!   depth, boxed.
//!
//! With the feature `tracing`, an engine has a span for its connection and, inside it, one span for
//! each layer.
//!
//! # Features
//!
//! * `tracing`: The connection and its layers as spans of `tracing`.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod boxed;
mod engine;
mod facts;
mod identity;
mod nest;
mod opening;
#[cfg(feature = "tracing")]
mod spans;
mod stack;
mod writing;

#[cfg(doc)]
use wirestack_layer::Layer;

pub use boxed::{BoxLayer, BoxTunnel};
pub use engine::Engine;
pub use identity::Identity;
pub use nest::Nest;
pub use opening::OpeningTimedOut;
pub use stack::Stack;
pub use writing::WriteTimedOut;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
