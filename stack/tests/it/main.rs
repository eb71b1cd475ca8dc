//! Tests of `wirestack` with sockets, runtimes and threads, in one program.
#![cfg(feature = "tokio")] // the servers of the tests run on it
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // sockets are the subject

mod support;

mod access;
#[cfg(feature = "blocking")]
mod blocking;
mod buffered;
mod certificates;
mod claims;
mod connect;
mod driver;
mod events;
#[cfg(all(feature = "smol", feature = "blocking"))]
mod everywhere;
mod exchange;
mod features;
#[cfg(feature = "proxy-server")]
mod forward_proxy;
mod front;
#[cfg(feature = "hickory")]
mod hickory;
mod http2;
#[cfg(feature = "hyper")]
mod hyper;
mod layer_times;
mod limits;
mod listening;
mod logins;
#[cfg(feature = "pac")]
mod pac;
mod reconnect;
mod redirects;
mod relays;
mod scenarios;
mod secrets;
#[cfg(all(feature = "smol", feature = "blocking"))]
mod serving;
mod sharing;
#[cfg(feature = "smol")]
mod smol;
mod socks;
mod stops;
#[cfg(all(feature = "system-proxy", target_os = "linux"))]
mod system;
mod times;
#[cfg(feature = "tracing")]
mod tracing;
mod two_tasks;
mod udp_relay;
mod websocket;
