//! Tests of all decisions about connecting, on a fake clock and without a socket.

mod dialer;
mod dialing;
mod environment;
mod failures;
mod finding;
mod hops;
mod network;
mod pool_keys;
mod redirects;
mod schemes;
mod simulation;
mod spec;
mod system;
